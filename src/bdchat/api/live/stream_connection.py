"""One live connection over HTTP: the frames of a socket as server-sent events. Event loop only.

For who is behind something that lets no WebSocket through. What a socket says with its close code is the last event of
a stream: {"type":"close","code":4404,"reason":"…"}. After any other end a client comes back.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from bdchat.api.generation.streaming import sse_event
from bdchat.api.live.connection import CloseCode, LiveConnection, closing_with_the_bus
from bdchat.api.schemas.live import Closing


class StreamConnection(LiveConnection):
    async def frames(self, serving: Coroutine[Any, Any, None]) -> AsyncGenerator[bytes]:
        """What `serving` sends here, until it ends. Whoever stops reading ends it."""
        task = asyncio.create_task(self._closing_after(serving))
        task.add_done_callback(lambda _: self._has_frames.set())
        try:
            while self._outbox or not task.done():
                await self._has_frames.wait()
                self._has_frames.clear()
                while self._outbox:
                    yield sse_event(self._encoder.encode(self._outbox[0]))
                    self._shift()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self, code: CloseCode, reason: str) -> None:
        if code is CloseCode.SLOW:
            self._outbox.clear()
        self._outbox.append(Closing(code=int(code), reason=reason))

    async def _closing_after(self, serving: Coroutine[Any, Any, None]) -> None:
        async with closing_with_the_bus(self):
            await serving
