"""Pages of one's own files, of collections and of what is in one, after an id and either way round; how far a
collection's files are. Functions of a Session, inside the caller's transaction.
"""

from collections import Counter
from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel import col, func, select

from bdchat.store.db import Db
from bdchat.store.document_tables import Collection, CollectionDocument, Document
from bdchat.store.documents.scope import is_kept, visible_collections

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class IdPage:
    """`after`: the id of the last one that is known."""

    limit: int
    after: str | None = None
    is_newest_first: bool = True

    def of(self, db: Db, query: Any, key: Any) -> tuple[list[Any], bool]:
        """(rows, are there more). Ids sort by the time of their making."""
        if self.after is not None:
            query = query.where(key < self.after if self.is_newest_first else key > self.after)
        query = query.order_by(key.desc() if self.is_newest_first else key).limit(self.limit + 1)
        rows = list(db.exec(query))
        return rows[: self.limit], len(rows) > self.limit


@dataclass(frozen=True, slots=True)
class Filling:
    """Of a collection: its files' bytes, and how many have each status."""

    num_bytes: int
    by_status: Counter[str]


def own_files(db: Db, user_id: str, page: IdPage) -> tuple[list[Document], bool]:
    query = select(Document).where(Document.user_id == user_id, is_kept())
    return page.of(db, query, col(Document.document_id))


def collections_of(db: Db, user_id: str, page: IdPage) -> tuple[list[Collection], bool]:
    """That the user sees."""
    return page.of(db, select(Collection).where(visible_collections(user_id)), col(Collection.collection_id))


def files_in(
    db: Db, collection_id: str, page: IdPage, *, statuses: Some[str] | None = None
) -> tuple[list[tuple[Document, CollectionDocument]], bool]:
    """Whoever asks may see the collection: the caller knows."""
    query = (
        select(Document, CollectionDocument)
        .join(CollectionDocument, col(CollectionDocument.document_id) == col(Document.document_id))
        .where(CollectionDocument.collection_id == collection_id, is_kept())
    )
    if statuses is not None:
        query = query.where(col(Document.status).in_(statuses))
    rows, has_more = page.of(db, query, col(Document.document_id))
    return [(document, place) for document, place in rows], has_more


def file_in(db: Db, collection_id: str, document_id: str) -> tuple[Document, CollectionDocument] | None:
    query = (
        select(Document, CollectionDocument)
        .join(CollectionDocument, col(CollectionDocument.document_id) == col(Document.document_id))
        .where(
            CollectionDocument.collection_id == collection_id,
            CollectionDocument.document_id == document_id,
            is_kept(),
        )
    )
    return db.exec(query).first()


def fillings(db: Db, collection_ids: Sequence[str]) -> dict[str, Filling]:
    """Of each, also of an empty one."""
    found = {collection_id: Filling(0, Counter()) for collection_id in collection_ids}
    query = (
        select(CollectionDocument.collection_id, Document.status, func.count(), func.sum(Document.num_bytes))
        .join(Document, col(Document.document_id) == col(CollectionDocument.document_id))
        .where(col(CollectionDocument.collection_id).in_(collection_ids), is_kept())
        .group_by(col(CollectionDocument.collection_id), col(Document.status))
    )
    for collection_id, status, number, num_bytes in db.exec(query):
        filling = found[collection_id]
        filling.by_status[status] = number
        found[collection_id] = Filling(filling.num_bytes + int(num_bytes or 0), filling.by_status)
    return found
