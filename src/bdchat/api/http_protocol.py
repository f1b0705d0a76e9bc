"""uvicorn's httptools protocol, with the bounds it lacks. Event loop; one instance per connection.

httptools collects a header line for as long as bytes come, and uvicorn waits for the end of a request's head for ever:
here the head has a size (431) and a time (408), and what is no HTTP at all is refused in OpenAI's shape too. Who takes
nothing of an answer for `send_timeout_s` is cut off (write_watch.py).
An offer to upgrade to HTTP/2, as Java's HttpClient makes it, is passed over: llhttp would take the body for HTTP/2.
"""

import asyncio
import http
import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bdchat.api.errors import BodyTimeout, EdgeError, HeadersTooLarge, MalformedBody, error_reply
from bdchat.api.write_watch import WriteWatch
from bdchat.settings import LimitSettings

H2C_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Invariant: between two requests `_num_head_bytes` is 0; within a head at most `header_bytes` are kept."""

    def __init__(self, *, limits: LimitSettings, **uvicorn_arguments: Any) -> None:
        super().__init__(**uvicorn_arguments)
        self._limits = limits
        self._num_head_bytes = 0
        self._is_in_head = True
        self._is_refused = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_watch: WriteWatch | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._write_watch = WriteWatch(self.loop, self.transport, self._limits.send_timeout_s)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        if self._write_watch is not None:
            self._write_watch.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writes()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_watch is not None:
            self._write_watch.note_taken()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_writes()

    def _watch_writes(self) -> None:
        if self._write_watch is not None:
            self._write_watch.start()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        if self._is_in_head:
            if self._head_timer is None:
                self._start_head_timer()
            self._num_head_bytes += len(data)  # of a body that came along too: corrected in on_headers_complete
            if b"h2c" in data:
                head, end, body = data.partition(b"\r\n\r\n")
                data = H2C_OFFER.sub(b"", head + b"\r\n")[:-2] + end + body
        super().data_received(data)
        if self._is_in_head and self._num_head_bytes > self._limits.header_bytes:
            self._refuse(HeadersTooLarge(self._limits.header_bytes))

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        self._is_in_head = False
        self._num_head_bytes = 0
        num_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if num_bytes > self._limits.header_bytes:
            self._refuse(HeadersTooLarge(self._limits.header_bytes))
        elif not self._is_refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head = True
        if not self._is_refused:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Called by uvicorn with a whole head: a refused one is no beginning of a socket."""
        if not self._is_refused:
            super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what httptools could not parse."""
        self._refuse(MalformedBody(msg))

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._limits.body_timeout_s, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._num_head_bytes:
            self._refuse(BodyTimeout(self._limits.body_timeout_s))
        else:
            self.transport.close()  # connected and silent

    def _refuse(self, error: EdgeError) -> None:
        """Answers by hand: there is no request yet that the application could answer."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._stop_head_timer()
        if self.cycle is None or self.cycle.response_complete:  # else a running answer would be cut in two
            reply = error_reply(error)
            head = (
                f"HTTP/1.1 {reply.status} {http.HTTPStatus(reply.status).phrase}\r\n"
                "content-type: application/json\r\nconnection: close\r\n"
                "x-content-type-options: nosniff\r\ncache-control: no-store\r\n"
                f"content-length: {len(reply.body)}\r\n\r\n"
            )
            self.transport.write(head.encode() + reply.body)
        self._watch_writes()
        self.transport.close()


def protocol_factory(limits: LimitSettings) -> Callable[..., asyncio.Protocol]:
    """What uvicorn's Config takes as `http`."""

    def make(**uvicorn_arguments: Any) -> asyncio.Protocol:
        return BoundedHttpProtocol(limits=limits, **uvicorn_arguments)

    return make
