"""Tokens of the last minute: what counts, when it leaves, and that what is said of that is never too early."""

import random

import pytest

from bdchat.api.generation.token_window import WINDOW_S, TokenWindow


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_tokens_leave_a_minute_after_the_second_in_which_they_were_used() -> None:
    clock = Clock()
    window = TokenWindow(clock=clock)
    window.add("ann", 70)
    clock.now += 30.5
    window.add("ann", 40)
    assert (window.used("ann"), window.used("bob")) == (110, 0)
    assert window.seconds_until_below("ann", 111) == 0
    assert window.seconds_until_below("ann", 100) == 1001 + WINDOW_S - clock.now
    assert window.seconds_until_below("ann", 40) == 1031 + WINDOW_S - clock.now  # fewer than 40 are left when both went
    clock.now = 1001 + WINDOW_S
    assert window.used("ann") == 40
    clock.now = 1031 + WINDOW_S
    assert (window.used("ann"), window.used_by_all()) == (0, {})


@pytest.mark.parametrize("seed", range(50))
def test_after_the_time_that_it_says_there_is_room_and_not_before(seed: int) -> None:
    """Against all uses kept one by one, each until the end of its second is a minute ago."""
    rng = random.Random(seed)
    clock, uses = Clock(), []
    window = TokenWindow(clock=clock)
    for _ in range(200):
        clock.now += rng.expovariate(1)
        uses.append((int(clock.now) + 1, num_tokens := rng.randrange(100)))
        window.add("ann", num_tokens)
        most = rng.randrange(1, 4000)
        wait_s = window.seconds_until_below("ann", most)
        left = sum(used for at, used in uses if at + WINDOW_S > clock.now)
        assert window.used("ann") == left
        assert (wait_s > 0) == (left >= most)
        if wait_s:
            then, shortly_before = clock.now + wait_s + 1e-6, clock.now + wait_s - 1e-3
            assert sum(used for at, used in uses if at + WINDOW_S > then) < most
            assert sum(used for at, used in uses if at + WINDOW_S > shortly_before) >= most


def test_an_account_holds_an_entry_a_second_and_none_when_it_has_been_still() -> None:
    clock = Clock()
    window = TokenWindow(clock=clock)
    for _ in range(10_000):
        clock.now += 0.01
        window.add("ann", 1)
    clock.now += 1
    window.add("bob", 1)
    assert len(window._used["ann"]) <= WINDOW_S + 1
    clock.now += 2 * WINDOW_S
    window.add("bob", 1)
    assert list(window._used) == ["bob"]
