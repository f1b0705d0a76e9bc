"""The numbered events of one generation, and the wake-up of its readers. Event loop only."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence

from bdchat.api.generation.events import LogEvent

MAX_BATCH = 256  # events that a reader gets at once: with log probabilities each is kilobytes


class GenerationLog:
    """Event number n is `events[n - 1]`. One writer, any number of readers, each from any number on.

    Invariant: once `is_closed`, it never grows."""

    def __init__(self, events: Iterable[LogEvent] = ()) -> None:
        self.events = list(events)
        self.is_closed = False
        self.error: Exception | None = None  # why it was closed before its last event
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def last_seq(self) -> int:
        return len(self.events)

    def append(self, event: LogEvent) -> None:
        self.events.append(event)
        if self._waiters:
            self._wake()

    def close(self, error: Exception | None = None) -> None:
        """Nothing more comes. Readers end, with the first `error` that was given. Again: does nothing."""
        if not self.is_closed:
            self.error = error
            self.is_closed = True
            self._wake()

    async def follow(self, after_seq: int = 0) -> AsyncGenerator[Sequence[LogEvent]]:
        """Events after number `after_seq`, as many at a time as there are, at most MAX_BATCH. Raises `error` after the
        last."""
        num_read = after_seq
        while True:
            if num_read < len(self.events):
                batch = self.events[num_read : num_read + MAX_BATCH]
                num_read += len(batch)
                yield batch
            elif self.is_closed:
                if self.error is not None:
                    raise self.error
                return
            else:
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
