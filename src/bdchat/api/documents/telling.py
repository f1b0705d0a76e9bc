"""Views of documents, and their telling to all who see them: with the change, or by and by while one is read.

Event loop only, but for what is called inside a transaction.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.schemas.collections import CollectionView
from bdchat.api.schemas.documents import DocumentView
from bdchat.store.db import Db
from bdchat.store.document_tables import Collection, Document
from bdchat.store.documents import collections, documents
from bdchat.store.documents.listing import shown
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

INTERVAL_S = 0.5  # between two words on one document


class DocumentViews:
    """`fingerprint`: of who makes vectors now; None: nobody does. Any thread."""

    def __init__(self, fingerprint: Callable[[], str | None]) -> None:
        self._fingerprint = fingerprint

    def of(self, db: Db, user_id: str, rows: Sequence[Document]) -> list[DocumentView]:
        """As the user sees them."""
        fingerprint = self._fingerprint()
        found = shown.shown_to(db, user_id, rows, fingerprint=fingerprint)
        return [DocumentView.of(each, has_embedder=fingerprint is not None) for each in found]

    def one(self, db: Db, user_id: str, row: Document) -> DocumentView:
        return self.of(db, user_id, [row])[0]

    def to_all(self, db: Db, row: Document) -> dict[str, DocumentView]:
        """By the user who sees it so."""
        fingerprint = self._fingerprint()
        found = shown.shown_to_all(db, row, fingerprint=fingerprint)
        return {each.user_id: DocumentView.of(each, has_embedder=fingerprint is not None) for each in found}

    def tell(self, db: Db, news: News, row: Document) -> None:
        """That it has changed."""
        news.document_changed(self.to_all(db, row))


class CollectionViews:
    """Any thread; no state."""

    def one(self, db: Db, user_id: str, collection_id: str) -> CollectionView:
        """Raises NotFound."""
        return CollectionView.of(collections.see(db, user_id, collection_id))

    def tell(self, db: Db, news: News, collection: Collection) -> None:
        """That it has changed, to all who see it."""
        collection_id = collection.collection_id
        news.collection_changed(
            {user_id: self.one(db, user_id, collection_id) for user_id in collections.audience(db, collection_id)}
        )


def delete_document(db: Db, news: News, document: Document, *, is_final: bool = False) -> None:
    """And tells all who saw it."""
    audience = shown.audience(db, document)
    documents.delete(db, document, is_final=is_final)
    news.document_deleted(document.document_id, audience)


def delete_collection(db: Db, news: News, collection: Collection) -> None:
    """And tells all who saw it."""
    audience = collections.audience(db, collection.collection_id)
    collections.delete_collection(db, collection)
    news.collection_deleted(collection.collection_id, audience)


class ProgressTeller:
    """Says how far documents are: the latest counts, each twice a second at most."""

    def __init__(self, database: Database, writes: Writes, views: DocumentViews) -> None:
        self._database = database
        self._writes = writes
        self._views = views
        self._changed: set[str] = set()
        self._bell = asyncio.Event()

    def changed(self, document_id: str) -> None:
        self._changed.add(document_id)
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            ids, self._changed = sorted(self._changed), set()
            try:
                await self._tell(ids)
            except StoreError as error:
                log.warning("progress of documents could not be told: %s", error)
            await asyncio.sleep(INTERVAL_S)

    async def _tell(self, ids: Sequence[str]) -> None:
        def read(db: Db) -> News:
            news = News()
            for document_id in ids:
                row = db.get(Document, document_id)
                if row is not None and row.deleted_at_ms is None:
                    self._views.tell(db, news, row)
            return news

        await self._writes.publish(await self._database.read(read))
