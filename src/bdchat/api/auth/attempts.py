"""Rate limit on attempts at a secret. Counted in memory, over a sliding window. Event loop only.

An attempt is counted before it is made, so that a hundred at once are not all let through, and given back when it
was right: using the right password never counts against its owner.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable

from bdchat.api.http.errors import TooManyAttempts

MINUTE_S = 60.0
MAX_NAMES = 20_000  # remembered at a time
NUM_WEIGHED = 16  # of the longest untried, the one with the fewest attempts is forgotten


class Attempts:
    """`limit` per `window_s` and name. Invariant: no name has more than `limit` times.

    Names that anybody can make up must not push out those that count: a flood of new ones, tried once each, pushes out
    itself, for whom many have tried has more times than any of it.
    """

    def __init__(self, limit: int, *, window_s: float = MINUTE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def __len__(self) -> int:
        """Names that are remembered."""
        return len(self._times)

    def take(self, name: str) -> None:
        """Raises TooManyAttempts, which says when the next is allowed; then nothing is counted."""
        if (left_s := self.left_s(name)) is not None:
            raise TooManyAttempts(retry_after_s=left_s)
        self.count(name)

    def left_s(self, name: str) -> float | None:
        """Until the next is allowed. None: it is now."""
        times, now = self._times.get(name), self._clock()
        while times and times[0] <= now - self._window_s:
            times.popleft()
        return times[0] + self._window_s - now if times and len(times) >= self._limit else None

    def count(self, name: str) -> None:
        """One that was allowed for another reason counts too: the oldest makes room for it."""
        times = self._times.pop(name, None) or deque(maxlen=self._limit)
        self._times[name] = times  # at the end: the last tried
        times.append(self._clock())
        if len(self._times) > MAX_NAMES:
            oldest = itertools.islice(self._times.items(), NUM_WEIGHED)
            del self._times[min(oldest, key=lambda item: len(item[1]))[0]]

    def give_back(self, name: str) -> None:
        """The last one was right, or was not made."""
        times = self._times.get(name)
        if times:
            times.pop()
        if not times:
            self._times.pop(name, None)
