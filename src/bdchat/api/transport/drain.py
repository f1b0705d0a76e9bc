"""Takes what a client goes on sending after its answer, within bounds. Event loop; one per connection.

Closing a connection on which bytes come in resets it, and a reset takes the answer with it from the client's hands:
most clients read only when they have sent all.
"""

import asyncio
from collections.abc import Callable

SILENCE_S = 5.0  # a client that sends nothing for so long has read its answer, or will not (nginx: lingering_timeout)


class Drain:
    """Once `start`ed it calls `end` when the client has been silent, or has sent more or for longer than it may.
    Whoever knows that all has come `stop`s it. Owned by its protocol."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, end: Callable[[], None], *, max_bytes: int, max_s: float
    ) -> None:
        self._loop = loop
        self._end = end
        self._max_bytes = max_bytes
        self._max_s = max_s
        self._timer: asyncio.TimerHandle | None = None
        self._ends_at = 0.0
        self._num_bytes = 0
        self._num_at_last_look = 0

    @property
    def is_running(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        """Again while it runs: nothing."""
        if self._timer is None:
            self._ends_at = self._loop.time() + self._max_s
            self._num_bytes = 0
            self._look_later()

    def take(self, num_bytes: int) -> None:
        self._num_bytes += num_bytes
        if self._num_bytes > self._max_bytes:
            self._finish()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._num_at_last_look = self._num_bytes
        left_s = self._ends_at - self._loop.time()
        self._timer = self._loop.call_later(max(0.0, min(SILENCE_S, left_s)), self._look)

    def _look(self) -> None:
        if self._num_bytes == self._num_at_last_look or self._loop.time() >= self._ends_at:
            self._finish()
        else:
            self._look_later()

    def _finish(self) -> None:
        self.stop()
        self._end()
