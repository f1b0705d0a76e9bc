"""Deletes files for good, in slices: what is to go is looked up and measured by a reader, the writer removes rows by
their keys (as store/chats/purges.py). A file's row goes last: whatever ends this, it is purged again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import delete, tuple_, update
from sqlmodel import col, select

from bdchat.store.accounting import books
from bdchat.store.accounting.storage import dialect
from bdchat.store.db import Db
from bdchat.store.document_tables import (
    Collection,
    Document,
    DocumentPage,
    DocumentPart,
    MessageSource,
    Passage,
    PassageVector,
)
from bdchat.store.documents.documents import DISCARDED_AT_MS
from bdchat.store.sql.database import Database
from bdchat.store.sql.slices import slices

WINDOW_ROWS = 1000  # measured at once
BLANKED_AT_ONCE = 100
IsOver: TypeAlias = Callable[[Document], bool]
_ORDER: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (PassageVector, ("passage_id",)),
    (Passage, ("passage_id",)),
    (DocumentPage, ("document_id", "number")),
    (DocumentPart, ("document_id", "number")),
)  # nothing in it cascades


@dataclass(frozen=True, slots=True)
class DocumentRemoval:
    """A slice: rows of one table by their keys. `num_bytes`: of their content."""

    table: type[Any]
    names: tuple[str, ...]
    keys: Sequence[Any]
    num_bytes: int

    def run(self, db: Db) -> None:
        db.execute(delete(self.table).where(_key(self.table, self.names).in_(self.keys)))


def is_discarded(document: Document) -> bool:
    """It never was there for anybody."""
    return document.deleted_at_ms == DISCARDED_AT_MS


def is_deleted(document: Document) -> bool:
    return document.deleted_at_ms is not None


def is_overdue(document: Document, *, deleted_before_ms: int) -> bool:
    """Its time for undo is over."""
    return document.deleted_at_ms is not None and document.deleted_at_ms < deleted_before_ms


async def purge_document(database: Database, document_id: str, is_over: IsOver) -> bool:
    """While the file is as `is_over` wants it, asked again in each slice. False: it is not, or there is none. What
    chats were told of it stays with them."""
    while removals := await database.read(lambda db: _of_document(db, document_id)):
        for removal in removals:
            work = partial(_remove, document_id=document_id, is_over=is_over, removal=removal)
            if not await database.write_slice(work, num_bytes=removal.num_bytes):
                return False
    return await database.write_slice(lambda db: _remove_document(db, document_id, is_over))


async def purge_with_sources(database: Database, document_id: str) -> bool:
    """A file that its owner deletes for good at once: what chats were told of it is blanked, too."""
    while await database.write_slice(lambda db: _blank_sources(db, document_id)):
        pass
    return await purge_document(database, document_id, is_deleted)


async def purge_overdue(database: Database, *, deleted_before_ms: int) -> list[str]:
    """Files, and collections, that were deleted before. Which files that were."""
    purged: list[str] = []
    is_over = partial(is_overdue, deleted_before_ms=deleted_before_ms)
    while document_id := await database.read(lambda db: _overdue(db, deleted_before_ms)):
        if await purge_document(database, document_id, is_over):
            purged.append(document_id)
    while await database.write_slice(lambda db: _remove_collections(db, deleted_before_ms)):
        pass
    return purged


async def purge_all_of(database: Database, user_id: str) -> None:
    """Every file of an account that is to go."""
    while document_id := await database.read(lambda db: document_of(db, user_id)):
        await purge_document(database, document_id, lambda document: document.user_id == user_id)


def document_of(db: Db, user_id: str) -> str | None:
    return db.exec(select(Document.document_id).where(Document.user_id == user_id).limit(1)).first()


# --- writer -----------------------------------------------------------------------------------------------------------


def _remove(db: Db, *, document_id: str, is_over: IsOver, removal: DocumentRemoval) -> bool:
    document = db.get(Document, document_id)
    if document is None or not is_over(document):
        return False
    removal.run(db)
    return True


def _remove_document(db: Db, document_id: str, is_over: IsOver) -> bool:
    document = db.get(Document, document_id)
    if document is None or not is_over(document):
        return False
    db.delete(document)
    db.flush()
    return True


def _remove_collections(db: Db, deleted_before_ms: int) -> int:
    over = select(Collection.collection_id).where(col(Collection.deleted_at_ms) < deleted_before_ms).limit(20)
    ids = list(db.exec(over))
    if ids:
        db.execute(delete(Collection).where(col(Collection.collection_id).in_(ids)))
    return len(ids)


def _blank_sources(db: Db, document_id: str) -> int:
    """Some of them. Which page it was, and of what, stays."""
    has_text = (col(MessageSource.text) != "") | (col(MessageSource.heading) != "") | (col(MessageSource.header) != "")
    query = select(MessageSource.message_id, MessageSource.number).where(
        MessageSource.document_id == document_id, has_text
    )
    keys = [tuple(row) for row in db.exec(query.limit(BLANKED_AT_ONCE))]
    if keys:
        blanked = update(MessageSource).where(
            tuple_(col(MessageSource.message_id), col(MessageSource.number)).in_(keys)
        )
        db.execute(blanked.values(text="", heading="", header="").execution_options(synchronize_session=False))
    return len(keys)


# --- reader -----------------------------------------------------------------------------------------------------------


def _overdue(db: Db, deleted_before_ms: int) -> str | None:
    """The file that was deleted first."""
    deleted_at = col(Document.deleted_at_ms)
    return db.exec(
        select(Document.document_id).where(deleted_at < deleted_before_ms).order_by(deleted_at).limit(1)
    ).first()


def _of_document(db: Db, document_id: str) -> list[DocumentRemoval]:
    """What goes next."""
    for table, names in _ORDER:
        columns = [col(getattr(table, name)) for name in names]
        query: Any = select(*columns, books.kept_bytes(table, dialect(db)))  # type: ignore[call-overload]
        query = query.where(table.document_id == document_id).order_by(*columns).limit(WINDOW_ROWS)
        sized = [(row[0] if len(names) == 1 else tuple(row[:-1]), int(row[-1])) for row in db.execute(query)]
        if sized:
            return [
                DocumentRemoval(table, names, [key for key, _ in some], sum(size for _, size in some))
                for some in slices(sized, lambda each: each[1])
            ]
    return []


def _key(table: Any, names: Sequence[str]) -> Any:
    columns = [col(getattr(table, name)) for name in names]
    return columns[0] if len(columns) == 1 else tuple_(*columns)
