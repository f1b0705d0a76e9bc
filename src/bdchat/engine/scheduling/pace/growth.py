"""How much longer an answer gets, from how long answers of its kind were. Loop thread only.

An answer's kind is its user, its priority and the order of magnitude of its max_tokens; where too few of a kind were
seen, wider kinds speak for it. What counts is the rest: of those that got as far as this one, how much further they
went (Kaplan and Meier 1958: an answer that its max_tokens cut says only that it would have been longer).
"""

from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Hashable
from itertools import groupby
from typing import NamedTuple

from bdchat.engine.request import Priority
from bdchat.engine.scheduling.sequence import Sequence

FIRST_GUESS = 128  # tokens, while nothing is known
MIN_SEEN = 6  # answers that got as far: below it a wider kind speaks
REFRESHED_AFTER = 8  # tokens
MAX_SEEN = 48  # newest answers of a kind
MAX_KINDS = 512  # of users, 48 numbers each; the one that was asked for longest ago goes first


class _Ended(NamedTuple):
    num_tokens: int
    was_cut: bool  # it would have gone on


class _Lengths:
    """Of the newest answers of one kind."""

    def __init__(self) -> None:
        self._ended: deque[_Ended] = deque(maxlen=MAX_SEEN)
        self._ends: list[int] = []  # their lengths in order, each once
        self._num_reaching: list[int] = []  # answers at least as long
        self._shares: list[float] = []  # that go on behind it, of those that began
        self._beyond: list[float] = []  # tokens behind it that are expected of one that began
        self._is_known = False

    def add(self, ended: _Ended) -> None:
        self._ended.append(ended)
        self._is_known = False

    def remaining(self, num_generated: int) -> float | None:
        """None: too few got as far."""
        if not self._is_known:
            self._learn()
        place = bisect_left(self._ends, num_generated + 1)
        if place == len(self._ends) or self._num_reaching[place] < MIN_SEEN:
            return None
        share = self._shares[place - 1] if place else 1.0
        return self._ends[place] - num_generated + self._beyond[place] / share

    def _learn(self) -> None:
        self._ends, self._num_reaching, self._shares = [], [], []
        num_left, share = len(self._ended), 1.0
        for num_tokens, group in groupby(sorted(self._ended), key=lambda ended: ended.num_tokens):
            cuts = [ended.was_cut for ended in group]
            self._ends.append(num_tokens)
            self._num_reaching.append(num_left)
            share *= 1 - cuts.count(False) / num_left
            self._shares.append(share)
            num_left -= len(cuts)
        self._beyond = [0.0] * len(self._ends)
        if self._ends:
            self._beyond[-1] = share * _unknown(self._ends[-1])
        for place in range(len(self._ends) - 2, -1, -1):
            step = self._shares[place] * (self._ends[place + 1] - self._ends[place])
            self._beyond[place] = step + self._beyond[place + 1]
        self._is_known = True


class AnswerGrowth:
    """Owned by the scheduler, so that cells are not reserved for a max_tokens that nobody reaches."""

    def __init__(self) -> None:
        self._of_users: OrderedDict[Hashable, _Lengths] = OrderedDict()
        self._of_all: dict[Hashable, _Lengths] = {}

    def learn(self, sequence: Sequence) -> None:
        """It has ended as `observe` wants."""
        request, max_tokens = sequence.request, sequence.max_length - sequence.num_prompt_tokens
        self.observe(request.user, request.priority, max_tokens=max_tokens, num_generated=sequence.num_generated)

    def of(self, sequence: Sequence) -> int:
        """Tokens still to come of it. Asked of all that run for each that may be admitted: reckoned again every
        REFRESHED_AFTER of its tokens."""
        num_generated = len(sequence.tokens) - sequence.num_prompt_tokens
        if num_generated and sequence.expected_at + REFRESHED_AFTER > num_generated:
            return max(1, min(sequence.expected_end, sequence.max_length) - len(sequence.tokens))
        request, max_tokens = sequence.request, sequence.max_length - sequence.num_prompt_tokens
        remaining = self.remaining(request.user, request.priority, max_tokens, num_generated)
        sequence.expected_at = num_generated
        sequence.expected_end = len(sequence.tokens) + remaining
        return remaining

    def observe(self, user: str, priority: Priority, *, max_tokens: int, num_generated: int) -> None:
        """An answer has ended by itself or at its `max_tokens`."""
        ended = _Ended(num_generated, was_cut=num_generated >= max_tokens)
        size = _size(max_tokens)
        self._of_user(user, priority, size).add(ended)
        for kind in ((priority, size), priority, None):
            self._of_all.setdefault(kind, _Lengths()).add(ended)

    def remaining(self, user: str, priority: Priority, max_tokens: int, num_generated: int) -> int:
        """Tokens still to come of an answer, so many of which are there; at least one while it has not ended."""
        left = max_tokens - num_generated
        size = _size(max_tokens)
        expected = None
        if (user, priority, size) in self._of_users:
            expected = self._of_user(user, priority, size).remaining(num_generated)
        for kind in ((priority, size), priority, None):
            if expected is None and kind in self._of_all:
                expected = self._of_all[kind].remaining(num_generated)
        return max(0, min(left, int(_unknown(num_generated) if expected is None else expected) + 1))

    def _of_user(self, user: str, priority: Priority, size: int) -> _Lengths:
        kind = (user, priority, size)
        lengths = self._of_users.setdefault(kind, _Lengths())
        self._of_users.move_to_end(kind)
        if len(self._of_users) > MAX_KINDS:
            self._of_users.popitem(last=False)
        return lengths


def _size(max_tokens: int) -> int:
    """One number up to 3, 15, 63, 255, 1,023 …"""
    return (max(0, max_tokens).bit_length() + 1) // 2


def _unknown(num_generated: int) -> int:
    """What is longer than all that was seen tends to go on as long again."""
    return max(FIRST_GUESS, num_generated)
