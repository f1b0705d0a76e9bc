"""Files: whose they are, lists, changes, deletion. Functions of a Session, inside the caller's transaction.

`get` and `get_owned` are the only ways to a file by its id: each asks in the same query whose it is. What is not the
user's raises NotFound; what one may see but not change, NotAllowed. How reading goes on is reading_state.py's, how
bytes come in is uploads.py's.
"""

import unicodedata
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import col, select

from bdchat.store.chats.messages import storable
from bdchat.store.db import Db
from bdchat.store.document_tables import ChatDocument, CollectionDocument, Document, DocumentPart
from bdchat.store.documents.scope import is_kept, visible_documents
from bdchat.store.errors import Conflict, NotAllowed, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.sql.database import Database

PART_BYTES = 1024 * 1024  # written at once: others wait so long
DISCARDED_AT_MS = 0  # deleted_at_ms of an upload that never was there, and of what nothing restores: purged at once


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which files a list holds. None: any. `name`: a part of it. `is_deleted`: those of one's own that can be brought
    back, instead of those that are there."""

    name: str | None = None
    collection_id: str | None = None
    status: str | None = None
    is_deleted: bool = False


# --- one file ---------------------------------------------------------------------------------------------------------


def create(db: Db, user_id: str, name: str, media_type: str = "", *, most: int | None = None) -> Document:
    """Without any bytes yet, and seen by nobody. `most`: how many files an account may have. Raises Conflict."""
    if most is not None and count_of(db, user_id) >= most:
        raise Conflict(
            f"The account has {most:,} files already: delete some for good.", code="too_many_documents", param="name"
        )
    now = now_ms()
    document = Document(
        document_id=new_id(),
        user_id=user_id,
        name=_as_kept(name),
        media_type=storable(media_type),
        created_at_ms=now,
        updated_at_ms=now,
    )
    db.add(document)
    db.flush()
    return document


def append_part(db: Db, document_id: str, user_id: str, number: int, data: bytes) -> None:
    """Of a file that is being uploaded. Raises NotFound when it was given up meanwhile, QuotaExceeded."""
    document = _uploading(db, document_id, user_id)
    assert len(data) <= PART_BYTES
    db.add(DocumentPart(document_id=document_id, number=number, data=data))
    document.updated_at_ms = now_ms()  # it is not abandoned
    db.flush()


def finish_upload(db: Db, document_id: str, user_id: str, sha256: str, num_bytes: int) -> tuple[Document, bool]:
    """(what has these bytes now, is it new). The same bytes twice are one file: the former one stays, what was uploaded
    is discarded. Raises NotFound."""
    document = _uploading(db, document_id, user_id)
    former = db.exec(
        select(Document).where(Document.user_id == user_id, Document.sha256 == sha256, is_kept()).limit(1)
    ).first()
    if former is not None:
        document.deleted_at_ms = DISCARDED_AT_MS
        db.flush()
        return former, False
    document.sha256, document.num_bytes = sha256, num_bytes
    document.status, document.updated_at_ms = "waiting", now_ms()
    db.flush()
    return document, True


def discard(db: Db, document_id: str, user_id: str) -> None:
    """An upload that will not be finished: its bytes are purged. Where it is finished already, nothing happens."""
    document = db.get(Document, document_id)
    if document is not None and document.user_id == user_id and document.status == "uploading":
        document.deleted_at_ms = DISCARDED_AT_MS
        db.flush()


def get(db: Db, document_id: str, user_id: str) -> Document:
    """What `user_id` may open. Raises NotFound."""
    query = select(Document).where(Document.document_id == document_id, visible_documents(user_id))
    found = db.exec(query).first()
    if found is None:
        raise NotFound("document", document_id)
    return found


def get_owned(db: Db, document_id: str, user_id: str, *, is_deleted: bool | None = False) -> Document:
    """For who may rename, delete and restore (`is_deleted` None: deleted or not). Raises NotFound, NotAllowed."""
    deleted_at = col(Document.deleted_at_ms)
    query = select(Document).where(
        Document.document_id == document_id,
        Document.user_id == user_id,
        col(Document.sha256) != "",
        or_(deleted_at.is_(None), deleted_at > DISCARDED_AT_MS),
    )
    found = db.exec(query).first()
    if found is not None and is_deleted in {None, found.deleted_at_ms is not None}:
        return found
    get(db, document_id, user_id)
    raise NotAllowed("Only the file's owner may do that.", code="not_owner")


def rename(db: Db, document: Document, name: str) -> None:
    document.name, document.updated_at_ms = _as_kept(name), now_ms()
    db.flush()


# --- many -------------------------------------------------------------------------------------------------------------


def listing(
    db: Db, user_id: str, filters: DocumentFilter, *, limit: int, before: str | None = None
) -> tuple[list[Document], bool]:
    """What `user_id` may open, the last uploaded first; are there more? `before`: the document_id of the last one that
    is known."""
    if filters.is_deleted:
        conditions: list[Any] = [Document.user_id == user_id, col(Document.deleted_at_ms) > DISCARDED_AT_MS]
    else:
        conditions = [visible_documents(user_id)]
    if filters.name:
        part = _as_kept(filters.name)
        conditions.append(func.lower(col(Document.name)).contains(part.lower(), autoescape=True))
    if filters.collection_id is not None:
        inside = select(CollectionDocument.document_id).where(CollectionDocument.collection_id == filters.collection_id)
        conditions.append(col(Document.document_id).in_(inside))
    if filters.status is not None:
        conditions.append(Document.status == filters.status)
    if before is not None:
        conditions.append(col(Document.document_id) < before)
    query = select(Document).where(*conditions).order_by(col(Document.document_id).desc()).limit(limit + 1)
    rows = list(db.exec(query))
    return rows[:limit], len(rows) > limit


def count_of(db: Db, user_id: str) -> int:
    """Of an account's files, deleted and half ones too."""
    return int(db.exec(select(func.count()).select_from(Document).where(Document.user_id == user_id)).one())


