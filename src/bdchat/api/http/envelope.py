"""The outermost middleware: request id and standing headers on every response, every error as its wire tells it.

Logs one line per failed request, with its
id and its route's pattern, never with its content or its path.
"""

import logging
import re
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bdchat.api.http.errors import ClientGone, ErrorReply, error_reply, is_expected
from bdchat.api.http.route_pattern import route_pattern
from bdchat.api.http.security import headers_named

log = logging.getLogger(__name__)

BEGINNINGS = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept", "websocket.close"})
MINUTES_KEPT = 60
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Refusals:
    """How many requests were refused, by error code: in all, and within the last hour. A failure is one that the server
    could not serve (5xx), not one that was asked wrongly. Owned by the event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.num_by_code: Counter[str] = Counter()
        self._failures: set[str] = set()  # codes
        self._clock = clock
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES_KEPT)  # those in which there were any

    def note(self, code: str, *, is_failure: bool = False) -> None:
        self.num_by_code[code] += 1
        if is_failure:
            self._failures.add(code)
        minute = int(self._clock() // 60)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][code] += 1

    def last_hour(self) -> dict[str, int]:
        """By code, the commonest first."""
        oldest = int(self._clock() // 60) - MINUTES_KEPT
        total: Counter[str] = Counter()
        for minute, codes in self._minutes:
            if minute > oldest:
                total.update(codes)
        return dict(total.most_common())

    def failures_last_hour(self) -> int:
        return sum(num for code, num in self.last_hour().items() if code in self._failures)


class ErrorShape(NamedTuple):
    """How a wire of its own tells errors; all others tell them as OpenAI does."""

    paths: re.Pattern[str]  # which are its; the whole path must match
    body: Callable[[ErrorReply, str], bytes]  # with the request's id
    id_header: bytes | None = None  # where its clients look for that id, beside x-request-id


class Envelope:
    def __init__(self, app: ASGIApp, *, refusals: Refusals, shapes: Sequence[ErrorShape] = ()) -> None:
        self._app = app
        self._refusals = refusals
        self._shapes = tuple(shapes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        has_started = False

        async def send_enveloped(message: Message) -> None:
            nonlocal has_started
            if message["type"].endswith("http.response.start"):
                message["headers"] = _standing_headers(message["headers"], request_id, started)
                if (shape := self._shape(scope)) is not None and shape.id_header is not None:
                    message["headers"].append((shape.id_header, request_id))
            has_started = has_started or message["type"] in BEGINNINGS
            await send(message)

        try:
            await self._app(scope, receive, send_enveloped)
        except ClientGone:
            return
        except Exception as error:
            if has_started and is_expected(error):
                # an answer that is sent in steps, and may be read no more: uvicorn closes the connection
                log.info("a response broke off: %s", error_reply(error).code, extra={"path": route_pattern(scope)})
                return
            if has_started:
                log.exception("a response broke off", extra={"request_id": request_id.decode()})
                raise  # uvicorn closes the connection: the client must not take the rest for complete
            await self._answer(error, scope, send_enveloped)

    async def _answer(self, error: Exception, scope: Scope, send: Send) -> None:
        reply = error_reply(error)
        self._refusals.note(reply.code, is_failure=reply.status >= 500)
        if scope["type"] == "websocket":
            send = _refusing_upgrade(send)
        extra = {"request_id": scope["state"]["request_id"], "path": route_pattern(scope), "code": reply.code}
        if is_expected(error):
            log.info("request refused: %d %s", reply.status, reply.code, extra=extra)
        else:
            log.error("request failed", exc_info=error, extra=extra)
        await send_error(reply, scope, send, body=self._body(reply, scope))

    def _body(self, reply: ErrorReply, scope: Scope) -> bytes:
        shape = self._shape(scope)
        return reply.body if shape is None else shape.body(reply, scope["state"]["request_id"])

    def _shape(self, scope: Scope) -> ErrorShape | None:
        return next((shape for shape in self._shapes if shape.paths.fullmatch(scope["path"])), None)


def _refusing_upgrade(send: Send) -> Send:
    """The response instead of a WebSocket, as the server's own extension has it ("websocket.http.response")."""

    async def send_instead(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return send_instead


async def send_error(reply: ErrorReply, scope: Scope, send: Send, *, body: bytes | None = None) -> None:
    body = reply.body if body is None else body
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if scope.get("method") == "HEAD" else body
    await send({"type": "http.response.body", "body": body})


def _request_id(scope: Scope) -> bytes:
    """The client's own when it is a sane one: it can then find the request in our log."""
    for name in (b"x-request-id", b"x-client-request-id"):
        for value in headers_named(scope, name)[:1]:
            if REQUEST_ID.fullmatch(value):
                return value
    return b"req_" + uuid.uuid4().hex.encode()


def _standing_headers(
    headers: list[tuple[bytes, bytes]], request_id: bytes, started: float
) -> list[tuple[bytes, bytes]]:
    standing = [
        *headers,
        (b"x-request-id", request_id),
        (b"openai-processing-ms", str(round((time.perf_counter() - started) * 1000)).encode()),
        (b"openai-version", b"2020-10-01"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
    if not any(name == b"cache-control" for name, _ in headers):
        standing.append((b"cache-control", b"no-store"))
    return standing
