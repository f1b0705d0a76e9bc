"""Requests that ask are told where they are; nobody else is."""

from itertools import pairwise

import msgspec

from bdchat.engine.request import Event, Progress
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import ask, step
from tests.fakes import FakeRunner


def steps(scheduler: Scheduler) -> list[Event]:
    events: list[Event] = []
    while scheduler.has_work:
        events += step(scheduler)
    return events


def add(
    scheduler: Scheduler, request_id: str, tokens: list[int], *, wants_progress: bool = True, max_tokens: int = 2
) -> None:
    request = ask(tokens, request_id=request_id, max_tokens=max_tokens)
    scheduler.add(msgspec.structs.replace(request, wants_progress=wants_progress), tokens)


def slow(*, num_sequences: int = 1) -> Scheduler:
    """Each step takes 0.3 s."""
    runner = FakeRunner(n_ctx=400, num_sequences=num_sequences, num_cells=400, n_batch=32, step_s=0.3)
    return Scheduler(runner, clock=lambda: runner.decode_seconds)


def told_of(events: list[Event], request_id: str) -> list[Progress]:
    return [event for event in events if isinstance(event, Progress) and event.request_id == request_id]


def test_a_waiting_request_hears_its_place_and_then_its_prompt() -> None:
    scheduler = slow()
    add(scheduler, "first", [1] * 20, wants_progress=False)
    add(scheduler, "second", [2] * 20, wants_progress=False)
    add(scheduler, "third", [3] * 300)
    events = steps(scheduler)
    assert not told_of(events, "first")
    told = told_of(events, "third")
    places = [event.queue_position for event in told if event.queue_position is not None]
    assert places == [2, 1]
    read = [event.num_computed_tokens for event in told if event.queue_position is None]
    assert read == sorted(set(read))
    assert len(read) >= 3
    assert 200 <= read[-1] < 300  # the last chunk is told by the first token


def test_no_more_than_twice_a_second_but_at_once_where_it_does_something_else() -> None:
    scheduler = slow()
    add(scheduler, "first", [1] * 20, wants_progress=False)
    add(scheduler, "second", [2] * 320)
    at: list[tuple[float, bool]] = []
    while scheduler.has_work:
        events = step(scheduler)
        at += [(scheduler.clock(), event.queue_position is None) for event in told_of(events, "second")]
    reading = [moment for moment, reads in at if reads]
    assert len(reading) >= 4
    assert min(later - earlier for earlier, later in pairwise(reading)) >= 0.5
    (waited,) = [moment for moment, reads in at if not reads]
    assert waited <= 0.3


def test_the_time_left_counts_down_by_itself() -> None:
    """Nothing is told of it while it comes true; it is told again when the answer before takes longer."""
    scheduler = slow()
    add(scheduler, "first", [1] * 20, wants_progress=False, max_tokens=300)
    for _ in range(5):
        step(scheduler)
    add(scheduler, "second", [2] * 20)
    heard = [(scheduler.clock(), event.eta_ms) for _ in range(60) for event in told_of(step(scheduler), "second")]
    assert len(heard) < 20
    ready = [at + (eta_ms or 0) / 1000 for at, eta_ms in heard]
    moves = [abs(later - earlier) for earlier, later in pairwise(ready)]
    assert all(move > 1.0 for move in moves)


def test_nothing_is_said_twice_and_nothing_to_those_who_did_not_ask() -> None:
    scheduler = slow()
    add(scheduler, "quiet", [1] * 50, wants_progress=False)
    assert not [event for event in steps(scheduler) if isinstance(event, Progress)]
    add(scheduler, "loud", [2] * 50)
    told = told_of(steps(scheduler), "loud")
    assert len(told) == len({(event.queue_position, event.num_computed_tokens) for event in told})
