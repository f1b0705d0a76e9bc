"""Pages as they were read, with their passages. Functions of a Session, inside the caller's transaction; `put` in one
of its own.

A page is written whole: text, passages, their index and how far the reading is are one transaction, and writing it
again replaces it. So the reading may end at any moment and go on behind the last page that is told as read.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from sqlalchemy import delete, func, insert
from sqlmodel import col, select

from bdchat.store.accounting import books, quotas
from bdchat.store.chats.messages import storable
from bdchat.store.db import Db
from bdchat.store.document_tables import Document, DocumentPage, Passage
from bdchat.store.documents import reading_state
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.terms import counted
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database


class ReadPage(Protocol):
    """reading.pieces.PageText is one. Each block has (kind, start, end, level), each box (start, end, left, top, right,
    bottom)."""

    @property
    def number(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def boxes(self) -> Sequence[Any]: ...
    @property
    def blocks(self) -> Sequence[Any]: ...
    @property
    def is_scanned(self) -> bool: ...


class ReadPassage(Protocol):
    """reading.pieces.PassageDraft is one."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def heading(self) -> str: ...
    @property
    def header(self) -> str: ...
    @property
    def num_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PageRows:
    """Ready to be written."""

    page: dict[str, Any]
    passages: list[dict[str, Any]]

    @property
    def number(self) -> int:
        return int(self.page["number"])

    @property
    def num_bytes(self) -> int:
        """In the books."""
        passages = sum(books.num_bytes(Passage, row) for row in self.passages)
        return books.num_bytes(DocumentPage, self.page) + passages


async def put(
    database: Database, document_id: str, server_id: str, page: ReadPage, drafts: Sequence[ReadPassage]
) -> None:
    """Terms are found in a thread; the writer gets rows that are ready, when nobody else waits for it. Raises NotFound
    when the file is not the server's to read any more, QuotaExceeded, StoreUnavailable's kinds."""
    rows = await asyncio.to_thread(rows_of, document_id, page, drafts)
    await database.write_slice(
        partial(put_page, document_id=document_id, server_id=server_id, rows=rows), num_bytes=rows.num_bytes
    )


def rows_of(document_id: str, page: ReadPage, drafts: Sequence[ReadPassage]) -> PageRows:
    """In any thread: finding the terms is most of the work."""
    text = storable(page.text)  # as long as it was: spans count on it
    row = {
        "document_id": document_id,
        "number": page.number,
        "label": storable(page.label),
        "text": text,
        "width": page.width,
        "height": page.height,
        "boxes": [[b.start, b.end, b.left, b.top, b.right, b.bottom] for b in page.boxes],
        "blocks": [[b.kind, b.start, b.end, b.level] for b in page.blocks],
        "is_scanned": page.is_scanned,
    }
    return PageRows(row, [_passage(document_id, page.number, text, draft) for draft in drafts])


def put_page(db: Db, document_id: str, server_id: str, rows: PageRows) -> None:
    """Raises NotFound when the file is not the server's to read any more; QuotaExceeded."""
    document = reading_state.require_read_by(db, document_id, server_id)
    num_passages, num_tokens = _remove(db, document_id, rows.number)
    quotas.charge(db, document.user_id, rows.num_bytes)
    db.connection().execute(insert(DocumentPage), [rows.page])
    if rows.passages:
        db.connection().execute(insert(Passage), rows.passages)
    reading_state.grow(
        db,
        document_id,
        num_passages=len(rows.passages) - num_passages,
        num_tokens=sum(row["num_tokens"] for row in rows.passages) - num_tokens,
        num_pages_read=max(document.num_pages_read, rows.number),
    )


def get(db: Db, document_id: str, number: int, scope: Scope) -> DocumentPage:
    """Raises NotFound."""
    query = (
        select(DocumentPage)
        .join(Document, col(Document.document_id) == col(DocumentPage.document_id))
        .where(DocumentPage.document_id == document_id, DocumentPage.number == number, scope.is_readable)
    )
    found = db.exec(query).first()
    if found is None:
        raise NotFound("page", str(number))
    return found


def get_passage(db: Db, document_id: str, passage_id: int, scope: Scope) -> tuple[Passage, DocumentPage]:
    """With its page, whose text[start:end] is its own. Raises NotFound."""
    query = (
        select(Passage, DocumentPage)
        .join(
            DocumentPage,
            (col(DocumentPage.document_id) == col(Passage.document_id))
            & (col(DocumentPage.number) == col(Passage.page)),
        )
        .join(Document, col(Document.document_id) == col(Passage.document_id))
        .where(Passage.document_id == document_id, Passage.passage_id == passage_id, scope.is_readable)
    )
    found = db.exec(query).first()
    if found is None:
        raise NotFound("passage", str(passage_id))
    return found


def all_of(db: Db, document_id: str, scope: Scope, *, after: int = 0, limit: int = 50) -> list[DocumentPage]:
    """In order; `after`: the number of the last one that is known."""
    query = (
        select(DocumentPage)
        .join(Document, col(Document.document_id) == col(DocumentPage.document_id))
        .where(DocumentPage.document_id == document_id, col(DocumentPage.number) > after, scope.is_readable)
        .order_by(col(DocumentPage.number))
        .limit(limit)
    )
    return list(db.exec(query))


def _passage(document_id: str, number: int, text: str, draft: ReadPassage) -> dict[str, Any]:
    heading, header = storable(draft.heading), storable(draft.header)
    found = counted(text[draft.start : draft.end], heading, header)
    return {
        "document_id": document_id,
        "page": number,
        "start": draft.start,
        "end": draft.end,
        "heading": heading,
        "header": header,
        "num_tokens": draft.num_tokens,
        "num_terms": found.num_terms,
        "terms": found.terms,
    }


def _remove(db: Db, document_id: str, number: int) -> tuple[int, int]:
    """Passages and tokens of them that were there."""
    same = col(Passage.document_id) == document_id, col(Passage.page) == number
    sums = select(func.count(), func.coalesce(func.sum(Passage.num_tokens), 0)).where(*same)
    num_passages, num_tokens = db.exec(sums).one()
    db.execute(delete(Passage).where(*same))
    page = col(DocumentPage.document_id) == document_id, col(DocumentPage.number) == number
    db.execute(delete(DocumentPage).where(*page))
    return int(num_passages), int(num_tokens)
