"""What is in a document: its bytes to be saved, its pages, its passages with their places. Event loop only.

A file's bytes are never shown as a page of this server's: they are to be saved, whatever they say they are.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.schemas.documents import DocumentPageView, PassageView
from bdchat.store.db import Db
from bdchat.store.document_tables import Document
from bdchat.store.documents import documents, pages, scope
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database

# Whoever opens it in a window all the same gets no script, no form and none of our origin.
HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'",
    "cache-control": "private, no-store",
}
MEDIA = "application/octet-stream"
MAX_DIGITS = 15  # of a page's number, or a passage's
ONE = "/api/documents/{document_id}"


class DocumentContents:
    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                f"{ONE}/content",
                self.content,
                "The file as it was uploaded",
                response_media=(MEDIA,),
                response=None,
            ),
            Endpoint("GET", f"{ONE}/pages/{{number}}", self.page, "A page's text", response=DocumentPageView),
            Endpoint(
                "GET",
                f"{ONE}/passages/{{passage_id}}",
                self.passage,
                "A passage and where it stands",
                response=PassageView,
            ),
        )

    async def content(self, request: Request) -> Response:
        user_id, document_id = require_user(request).user_id, path_id(request, "document_id")
        document = await self._database.read(lambda db: documents.get(db, document_id, user_id))
        return await content_response(request, self._database, document)

    async def page(self, request: Request) -> Response:
        user_id, document_id = require_user(request).user_id, path_id(request, "document_id")
        number = _number(request, "number", "page")

        def read(db: Db) -> DocumentPageView:
            within = scope.of(db, user_id, document_ids=[document_id])
            return DocumentPageView.of(
                documents.get(db, document_id, user_id), pages.get(db, document_id, number, within)
            )

        return reply(await self._database.read(read))

    async def passage(self, request: Request) -> Response:
        user_id, document_id = require_user(request).user_id, path_id(request, "document_id")
        passage_id = _number(request, "passage_id", "passage")

        def read(db: Db) -> PassageView:
            within = scope.of(db, user_id, document_ids=[document_id])
            return PassageView.of(*pages.get_passage(db, document_id, passage_id, within))

        return reply(await self._database.read(read))


async def content_response(request: Request, database: Database, document: Document) -> Response:
    headers = {
        **HEADERS,
        "content-length": str(document.num_bytes),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(document.name, safe='')}",
    }
    if request.method == "HEAD":
        return Response(b"", headers=headers, media_type=MEDIA)
    parts = documents.open_parts(database, document.document_id)
    return StreamingResponse(parts, headers=headers, media_type=MEDIA)


def _number(request: Request, name: str, kind: str) -> int:
    """What is no number names nothing: NotFound."""
    value = str(request.path_params[name])
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
        raise NotFound(kind)
    return int(value)
