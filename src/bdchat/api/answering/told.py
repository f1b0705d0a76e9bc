"""A bare answer told as objects: as the frames of a stream, or as one document. Event loop only."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.answering.bare_answers import BareAnswer
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.streaming import SSE_MEDIA, StreamResponse, complete, sse_event
from bdchat.engine.errors import EngineError

Told = dict[str, Any]
_encoder = msgspec.json.Encoder()


class Teller(Protocol):
    """One per answer; hears every event once, in order."""

    def encode(self, events: Sequence[LogEvent]) -> list[Told]: ...

    def failed(self, error: EngineError) -> list[Told]:
        """For who has read no end."""


def sse(event: Told) -> bytes:
    """A server-sent event that is named for its type."""
    return b"event: %b\n" % str(event["type"]).encode() + sse_event(_encoder.encode(event))


async def streamed_or_whole(
    request: Request,
    answer: BareAnswer,
    teller: Teller,
    *,
    whole: Callable[[], Told] | None,
    written: Callable[[Told], bytes] = sse,
    media_type: str = SSE_MEDIA,
) -> Response:
    """`whole`: the document, once all is heard; None: a stream, whose objects are `written` one by one."""
    if whole is None:
        frames = _Frames(teller, written)
        return StreamResponse(answer.group, frames, end=b"", failed=frames.failed, media_type=media_type)
    return await complete(request, answer.group, _Document(teller, whole))


class _Frames:
    """StreamEncoder."""

    def __init__(self, teller: Teller, written: Callable[[Told], bytes]) -> None:
        self._teller = teller
        self._written = written

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        return b"".join(map(self._written, self._teller.encode(events)))

    def close(self) -> bytes:
        return b""

    def failed(self, error: EngineError) -> bytes:
        return b"".join(map(self._written, self._teller.failed(error)))


class _Document:
    """Collector."""

    def __init__(self, teller: Teller, whole: Callable[[], Told]) -> None:
        self._teller = teller
        self._whole = whole

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        self._teller.encode(events)

    def document(self) -> Told:
        return self._whole()
