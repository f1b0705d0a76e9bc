"""uvicorn's WebSocket protocol, with the bounds it lacks. Event loop; one instance per connection.

A message has a size (1009) and a number of fragments (1008); a client that does not read is not read
from either, else its pings would pile up pongs; and a connection that is over ends within a time, read or not.
"""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_FRAGMENTS = 1024  # of one message; an empty one costs its sender six bytes and us eight
PING_INTERVAL_S = PING_TIMEOUT_S = 20.0
LAST_BYTES_S = 2.0  # for what was written last


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """Invariant: one message at most waits to be read by the application; then nothing more is read from the line."""

    _is_write_paused = False
    # who gave this protocol its line hears when the application first speaks on it, and of the line's end
    on_answered: Callable[[], None] | None = None
    on_lost: Callable[[], None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_write_paused = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_write_paused = False
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self):  # type: ignore[no-untyped-def]  # uvicorn's types of events are private
        message = await super().receive()
        if self._is_write_paused and not self.transport.is_closing():
            self.transport.pause_reading()
        return message

    async def send(self, message):  # type: ignore[no-untyped-def]  # uvicorn's types of events are private
        await super().send(message)
        if self.on_answered is not None and message["type"] == "websocket.send":
            self.on_answered()
            self.on_answered = None

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()  # nobody takes what is still to be written

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(LAST_BYTES_S, self._end_at_last)

    def _end_at_last(self) -> None:
        """The transport would wait for ever for a reader who has stopped."""
        if not self.disconnected:
            self.transport.abort()


def socket_options() -> dict[str, Any]:
    """What uvicorn's Config takes for this protocol. Frames are small and many: deflating each costs more than it
    saves, and mixes secrets with what others say."""
    return {
        "ws": BoundedSocketProtocol,
        "ws_max_size": MAX_MESSAGE_BYTES,
        "ws_ping_interval": PING_INTERVAL_S,
        "ws_ping_timeout": PING_TIMEOUT_S,
        "ws_per_message_deflate": False,
    }
