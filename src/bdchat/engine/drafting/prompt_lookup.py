"""Drafts tokens for speculative decoding by prompt lookup. Pure; loop thread only.

What followed the last time the same tokens stood in this sequence is likely to follow again: names, code that is
edited, passages that are quoted, lists. Where the sequence itself knows nothing, what its account was answered lately
may. A guess costs nothing but a look into a dict; whether it is computed is for lengths.py to say, by its chance. Every
guess is judged by what came, computed or not, so that the chances are learned for free.

Source: Saxena, Prompt Lookup Decoding (2023); Leviathan et al., arXiv 2211.17192 (why checking leaves the answer's
distribution as it is: each token is still chosen from the model's own logits).
"""

from collections.abc import Sequence
from typing import NamedTuple

from bdchat.engine.drafting.guess import NOTHING, Guess, GuessSource, num_agreeing
from bdchat.engine.drafting.recent_answers import MATCH_TOKENS, RecentOfAccount

# Where a step of many tokens is cheap, a passage that is quoted is read off in long runs: 16 at a time are 1.85 times
# the speed of single steps, 32 are 2.1 (the default model as Q8_0 on one thread).
MAX_GUESS = 48
# The longer the agreement, the likelier the guess: its length in tokens, and the chance until experience says better.
_LENGTHS: tuple[int, ...] = (MATCH_TOKENS, 5, 9, 17, 33)
_FIRST_CHANCES = (0.3, 0.5, 0.7, 0.9, 0.97)
# An edited passage is left for a word and taken up again: agreements near the place where a long one stood are likelier
# than their own length says.
_LONG = 9
_NEAR_TOKENS = 16  # that an edit puts in or leaves out
_FAR_TOKENS = 48  # written since the long one
_TAKEN_UP_LENGTHS: tuple[int, ...] = (0, MATCH_TOKENS, _LONG)
_TAKEN_UP_CHANCES = (0.5, 0.8, 0.93)
_TAKEN_UP = len(_LENGTHS)  # kinds are numbered: clean ones, those taken up again, those of recent answers
_RECENT = _TAKEN_UP + len(_TAKEN_UP_LENGTHS)
_LEARNING = 0.1  # weight of the newest judgement
_MAX_INDEXED = 2048  # places a step looks through, 1 ms: a long prompt is taken in over a few steps


class _Alignment(NamedTuple):
    """What is written agrees with what stands `distance` tokens before it."""

    distance: int
    num_agreeing: int


class PromptLookup:
    """One per sequence. `guess` is asked with the sequence's tokens, which only grow."""

    def __init__(self, recent: RecentOfAccount | None = None) -> None:
        self._recent = recent
        self._followers: dict[tuple[int, ...], int] = {}  # MATCH_TOKENS tokens → where the one after them stands
        self._num_indexed = 0
        self._chances = [*_FIRST_CHANCES, *_TAKEN_UP_CHANCES, *_FIRST_CHANCES]
        self._open: tuple[int, int, list[int]] | None = None  # the last guess: its kind, where it begins, its tokens
        self._long_distance = 0  # of the last long agreement; 0: there was none
        self._long_end = 0  # where it ended

    def guess(self, tokens: Sequence[int]) -> Guess:
        """Up to MAX_GUESS tokens that may follow, [] when this beginning is new."""
        self._judge(tokens)
        self._index(tokens)
        alignment = self._align(tokens)
        if alignment is None:
            return self._guess_from_recent(tokens)
        distance, agreeing = alignment
        kind = self._kind(alignment, len(tokens))
        if agreeing >= _LONG:
            self._long_distance, self._long_end = distance, len(tokens)
        length = len(tokens)
        guessed: list[int] = []
        for following in range(length - distance, length - distance + MAX_GUESS):  # what repeats goes on into itself
            guessed.append(tokens[following] if following < length else guessed[following - length])
        return self._keep(kind, length, guessed, GuessSource.TEXT)

    def _align(self, tokens: Sequence[int]) -> _Alignment | None:
        """The newest place at which the last tokens stand, or that of the last long agreement where they differ."""
        length = len(tokens)
        place = self._followers.get(tuple(tokens[-MATCH_TOKENS:]))
        found = None
        if place is not None:
            agreeing = num_agreeing(tokens, tokens, place, at_least=MATCH_TOKENS, most=_LENGTHS[-1])
            found = _Alignment(length - place, agreeing)
        if not self._is_near(self._long_distance, length) or (found is not None and found.num_agreeing >= _LONG):
            return found
        place = length - self._long_distance
        agreeing = num_agreeing(tokens, tokens, place, at_least=0, most=_LENGTHS[-1])
        if found is not None and (agreeing < found.num_agreeing or self._is_near(found.distance, length)):
            return found
        return _Alignment(self._long_distance, agreeing)

    def _is_near(self, distance: int, length: int) -> bool:
        """To a long agreement that was there just now."""
        is_recent = self._long_distance > 0 and length - self._long_end <= _FAR_TOKENS
        return is_recent and abs(distance - self._long_distance) <= _NEAR_TOKENS

    def _kind(self, alignment: _Alignment, length: int) -> int:
        distance, agreeing = alignment
        is_whole = distance == self._long_distance and length - self._long_end < agreeing
        if self._is_near(distance, length) and not is_whole and agreeing < _LENGTHS[-1]:
            return _TAKEN_UP + _level(_TAKEN_UP_LENGTHS, agreeing)
        return _level(_LENGTHS, agreeing)

    def _guess_from_recent(self, tokens: Sequence[int]) -> Guess:
        found = self._recent.find(tokens, most_agreeing=_LENGTHS[-1]) if self._recent is not None else None
        if found is None:
            return NOTHING
        kind = _RECENT + _level(_LENGTHS, found.num_agreeing)
        return self._keep(kind, len(tokens), found.after(MAX_GUESS), GuessSource.RECENT)

    def _keep(self, kind: int, begin: int, guessed: list[int], source: GuessSource) -> Guess:
        self._open = (kind, begin, guessed)
        return Guess(guessed, self._chances[kind], source)

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


def _level(lengths: tuple[int, ...], agreeing: int) -> int:
    return sum(agreeing >= length for length in lengths) - 1
