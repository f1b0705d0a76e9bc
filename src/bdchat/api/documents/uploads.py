"""POST /api/documents: a file's bytes as the body, into the store part by part while they come. Event loop only.

One part is in memory at a time. A body that ends early leaves nothing behind; one that a dying server had half is
removed at the next start. The same bytes twice are one file of its owner's.
"""

import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.ingestion import Ingestion
from bdchat.api.documents.telling import DocumentViews
from bdchat.api.http.endpoints import Endpoint, declared, read_query, reply
from bdchat.api.http.errors import BodyTooLarge, ClientGone, MalformedBody
from bdchat.api.http.identity import require_user
from bdchat.api.schemas.documents import MAX_NAME_CHARS, DocumentView, UploadQuery
from bdchat.settings import LimitSettings
from bdchat.settings.documents import DocumentSettings
from bdchat.store.db import Db
from bdchat.store.documents import collections, documents
from bdchat.store.documents.jobs import uploads
from bdchat.store.sql.database import Database

DOCUMENTS_PATH = "/api/documents"
UNNAMED = "file"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


class Intake:
    """Takes files in, whichever wire brings them."""

    def __init__(
        self,
        settings: DocumentSettings,
        database: Database,
        writes: Writes,
        *,
        views: DocumentViews,
        ingestion: Ingestion,
    ) -> None:
        self._settings = settings
        self._database = database
        self._writes = writes
        self._views = views
        self._ingestion = ingestion

    async def take(
        self, user_id: str, name: str, body: AsyncIterable[bytes], *, collection_id: str | None = None
    ) -> tuple[DocumentView, bool]:
        """The document, and whether it is new: not one that was there with the same bytes. What `body` raises ends it,
        and nothing of it stays. Raises BodyTooLarge, MalformedBody, Conflict, QuotaExceeded; NotFound and NotAllowed of
        the collection."""
        if collection_id is not None:
            await self._database.read(lambda db: collections.get_writable(db, user_id, collection_id))
        most, bounded = self._settings.num_per_account, self._bounded(body)
        document, is_new = await uploads.upload(self._database, user_id, clean_name(name), bounded, most=most)

        def tell(db: Db, news: News) -> DocumentView:
            if collection_id is not None:
                collections.put_document(db, user_id, collection_id, document.document_id)
            row = documents.get(db, document.document_id, user_id)
            self._views.tell(db, news, row)
            return self._views.one(db, user_id, row)

        view = await self._writes.run(tell)
        self._ingestion.ring()
        return view, is_new

    async def _bounded(self, body: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        num_bytes, most = 0, self._settings.file_bytes
        async for data in body:
            num_bytes += len(data)
            if num_bytes > most:
                raise BodyTooLarge(most)
            yield data
        if not num_bytes:
            raise MalformedBody("The request body is empty: it must be the file.", code="file_empty")


class Uploads:
    def __init__(self, intake: Intake, limits: LimitSettings) -> None:
        self._intake = intake
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(*self.endpoints())

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                "POST",
                DOCUMENTS_PATH,
                self.create,
                "Upload a file; it is read at once",
                query=UploadQuery,
                response=DocumentView,
                status=201,
                also=(200,),
                errors=(404, 409),
                body_media="application/octet-stream",
                description="The body is the file. 200: the same bytes were there already, and this is that document.",
            )
        ]

    async def create(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        query = read_query(UploadQuery, request, self._limits)
        view, is_new = await self._intake.take(user_id, query.name, body_of(request), collection_id=query.collection_id)
        return reply(view, status=201 if is_new else 200)


async def body_of(request: Request) -> AsyncGenerator[bytes]:
    """As it comes. Raises ClientGone."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if data := message.get("body", b""):
            yield data
        if not message.get("more_body", False):
            return


def clean_name(name: str) -> str:
    """What may be shown and saved as: no folders, no control and direction marks; its ending is kept."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = _CONTROLS.sub(" ", last).strip() or UNNAMED
    if len(shown) <= MAX_NAME_CHARS:
        return shown
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > 16:
        return shown[:MAX_NAME_CHARS]
    return f"{stem[: MAX_NAME_CHARS - len(ending) - 1]}.{ending}"
