"""How many guessed tokens of each sequence a step checks. Pure: chances and times in, lengths out.

What counts is the geometric mean of the sequences' speeds, each sequence's expected tokens by the step's time: where
all guess equally well it is the tokens a second, and a sequence that quotes is not served at the cost of three that
do not. None is slowed by more than its neighbours' guesses may. Of a sequence that runs alone it is its speed.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

MIN_GAIN = 1.04  # of that mean; less is within what the figures behind it are wrong by
MIN_SPEED = 0.7  # of each sequence, as a share of what it has without guesses


class Chance(NamedTuple):
    """A sequence's guess in numbers."""

    chance: float  # that a token is right when all before it are
    num_guessed: int  # 0: it has none

    def expected(self, length: int) -> float:
        """Tokens that a step yields with so many of them checked."""
        length = min(length, self.num_guessed)
        if self.chance >= 1.0:
            return 1.0 + length
        return float((1 - self.chance ** (length + 1)) / (1 - self.chance))


class Lengths(NamedTuple):
    of_each: list[int]
    gain: float = 1.0  # of the mean speed, as expected


def free_lengths(guesses: Sequence[Chance], *, most: int, step_ms: Callable[[int], float], limit_ms: float) -> Lengths:
    """Where a token costs the same whosever it is. `most`: guessed tokens in all; `step_ms` tells a step's time by
    them, and none that takes longer than `limit_ms` is chosen."""
    lengths = [0] * len(guesses)
    best = Lengths([0] * len(guesses))
    base_ms = max(step_ms(0), 1e-6)
    mean = 0.0  # the logarithm of the expected tokens' geometric mean
    for num_drafted in range(1, most + 1):
        place, gain = max(
            ((i, _next_gain(guess, lengths[i])) for i, guess in enumerate(guesses)), key=lambda found: found[1]
        )
        taken_ms = step_ms(num_drafted)
        if gain <= 0 or taken_ms > limit_ms:
            break
        lengths[place] += 1
        mean += gain / len(guesses)
        slowest = min(guess.expected(length) for guess, length in zip(guesses, lengths, strict=True))
        best = _better(best, lengths, math.exp(mean), slowest, taken_ms / base_ms)
    return _worth_it(best)


def equal_lengths(guesses: Sequence[Chance], *, most: int, step_ms: Callable[[int], float], limit_ms: float) -> Lengths:
    """Where sequences share a pass only with as many tokens each: what one lacks is filled up. The same numbers as in
    free_lengths."""
    best = Lengths([0] * len(guesses))
    base_ms = max(step_ms(0), 1e-6)
    longest = min(most // max(1, len(guesses)), max((guess.num_guessed for guess in guesses), default=0))
    for length in range(1, longest + 1):
        taken_ms = step_ms(length * len(guesses))
        if taken_ms > limit_ms:
            break
        expected = [guess.expected(length) for guess in guesses]
        best = _better(
            best, [length] * len(guesses), math.prod(expected) ** (1 / len(expected)), min(expected), taken_ms / base_ms
        )
    return _worth_it(best)


def _next_gain(guess: Chance, length: int) -> float:
    if length >= guess.num_guessed:
        return 0.0
    return math.log(guess.expected(length + 1) / guess.expected(length))


def _better(best: Lengths, lengths: list[int], mean: float, slowest: float, stretch: float) -> Lengths:
    """`mean`, `slowest`: of the expected tokens; `stretch`: of the step's time."""
    if slowest / stretch < MIN_SPEED or mean / stretch <= best.gain:
        return best
    return Lengths(list(lengths), mean / stretch)


def _worth_it(best: Lengths) -> Lengths:
    return best if best.gain >= MIN_GAIN else Lengths([0] * len(best.of_each))
