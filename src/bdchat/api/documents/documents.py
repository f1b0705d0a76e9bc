"""/api/documents: the list, names, deletion and restoration, and the reading's pause and retry. Event loop only; each
handler is one transaction. Everything but looking is its owner's alone.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.ingestion import Ingestion
from bdchat.api.documents.telling import DocumentViews, delete_document
from bdchat.api.documents.uploads import DOCUMENTS_PATH, Uploads, clean_name
from bdchat.api.http.endpoints import Endpoint, declared, path_id, read_query, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.documents import (
    DocumentChanges,
    DocumentDeleteQuery,
    DocumentList,
    DocumentQuery,
    DocumentView,
)
from bdchat.settings import LimitSettings
from bdchat.store.accounts import audit
from bdchat.store.db import Db
from bdchat.store.document_tables import Document
from bdchat.store.documents import documents, reading_state
from bdchat.store.documents.documents import DocumentFilter
from bdchat.store.sql.database import Database

ONE = f"{DOCUMENTS_PATH}/{{document_id}}"


class Documents:
    def __init__(
        self,
        limits: LimitSettings,
        database: Database,
        writes: Writes,
        *,
        views: DocumentViews,
        ingestion: Ingestion,
        uploads: Uploads,
        purge: Callable[[str], Awaitable[None]],
    ) -> None:
        """`purge`: of what is deleted for good, wherever it is kept."""
        self._limits = limits
        self._database = database
        self._writes = writes
        self._views = views
        self._ingestion = ingestion
        self._uploads = uploads
        self._purge = purge

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                DOCUMENTS_PATH,
                self.list,
                "Documents that you see, the newest first",
                query=DocumentQuery,
                response=DocumentList,
            ),
            *self._uploads.endpoints(),
            Endpoint("GET", ONE, self.show, "A document, and how far it is read", response=DocumentView),
            Endpoint("PATCH", ONE, self.rename, "Rename", body=DocumentChanges, response=DocumentView),
            Endpoint(
                "DELETE",
                ONE,
                self.delete,
                "Delete a document; it can be restored for 30 days (store.undo_days), unless purged",
                query=DocumentDeleteQuery,
                status=204,
                description="purge: for good, and chats that quote it lose the quoted text.",
            ),
            *(
                Endpoint("POST", f"{ONE}/{verb}", handler, summary, response=DocumentView, errors=(409,))
                for verb, handler, summary in (
                    ("pause", self.pause, "Read no further"),
                    ("resume", self.resume, "Read on"),
                    ("retry", self.retry, "Read again what failed"),
                    ("restore", self.restore, "Bring a deleted document back"),
                )
            ),
        )

    async def list(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        query = read_query(DocumentQuery, request, self._limits)

        filters = DocumentFilter(
            name=query.q, collection_id=query.collection_id, status=query.status, is_deleted=query.deleted
        )

        def read(db: Db) -> DocumentList:
            found, has_more = documents.listing(db, user_id, filters, limit=query.limit, before=query.cursor)
            next_cursor = found[-1].document_id if has_more else None
            return DocumentList(data=self._views.of(db, user_id, found), next_cursor=next_cursor)

        return reply(await self._database.read(read))

    async def show(self, request: Request) -> Response:
        user_id, document_id = require_user(request).user_id, path_id(request, "document_id")

        def read(db: Db) -> DocumentView:
            return self._views.one(db, user_id, documents.get(db, document_id, user_id))

        return reply(await self._database.read(read))

    async def rename(self, request: Request) -> Response:
        require_user(request)
        name = clean_name(parse(DocumentChanges, await read_json_body(request), self._limits).name)
        return await self._change(request, lambda db, document: documents.rename(db, document, name))

    async def delete(self, request: Request) -> Response:
        identity, document_id = require_user(request), path_id(request, "document_id")
        user_id = identity.user_id
        is_final = read_query(DocumentDeleteQuery, request, self._limits).purge

        def delete(db: Db, news: News) -> None:
            document = documents.get_owned(db, document_id, user_id, is_deleted=None if is_final else False)
            delete_document(db, news, document, is_final=is_final)
            if is_final:
                audit.record(db, identity, "document.purge", document_id)

        await self._writes.run(delete)
        self._ingestion.stop(document_id)
        if is_final:
            await self._purge(document_id)
        return Response(status_code=204)

    async def restore(self, request: Request) -> Response:
        answer = await self._change(request, documents.restore, is_deleted=True)
        self._ingestion.ring()  # it may not have been read to its end
        return answer

    async def pause(self, request: Request) -> Response:
        answer = await self._change(request, reading_state.pause)
        self._ingestion.stop(path_id(request, "document_id"))
        return answer

    async def resume(self, request: Request) -> Response:
        answer = await self._change(request, reading_state.resume)
        self._ingestion.ring()
        return answer

    async def retry(self, request: Request) -> Response:
        answer = await self._change(request, reading_state.retry)
        self._ingestion.ring()
        return answer

    async def _change(
        self, request: Request, change: Callable[[Db, Document], object], *, is_deleted: bool = False
    ) -> Response:
        user_id, document_id = require_user(request).user_id, path_id(request, "document_id")

        def run(db: Db, news: News) -> DocumentView:
            document = documents.get_owned(db, document_id, user_id, is_deleted=is_deleted)
            change(db, document)
            self._views.tell(db, news, document)
            return self._views.one(db, user_id, document)

        return reply(await self._writes.run(run))
