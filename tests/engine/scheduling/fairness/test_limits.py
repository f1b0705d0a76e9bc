"""The laws of the door: how much one user may have waiting, and what it is told when it has."""

import msgspec
import pytest

from bdchat.engine.errors import AccountLimitReached, QueueFull
from bdchat.engine.request import GenerationRequest
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import add, ask, run, step
from tests.fakes import FakeRunner

PROMPT = list(b"hello there")


def scheduler_of(num_places: int, *, queue_limit: int = 64) -> Scheduler:
    runner = FakeRunner(n_ctx=400, num_sequences=num_places, num_cells=400 * num_places, n_batch=64, step_s=0.05)
    return Scheduler(runner, queue_limit=queue_limit)


def of(user: str, request_id: str, *, max_running: int = 0, max_queued: int = 0, **asked: int) -> GenerationRequest:
    request = ask([*PROMPT, *request_id.encode()], request_id=request_id, **asked)  # type: ignore[arg-type]
    return msgspec.structs.replace(request, user=user, max_running=max_running, max_queued=max_queued)


def test_what_is_more_than_a_user_may_have_waiting_is_refused_and_others_are_not() -> None:
    scheduler = scheduler_of(1)
    for number in range(3):  # one gets the place
        add(scheduler, of("a", f"a{number}", max_queued=2))
    with pytest.raises(AccountLimitReached) as caught:
        add(scheduler, of("a", "late", max_queued=2))
    assert (caught.value.limit, caught.value.allowed) == ("requests waiting", 2)
    add(scheduler, of("b", "b", max_queued=1))
    assert len(run(scheduler).finished) == 4


def test_the_whole_line_has_a_bound_of_its_own() -> None:
    scheduler = scheduler_of(1, queue_limit=1)
    for number in range(2):
        add(scheduler, of("a", f"a{number}", max_queued=9))
    with pytest.raises(QueueFull):
        add(scheduler, of("b", "b", max_queued=9))


def test_choices_of_one_request_wait_as_one() -> None:
    scheduler = scheduler_of(1)
    add(scheduler, of("a", "running", max_queued=1))
    step(scheduler)
    add(scheduler, of("a", "choices", max_queued=1, n=4))
    with pytest.raises(AccountLimitReached):
        add(scheduler, of("a", "late", max_queued=1))
    assert len(run(scheduler).finished) == 5


def test_who_gave_way_is_not_counted_among_those_that_wait() -> None:
    scheduler = scheduler_of(2)
    for number in range(2):
        add(scheduler, of("a", f"a{number}", max_queued=1, max_tokens=50))
    step(scheduler)
    add(scheduler, of("b", "b"))
    step(scheduler)
    assert [s.request.request_id for s in scheduler.sequences()[1]] == ["a1"]  # b had nothing and took its place
    add(scheduler, of("a", "next", max_queued=1))
    assert len(run(scheduler).finished) == 4


def test_a_user_runs_no_more_than_it_may_while_places_are_free() -> None:
    scheduler = scheduler_of(4)
    for number in range(6):
        add(scheduler, of("a", f"a{number}", max_running=2))
    num_finished = 0
    while scheduler.has_work:
        num_finished += sum(type(event).__name__ == "Finished" for event in step(scheduler))
        assert len(scheduler.sequences()[0]) <= 2
    assert num_finished == 6


def test_who_waits_for_itself_is_told_when_its_own_answer_ends() -> None:
    """Of sixteen others' answers one ends soon: that is nothing to a user who may have one at once."""
    scheduler = scheduler_of(17)
    for number in range(16):
        add(scheduler, of(f"user {number}", f"r{number}", max_tokens=300))
    for number in range(2):
        add(scheduler, of("a", f"a{number}", max_running=1, max_queued=1, max_tokens=300))
    step(scheduler)
    with pytest.raises(AccountLimitReached) as caught:
        add(scheduler, of("a", "late", max_running=1, max_queued=1))
    running = scheduler.sequences()[0]
    assert caught.value.retry_after_s == scheduler.seconds_until_free(1, [s for s in running if s.request.user == "a"])
    assert caught.value.retry_after_s > scheduler.seconds_until_free(1, running)


def test_who_waits_for_others_is_told_when_its_turn_comes() -> None:
    scheduler = scheduler_of(1)
    add(scheduler, of("other", "running", max_tokens=300))
    step(scheduler)
    for number in range(3):
        add(scheduler, of("b", f"b{number}", max_tokens=300))
    add(scheduler, of("a", "a", max_queued=1))
    with pytest.raises(AccountLimitReached) as caught:
        add(scheduler, of("a", "late", max_queued=1))
    order = [s.request.user for s in scheduler.sequences()[1]]
    assert caught.value.retry_after_s == scheduler.seconds_until_free(1 + order.index("a"))
