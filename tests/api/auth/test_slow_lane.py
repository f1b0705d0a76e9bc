"""SlowLane: beyond the bound of an account strangers wait, each his turn; nobody is shut out."""

import pytest

from bdchat.api.auth import slow_lane
from bdchat.api.auth.slow_lane import MAX_WAIT_S, SlowLane
from bdchat.api.http.errors import TooManyAttempts


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wait_of(lane: SlowLane, source: str, account: str = "ann") -> float:
    """0: it was let through."""
    try:
        lane.take(account, source)
    except TooManyAttempts as refused:
        return refused.retry_after_s
    return 0.0


def test_so_many_go_by_and_then_strangers_wait_behind_each_other() -> None:
    clock = Clock()
    lane = SlowLane(30, clock=clock)
    assert [wait_of(lane, f"a{number}") for number in range(30)] == [0.0] * 30
    assert [wait_of(lane, source) for source in ("b", "c", "d")] == [120.0, 240.0, 360.0]
    assert wait_of(lane, "b", account="bob") == 0.0
    clock.now = 100.0
    assert wait_of(lane, "b") == 20.0  # asking again neither helps nor harms
    clock.now = 120.0
    assert wait_of(lane, "b") == 0.0
    assert wait_of(lane, "b") == 360.0  # once, and then it stands behind the others again
    assert wait_of(lane, "c") == 120.0


def test_few_addresses_keep_to_the_bound_of_the_account() -> None:
    clock = Clock()
    lane = SlowLane(30, clock=clock)
    num_tried = 0
    while clock.now < 4 * slow_lane.HOUR_S:
        num_tried += sum(wait_of(lane, source) == 0.0 for source in ("a", "b", "c"))
        clock.now += 1.0
    assert num_tried <= 30 * (1 + 4) + 3  # at once, each hour, and who stood in line then


@pytest.mark.parametrize("num_strangers", [1, 50, 5000])
def test_the_owner_at_a_new_device_gets_a_turn_however_many_try(num_strangers: int) -> None:
    clock = Clock()
    lane = SlowLane(30, clock=clock)
    for number in range(30 + num_strangers):
        wait_of(lane, f"stranger {number % num_strangers}")
    wait_s = wait_of(lane, "owner")
    assert 0 < wait_s <= MAX_WAIT_S
    for _ in range(20):
        clock.now += wait_s / 20
        for number in range(num_strangers):
            wait_of(lane, f"stranger {number}")
    assert wait_of(lane, "owner") == 0.0
    lane.give_back("ann")


def test_an_hour_without_wrong_ones_forgets_them() -> None:
    clock = Clock()
    lane = SlowLane(2, clock=clock)
    assert [wait_of(lane, "a") for _ in range(2)] == [0.0, 0.0]
    assert wait_of(lane, "a") > 0
    clock.now = slow_lane.HOUR_S
    assert wait_of(lane, "b") == 0.0


def test_turns_that_nobody_takes_are_forgotten() -> None:
    clock = Clock()
    lane = SlowLane(1, clock=clock)
    wait_of(lane, "first")
    for number in range(slow_lane.MAX_TICKETS + 100):
        wait_of(lane, f"stranger {number}")
    assert lane.num_tickets == slow_lane.MAX_TICKETS
    assert wait_of(lane, "owner") == MAX_WAIT_S
    clock.now = 2 * MAX_WAIT_S + 1
    assert wait_of(lane, "owner") == MAX_WAIT_S  # all of theirs have lapsed: this one is remembered
    assert lane.num_tickets == 1
    clock.now += MAX_WAIT_S
    assert wait_of(lane, "owner") == 0.0
