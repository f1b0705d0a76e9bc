"""Drafts tokens for speculative decoding by prompt lookup. Pure; loop thread only.

What followed the last time the same tokens stood in this sequence is likely to follow again: names, code that is
edited, passages that are quoted, lists. A guess costs nothing but a look into a dict; whether it is computed is for
policy.py to say, by its chance. Every guess is judged by what came, computed or not, so that the chances are learned
for free.

Source: Saxena, Prompt Lookup Decoding (2023); Leviathan et al., arXiv 2211.17192 (why checking leaves the answer's
distribution as it is: each token is still chosen from the model's own logits).
"""

from collections.abc import Sequence
from typing import NamedTuple

MATCH_TOKENS = 3  # shorter agreements are chance: "of the", ", and"
MAX_GUESS = 16  # beyond it a step checks more tokens than a reader gains by
# The longer the agreement, the likelier the guess: its length in tokens, and the chance until experience says better.
_LENGTHS: tuple[int, ...] = (MATCH_TOKENS, 5, 9, 17)
_FIRST_CHANCES = (0.3, 0.5, 0.7, 0.9)
_LEARNING = 0.1  # weight of the newest judgement
_MAX_INDEXED = 2048  # places a step looks through, 1 ms: a long prompt is taken in over a few steps


class Guess(NamedTuple):
    tokens: list[int]
    chance: float  # that a token is right when all before it are


NOTHING = Guess([], 0.0)


class PromptLookup:
    """One per sequence. `guess` is asked with the sequence's tokens, which only grow."""

    def __init__(self) -> None:
        self._followers: dict[tuple[int, ...], int] = {}  # MATCH_TOKENS tokens → where the one after them stands
        self._num_indexed = 0
        self._chances = list(_FIRST_CHANCES)
        self._open: tuple[int, int, list[int]] | None = None  # the last guess: its kind, where it begins, its tokens

    def guess(self, tokens: Sequence[int]) -> Guess:
        """Up to MAX_GUESS tokens that may follow, [] when this beginning is new."""
        self._judge(tokens)
        self._index(tokens)
        place = self._followers.get(tuple(tokens[-MATCH_TOKENS:]))
        if place is None:
            return NOTHING
        kind = _kind(_num_agreeing(tokens, place))
        length = len(tokens)
        guessed: list[int] = []
        for following in range(place, place + MAX_GUESS):  # what repeats goes on into the guess itself
            guessed.append(tokens[following] if following < length else guessed[following - length])
        self._open = (kind, length, guessed)
        return Guess(guessed, self._chances[kind])

    def _judge(self, tokens: Sequence[int]) -> None:
        if self._open is None:
            return
        kind, begin, guessed = self._open
        self._open = None
        for wrote, guess in zip(tokens[begin:], guessed, strict=False):
            self._chances[kind] += _LEARNING * ((wrote == guess) - self._chances[kind])
            if wrote != guess:
                return

    def _index(self, tokens: Sequence[int]) -> None:
        """All but the newest place, whose follower is what is asked for."""
        begin = max(MATCH_TOKENS, self._num_indexed)
        end = min(len(tokens), begin + _MAX_INDEXED)
        for place in range(begin, end):
            self._followers[tuple(tokens[place - MATCH_TOKENS : place])] = place
        self._num_indexed = end


def _num_agreeing(tokens: Sequence[int], place: int) -> int:
    """How many tokens before `place` are those at the end; no more are counted than make a difference."""
    most = min(place, _LENGTHS[-1])
    return next((n for n in range(MATCH_TOKENS, most) if tokens[place - 1 - n] != tokens[-1 - n]), most)


def _kind(num_agreeing: int) -> int:
    return sum(num_agreeing >= length for length in _LENGTHS) - 1
