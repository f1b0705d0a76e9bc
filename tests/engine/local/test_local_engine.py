"""The parent's side: what a caller may rely on, whatever happens to the process. Mostly over a thread."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from bdchat.engine.engine import Engine
from bdchat.engine.errors import (
    ContextLengthExceeded,
    EngineUnavailable,
    GenerationFailed,
    InvalidRequest,
    ModelLoadFailed,
    QueueFull,
    QueueTimeout,
)
from bdchat.engine.inspection import PinState
from bdchat.engine.local.child import Handle, ProcessSpawn
from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.request import Accepted, Delta, Finished, FinishReason, TextPrompt
from bdchat.settings import EngineSettings
from tests.engine.fake_process import (
    FAKE_LOADER,
    IMPATIENT,
    RAISE,
    ThreadSpawn,
    ask,
    events_of,
    expected_text,
    process_engine,
    shape,
    text_of,
    thread_engine,
)
from tests.patience import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_request_waits_while_the_model_loads(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        assert (engine.state, engine.info) == ("loading", None)
        events = await events_of(engine, ask("hello"))
        assert text_of(events) == expected_text("hello")
        assert shape(events) == (1, 1)
        assert isinstance(events[0], Accepted)
        assert engine.state == "ready"
        assert engine.info is not None
        assert engine.info.model_id == "fake"
    assert engine.state == "closed"


async def test_choices_and_neighbours_do_not_mix(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        answers = await asyncio.gather(*(events_of(engine, ask(f"stream {i}", num_choices=2)) for i in range(8)))
        for i, events in enumerate(answers):
            assert shape(events) == (1, 2)
            for index in range(2):
                assert text_of(events, index) == expected_text(f"stream {i}")


async def test_what_can_be_refused_is_refused_before_the_first_event(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, queue_limit=2) as engine:
        with pytest.raises(ContextLengthExceeded) as too_long:
            await events_of(engine, ask("x" * 2000))
        assert (too_long.value.num_prompt_tokens, too_long.value.n_ctx) == (2000, 1024)
        with pytest.raises(InvalidRequest) as surrogate:
            await events_of(engine, ask("\ud800", request_id="surrogate"))
        assert surrogate.value.param == "prompt"
        with pytest.raises(GenerationFailed):
            await events_of(engine, ask(RAISE))
        assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")


async def test_an_answer_ends_as_length_when_its_time_is_over(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=5", generation_s=0.2) as engine:
        events = await events_of(engine, ask("hello", 1000))
        assert isinstance(events[-1], Finished)
        assert events[-1].reason is FinishReason.LENGTH
        said = text_of(events)
        assert 0 < len(said) < 1000
        assert expected_text("hello", 1000).startswith(said)


async def test_more_requests_than_there_is_room_for_are_refused_with_a_time(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=2", queue_limit=2) as engine:
        asked = [asyncio.create_task(events_of(engine, ask(f"stream {i}"))) for i in range(40)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        refused = [result for result in results if isinstance(result, QueueFull)]
        assert refused
        assert all(error.retry_after_s >= 1.0 for error in refused)
        for i, result in enumerate(results):
            if not isinstance(result, BaseException):
                assert text_of(result) == expected_text(f"stream {i}")


async def test_who_waits_too_long_for_a_place_has_had_no_event(tmp_path: Path) -> None:
    settings = EngineSettings(queue_timeout_s=0.1)
    async with thread_engine(tmp_path, "step_ms=5", settings=settings) as engine:
        await engine.wait_ready()
        running = [asyncio.create_task(events_of(engine, ask(f"stream {i}", 900))) for i in range(4)]
        await until(lambda: engine.metrics().num_running == 4)
        with pytest.raises(QueueTimeout) as caught:
            await events_of(engine, ask("late"))
        assert caught.value.waited_s >= 0.1
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_a_reader_that_leaves_frees_its_sequence_within_250_ms(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=5") as engine:
        async with aclosing(engine.generate(ask("long", 900))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    break
        await until(lambda: engine.metrics().num_cancelled == 1 and engine.metrics().num_running == 0, 0.25)


async def test_a_cancelled_task_frees_its_sequence(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=5") as engine:
        task = asyncio.create_task(events_of(engine, ask("long", 900)))
        await until(lambda: engine.metrics().num_running == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: engine.metrics().num_cancelled == 1 and engine.metrics().num_running == 0, 0.25)


async def test_a_slow_reader_gets_everything_in_order(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=0") as engine:
        text, num_deltas = "", 0
        async for event in engine.generate(ask("slow", 300)):
            if isinstance(event, Delta):
                text += event.text
                num_deltas += 1
                await asyncio.sleep(0.01)
        assert text == expected_text("slow", 300)
        assert num_deltas < 100


async def test_prompts_are_tokenised(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        tokens = await engine.tokenize(TextPrompt(text="환불"))
        assert tokens == tuple("환불".encode())
        said = await engine.detokenize(tokens)
        assert (said.text, b"".join(said.pieces)) == ("환불", "환불".encode())
        with pytest.raises(InvalidRequest):
            await engine.tokenize(TextPrompt(text="\ud800"))


async def test_closing_tells_readers_and_refuses_newcomers(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=5") as engine:
        task = asyncio.create_task(events_of(engine, ask("long", 900)))
        await until(lambda: engine.metrics().num_running == 1)
        await engine.aclose()
        with pytest.raises(EngineUnavailable):
            await task
        with pytest.raises(EngineUnavailable):
            await events_of(engine, ask("late"))


async def test_a_model_that_does_not_load_fails_every_request_with_its_reason(tmp_path: Path) -> None:
    async with process_engine(tmp_path, "fail=bad magic", timeouts=IMPATIENT._replace(retry_s=60.0)) as engine:
        for name in ("waiting", "later"):
            with pytest.raises(ModelLoadFailed) as caught:
                await events_of(engine, ask(name))
            assert (caught.value.model, caught.value.reason) == ("fake", "ValueError: bad magic")
        assert engine.state == "failed"
        with pytest.raises(ModelLoadFailed):
            await engine.wait_ready()


@pytest.mark.parametrize("how", ["fail=bad magic", "die=1"])
async def test_a_model_that_does_not_load_says_when_it_is_tried_again(tmp_path: Path, how: str) -> None:
    now = [0.0]
    timeouts = IMPATIENT._replace(retry_s=60.0, num_failed_loads=1)
    async with process_engine(tmp_path, how, timeouts=timeouts, clock=lambda: now[0]) as engine:
        for elapsed_s, left_s in ((0.0, 60.0), (17.5, 42.5), (59.9, 1.0)):
            now[0] = elapsed_s
            with pytest.raises(ModelLoadFailed) as caught:
                await engine.wait_ready() if elapsed_s == 0.0 else await events_of(engine, ask("later"))
            assert caught.value.retry_after_s == left_s


async def test_a_failed_model_is_tried_again_by_a_request_after_a_while(tmp_path: Path) -> None:
    now = [0.0]
    async with process_engine(tmp_path, "fail=bad magic", clock=lambda: now[0]) as engine:
        with pytest.raises(ModelLoadFailed):
            await engine.wait_ready()
        now[0] += IMPATIENT.retry_s
        waiting = asyncio.create_task(events_of(engine, ask("again")))
        await until(lambda: engine.state == "loading")
        with pytest.raises(ModelLoadFailed):
            await waiting


async def test_a_process_that_dies_while_loading_is_given_up(tmp_path: Path) -> None:
    async with process_engine(tmp_path, "die=1", timeouts=IMPATIENT._replace(num_failed_loads=2)) as engine:
        with pytest.raises(ModelLoadFailed, match="dies while loading: SIGABRT"):
            await events_of(engine, ask("hello"))


async def test_a_load_that_hangs_is_ended(tmp_path: Path) -> None:
    async with process_engine(tmp_path, "stall=1", timeouts=IMPATIENT._replace(load_s=0.5)) as engine:
        with pytest.raises(ModelLoadFailed, match="not loaded within"):
            await events_of(engine, ask("hello"))


async def test_an_engine_that_cannot_be_started_is_given_up(tmp_path: Path) -> None:
    async def spawn(sock: socket.socket, name: str) -> Handle:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    timeouts = IMPATIENT._replace(num_failed_loads=2)
    settings = EngineSettings()
    async with LocalEngine(Path("m"), "m", settings, cache_dir=tmp_path, spawn=spawn, timeouts=timeouts) as engine:
        with pytest.raises(ModelLoadFailed, match="cannot start an engine process"):
            await engine.wait_ready()


class NonsenseFirst:
    """The first engine answers with garbage, the others are real."""

    def __init__(self, garbage: bytes) -> None:
        self._garbage = garbage
        self._sane = ThreadSpawn()
        self._insane: _Nonsense | None = None

    async def __call__(self, sock: socket.socket, name: str) -> Handle:
        if self._insane is not None:
            return await self._sane(sock, name)
        self._insane = _Nonsense(sock.dup(), self._garbage)
        return self._insane


class _Nonsense:
    pid = 0

    def __init__(self, sock: socket.socket, garbage: bytes) -> None:
        self._sock = sock
        self._killed = asyncio.Event()
        sock.sendall(garbage)

    async def wait(self) -> int:
        await self._killed.wait()
        return -9

    def kill(self) -> None:
        self._sock.close()
        self._killed.set()

    async def last_words(self) -> str:
        return "the garbage's last line"


@pytest.mark.parametrize(
    "garbage", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", b"GET / HTTP/1.1\r\n"], ids=["length", "body", "http"]
)
async def test_a_process_that_speaks_nonsense_is_replaced(tmp_path: Path, garbage: bytes) -> None:
    spawn, settings = NonsenseFirst(garbage), EngineSettings()
    async with LocalEngine(Path("m"), "m", settings, cache_dir=tmp_path, spawn=spawn, timeouts=IMPATIENT) as engine:
        assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")
        assert engine.num_restarts == 1


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    fds, tasks = len(os.listdir("/proc/self/fd")), asyncio.all_tasks()
    yield
    await until(lambda: asyncio.all_tasks() == tasks)
    assert len(os.listdir("/proc/self/fd")) == fds
    with pytest.raises(ChildProcessError):  # no zombie
        os.waitpid(-1, os.WNOHANG)  # noqa: ASYNC222  # returns at once


@pytest.mark.parametrize("moment", ["starting", "loading", "idle", "busy", "dead"])
async def test_closing_leaves_no_process_no_descriptor_and_no_task(tmp_path: Path, moment: str) -> None:
    await (await asyncio.create_subprocess_exec("true")).wait()  # asyncio's own descriptors for children exist now
    async with nothing_left_behind():
        how = "stall=1" if moment == "loading" else "step_ms=5"
        engine = process_engine(tmp_path, how)
        async with engine:
            task = None
            if moment == "loading":
                await until(lambda: engine.load_fraction == 0.5)
            if moment in ("idle", "busy", "dead"):
                await engine.wait_ready()
            if moment == "busy":
                task = asyncio.create_task(events_of(engine, ask("long", 900)))
                await until(lambda: engine.metrics().num_running == 1)
            if moment == "dead":
                assert engine.pid is not None
                os.kill(engine.pid, 9)
                await until(lambda: engine.state == "restarting")
        if task is not None:
            with contextlib.suppress(EngineUnavailable):
                await task


async def test_engines_are_started_without_our_secrets(tmp_path: Path) -> None:
    """Read where a compromised engine could read it."""
    os.environ["BDCHAT_API_KEY"] = os.environ["SOME_TOKEN"] = "hunter2"
    try:
        async with process_engine(tmp_path) as engine:
            await engine.wait_ready()
            environment = Path(f"/proc/{engine.pid}/environ").read_bytes()  # noqa: ASYNC240  # no disk behind it
    finally:
        del os.environ["BDCHAT_API_KEY"], os.environ["SOME_TOKEN"]
    assert b"PATH=" in environment
    assert b"hunter2" not in environment


async def test_a_loaders_own_switches_replace_the_usual_ones(tmp_path: Path) -> None:
    spawn = ProcessSpawn(FAKE_LOADER, switches={"GOMP_SPINCOUNT": "0"})
    async with LocalEngine(Path("fake"), "fake", EngineSettings(), cache_dir=tmp_path, spawn=spawn) as engine:
        await engine.wait_ready()
        environment = Path(f"/proc/{engine.pid}/environ").read_bytes().split(b"\0")  # noqa: ASYNC240  # no disk behind it
    assert [each for each in environment if each.startswith(b"GOMP_SPINCOUNT")] == [b"GOMP_SPINCOUNT=0"]


async def test_many_processes_come_and_go(tmp_path: Path) -> None:
    for _ in range(3):
        spawn, settings = ProcessSpawn(FAKE_LOADER), EngineSettings()
        async with LocalEngine(Path("fake"), "fake", settings, cache_dir=tmp_path, spawn=spawn) as engine:
            assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")


async def test_local_engine_is_an_engine(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as local:
        engine: Engine = local
        assert (await local.wait_ready()) == engine.info


async def test_a_stored_chat_is_in_the_cache_after_a_restart(tmp_path: Path) -> None:
    chat = "a long conversation, " * 8
    async with thread_engine(tmp_path) as engine:
        await events_of(engine, ask(chat, cache_tag="chat-1"))
        survey = await engine.survey(TextPrompt(text=chat + "and more"))
        assert (survey.num_prompt_tokens, survey.num_resident) == (len(chat) + 8, len(chat))
    async with thread_engine(tmp_path) as engine:
        survey = await engine.survey(TextPrompt(text=chat + "and more"))
        assert (survey.num_resident, survey.num_in_ram, survey.num_on_disk) == (0, 0, len(chat))
        events = await events_of(engine, ask(chat + "and more"))
        assert text_of(events) == expected_text(chat + "and more")
        assert engine.metrics().prompt_tokens_from_disk == len(chat)
        engine.forget("chat-1")
    async with thread_engine(tmp_path) as engine:
        assert (await engine.survey(TextPrompt(text=chat))).num_on_disk == 0


async def test_a_pin_is_kept_and_goes_with_the_engine_through_its_lives(tmp_path: Path) -> None:
    async def kept(engine: LocalEngine) -> PinState:
        await until(lambda: engine.pins()[0].state == "kept")
        return engine.pins()[0]

    async with thread_engine(tmp_path) as engine:
        engine.pin("house", "a library's voice, " * 8)
        state = await kept(engine)
        assert (state.state, state.num_tokens) == ("kept", len("system: " + "a library's voice, " * 8 + "\nuser: "))
        assert engine.metrics().prompt_tokens_computed == state.num_tokens
    async with thread_engine(tmp_path) as engine:
        engine.pin("house", "a library's voice, " * 8)
        again = await kept(engine)
        assert (again.num_tokens, again.is_in_ram, again.is_on_disk) == (state.num_tokens, True, True)
        assert engine.metrics().prompt_tokens_computed == 0
        engine.unpin("house")
        assert engine.pins() == ()


async def test_a_survey_is_refused_like_any_prompt(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        survey = await engine.survey(TextPrompt(text="nobody has asked this"))
        assert (survey.num_on_disk, survey.num_waiting) == (0, 0)
        assert survey.prefill_ms > 0
        with pytest.raises(InvalidRequest):
            await engine.survey(TextPrompt(text="\ud800"))
