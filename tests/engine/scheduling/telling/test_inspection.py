"""What somebody who watches an engine is told: every cell has an owner, and asking disturbs nobody."""

import asyncio
from pathlib import Path

import pytest

from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.telling.inspection import inspect
from tests.engine.fake_process import ask as ask_process
from tests.engine.fake_process import events_of, expected_text, text_of, thread_engine
from tests.engine.scheduler_runs import PROMPT, add, ask, run, step
from tests.fakes import FakeRunner


def test_running_waiting_and_idle_are_told_apart() -> None:
    scheduler = Scheduler(FakeRunner(num_sequences=2))
    add(scheduler, ask(PROMPT, request_id="first", max_tokens=2))
    run(scheduler)
    for name in ("a", "b", "c"):
        add(scheduler, ask([ord(name), *PROMPT], request_id=name))
    step(scheduler)
    found = {state.request_id: state for state in inspect(scheduler, now=1e9)}
    assert {name: found[name].state for name in ("a", "b", "c")} == {"a": "writing", "b": "writing", "c": "waiting"}
    assert (found["c"].queue_position, found["c"].num_cells) == (1, 0)
    assert found["a"].num_prompt_tokens == len(PROMPT) + 1
    assert found["a"].age_ms > 0


def test_who_waits_or_reads_is_told_when_it_will_speak() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=1, num_cells=200, n_batch=16, step_s=0.1)
    scheduler = Scheduler(runner, clock=lambda: runner.decode_seconds)
    add(scheduler, ask([1] * 100, request_id="reads", max_tokens=20))
    add(scheduler, ask([2] * 50, request_id="waits", max_tokens=2))
    step(scheduler)
    eta_ms = {state.request_id: state.eta_ms for state in inspect(scheduler, now=runner.decode_seconds)}
    assert eta_ms["reads"] is not None
    assert eta_ms["waits"] is not None
    assert 0 < eta_ms["reads"] < eta_ms["waits"]


def test_who_gave_way_is_paused() -> None:
    scheduler = Scheduler(FakeRunner())
    for name in ("first", "second"):
        add(scheduler, ask([ord(name[0]), *PROMPT], request_id=name))
    step(scheduler)
    scheduler._preemption.preempt(scheduler._preemption.victim)
    states = {state.request_id: state for state in inspect(scheduler, now=scheduler.clock())}
    assert states["second"].state == "paused"
    assert states["second"].num_preemptions == 1
    assert (states["second"].queue_position, states["first"].state) == (1, "writing")


def test_cells_that_are_kept_are_nobodys() -> None:
    scheduler = Scheduler(FakeRunner())
    add(scheduler, ask(PROMPT, request_id="gone", max_tokens=2))
    run(scheduler)
    (idle,) = inspect(scheduler, now=0)
    assert (idle.state, idle.request_id) == ("idle", "")
    assert idle.num_cells == idle.num_own_cells == len(PROMPT) + 1  # the last token is never computed


def test_own_cells_are_those_that_nobody_else_uses() -> None:
    scheduler = Scheduler(FakeRunner())
    add(scheduler, ask(PROMPT, request_id="twice", n=2))
    for _ in range(3):
        step(scheduler)
    states = [state for state in inspect(scheduler, now=0) if state.request_id == "twice"]
    assert len(states) == 2
    shared = {state.num_cells - state.num_own_cells for state in states}
    assert shared == {len(PROMPT) - 1}  # each computes the prompt's last token itself: it yields the logits
    assert sum(state.num_own_cells for state in states) + shared.pop() == scheduler.metrics().num_cells


@pytest.mark.anyio
async def test_an_engine_is_inspected_while_it_answers(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=5") as engine:
        assert await engine.inspect() == ()  # nothing is loaded yet
        answering = asyncio.create_task(events_of(engine, ask_process("hello", num_tokens=60)))
        while not (states := await engine.inspect()):  # noqa: ASYNC110  # a thread's doing
            await asyncio.sleep(0.01)
        assert {state.request_id for state in states} == {"r-hello"}
        assert engine.num_in_flight == 1
        assert text_of(await answering) == expected_text("hello", 60)
        assert engine.num_in_flight == 0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
