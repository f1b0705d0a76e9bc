"""The engine process lives and dies; answers do not notice. Real processes around a fake model, then the real one."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from bdchat.engine.errors import ModelLoadFailed, RequestQuarantined
from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.request import (
    ChatMessage,
    ChatPrompt,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    SamplingParams,
)
from bdchat.settings import EngineSettings
from tests.engine.fake_process import (
    HANG,
    QUICK_TO_CALL_IT_HUNG,
    SEGFAULT,
    SEGFAULT_AT_TOKEN_20,
    ask,
    events_of,
    expected_text,
    process_engine,
    shape,
    text_of,
)
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def kill_after(engine: LocalEngine, events: AsyncIterator[Event], num_deltas: int) -> list[Event]:
    """Reads to the end; kills the engine on the way."""
    seen: list[Event] = []
    async for event in events:
        seen.append(event)
        if sum(isinstance(e, Delta) for e in seen) == num_deltas and engine.pid is not None:
            os.kill(engine.pid, signal.SIGKILL)
    return seen


async def tokenize_for_ever(engine: LocalEngine) -> None:
    while True:
        await engine.tokenize(ask("abc").prompt)
        await asyncio.sleep(0.05)


async def test_an_answer_outlives_its_engine_without_a_lost_or_doubled_character(tmp_path: Path) -> None:
    async with process_engine(tmp_path, "step_ms=3") as engine:
        events = await kill_after(engine, engine.generate(ask("hello", 100, num_choices=2)), 30)
        assert shape(events) == (1, 2)
        for index in range(2):
            assert text_of(events, index) == expected_text("hello", 100)
            [end] = [e for e in events if isinstance(e, Finished) and e.index == index]
            assert (end.reason, end.usage.num_completion_tokens) == (FinishReason.LENGTH, 100)
        assert engine.num_restarts == 1
        assert engine.metrics().num_requests >= 1


@pytest.mark.slow
async def test_twenty_kills_from_outside_harm_none_of_three_streams(tmp_path: Path) -> None:
    """As often as it comes to generating, the engine is killed; nobody is quarantined, nothing is given up."""
    async with process_engine(tmp_path, "step_ms=5") as engine:
        streams = [asyncio.create_task(events_of(engine, ask(f"stream {i}", 900))) for i in range(3)]
        for num_kills in range(20):
            await until(lambda: engine.state == "ready" and engine.metrics().num_running == 3)
            before = engine.metrics().tokens_generated
            await until(lambda before=before: engine.metrics().tokens_generated > before + 30)  # type: ignore[misc]
            pid = engine.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid, n=num_kills: engine.pid != pid and engine.num_restarts > n)  # type: ignore[misc]
        for i, stream in enumerate(streams):
            events = await stream
            assert shape(events) == (1, 1)
            assert text_of(events) == expected_text(f"stream {i}", 900)


async def test_death_is_noticed_within_100_ms(tmp_path: Path) -> None:
    """The best of three: a busy machine may give this process no turn for that long."""
    seconds = []
    async with process_engine(tmp_path) as engine:
        for _ in range(3):
            await engine.wait_ready()
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            began = time.perf_counter()
            await until(lambda: engine.state == "restarting")
            seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.1


@pytest.mark.parametrize(
    "killer_prompt", [SEGFAULT, f"x{SEGFAULT_AT_TOKEN_20}"], ids=["in its prompt", "in its answer"]
)
async def test_a_request_that_crashes_the_engine_is_refused_and_its_neighbours_are_answered(
    tmp_path: Path, killer_prompt: str
) -> None:
    async with process_engine(tmp_path, "step_ms=3") as engine:
        streams = [asyncio.create_task(events_of(engine, ask(f"stream {i}", 120))) for i in range(3)]
        await until(lambda: engine.metrics().num_running == 3)
        killer = asyncio.create_task(events_of(engine, ask(killer_prompt, 120)))
        with pytest.raises(RequestQuarantined) as caught:
            await killer
        assert caught.value.num_deaths >= 2
        for i, stream in enumerate(streams):
            assert text_of(await stream) == expected_text(f"stream {i}", 120)
        assert engine.num_restarts <= 4


async def test_a_hung_engine_is_replaced_and_who_hung_it_is_refused(tmp_path: Path) -> None:
    async with process_engine(tmp_path, "step_ms=3", timeouts=QUICK_TO_CALL_IT_HUNG) as engine:
        await engine.wait_ready()
        stream = asyncio.create_task(events_of(engine, ask("hello", 300)))
        chatter = asyncio.create_task(tokenize_for_ever(engine))  # answered by another thread: no sign of the loop
        with pytest.raises(RequestQuarantined):
            await events_of(engine, ask(HANG))
        assert text_of(await stream) == expected_text("hello", 300)
        chatter.cancel()


async def test_a_prompt_that_is_only_tokenised_waits_for_the_next_process(tmp_path: Path) -> None:
    async with process_engine(tmp_path) as engine:
        await engine.wait_ready()
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        assert await engine.tokenize(ask("abc").prompt) == tuple(b"abc")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_to_the_whole_group_are_the_parents_affair(tmp_path: Path, number: signal.Signals) -> None:
    async with process_engine(tmp_path, "step_ms=3") as engine:
        await engine.wait_ready()
        assert engine.pid is not None
        os.kill(engine.pid, number)
        assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")
        assert engine.num_restarts == 0


async def test_totals_outlive_the_process(tmp_path: Path) -> None:
    async with process_engine(tmp_path) as engine:
        await events_of(engine, ask("hello"))
        before = engine.metrics().tokens_generated
        assert before == 40
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        await events_of(engine, ask("again"))
        assert engine.metrics().tokens_generated == 80


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.engine.fake_process import ask, process_engine

async def main() -> None:
    async with process_engine(Path(sys.argv[1]), sys.argv[2]) as engine:
        if "stall" in sys.argv[2]:
            while engine.pid is None or engine.progress is None:
                await asyncio.sleep(0.01)
            sys.stdout.write(f"{engine.pid}\\n")
            sys.stdout.flush()
        async for _ in engine.generate(ask("long", 900)):
            sys.stdout.write(f"{engine.pid}\\n")
            sys.stdout.flush()

asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["step_ms=5", "stall=1"], ids=["generating", "loading"])
async def test_no_engine_outlives_its_parent(tmp_path: Path, how: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = [sys.executable, "-c", PARENT, str(tmp_path), how]
    parent = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    engine = psutil.Process(int(await parent.stdout.readline()))
    assert engine.name() == "bdchat-engine"
    assert engine.ppid() == parent.pid
    parent.kill()
    await parent.communicate()
    await until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE, 2.0)


async def test_an_engine_without_its_parent_does_not_begin(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bdchat.engine.process.main", "--fd", "0", "--parent", "1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, env=environment)
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


@pytest.mark.parametrize("kind", ["garbage", "truncated", "folder", "fifo", "missing"])
async def test_a_file_that_is_no_model_is_a_reason_not_a_crash(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.gguf"
    if kind == "garbage":
        path.write_bytes(bytes(range(256)) * 100)
    elif kind == "truncated":
        path.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 64)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    async with LocalEngine(path, "m", EngineSettings(), cache_dir=tmp_path) as engine:
        with pytest.raises(ModelLoadFailed) as caught:
            await asyncio.wait_for(events_of(engine, ask("hello")), PATIENCE_S)
        assert caught.value.reason
        assert "\n" not in caught.value.reason
        assert (engine.state, engine.num_restarts) == ("failed", 0)


@pytest.mark.gguf
@pytest.mark.slow
async def test_the_real_model_goes_on_after_a_kill(tmp_path: Path, default_model_path: Path) -> None:
    """Kernels differ between reading and writing a token, so the text may turn another way after the kill; that no
    character is lost or doubled shows in the tokens' own bytes."""
    settings = EngineSettings(n_ctx=512, max_sequences=2, calibrate=False, n_threads=1)
    request = GenerationRequest(
        request_id="real",
        prompt=ChatPrompt(messages=(ChatMessage(role="user", content="Count to twenty in words."),)),
        sampling=SamplingParams(temperature=0.0, max_tokens=64, num_top_logprobs=0, ignore_eos=True),
    )
    async with LocalEngine(default_model_path, "smollm2", settings, cache_dir=tmp_path) as engine:
        info = await engine.wait_ready()
        assert (info.model_id, info.architecture) == ("smollm2", "llama")
        for num_kills in range(2):
            events = await kill_after(engine, engine.generate(request), 4 if num_kills else -1)
            deltas = [event for event in events if isinstance(event, Delta)]
            assert shape(events) == (1, 1)
            assert sum(len(delta.tokens) for delta in deltas) == 64
            written = b"".join(logprob.token_bytes for delta in deltas for logprob in delta.logprobs)
            assert text_of(events) == written.decode("utf-8", "ignore")  # the last code point may be cut
            assert engine.num_restarts == num_kills