def chats_with(db: Db, document_id: str) -> list[str]:
    """Which chats ask it."""
    return list(db.exec(select(ChatDocument.session_id).where(ChatDocument.document_id == document_id)))


# --- bytes ------------------------------------------------------------------------------------------------------------


async def open_parts(database: Database, document_id: str) -> AsyncGenerator[bytes]:
    """A file's bytes, part by part. Whoever asks may open it: the caller knows."""
    number = 0
    while (data := await database.read(partial(_part, document_id=document_id, number=number))) is not None:
        yield data
        number += 1


def _part(db: Db, *, document_id: str, number: int) -> bytes | None:
    query = select(DocumentPart.data).where(DocumentPart.document_id == document_id, DocumentPart.number == number)
    return db.exec(query).first()


# --- the end ----------------------------------------------------------------------------------------------------------


def delete(db: Db, document: Document, *, is_final: bool = False) -> None:
    """Hides it until `restore` or a purge; `is_final`: nothing restores it, and whoever dies while it is purged leaves
    it to the next start. Who reads it stops."""
    document.deleted_at_ms = DISCARDED_AT_MS if is_final else now_ms()
    if document.status == "reading":
        document.status, document.lease_owner = "waiting", ""
    db.flush()


def restore(db: Db, document: Document) -> None:
    """Raises Conflict where the same bytes were uploaded again meanwhile."""
    twin = select(Document.document_id).where(
        Document.user_id == document.user_id, Document.sha256 == document.sha256, is_kept()
    )
    if document.deleted_at_ms is not None and db.exec(twin).first() is not None:
        raise Conflict("The same file is there already, uploaded after this one.", code="same_file")
    document.deleted_at_ms, document.updated_at_ms = None, now_ms()
    db.flush()


def _uploading(db: Db, document_id: str, user_id: str) -> Document:
    document = db.exec(
        select(Document).where(
            Document.document_id == document_id,
            Document.user_id == user_id,
            Document.status == "uploading",
            col(Document.deleted_at_ms).is_(None),
        )
    ).first()
    if document is None:
        raise NotFound("document", document_id)
    return document


def _as_kept(name: str) -> str:
    """macOS sends Hangul in its parts."""
    return storable(unicodedata.normalize("NFC", name))
