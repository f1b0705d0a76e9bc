"""Streams JSON documents that hold long texts: a document with gaps, filled from the database while it is sent. Event
loop; steps run in the store's reader threads, where the text is encoded too.

Whatever is asked for and however slowly it is taken, a connection holds one step of its answer: a page, a message or a
stored completion may be megabytes, and whoever reads none of it would keep them. Each step asks again whether the
reader may still read; if not, the answer breaks off.
"""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bdchat.store.db import Db
from bdchat.store.sql.database import Database

STEP_BYTES = 256 * 1024  # about
STEP_CHARS = 64 * 1024  # of one text: at most 4 bytes each, as JSON at most 6
GAP = msgspec.Raw(b"\x00")  # no JSON holds this byte
JSON = "application/json"
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class LongText:
    """`read(db, start, num_chars)`: that part of it; less at its end."""

    read: Callable[[Db, int, int], str]


@dataclass(slots=True)
class _Place:
    """In a LongText."""

    text: LongText
    num_chars_read: int = 0


class LongAnswer:
    """`document`: encodable, with a GAP for each of `texts`, in order. `check` raises when it may be read no more."""

    def __init__(self, document: object, texts: list[LongText], check: Callable[[Db], object]) -> None:
        pieces = _encoder.encode(document).split(b"\x00")
        assert len(pieces) == len(texts) + 1
        self._check = check
        self._rest: deque[bytes | _Place] = deque([pieces[0]])
        for text, piece in zip(texts, pieces[1:], strict=True):
            self._rest += (_Place(text), piece)

    @property
    def is_over(self) -> bool:
        return not self._rest

    def more(self, db: Db) -> bytes:
        """What comes after an earlier transaction's part. Raises what `check` does."""
        self._check(db)
        return self.step(db)

    def step(self, db: Db) -> bytes:
        """b"" when it is over."""
        found: list[bytes] = []
        num_bytes = 0
        while self._rest and num_bytes < STEP_BYTES:
            part = self._rest[0]
            if isinstance(part, bytes):
                found.append(part)
                self._rest.popleft()
            else:
                found.append(self._more_of(db, part))
            num_bytes += len(found[-1])
        return b"".join(found)

    def _more_of(self, db: Db, place: _Place) -> bytes:
        text = place.text.read(db, place.num_chars_read, STEP_CHARS)
        encoded = _encoder.encode(text)[1:-1]
        start = b'"' if not place.num_chars_read else b""
        place.num_chars_read += len(text)
        if len(text) == STEP_CHARS:
            return start + encoded
        self._rest.popleft()
        return start + encoded + b'"'


async def long_reply(
    request: Request,
    database: Database,
    make: Callable[[Db], LongAnswer],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """What fits into one step goes as any answer does; all of it is one read then."""

    def begin(db: Db) -> tuple[LongAnswer, bytes]:
        answer = make(db)
        return answer, answer.step(db)

    answer, first = await database.read(begin)
    if answer.is_over:
        return Response(first, status, dict(headers or {}), media_type=JSON)
    if request.method == "HEAD":
        return Response(b"", status, dict(headers or {}), media_type=JSON)
    return StreamingResponse(_steps(database, answer, first), status, dict(headers or {}), media_type=JSON)


async def _steps(database: Database, answer: LongAnswer, first: bytes) -> AsyncGenerator[bytes]:
    yield first
    while not answer.is_over:
        yield await database.read(answer.more)
