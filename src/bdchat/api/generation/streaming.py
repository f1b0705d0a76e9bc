"""Log events → SSE frames, or → one document; cancels when the client disconnects. Event loop only.

The one door to sse-starlette. It gets ready frames (bytes): what a frame says is the endpoint's encoder's matter.
A frame is `data: {json}` and a blank line, separated by "\\n" alone: clients exist that split on "\\n\\n".
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from types import coroutine
from typing import Any, Protocol, TypeVar

import msgspec
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bdchat.api.auth.right_watch import interruptible
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.service import GenerationGroup
from bdchat.api.http.errors import ClientGone, error_event
from bdchat.api.http.route_pattern import route_pattern
from bdchat.engine.errors import EngineError

log = logging.getLogger(__name__)

DONE = b"data: [DONE]\n\n"
SSE_MEDIA = "text/event-stream"
PING_INTERVAL_S = 15.0
NO_PINGS_S = 1e9  # where a line that says nothing would be read as an object
SEND_TIMEOUT_S = 10  # a reader that stalls longer would pin its sequence's text in memory
Result = TypeVar("Result")


class StreamEncoder(Protocol):
    """One per stream; sees every event once, in order."""

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        """Frames for these events of prompt `position`; b"" when they change nothing visible."""

    def close(self) -> bytes:
        """Frames after the last event (usage), without [DONE]."""


class Collector(Protocol):
    """One per answer that is not streamed."""

    def add(self, position: int, events: Sequence[LogEvent]) -> None: ...

    def document(self) -> dict[str, Any]: ...


_encoder = msgspec.json.Encoder()


def json_text(text: str) -> bytes:
    """As a JSON string."""
    encoded = _encoder.encode(text)
    return encoded if text.isascii() else _on_one_line(encoded)


def sse_event(encoded: bytes) -> bytes:
    """A frame of what is JSON already."""
    return b"data: " + (encoded if encoded.isascii() else _on_one_line(encoded)) + b"\n\n"


def _on_one_line(encoded: bytes) -> bytes:
    """Line separators that are no line ends to SSE are to str.splitlines, which clients use."""
    return (
        encoded.replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
        .replace(b"\xc2\x85", b"\\u0085")
    )


def frame(document: object) -> bytes:
    return b"data: " + _encoder.encode(document) + b"\n\n"


@coroutine
def _rest(begun: Generator[Any, Any, None], waited_for: Any) -> Generator[Any, Any, None]:
    """What is left of an awaitable that has been started and waits."""
    while True:
        try:
            answer = yield waited_for
        except BaseException as error:  # a cancellation is its matter, too
            step = partial(begun.throw, error)
        else:
            step = partial(begun.send, answer)
        try:
            waited_for = step()
        except StopIteration:
            return


class FrameStream(EventSourceResponse):
    """Ready frames, as they come. A client that stalls is cut off."""

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        *,
        headers: Mapping[str, str] | None = None,
        media_type: str = SSE_MEDIA,
        ping_interval_s: float = PING_INTERVAL_S,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        """`media_type`: of another wire's frames, which have no pings."""
        super().__init__(
            frames,
            headers={"Cache-Control": "no-cache", **(headers or {})},
            media_type=media_type,
            sep="\n",
            ping=ping_interval_s if media_type == SSE_MEDIA else NO_PINGS_S,
            ping_message_factory=lambda: ServerSentEvent(comment="ping", sep="\n"),
            send_timeout=send_timeout_s,
        )
        del self.headers["connection"]  # sse-starlette's keep-alive: whether there is one, the protocol knows
        self._source = frames

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        """A send that need not wait, as nearly all, needs no timer either: sse-starlette makes one for each, which is
        most of what a frame costs it."""
        sending = send(message).__await__()
        try:
            waited_for = next(sending)
        except StopIteration:
            return
        await super()._send_with_timeout(lambda _: _rest(sending, waited_for), message)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("a client stalled and was cut off", extra={"path": route_pattern(scope)})
        finally:
            await self._source.aclose()


def error_frame(error: EngineError) -> bytes:
    """Of OpenAI's wire."""
    return b"data: " + error_event(error) + b"\n\n"


class StreamResponse(FrameStream):
    """Owns its generations: when the response ends, for whatever reason, they do."""

    def __init__(
        self,
        group: GenerationGroup,
        encoder: StreamEncoder,
        *,
        end: bytes = DONE,
        failed: Callable[[EngineError], bytes] = error_frame,
        media_type: str = SSE_MEDIA,
        headers: Mapping[str, str] | None = None,
        ping_interval_s: float = PING_INTERVAL_S,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        """`end`: what stands behind the last frame; b"" where the wire has no such word. `failed`: the wire's frames
        of an error after the first byte."""
        super().__init__(
            _frames(group, encoder, end, failed),
            headers=headers,
            media_type=media_type,
            ping_interval_s=ping_interval_s,
            send_timeout_s=send_timeout_s,
        )
        self._group = group

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._group.cancel()


async def _frames(
    group: GenerationGroup, encoder: StreamEncoder, end: bytes, failed: Callable[[EngineError], bytes]
) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(group.follow()) as batches:
            async for position, events in batches:
                frames = encoder.encode(position, events)
                if frames:
                    yield frames
        yield encoder.close() + end
    except EngineError as error:  # the status line is long gone: it becomes an event
        yield failed(error) + end


async def accept(request: Request, group: GenerationGroup) -> None:
    """Returns when the engine has accepted the call. What it refuses is raised, before the first byte."""
    try:
        with interruptible(request):
            await unless_gone(request.receive, group.accepted())
    except BaseException:
        group.cancel()
        raise


async def complete(request: Request, group: GenerationGroup, collector: Collector) -> Response:
    """The whole answer as one document."""
    try:
        with interruptible(request):
            await unless_gone(request.receive, _collect(group, collector))
    finally:
        group.cancel()
    return Response(_encoder.encode(collector.document()), media_type="application/json")


async def _collect(group: GenerationGroup, collector: Collector) -> None:
    async with aclosing(group.follow(at_end=True)) as batches:
        async for position, events in batches:
            collector.add(position, events)


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Runs `work` while watching the connection, which Starlette tells of only when asked. Raises ClientGone."""
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.wait({working, watching})  # `receive` must have one reader at a time


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
