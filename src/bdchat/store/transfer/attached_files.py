"""Files that chats ask, out with an export and in with an import. A file is known by its bytes' SHA-256: the one name
that says the same on any server. Functions of a Session, but for `take_in`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from sqlmodel import col, func, select

from bdchat.store.db import Db
from bdchat.store.document_tables import ChatDocument, Document, DocumentPart, MessageSource
from bdchat.store.documents import attachments
from bdchat.store.documents.jobs.uploads import upload
from bdchat.store.documents.scope import is_kept, visible_documents
from bdchat.store.errors import Conflict, QuotaExceeded
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.transfer.archive import FAULTS, BadArchive, attached_files
from bdchat.store.transfer.document import MAX_DOCUMENTS, FilePart, SourcePart
from bdchat.store.transfer.reasons import Reason, because
from bdchat.store.transfer.rendering import safe_file_name

READ_BYTES = 256 * 1024
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OwnFile:
    document_id: str
    sha256: str
    name: str
    created_at_ms: int

    @property
    def path(self) -> str:
        """In a ZIP."""
        return f"documents/{self.sha256}/{safe_file_name(self.name)}"


# --- out --------------------------------------------------------------------------------------------------------------


def bytes_of_all(db: Db, user_id: str) -> int:
    """Of the files that `own_files` names."""
    query = select(func.coalesce(func.sum(col(Document.num_bytes)), 0)).where(Document.user_id == user_id, is_kept())
    return int(db.exec(query).one())


def own_files(db: Db, user_id: str, *, after: str, limit: int) -> list[OwnFile]:
    query = (
        select(Document.document_id, Document.sha256, Document.name, Document.created_at_ms)
        .where(Document.user_id == user_id, is_kept(), col(Document.document_id) > after)
        .order_by(col(Document.document_id))
        .limit(limit)
    )
    return [OwnFile(*row) for row in db.exec(query)]


def part_of(db: Db, document_id: str, number: int) -> bytes | None:
    query = select(DocumentPart.data).where(DocumentPart.document_id == document_id, DocumentPart.number == number)
    return db.exec(query).first()


def files_of_chat(db: Db, user_id: str, session_id: str) -> list[FilePart]:
    """Of those that it asks itself, what `user_id` may open."""
    asked = attachments.of_chat(db, session_id).documents
    visible = _visible(db, user_id, [row.document_id for row in asked])
    return [
        FilePart(row.sha256, row.name, row.media_type, row.num_bytes) for row in asked if row.document_id in visible
    ][:MAX_DOCUMENTS]


def sources_of(db: Db, user_id: str, message_ids: Sequence[str]) -> dict[str, list[SourcePart]]:
    """By message, in the order of their numbers. A file that `user_id` may not open has no hash."""
    query = select(MessageSource).where(col(MessageSource.message_id).in_(message_ids))
    rows = list(db.exec(query.order_by(col(MessageSource.number))))
    hashes = _visible(db, user_id, sorted({row.document_id for row in rows}))
    found: dict[str, list[SourcePart]] = {}
    for row in rows:
        part = SourcePart(
            number=row.number,
            sha256=hashes.get(row.document_id, ""),
            document_name=row.document_name,
            page=row.page,
            start=row.start,
            end=row.end,
            is_whole=row.is_whole,
            text=row.text,
            heading=row.heading,
            header=row.header,
        )
        found.setdefault(row.message_id, []).append(part)
    return found


def _visible(db: Db, user_id: str, document_ids: Sequence[str]) -> dict[str, str]:
    """document_id → SHA-256."""
    if not document_ids:
        return {}
    query = select(Document.document_id, Document.sha256)
    return dict(db.exec(query.where(col(Document.document_id).in_(document_ids), visible_documents(user_id))).all())


# --- in ---------------------------------------------------------------------------------------------------------------


async def take_in(
    database: Database,
    user_id: str,
    source: IO[bytes],
    *,
    max_bytes: int,
    most: int,
    tell: Callable[[str, Reason], None],
) -> int:
    """The files of an export of ours, before its chats; how many there are then of them. `tell`: one by its name could
    not be taken in. What is there already is not taken twice. Raises StoreUnavailable's kinds."""
    num_files = 0
    files = attached_files(source)
    try:
        while (found := await asyncio.to_thread(_next, files)) is not None:
            sha256, name, content = found
            reason = await _take(database, user_id, name, sha256, content, max_bytes=max_bytes, most=most)
            if reason is None:
                num_files += 1
            else:
                tell(name, reason)
    finally:
        await asyncio.to_thread(files.close)
    return num_files


def _next(files: Iterator[tuple[str, str, IO[bytes]]]) -> tuple[str, str, IO[bytes]] | None:
    """A ZIP that is damaged has no more of them: who reads its chats says what is wrong."""
    try:
        return next(files, None)
    except (BadArchive, NotImplementedError, RuntimeError, *FAULTS):
        return None


async def _take(
    database: Database, user_id: str, name: str, sha256: str, content: IO[bytes], *, max_bytes: int, most: int
) -> Reason | None:
    """None: it is there."""
    if await database.read(lambda db: bool(_here(db, user_id, [sha256]))):
        return None
    if await asyncio.to_thread(_hash_of, content, max_bytes) != sha256:
        return because("file_damaged")
    try:
        await upload(database, user_id, name, _chunks(content), most=most)
    except QuotaExceeded:
        return because("quota_exceeded")
    except Conflict:
        return because("too_many_files", num=most)
    return None


def _hash_of(content: IO[bytes], max_bytes: int) -> str:
    """Then it is at its beginning again. "": it is damaged, or larger than a file may be."""
    digest, num_bytes = hashlib.sha256(), 0
    try:
        while chunk := content.read(READ_BYTES):
            num_bytes += len(chunk)
            if num_bytes > max_bytes:
                return ""
            digest.update(chunk)
        content.seek(0)
    except FAULTS:
        return ""
    return digest.hexdigest()


async def _chunks(content: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(content.read, READ_BYTES):
        yield chunk


def named_here(db: Db, user_id: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of MessageSource: with the file's name here instead of its hash; "" where the account has no such file."""
    ids = _here(db, user_id, sorted({row["sha256"] for row in rows if row["sha256"]}))
    return [
        {name: value for name, value in row.items() if name != "sha256"}
        | {"document_id": ids.get(row["sha256"], ""), "passage_id": None}
        for row in rows
    ]


def attach(db: Db, user_id: str, session_id: str, hashes: Sequence[str]) -> None:
    """To a chat that comes in: those of the account's own files."""
    now = now_ms()
    for document_id in _here(db, user_id, hashes[:MAX_DOCUMENTS]).values():
        db.add(ChatDocument(session_id=session_id, document_id=document_id, added_by=user_id, created_at_ms=now))
    db.flush()


def _here(db: Db, user_id: str, hashes: Sequence[str]) -> dict[str, str]:
    """SHA-256 → document_id, of the account's own files."""
    if not hashes:
        return {}
    query = select(Document.sha256, Document.document_id).where(Document.user_id == user_id, is_kept())
    return dict(db.exec(query.where(col(Document.sha256).in_(hashes))).all())
