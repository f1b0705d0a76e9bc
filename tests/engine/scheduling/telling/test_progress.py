"""Requests that ask are told where they are; nobody else is."""

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


def add(scheduler: Scheduler, request_id: str, tokens: list[int], *, wants_progress: bool = True) -> None:
    request = ask(tokens, request_id=request_id, max_tokens=2)
    scheduler.add(msgspec.structs.replace(request, wants_progress=wants_progress), tokens)


def test_a_waiting_request_hears_its_place_and_then_its_prompt() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=400, num_sequences=1, num_cells=400, n_batch=32))
    add(scheduler, "first", [1] * 20, wants_progress=False)
    add(scheduler, "second", [2] * 20, wants_progress=False)
    add(scheduler, "third", [3] * 100)
    told = [event for event in steps(scheduler) if isinstance(event, Progress)]
    assert {event.request_id for event in told} == {"third"}
    places = [event.queue_position for event in told]
    assert places[:2] == [2, 1]
    read = [event.num_computed_tokens for event in told if event.queue_position is None]
    assert read == sorted(set(read))
    assert len(read) >= 3
    assert 64 <= read[-1] < 100  # the last chunk is told by the first token


def test_nothing_is_said_twice_and_nothing_to_those_who_did_not_ask() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=400, num_sequences=1, num_cells=400, n_batch=32))
    add(scheduler, "quiet", [1] * 50, wants_progress=False)
    assert not [event for event in steps(scheduler) if isinstance(event, Progress)]
    add(scheduler, "loud", [2] * 50)
    told = [event for event in steps(scheduler) if isinstance(event, Progress)]
    assert len(told) == len({(event.queue_position, event.num_computed_tokens) for event in told})
