"""Which files and collections a chat asks. Functions of a Session, inside the caller's transaction.

Whoever writes in the chat attaches what they may open; it counts as long as they may, and are in the chat (scope.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from bdchat.store.chats import sessions
from bdchat.store.db import Db
from bdchat.store.document_tables import ChatCollection, ChatDocument, Collection, Document
from bdchat.store.documents.scope import asked_by_chat, asked_collection, visible_collections, visible_documents
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import now_ms


@dataclass(frozen=True, slots=True)
class Attached:
    """In the order in which they came. Files that come with a collection are not among `documents`."""

    documents: list[Document]
    collections: list[Collection]


def of_chat(db: Db, session_id: str) -> Attached:
    """Whoever may read the chat is the caller's to know."""
    files = (
        select(Document)
        .join(ChatDocument, col(ChatDocument.document_id) == col(Document.document_id))
        .where(ChatDocument.session_id == session_id, asked_by_chat(session_id))
        .order_by(col(ChatDocument.created_at_ms), col(ChatDocument.document_id))
    )
    folders = (
        select(Collection)
        .join(ChatCollection, col(ChatCollection.collection_id) == col(Collection.collection_id))
        .where(ChatCollection.session_id == session_id, asked_collection(session_id))
        .order_by(col(ChatCollection.created_at_ms), col(ChatCollection.collection_id))
    )
    return Attached(list(db.exec(files)), list(db.exec(folders)))


def set_of_chat(
    db: Db,
    user_id: str,
    session_id: str,
    *,
    document_ids: Sequence[str],
    collection_ids: Sequence[str],
    most: int,
) -> Attached:
    """All that the chat asks from now on; `most` files, and as many collections. Whatever is new must be the user's to
    open. Raises NotFound, NotAllowed (a reader), Conflict."""
    sessions.get_writable(db, user_id, session_id)
    for kind, ids in (("files", document_ids), ("collections", collection_ids)):
        if len(set(ids)) > most:
            raise Conflict(f"A chat has at most {most} {kind}.", code="too_many_attachments")
    now = now_ms()
    for document_id in _changed(db, ChatDocument, ChatDocument.document_id, session_id, document_ids):
        _require(db, Document, Document.document_id == document_id, visible_documents(user_id), document_id)
        row = ChatDocument(session_id=session_id, document_id=document_id, added_by=user_id, created_at_ms=now)
        db.add(row)
    for collection_id in _changed(db, ChatCollection, ChatCollection.collection_id, session_id, collection_ids):
        _require(db, Collection, Collection.collection_id == collection_id, visible_collections(user_id), collection_id)
        folder = ChatCollection(session_id=session_id, collection_id=collection_id, added_by=user_id, created_at_ms=now)
        db.add(folder)
    db.flush()
    return of_chat(db, session_id)


def copy(db: Db, user_id: str, source_id: str, target_id: str) -> None:
    """To a new chat of `user_id`: what the other one asks, as far as the user may open it."""
    now = now_ms()
    files = select(Document.document_id).join(ChatDocument, col(ChatDocument.document_id) == col(Document.document_id))
    files = files.where(ChatDocument.session_id == source_id, visible_documents(user_id))
    for document_id in db.exec(files.order_by(col(ChatDocument.created_at_ms))).all():
        db.add(ChatDocument(session_id=target_id, document_id=document_id, added_by=user_id, created_at_ms=now))
    folders = select(Collection.collection_id).join(
        ChatCollection, col(ChatCollection.collection_id) == col(Collection.collection_id)
    )
    folders = folders.where(ChatCollection.session_id == source_id, visible_collections(user_id))
    for collection_id in db.exec(folders.order_by(col(ChatCollection.created_at_ms))).all():
        db.add(ChatCollection(session_id=target_id, collection_id=collection_id, added_by=user_id, created_at_ms=now))
    db.flush()


def _changed(db: Db, table: type[Any], key: Any, session_id: str, ids: Sequence[str]) -> list[str]:
    """Those that are new; what is not in `ids` is taken out."""
    there = set(db.exec(select(key).where(table.session_id == session_id)))
    gone = there - set(ids)
    if gone:
        db.execute(delete(table).where(table.session_id == session_id, col(key).in_(gone)))
    return [each for each in dict.fromkeys(ids) if each not in there]


def _require(db: Db, kind: type[Any], key: Any, is_visible: Any, name: str) -> None:
    if db.exec(select(kind).where(key, is_visible)).first() is None:
        raise NotFound(str(kind.__tablename__), name)
