"""Whose documents somebody may read. Conditions for queries, and functions of a Session.

A document is read by its owner, and by the owner and the members of each collection that it is in; what a chat asks, by
whoever may read the chat, as passages alone. What is deleted or not here yet is nobody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import col, select

from bdchat.store.db import Db
from bdchat.store.document_tables import (
    ChatCollection,
    ChatDocument,
    Collection,
    CollectionDocument,
    CollectionMember,
    Document,
)
from bdchat.store.errors import NotFound
from bdchat.store.tables import ChatSession, SessionMember


@dataclass(frozen=True, slots=True)
class Scope:
    """Documents that a search or a reading may touch. `is_readable`: of a row of Document, to stand in every query.
    `document_ids`: those that were readable when this was made, for an index that knows no permissions."""

    is_readable: ColumnElement[bool]
    document_ids: tuple[str, ...]


def visible_documents(user_id: str) -> ColumnElement[bool]:
    """Of Document: `user_id` may open it."""
    return and_(is_kept(), or_(col(Document.user_id) == user_id, _is_in_collection_of(user_id)))


def visible_collections(user_id: str) -> ColumnElement[bool]:
    """Of Collection."""
    return and_(col(Collection.deleted_at_ms).is_(None), _is_party(user_id))


def is_kept() -> ColumnElement[bool]:
    """Of Document: all of it is here, and nobody has deleted it."""
    return and_(col(Document.deleted_at_ms).is_(None), col(Document.sha256) != "")


def of(db: Db, user_id: str, *, document_ids: Sequence[str] = (), collection_ids: Sequence[str] = ()) -> Scope:
    """Those that are named, and those in the collections that are named; nothing named: all that `user_id` may read.
    Raises NotFound for an id that is nothing to the user."""
    _require(db, Collection, col(Collection.collection_id), collection_ids, visible_collections(user_id))
    _require(db, Document, col(Document.document_id), document_ids, visible_documents(user_id))
    condition = visible_documents(user_id)
    if document_ids or collection_ids:
        inside = select(CollectionDocument.document_id).join(
            Collection, col(Collection.collection_id) == col(CollectionDocument.collection_id)
        )
        inside = inside.where(col(Collection.collection_id).in_(collection_ids), visible_collections(user_id))
        named = or_(col(Document.document_id).in_(document_ids), col(Document.document_id).in_(inside))
        condition = and_(condition, named)
    return _scope(db, condition)


def of_chat(db: Db, session_id: str) -> Scope:
    """What the chat asks. Whoever may read the chat is the caller's to know."""
    return _scope(db, asked_by_chat(session_id))


def united(scopes: Sequence[Scope]) -> Scope:
    """What any of them holds; of one at least."""
    ids = {document_id for each in scopes for document_id in each.document_ids}
    return Scope(or_(*(each.is_readable for each in scopes)), tuple(sorted(ids)))


def asked_by_chat(session_id: str) -> ColumnElement[bool]:
    """Of Document: attached to the chat itself, or in a collection that is."""
    attached = exists().where(
        col(ChatDocument.session_id) == session_id,
        col(ChatDocument.document_id) == col(Document.document_id),
        _is_in_chat(session_id, col(ChatDocument.added_by)),
        or_(
            col(Document.user_id) == col(ChatDocument.added_by),
            _is_in_collection_of(col(ChatDocument.added_by)),
        ),
    )
    inside = exists().where(
        col(ChatCollection.session_id) == session_id,
        col(ChatCollection.collection_id) == col(CollectionDocument.collection_id),
        col(CollectionDocument.document_id) == col(Document.document_id),
        col(Collection.collection_id) == col(ChatCollection.collection_id),
        asked_collection(session_id),
    )
    either = or_(
        attached.correlate_except(ChatDocument),
        inside.correlate_except(ChatCollection, CollectionDocument, Collection),
    )
    return and_(is_kept(), either)


def asked_collection(session_id: str) -> ColumnElement[bool]:
    """Of Collection, joined with ChatCollection."""
    who = col(ChatCollection.added_by)
    return and_(col(Collection.deleted_at_ms).is_(None), _is_in_chat(session_id, who), _is_party(who))


def readable_among(db: Db, user_id: str, document_ids: Sequence[str]) -> set[str]:
    """Which of them `user_id` may open."""
    query = select(Document.document_id).where(col(Document.document_id).in_(document_ids), visible_documents(user_id))
    return set(db.exec(query))


# --- conditions -------------------------------------------------------------------------------------------------------


def _scope(db: Db, condition: ColumnElement[bool]) -> Scope:
    query = select(Document.document_id).where(condition).order_by(col(Document.document_id))
    return Scope(condition, tuple(db.exec(query)))


def _is_party(who: Any) -> ColumnElement[bool]:
    """Of Collection: `who` owns it or is a member."""
    member = exists().where(
        col(CollectionMember.collection_id) == col(Collection.collection_id), col(CollectionMember.user_id) == who
    )
    return or_(col(Collection.user_id) == who, member.correlate_except(CollectionMember))


def _is_in_collection_of(who: Any) -> ColumnElement[bool]:
    found = exists().where(
        col(CollectionDocument.document_id) == col(Document.document_id),
        col(Collection.collection_id) == col(CollectionDocument.collection_id),
        col(Collection.deleted_at_ms).is_(None),
        _is_party(who),
    )
    return found.correlate_except(CollectionDocument, Collection)


def _is_in_chat(session_id: str, who: Any) -> ColumnElement[bool]:
    owner = exists().where(col(ChatSession.session_id) == session_id, col(ChatSession.user_id) == who)
    member = exists().where(col(SessionMember.session_id) == session_id, col(SessionMember.user_id) == who)
    return or_(owner.correlate_except(ChatSession), member.correlate_except(SessionMember))


def _require(db: Db, kind: type[Any], key: Any, ids: Sequence[str], condition: ColumnElement[bool]) -> None:
    if not ids:
        return
    missing = set(ids) - set(db.exec(select(key).where(key.in_(ids), condition)))
    if missing:
        raise NotFound(str(kind.__tablename__), min(missing))
