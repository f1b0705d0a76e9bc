"""What accounts were answered lately, to guess from. Loop thread only; in memory, and gone with the process.

An account sees its own answers and nothing else: a guess that was right makes an answer faster, and that would tell one
account what another had read. For the same reason nothing is kept of who has no account.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from bdchat.engine.drafting.guess import num_agreeing

MATCH_TOKENS = 3  # shorter agreements are chance: "of the", ", and"
_MIN_TOKENS = 16  # a shorter answer saves nobody a step


class Found(NamedTuple):
    """A place in an answer before which the same tokens stand as at the end of a sequence."""

    answer: list[int]
    place: int
    num_agreeing: int

    def after(self, most: int) -> list[int]:
        return self.answer[self.place : self.place + most]


class _RecentAnswer(NamedTuple):
    account: str
    tag: str
    tokens: list[int]


class RecentAnswers:
    """Of all accounts together at most `max_tokens`; the oldest answers leave first, whosever they are.

    Invariant: what is found for an account was remembered for it, and not forgotten since."""

    def __init__(self, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._answers: OrderedDict[int, _RecentAnswer] = OrderedDict()  # by number, the oldest first
        self._followers: dict[str, dict[tuple[int, ...], tuple[int, int]]] = {}  # account → … → number, place
        self._next_number = 0
        self.num_tokens = 0

    def of(self, account: str) -> "RecentOfAccount | None":
        return RecentOfAccount(self, account) if account and self._max_tokens else None

    def remember(self, account: str, tag: str, tokens: Sequence[int]) -> None:
        """`tag`: of the conversation with which it is forgotten. Of a long answer the end."""
        if not account or len(tokens) < _MIN_TOKENS or self._max_tokens < _MIN_TOKENS:
            return
        kept = list(tokens[-self._max_tokens :])
        while self.num_tokens + len(kept) > self._max_tokens:
            self._drop(next(iter(self._answers)))
        number, self._next_number = self._next_number, self._next_number + 1
        self._answers[number] = _RecentAnswer(account, tag, kept)
        self.num_tokens += len(kept)
        followers = self._followers.setdefault(account, {})
        for place in range(MATCH_TOKENS, len(kept)):
            followers[tuple(kept[place - MATCH_TOKENS : place])] = (number, place)

    def forget(self, tag: str) -> None:
        """Of a conversation that was deleted."""
        for number in [n for n, answer in self._answers.items() if tag and answer.tag == tag]:
            self._drop(number)

    def find(self, account: str, tokens: Sequence[int], *, most_agreeing: int) -> Found | None:
        followers = self._followers.get(account)
        found = followers.get(tuple(tokens[-MATCH_TOKENS:])) if followers is not None else None
        if found is None:
            return None
        number, place = found
        answer = self._answers[number].tokens
        return Found(answer, place, num_agreeing(tokens, answer, place, at_least=MATCH_TOKENS, most=most_agreeing))

    def _drop(self, number: int) -> None:
        answer = self._answers.pop(number)
        self.num_tokens -= len(answer.tokens)
        followers = self._followers[answer.account]
        for place in range(MATCH_TOKENS, len(answer.tokens)):
            key = tuple(answer.tokens[place - MATCH_TOKENS : place])
            if followers.get(key, (None, 0))[0] == number:
                del followers[key]
        if not followers:
            del self._followers[answer.account]


class RecentOfAccount(NamedTuple):
    """One account's view of them."""

    answers: RecentAnswers
    account: str

    def find(self, tokens: Sequence[int], *, most_agreeing: int) -> Found | None:
        return self.answers.find(self.account, tokens, most_agreeing=most_agreeing)
