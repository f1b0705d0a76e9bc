"""One reader's place in one answer, whatever comes from where."""

import random

import pytest

from bdchat.api.durable.event_cursor import MAX_AHEAD, EventCursor
from bdchat.api.durable.numbering import event_id
from bdchat.api.generation.events import NumberedEvent, Reset
from bdchat.engine.request import Delta


def event(number: int, *, run: int = 0, kind: str = "delta") -> NumberedEvent:
    text = str(number)
    return event_id(run, number), Reset(text=text) if kind == "reset" else Delta(request_id="g", index=0, text=text)


def ids(events: list[NumberedEvent]) -> list[int]:
    return [event_id for event_id, _ in events]


def test_events_in_order_are_taken_once() -> None:
    cursor = EventCursor()
    assert cursor.take([event(1), event(2)]) == [event(1), event(2)]
    assert cursor.take([event(1), event(2), event(3)]) == [event(3)]
    assert (cursor.last_id, cursor.is_behind) == (3, False)


def test_what_came_too_early_is_taken_when_its_predecessors_have_come() -> None:
    cursor = EventCursor()
    assert cursor.take([event(1), event(4), event(3)]) == [event(1)]
    assert cursor.is_behind
    assert cursor.take([event(2)]) == [event(2), event(3), event(4)]
    assert not cursor.is_behind


def test_a_reader_goes_on_after_the_number_that_it_names() -> None:
    cursor = EventCursor(event_id(0, 5))
    assert cursor.take([event(5), event(6)]) == [event(6)]


def test_a_later_run_is_entered_by_a_reset_alone() -> None:
    cursor = EventCursor(event_id(0, 5))
    assert cursor.take([event(7, run=1), event(8, run=1)]) == []
    assert cursor.is_behind
    reset = event(6, run=1, kind="reset")
    assert cursor.take([reset]) == [reset, event(7, run=1), event(8, run=1)]
    assert cursor.take([event(6), event(9)]) == []  # of the run that has died
    assert not cursor.is_behind


def test_a_newcomer_reads_a_later_run_from_its_beginning() -> None:
    cursor = EventCursor()
    assert cursor.take([event(3, run=2)]) == []
    assert cursor.take([event(1, run=2), event(2, run=2)]) == [event(n, run=2) for n in (1, 2, 3)]


def test_no_more_than_so_many_early_events_are_kept() -> None:
    cursor = EventCursor()
    num_events = MAX_AHEAD + 10
    assert cursor.take(event(number) for number in range(2, num_events + 1)) == []
    assert len(cursor.take([event(1)])) == MAX_AHEAD + 1
    assert cursor.is_behind
    assert len(cursor.take(event(number) for number in range(1, num_events + 1))) == 9
    assert not cursor.is_behind


@pytest.mark.parametrize("seed", range(50))
def test_any_order_and_any_repetition_gives_every_event_once_in_order(seed: int) -> None:
    rng = random.Random(seed)
    after, last = rng.randrange(5), rng.randrange(6, 40)
    offered = [event(number) for number in range(1, last + 1) for _ in range(rng.randint(1, 3))]
    rng.shuffle(offered)
    cursor, taken = EventCursor(after), list[NumberedEvent]()
    while offered:
        some = [offered.pop() for _ in range(min(len(offered), rng.randint(1, 4)))]
        taken += cursor.take(some)
        assert ids(taken) == list(range(after + 1, cursor.last_id + 1))
    assert cursor.last_id == last
