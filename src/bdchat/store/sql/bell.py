"""A signal from any thread to one task of an event loop. A ring before the wait is heard in it."""

import asyncio

BELL_KEY = "index_bell"  # in a Session's info: rung when a note was made


class Bell:
    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self) -> None:
        """Before anybody listens it says nothing: who begins to listen looks at everything first."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._rung.set)

    def listen(self) -> None:
        """Of the task that will wait; before it first looks."""
        self._loop = asyncio.get_running_loop()

    async def wait(self) -> None:
        await self._rung.wait()
        self._rung.clear()
