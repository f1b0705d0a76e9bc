"""How often somebody may try a password. Counted in memory, over a sliding minute. Event loop only.

An attempt is counted before it is made, so that a hundred at once are not all let through, and given back when it
was right: who knows the password is never held up by his own use of it.
"""

import time
from collections import deque
from collections.abc import Callable

from bdchat.api.errors import TooManyAttempts

WINDOW_S = 60.0
MAX_NAMES = 20_000  # remembered at a time; the longest untried is forgotten first


class Attempts:
    """`limit` per WINDOW_S and name. Invariant: no name has more than `limit` times."""

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def take(self, name: str) -> None:
        """Raises TooManyAttempts, which says when the next is allowed; then nothing is counted."""
        now = self._clock()
        times = self._times.pop(name, None) or deque()
        self._times[name] = times  # at the end: the last tried
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        if len(times) >= self._limit:
            raise TooManyAttempts(retry_after_s=times[0] + WINDOW_S - now)
        times.append(now)
        if len(self._times) > MAX_NAMES:
            del self._times[next(iter(self._times))]

    def give_back(self, name: str) -> None:
        """The last one was right."""
        times = self._times.get(name)
        if times:
            times.pop()
        if not times:
            self._times.pop(name, None)
