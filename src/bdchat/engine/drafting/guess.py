"""A guess of what follows, and where it was found. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class GuessSource(StrEnum):
    TEXT = "text"  # prompt and answer themselves
    RECENT = "recent"  # the account's recent answers
    MODEL = "model"  # a draft model


class Guess(NamedTuple):
    tokens: list[int]
    chance: float  # that a token is right when all before it are
    source: GuessSource = GuessSource.TEXT


NOTHING = Guess([], 0.0)


def num_agreeing(tokens: Sequence[int], other: Sequence[int], place: int, *, at_least: int, most: int) -> int:
    """How many tokens before `place` in `other` are those at the end of `tokens`, of which `at_least` are known to."""
    most = min(place, len(tokens), most)
    return next((n for n in range(at_least, most) if other[place - 1 - n] != tokens[-1 - n]), most)
