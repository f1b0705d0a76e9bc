"""How many guesses are checked: the geometric mean of all streams' speeds decides."""

import itertools
import math
import random

import pytest

from bdchat.engine.drafting.lengths import MIN_GAIN, MIN_SPEED, Chance, Lengths, equal_lengths, free_lengths


def free(
    guesses: list[Chance], *, base_ms: float, first_ms: float, next_ms: float, most: int = 16, limit_ms: float = 200
) -> Lengths:
    def step_ms(num_drafted: int) -> float:
        return base_ms + (first_ms + next_ms * (num_drafted - 1) if num_drafted else 0.0)

    return free_lengths(guesses, most=most, step_ms=step_ms, limit_ms=limit_ms)


def test_the_surer_the_guess_the_more_of_it_is_checked() -> None:
    chances = (0.0, 0.3, 0.5, 0.8, 0.95, 1.0)
    lengths = [free([Chance(chance, 16)], base_ms=8.5, first_ms=6.3, next_ms=4.0).of_each[0] for chance in chances]
    assert lengths[:2] == [0, 0]
    assert lengths == sorted(lengths)
    assert lengths[-1] == 16
    assert free([Chance(1.0, 16)], base_ms=8.5, first_ms=6.3, next_ms=4.0, most=3).of_each == [3]
    assert free([Chance(1.0, 16)], base_ms=8.5, first_ms=6.3, next_ms=4.0, most=-1).of_each == [0]


def test_where_a_checked_token_costs_what_a_step_does_nothing_is_guessed() -> None:
    assert free([Chance(0.99, 16)], base_ms=10, first_ms=10, next_ms=10) == Lengths([0])
    assert free([Chance(0.6, 16)], base_ms=10, first_ms=0.5, next_ms=0.5).of_each[0] > 3


def test_a_dear_first_token_does_not_hide_that_many_are_cheap() -> None:
    """Two tokens take three times as long as one here, seventeen not ten times."""
    chosen = free([Chance(0.99, 16)], base_ms=9.2, first_ms=18.0, next_ms=3.8)
    assert chosen.of_each[0] > 8
    assert free([Chance(0.6, 16)], base_ms=9.2, first_ms=18.0, next_ms=3.8).of_each == [0]


def test_a_step_takes_no_longer_than_it_may() -> None:
    length = free([Chance(1.0, 16)], base_ms=320, first_ms=60, next_ms=60, limit_ms=800).of_each[0]
    assert length == 8


def test_no_stream_is_served_at_the_cost_of_three_that_guess_nothing() -> None:
    one_of_four = [Chance(0.95, 16), Chance(0, 0), Chance(0, 0), Chance(0, 0)]
    assert sum(free(one_of_four, base_ms=36, first_ms=4, next_ms=4).of_each) <= 2
    assert free(one_of_four[:1], base_ms=36, first_ms=4, next_ms=4).of_each[0] > 8
    assert min(free([Chance(0.95, 16)] * 4, base_ms=36, first_ms=4, next_ms=4, most=60).of_each) > 4


@pytest.mark.parametrize("seed", range(30))
def test_free_lengths_are_the_best_there_are(seed: int) -> None:
    rng = random.Random(seed)
    guesses = [Chance(rng.choice([0.3, 0.6, 0.8, 0.95, 1.0]), rng.randrange(5)) for _ in range(3)]
    first_ms, next_ms = rng.uniform(0, 8), rng.uniform(0.1, 4)

    def step_ms(num_drafted: int) -> float:
        return 10 + (first_ms + next_ms * num_drafted if num_drafted else 0.0)

    def gain(lengths: tuple[int, ...]) -> float:
        mean = math.prod(guess.expected(n) for guess, n in zip(guesses, lengths, strict=True)) ** (1 / 3)
        slowest = min(guess.expected(n) for guess, n in zip(guesses, lengths, strict=True))
        stretch = step_ms(sum(lengths)) / 10
        return mean / stretch if slowest / stretch >= MIN_SPEED else 0.0

    best = max(gain(lengths) for lengths in itertools.product(*(range(g.num_guessed + 1) for g in guesses)))
    chosen = free_lengths(guesses, most=16, step_ms=step_ms, limit_ms=1e9)
    assert chosen.gain == pytest.approx(gain(tuple(chosen.of_each)))
    assert chosen.gain >= 0.97 * best or best < MIN_GAIN  # the bound on the slowest can hide a better one from it


def test_equal_lengths_fill_up_what_one_stream_lacks() -> None:
    guesses = [Chance(0.95, 16), Chance(0.95, 16), Chance(0.95, 3), Chance(0.0, 0)]
    chosen = equal_lengths(guesses, most=60, step_ms=lambda n: 36 + 0.2 * n, limit_ms=200)
    assert len(set(chosen.of_each)) == 1
    assert chosen.of_each[0] > 3
    assert equal_lengths(guesses, most=3, step_ms=lambda n: 36 + 0.2 * n, limit_ms=200).of_each == [0] * 4
    assert equal_lengths(guesses, most=60, step_ms=lambda n: 36 + 4.0 * n, limit_ms=200).of_each == [0] * 4
