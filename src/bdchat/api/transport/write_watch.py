"""Closes connections whose client stops reading. Event loop; one per connection.

What was written waits in the transport until the other side takes it, for as long as that likes: the answer, its task
and its socket with it.
"""

import asyncio


class WriteWatch:
    """Once `start`ed it looks every `timeout_s` until nothing waits; a look that finds no byte taken since the last one
    ends the connection. Owned by its protocol."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport | asyncio.WriteTransport, timeout_s: float
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._timeout_s = timeout_s
        self._num_waiting = 0  # bytes, at the last look
        self._has_taken = False  # since the last look
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Called when something may be waiting; again while it looks already: nothing."""
        if self._timer is None and (num_waiting := self._transport.get_write_buffer_size()):
            self._look_later(num_waiting)

    def note_taken(self) -> None:
        self._has_taken = True

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, num_waiting: int) -> None:
        self._num_waiting = num_waiting
        self._has_taken = False
        self._timer = self._loop.call_later(self._timeout_s, self._look)

    def _look(self) -> None:
        self._timer = None
        num_waiting = self._transport.get_write_buffer_size()
        if not num_waiting:
            return
        if num_waiting >= self._num_waiting and not self._has_taken:
            self._transport.abort()
        else:
            self._look_later(num_waiting)
