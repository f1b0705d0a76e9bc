"""Laws of whose turn it is."""

import random
import threading

import pytest

from bdchat.store.sql.slices import slices
from bdchat.store.sql.write_queue import MAX_GROUP, MAX_SLICE_BYTES, MAX_TURNS_BEFORE_A_SLICE, WriteQueue
from tests.patience import PATIENCE_S


def taken(queue: WriteQueue[str], **options: int) -> list[str]:
    return [waiting.job for waiting in queue.take(**options)]


def test_what_somebody_waits_for_goes_before_a_slice_that_came_first() -> None:
    queue: WriteQueue[str] = WriteQueue()
    queue.put_slice("slice", 1)
    queue.put("send")
    queue.put("another")
    assert taken(queue) == ["send", "another"]
    assert taken(queue) == ["slice"]


def test_under_any_load_a_slice_gets_its_turn() -> None:
    queue: WriteQueue[str] = WriteQueue()
    queue.put_slice("slice", 1)
    turns = []
    for _ in range(MAX_TURNS_BEFORE_A_SLICE + 1):
        queue.put("send")
        turns += taken(queue)
    assert turns == ["send"] * MAX_TURNS_BEFORE_A_SLICE + ["slice"]


def test_slices_share_a_turn_while_they_are_small() -> None:
    queue: WriteQueue[str] = WriteQueue()
    for name, num_bytes in (("a", 10), ("b", MAX_SLICE_BYTES - 10), ("c", 1), ("d", 2 * MAX_SLICE_BYTES)):
        queue.put_slice(name, num_bytes)
    assert [taken(queue) for _ in range(3)] == [["a", "b"], ["c"], ["d"]]


def test_what_did_not_begin_is_first_again() -> None:
    queue: WriteQueue[str] = WriteQueue()
    for name in ("a", "b", "c"):
        queue.put(name)
    turn = queue.take()
    queue.put("d")
    queue.put_back(turn[1:])
    assert taken(queue, max_jobs=1) == ["b"]
    assert taken(queue) == ["c", "d"]


def test_a_turn_has_a_bound() -> None:
    queue: WriteQueue[str] = WriteQueue()
    for _ in range(MAX_GROUP + 1):
        queue.put("a")
    assert [len(queue.take()), len(queue.take())] == [MAX_GROUP, 1]


def test_a_closed_queue_gives_what_it_has_and_then_nothing() -> None:
    queue: WriteQueue[str] = WriteQueue()
    queue.put_slice("slice", 1)
    queue.put("send")
    queue.close()
    assert [taken(queue), taken(queue), taken(queue)] == [["send"], ["slice"], []]


def test_who_waits_is_woken() -> None:
    queue: WriteQueue[str] = WriteQueue()
    turns: list[list[str]] = []
    thread = threading.Thread(target=lambda: turns.append(taken(queue)))
    thread.start()
    queue.put("send")
    thread.join(PATIENCE_S)
    assert turns == [["send"]]


@pytest.mark.parametrize("seed", range(50))
def test_slices_hold_everything_in_order_within_both_bounds(seed: int) -> None:
    rng = random.Random(seed)
    sizes = [rng.choice((0, 1, 5, 40, 500)) for _ in range(rng.randrange(60))]
    cut = list(slices(sizes, lambda size: size, max_bytes=100, max_rows=7))
    assert [size for some in cut for size in some] == sizes
    assert all(len(some) == 1 or sum(some) <= 100 for some in cut)
    assert all(0 < len(some) <= 7 for some in cut)
