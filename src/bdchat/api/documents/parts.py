"""What a server has for documents, put together: taking in, reading, listing, and who tells of it. Event loop only."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.routing import Route

from bdchat.api.bus.writes import Writes
from bdchat.api.documents.chat_documents import ChatDocuments
from bdchat.api.documents.collections import Collections
from bdchat.api.documents.contents import DocumentContents
from bdchat.api.documents.documents import Documents
from bdchat.api.documents.embedding import Embedding, EmbeddingModels
from bdchat.api.documents.finding import DocumentSearches, Finder
from bdchat.api.documents.ingestion import Ingestion
from bdchat.api.documents.meaning.reranking import Reranker
from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.documents.reading_run import ReadFile
from bdchat.api.documents.telling import CollectionViews, DocumentViews, ProgressTeller
from bdchat.api.documents.uploads import Intake, Uploads
from bdchat.engine.router import Router
from bdchat.reading.process import read
from bdchat.settings import Settings
from bdchat.store.documents import sources
from bdchat.store.documents.jobs import purges
from bdchat.store.documents.search import PassageSearch
from bdchat.store.documents.vectors import VectorIndex, VectorsUnavailable
from bdchat.store.ids import new_id
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

AFTER_FAULT_S = 5
VECTORS_FOLDER = "vectors"  # in the data directory


class DocumentParts:
    """`start` once the database and the bus are there, `run` as a task, `aclose` when that has ended."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        writes: Writes,
        *,
        models: EmbeddingModels,
        router: Router,
        read_file: ReadFile = read,
    ) -> None:
        self._settings = settings
        self._database = database
        self._writes = writes
        self._router = router
        self.views = DocumentViews(lambda: self.embedding.fingerprint)
        self.collection_views = CollectionViews()
        self.teller = ProgressTeller(database, writes, self.views)
        self._vectors = VectorIndex(settings.data_dir / VECTORS_FOLDER, settings.chroma, database)
        self.embedding = Embedding(settings, database, self._vectors, models, tell=self.teller.changed)
        self.ingestion = Ingestion(
            settings.documents,
            database,
            folder=settings.data_dir,
            server_id=new_id(),
            read_file=read_file,
            tell=self.teller.changed,
            on_passages=self.embedding.ring,
        )
        reranker = settings.documents.reranker
        rerank = None if reranker == "none" else Reranker(router, reranker).scores
        self.finder = Finder(PassageSearch(database, self._vectors), self.embedding, rerank=rerank)
        self.questions = DocumentQuestions(settings.documents, database, self.finder)
        self.intake = Intake(settings.documents, database, writes, views=self.views, ingestion=self.ingestion)

    def routes(self) -> list[Route]:
        limits, database, writes = self._settings.limits, self._database, self._writes
        return [
            *DocumentSearches(limits, database, self.finder).routes(),
            *Documents(
                limits,
                database,
                writes,
                views=self.views,
                ingestion=self.ingestion,
                uploads=Uploads(self.intake, limits),
                purge=self.purge,
            ).routes(),
            *DocumentContents(database).routes(),
            *Collections(limits, database, writes, views=self.collection_views, document_views=self.views).routes(),
            *ChatDocuments(self._settings, database, writes, views=self.views).routes(),
        ]

    async def start(self) -> None:
        """Raises StoreError."""
        await self.ingestion.start()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for run in (self.ingestion.run, self.teller.run, self.embedding.run):
                group.create_task(_again_and_again(run))

    async def aclose(self) -> None:
        await self.ingestion.aclose()
        await self.embedding.aclose()
        await self._vectors.close()

    async def purge(self, document_id: str) -> None:
        """Its text is in the KV states of chats that were told of it, too."""
        told = await self._database.read(lambda db: sources.chats_told_of(db, document_id))
        await purges.purge_with_sources(self._database, document_id)
        with suppress(VectorsUnavailable):  # nobody finds them any more; the next reconcile takes them out
            await self._vectors.delete_documents([document_id])
        for engine in (*self._router.engines.values(), *self._router.leaving.values()):
            for session_id in told:
                engine.forget(session_id)


async def _again_and_again(run: Callable[[], Awaitable[None]]) -> None:
    """Until cancelled. The border of work that nobody waits for: a fault in one part must end no other, and be told."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("work on documents broke off; it goes on in %d s", AFTER_FAULT_S)
        await asyncio.sleep(AFTER_FAULT_S)
