"""OpenAI's /v1/vector_stores: collections, their files, and search in them, as OpenAI's SDKs do it. Event loop only."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.parts import DocumentParts
from bdchat.api.documents.telling import delete_collection
from bdchat.api.http.endpoints import Endpoint, declared, path_id, read_query, reply
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.retrieval.account import require_account
from bdchat.api.schemas.files import (
    DEFAULT_STORE_NAME,
    STORE_STATUS,
    DeletedStoreFile,
    DeletedVectorStore,
    NewStoreFile,
    NewVectorStore,
    StoreFile,
    StoreFileList,
    StoreFileQuery,
    StoreHit,
    StoreHits,
    StoreQuery,
    StoreSearch,
    TextContent,
    VectorStoreChanges,
    VectorStoreList,
    VectorStoreObject,
)
from bdchat.settings import LimitSettings
from bdchat.store.db import Db
from bdchat.store.document_tables import Collection
from bdchat.store.documents import collections, documents, scope
from bdchat.store.documents.listing import paging, shown
from bdchat.store.documents.listing.paging import IdPage
from bdchat.store.documents.search import FoundPassage
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database

ALL = "/v1/vector_stores"
ONE = f"{ALL}/{{vector_store_id}}"
IN_PROGRESS = ("uploading", "waiting", "reading")


class VectorStores:
    def __init__(self, limits: LimitSettings, database: Database, writes: Writes, *, parts: DocumentParts) -> None:
        self._limits = limits
        self._database = database
        self._writes = writes
        self._views = parts.collection_views
        self._document_views = parts.views
        self._finder = parts.finder

    def routes(self) -> list[Route]:
        files, one_file = f"{ONE}/files", f"{ONE}/files/{{file_id}}"
        view = VectorStoreObject
        return declared(
            Endpoint("GET", ALL, self.list, "Vector stores that you see", query=StoreQuery, response=VectorStoreList),
            Endpoint(
                "POST", ALL, self.create, "Make a vector store", body=NewVectorStore, response=view, errors=(404, 409)
            ),
            Endpoint("GET", ONE, self.retrieve, "A vector store", response=view),
            Endpoint("POST", ONE, self.change, "Rename", body=VectorStoreChanges, response=view),
            Endpoint("DELETE", ONE, self.delete, "Delete it, not its files", response=DeletedVectorStore),
            Endpoint("GET", files, self.list_files, "Its files", query=StoreFileQuery, response=StoreFileList),
            Endpoint(
                "POST", files, self.add_file, "Put a file in", body=NewStoreFile, response=StoreFile, errors=(409,)
            ),
            Endpoint("GET", one_file, self.retrieve_file, "A file in it", response=StoreFile),
            Endpoint("DELETE", one_file, self.take_file, "Take a file out", response=DeletedStoreFile),
            Endpoint("POST", f"{ONE}/search", self.search, "Find passages", body=StoreSearch, response=StoreHits),
        )

    # --- vector stores ------------------------------------------------------------------------------------------------

    async def list(self, request: Request) -> Response:
        user_id = require_account(request)
        query = read_query(StoreQuery, request, self._limits)
        page = IdPage(query.limit, query.after, is_newest_first=query.order == "desc")

        def read(db: Db) -> VectorStoreList:
            rows, has_more = paging.collections_of(db, user_id, page)
            data = _objects(db, rows)
            return VectorStoreList(data=data, **_ends([each.id for each in data]), has_more=has_more)

        return reply(await self._database.read(read))

    async def create(self, request: Request) -> Response:
        user_id = require_account(request)
        body = parse(NewVectorStore, await read_json_body(request), self._limits)

        def create(db: Db, news: News) -> Collection:
            name = body.name or DEFAULT_STORE_NAME
            row = collections.create(db, user_id, name, body.description or "")
            for document_id in dict.fromkeys(body.file_ids or ()):
                collections.put_document(db, user_id, row.collection_id, document_id)
                self._document_views.tell(db, news, documents.get(db, document_id, user_id))
            return row

        return await self._changed(create)

    async def retrieve(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")

        def read(db: Db) -> VectorStoreObject:
            return _objects(db, [_seen(db, user_id, collection_id)])[0]

        return reply(await self._database.read(read))

    async def change(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")
        body = parse(VectorStoreChanges, await read_json_body(request), self._limits)

        def change(db: Db, _: News) -> Collection:
            row = collections.get_owned(db, user_id, collection_id)
            collections.change(db, row, {"name": body.name} if body.name is not None else {})
            return row

        return await self._changed(change)

    async def delete(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")

        def delete(db: Db, news: News) -> None:
            delete_collection(db, news, collections.get_owned(db, user_id, collection_id))

        await self._writes.run(delete)
        return reply(DeletedVectorStore(id=collection_id))

    async def _changed(self, change: Callable[[Db, News], Collection]) -> Response:
        def run(db: Db, news: News) -> VectorStoreObject:
            row = change(db, news)
            self._views.tell(db, news, row)
            return _objects(db, [row])[0]

        return reply(await self._writes.run(run))

    # --- their files --------------------------------------------------------------------------------------------------

    async def list_files(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")
        query = read_query(StoreFileQuery, request, self._limits)
        page = IdPage(query.limit, query.after, is_newest_first=query.order == "desc")
        statuses = _statuses(query.filter) if query.filter else None

        def read(db: Db) -> StoreFileList:
            _seen(db, user_id, collection_id)
            rows, has_more = paging.files_in(db, collection_id, page, statuses=statuses)
            data = [StoreFile.of(row, place) for row, place in rows]
            return StoreFileList(data=data, **_ends([each.id for each in data]), has_more=has_more)

        return reply(await self._database.read(read))

    async def add_file(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")
        document_id = parse(NewStoreFile, await read_json_body(request), self._limits).file_id
        return reply(await self._move(user_id, collection_id, document_id, collections.put_document))

    async def retrieve_file(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")
        document_id = path_id(request, "file_id")

        def read(db: Db) -> StoreFile:
            _seen(db, user_id, collection_id)
            return _file(db, collection_id, document_id)

        return reply(await self._database.read(read))

    async def take_file(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")
        document_id = path_id(request, "file_id")
        await self._move(user_id, collection_id, document_id, collections.take_document)
        return reply(DeletedStoreFile(id=document_id))

    async def _move(
        self, user_id: str, collection_id: str, document_id: str, move: Callable[[Db, str, str, str], None]
    ) -> StoreFile:
        """As it is where it is in the store in the end, as it was where it is not."""

        def run(db: Db, news: News) -> StoreFile:
            row = _seen(db, user_id, collection_id)
            document = documents.get(db, document_id, user_id)
            before = shown.audience(db, document)
            was = paging.file_in(db, collection_id, document_id)
            move(db, user_id, collection_id, document_id)
            views = self._document_views.to_all(db, document)
            news.document_changed(views)
            news.document_deleted(document_id, [each for each in before if each not in views])
            self._views.tell(db, news, row)
            place = paging.file_in(db, collection_id, document_id) or was
            assert place is not None
            return StoreFile.of(*place)

        return await self._writes.run(run)

    # --- search -------------------------------------------------------------------------------------------------------

    async def search(self, request: Request) -> Response:
        user_id, collection_id = require_account(request), path_id(request, "vector_store_id")
        body = parse(StoreSearch, await read_json_body(request), self._limits)

        def look(db: Db) -> scope.Scope:
            _seen(db, user_id, collection_id)
            return scope.of(db, user_id, collection_ids=[collection_id])

        within = await self._database.read(look)
        best: dict[int, FoundPassage] = {}
        for query in body.queries:
            for hit in (await self._finder.find(within, query, limit=body.max_num_results)).hits:
                if hit.passage_id not in best or hit.score > best[hit.passage_id].score:
                    best[hit.passage_id] = hit
        hits = sorted(best.values(), key=lambda hit: -hit.score)[: body.max_num_results]
        data = [
            StoreHit(
                file_id=hit.document_id,
                filename=hit.document_name,
                score=share,
                content=[TextContent(text=hit.text)],
            )
            for hit, share in zip(hits, _shares([hit.score for hit in hits]), strict=True)
        ]
        return reply(StoreHits(search_query=body.queries, data=data))


def _objects(db: Db, rows: Sequence[Collection]) -> list[VectorStoreObject]:
    fillings = paging.fillings(db, [row.collection_id for row in rows])
    return [VectorStoreObject.of(row, fillings[row.collection_id]) for row in rows]


def _seen(db: Db, user_id: str, collection_id: str) -> Collection:
    """Raises NotFound."""
    return collections.see(db, user_id, collection_id).collection


def _file(db: Db, collection_id: str, document_id: str) -> StoreFile:
    found = paging.file_in(db, collection_id, document_id)
    if found is None:
        raise NotFound("file", document_id)
    return StoreFile.of(*found)


def _statuses(wanted: str) -> tuple[str, ...]:
    """Of documents."""
    return (
        IN_PROGRESS if wanted == "in_progress" else tuple(own for own, each in STORE_STATUS.items() if each == wanted)
    )


def _ends(ids: Sequence[str]) -> dict[str, Any]:
    return {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}


def _shares(scores: Sequence[float]) -> list[float]:
    """Ours may be negative and have no bounds; OpenAI's are 0 to 1: the best is 1, half of it is the worst's place."""
    if not scores:
        return []
    best, worst = max(scores), min(scores)
    spread = (best - worst) or 1.0
    return [1 - (best - score) / (2 * spread) for score in scores]
