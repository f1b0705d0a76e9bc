"""uvicorn's httptools protocol, with the bounds it lacks. Event loop; one instance per connection.

httptools collects a header line for as long as bytes come, and uvicorn waits for the end of a request's head for ever:
here the head has a size (431) and a time (408), and what is no HTTP at all is refused in OpenAI's shape too. Who takes
nothing of an answer for `send_timeout_s` is cut off (write_watch.py); who still sends when its answer is there is heard
out within bounds (drain.py). What a connection waits for is told to `OpenConnections`, which closes the longest silent
one when there are too many. Proxies may be silent for longer than anybody.
An offer to upgrade to HTTP/2, as Java's HttpClient makes it, is passed over: llhttp would take the body for HTTP/2.
"""

import asyncio
import http
import re
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bdchat.api.http.errors import (
    BodyTimeout,
    EdgeError,
    HeadersTooLarge,
    MalformedBody,
    TooManyConnections,
    error_reply,
)
from bdchat.api.perimeter.cors import cors_headers
from bdchat.api.perimeter.origins import ListedOrigins
from bdchat.api.transport.answer_line import AnswerLine, without_chunks
from bdchat.api.transport.drain import Drain
from bdchat.api.transport.open_connections import OpenConnections, WaitReason
from bdchat.api.transport.socket_protocol import BoundedSocketProtocol
from bdchat.api.transport.write_watch import WriteWatch
from bdchat.settings import LimitSettings

