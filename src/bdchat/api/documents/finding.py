"""Finds passages for a question: by words, and by meaning where somebody makes vectors. Event loop only."""

from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.http.endpoints import Endpoint, declared, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.documents import DocumentHits, DocumentSearch, PassageHit
from bdchat.settings import LimitSettings
from bdchat.store.documents import scope
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.search import FoundPassages, PassageSearch, Rerank
from bdchat.store.sql.database import Database

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

NO_EMBEDDER = "no_embedder"  # nobody makes vectors
NO_VECTORS = "no_vectors"  # somebody does, and has made none yet, or cannot now


class QuestionEmbedder(Protocol):
    """embedding.Embedding. `fingerprint` None: nobody makes vectors."""

    @property
    def fingerprint(self) -> str | None: ...

    async def embed_query(self, text: str) -> "NDArray[Any] | None": ...


class Finder:
    """`rerank` None: nobody judges what was found."""

    def __init__(self, search: PassageSearch, embedder: QuestionEmbedder, *, rerank: Rerank | None = None) -> None:
        self._search = search
        self._embedder = embedder
        self._rerank = rerank

    async def find(self, within: Scope, query: str, *, limit: int) -> FoundPassages:
        """Raises StoreUnavailable's kinds."""
        vector = await self._embedder.embed_query(query)
        found = await self._search.find(within, query, vector, limit=limit, rerank=self._rerank)
        if vector is None:
            found.notes.append(NO_EMBEDDER if self._embedder.fingerprint is None else NO_VECTORS)
        return found


class DocumentSearches:
    def __init__(self, limits: LimitSettings, database: Database, finder: Finder) -> None:
        self._limits = limits
        self._database = database
        self._finder = finder

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/api/documents/search",
                self.search,
                "Find passages",
                body=DocumentSearch,
                response=DocumentHits,
                errors=(404,),
                description="In the documents and collections that are named; in all that you see where none is.",
            )
        )

    async def search(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        body = parse(DocumentSearch, await read_json_body(request), self._limits)
        within = await self._database.read(
            lambda db: scope.of(db, user_id, document_ids=body.document_ids, collection_ids=body.collection_ids)
        )
        found = await self._finder.find(within, body.query, limit=body.limit)
        hits = [PassageHit.of(hit) for hit in found.hits]
        return reply(DocumentHits(hits=hits, searched=found.searched, notes=found.notes))
