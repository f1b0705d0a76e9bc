"""The tokens that each account has used in the last minute. Event loop only; pure but for its clock.

Tokens count from the end of what used them. They are kept by the second, and leave a minute after that second's end, so
that what is said of when they leave is never too early.
"""

import math
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 60


class TokenWindow:
    """Invariant: an account holds at most WINDOW_S + 1 entries, one a second, the oldest first."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[str, deque[tuple[int, int]]] = {}  # account → (second at whose end it was used, tokens)
        self._next_sweep = 0.0

    def add(self, account: str, num_tokens: int) -> None:
        if num_tokens <= 0:
            return
        now = self._clock()
        self._sweep(now)
        self._used.setdefault(account, deque())
        entries = self._of(account)
        second = math.floor(now) + 1
        before = entries.pop()[1] if entries and entries[-1][0] == second else 0
        entries.append((second, before + num_tokens))

    def used(self, account: str) -> int:
        return sum(num_tokens for _, num_tokens in self._of(account))

    def used_by_all(self) -> dict[str, int]:
        """Of the accounts that have used any."""
        return {account: used for account in tuple(self._used) if (used := self.used(account))}

    def seconds_until_below(self, account: str, most: int) -> float:
        """Until it has used fewer than `most` in the last minute, if nothing is added meanwhile; 0: it has now."""
        entries = self._of(account)
        left = sum(num_tokens for _, num_tokens in entries)
        leaves_at = 0.0
        for second, num_tokens in entries:
            if left < most:
                break
            left -= num_tokens
            leaves_at = second + WINDOW_S
        return max(0.0, leaves_at - self._clock()) if leaves_at else 0.0

    def _of(self, account: str) -> deque[tuple[int, int]]:
        entries = self._used.get(account)
        if entries is None:
            return deque()
        now = self._clock()
        while entries and entries[0][0] + WINDOW_S <= now:
            entries.popleft()
        return entries

    def _sweep(self, now: float) -> None:
        """Once a minute: accounts that have used nothing are forgotten."""
        if now < self._next_sweep:
            return
        self._next_sweep = now + WINDOW_S
        for account in tuple(self._used):
            if not self._of(account):
                del self._used[account]
