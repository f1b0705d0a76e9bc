"""The optimizer beside an engine: its process, and how its result is taken without anybody's harm."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bdchat.engine.local import optimizing, supervisor
from bdchat.engine.weights.job import MAX_LINE_BYTES, OptimizerJob, OptimizerProgress
from bdchat.engine.weights.verdict import Verdict
from bdchat.engine.wire import Load
from tests.engine.fake_process import ask, events_of, expected_text, text_of, thread_engine
from tests.patience import until

pytestmark = pytest.mark.anyio
LOAD = Load(model_path="m.gguf", model_id="m", settings={"n_ctx": 64}, cache_dir="cache", queue_limit=1)
ENCODED = Verdict(key="k", model_path="m.gguf", is_encoded=True, uses_extra_bufts=True, reason="Faster.")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def answers_with(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(optimizing, "optimizer_command", lambda: [sys.executable, "-I", "-c", script])


async def test_what_the_process_tells_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(
        monkeypatch,
        "import sys, json\n"
        "job = json.load(sys.stdin)\n"
        'print(\'{"type": "progress", "stage": "measuring", "fraction": 0.5}\')\n'
        "print('a library prints')\n"
        "verdict = dict(key=job['model_id'], model_path=job['model_path'], is_encoded=False, uses_extra_bufts=True,\n"
        "               reason=str(job['settings']['n_ctx']))\n"
        "print(json.dumps({'type': 'done', 'verdict': verdict}))",
    )
    told: list[OptimizerProgress] = []
    verdict = await optimizing.optimize(LOAD, told.append)
    assert verdict == Verdict(key="m", model_path="m.gguf", is_encoded=False, uses_extra_bufts=True, reason="64")
    assert told == [OptimizerProgress(stage="measuring", fraction=0.5)]


@pytest.mark.parametrize(
    "script",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        'print(\'{"type": "done", "failure": "there is no memory"}\')',
        f"print('x' * {2 * MAX_LINE_BYTES})",
        "import sys; sys.exit('no module')",
    ],
    ids=["crash", "failure", "endless line", "exit"],
)
async def test_a_process_that_finds_nothing_out_costs_nothing(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    answers_with(monkeypatch, script)
    assert await optimizing.optimize(LOAD, lambda _: None) is None


def finds(monkeypatch: pytest.MonkeyPatch, verdict: Verdict | None) -> list[Load]:
    """What supervisors ask for."""
    asked: list[Load] = []

    async def optimize(load: Load, on_progress: Callable[[OptimizerProgress], None]) -> Verdict | None:
        asked.append(load)
        on_progress(OptimizerProgress(stage="measuring"))
        await asyncio.sleep(0)
        return verdict

    monkeypatch.setattr(supervisor, "optimize", optimize)
    monkeypatch.setattr(optimizing, "CALM_S", 0.2)
    monkeypatch.setattr(optimizing, "POLL_S", 0.02)
    return asked


async def test_the_engine_takes_other_weights_when_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = finds(monkeypatch, ENCODED)
    async with thread_engine(tmp_path, "weights=open&step_ms=5") as engine:
        answer = asyncio.create_task(events_of(engine, ask("hello", 60)))
        assert text_of(await answer) == expected_text("hello", 60)  # nothing was taken from under it
        first = engine._supervisor.child
        await until(lambda: engine.state == "ready" and engine._supervisor.child not in (None, first))
        assert text_of(await events_of(engine, ask("again"))) == expected_text("again")
        assert engine.num_restarts == 0  # it is no failure
        assert len(asked) == 1  # the new life does not ask again
        assert engine._supervisor.optimizing is None


@pytest.mark.parametrize(
    "verdict", [None, Verdict(key="k", model_path="m", is_encoded=False, uses_extra_bufts=True, reason="")]
)
async def test_without_a_gain_the_engine_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict | None
) -> None:
    asked = finds(monkeypatch, verdict)
    async with thread_engine(tmp_path, "weights=open") as engine:
        await engine.wait_ready()
        first = engine._supervisor.child
        task = engine._supervisor._optimizer
        assert task is not None
        await task
        assert (engine._supervisor.child, engine.state) == (first, "ready")
    assert len(asked) == 1


async def test_an_engine_that_ends_ends_the_optimizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(monkeypatch, "import time; time.sleep(600)")
    started: list[asyncio.subprocess.Process] = []
    really = asyncio.create_subprocess_exec

    async def start(*command: str, **how: object) -> asyncio.subprocess.Process:
        started.append(await really(*command, **how))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    async with thread_engine(tmp_path, "weights=open") as engine:
        await engine.wait_ready()
        await until(lambda: bool(started))
    assert await started[0].wait() == -9


def test_a_job_is_what_a_load_says() -> None:
    assert set(OptimizerJob.__struct_fields__) <= set(Load.__struct_fields__)