# A proxy that keeps an idle connection longer than we do sends its next request into a closed one, and answers 502:
# nginx keeps them 60 s, Traefik and cloudflared 90 s, Caddy 120 s.
PROXY_KEEP_ALIVE_S = 180
H2C_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Invariant: between two requests `_num_head_bytes` is 0; within a head at most `header_bytes` are kept."""

    def __init__(
        self,
        *,
        limits: LimitSettings,
        open_connections: OpenConnections,
        origins: ListedOrigins,
        **uvicorn_arguments: Any,
    ) -> None:
        super().__init__(**uvicorn_arguments)
        self._limits = limits
        self._open_connections = open_connections
        self._origins = origins
        self._drain = Drain(self.loop, self._close, max_bytes=limits.import_bytes, max_s=limits.body_timeout_s)
        self._closes_after_drain = False
        self._is_proxy = False
        self._num_head_bytes = 0
        self._is_in_head = True
        self._is_refused = False
        self._is_answering = False  # a whole request is here and its answer is not
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_watch: WriteWatch | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._write_watch = WriteWatch(self.loop, self.transport, self._limits.send_timeout_s)
        host = self.client[0] if self.client else None
        self._is_proxy = self._open_connections.is_proxy(host)
        if self._is_proxy:
            self.timeout_keep_alive = PROXY_KEEP_ALIVE_S
        if self._open_connections.admit(self, host):
            self._start_head_timer(PROXY_KEEP_ALIVE_S if self._is_proxy else self._limits.head_timeout_s)
        else:
            self._refuse(TooManyConnections())

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._drain.stop()
        self._open_connections.leave(self)
        if self._write_watch is not None:
            self._write_watch.stop()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """To a new connection. What may still be in its buffer is not waited for: nobody may be reading."""
        self._is_refused = True
        self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writes()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_watch is not None:
            self._write_watch.note_taken()

    def _watch_writes(self) -> None:
        if self._write_watch is not None:
            self._write_watch.start()

    def data_received(self, data: bytes) -> None:
        if self._drain.is_running:
            self._drain.take(len(data))
        if self._is_refused or self.transport.is_closing():
            return
        if self._is_in_head:
            if self._is_proxy and not self._num_head_bytes:
                self._stop_head_timer()  # it connects long before it asks
            if self._head_timer is None:
                self._start_head_timer(self._limits.head_timeout_s)
            self._num_head_bytes += len(data)  # of a body that came along too: corrected in on_headers_complete
            if b"h2c" in data:
                head, end, body = data.partition(b"\r\n\r\n")
                data = H2C_OFFER.sub(b"", head + b"\r\n")[:-2] + end + body
        elif not self._is_answering:
            self._wait(WaitReason.REST_OF_REQUEST)
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
            if not self._is_answering:
                self._wait(WaitReason.REST_OF_REQUEST)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head = True
        if self._is_refused:
            return
        self._drain.stop()
        if self._closes_after_drain:
            self.transport.close()
            return
        if self.cycle is not None and self.cycle.response_complete:  # it was refused before all of it was here
            self._wait(WaitReason.NEXT_REQUEST)
        else:
            self._is_answering = True
            self._open_connections.answer(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called by uvicorn, which now begins with the next of pipelined requests, if there is one."""
        if self._closes_after_drain:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self._watch_writes()
            self._wait(WaitReason.REST_OF_REQUEST)
            return
        if not self._is_in_head:
            self._drain.start()
        is_last = not self.pipeline
        super().on_response_complete()
        self._watch_writes()
        if not self._is_in_head:
            self._wait(WaitReason.REST_OF_REQUEST)
        elif is_last:
            self._wait(WaitReason.NEXT_REQUEST)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]  # uvicorn's type of an app
        """Called by uvicorn for each request, before anything of it is answered."""
        cycle.transport = AnswerLine(self.transport, self._close_when_heard)
        if cycle.scope["http_version"] == "1.0":
            app = without_chunks(app, cycle)
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def _close(self) -> None:
        self.transport.close()

    def _close_when_heard(self) -> None:
        """All is written. What still comes in is taken first; who waits for our end sees it at once."""
        if self._is_in_head or self.transport.is_closing():
            self.transport.close()
            return
        self._closes_after_drain = True
        self._drain.start()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _wait(self, what: WaitReason) -> None:
        self._is_answering = False
        self._open_connections.wait(self, what)

    def handle_websocket_upgrade(self) -> None:
        """Called by uvicorn with a whole head: a refused one is no beginning of a socket."""
        if self._is_refused:
            return
        self._wait(WaitReason.REST_OF_REQUEST)  # for who it is; a stranger hears nothing until then
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        assert isinstance(protocol, BoundedSocketProtocol)
        protocol.on_answered = lambda: self._open_connections.answer(self)
        protocol.on_lost = lambda: self._open_connections.leave(self)  # the place is the socket's now

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what httptools could not parse."""
        self._refuse(MalformedBody(msg))

    def _start_head_timer(self, timeout_s: float) -> None:
        self._head_timer = self.loop.call_later(timeout_s, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._num_head_bytes:
            self._refuse(BodyTimeout(self._limits.head_timeout_s))
        else:
            self.transport.close()  # connected and silent

    def _refuse(self, error: EdgeError) -> None:
        """Answers by hand: there is no request yet that the application could answer."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._stop_head_timer()
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if not is_answering:  # else a running answer would be cut in two
            reply = error_reply(error)
            headers = {
                "content-type": "application/json",
                "content-length": str(len(reply.body)),
                "x-content-type-options": "nosniff",
                "cache-control": "no-store",
                **reply.headers,
                "connection": "close",
            } | {name.decode(): value.decode() for name, value in cors_headers(self._origins, self.headers or [])}
            status = f"HTTP/1.1 {reply.status} {http.HTTPStatus(reply.status).phrase}"
            head = "\r\n".join([status, *(f"{name}: {value}" for name, value in headers.items()), "\r\n"])
            self.transport.write(head.encode() + reply.body)
        self._watch_writes()
        if is_answering or isinstance(error, TooManyConnections | BodyTimeout):  # no room for it; nothing comes
            self.transport.close()
        else:
            self._is_in_head = False
            self._close_when_heard()


def protocol_factory(
    limits: LimitSettings, open_connections: OpenConnections, origins: ListedOrigins
) -> Callable[..., asyncio.Protocol]:
    """What uvicorn's Config takes as `http`."""

    def make(**uvicorn_arguments: Any) -> asyncio.Protocol:
        return BoundedHttpProtocol(
            limits=limits, open_connections=open_connections, origins=origins, **uvicorn_arguments
        )

    return make
