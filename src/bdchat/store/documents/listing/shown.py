"""What is shown of a document beside its row, and to whom.

Functions of a Session, inside the caller's transaction. A document is seen by its owner, and by the owner and the
members of each collection that it is in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from bdchat.store.accounts import users
from bdchat.store.db import Db
from bdchat.store.document_tables import (
    Collection,
    CollectionDocument,
    CollectionMember,
    Document,
    PassageVector,
)
from bdchat.store.documents.scope import readable_among


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """As `user_id` sees it. `num_vectors`: of the embedder that was asked for."""

    document: Document
    user_id: str
    owner_name: str
    collection_ids: tuple[str, ...]
    num_vectors: int
    can_open: bool

    @property
    def is_own(self) -> bool:
        return self.document.user_id == self.user_id


def shown_to(db: Db, user_id: str, rows: Sequence[Document], *, fingerprint: str | None) -> list[ShownDocument]:
    """In the order of `rows`, whose names the user may see: who found them has asked that."""
    ids = [row.document_id for row in rows]
    owners = users.shown_names_of(db, {row.user_id for row in rows})
    readable = readable_among(db, user_id, ids)
    collections: dict[str, list[str]] = {}
    seen = (
        select(CollectionDocument.document_id, CollectionDocument.collection_id)
        .join(Collection, col(Collection.collection_id) == col(CollectionDocument.collection_id))
        .where(
            col(CollectionDocument.document_id).in_(ids),
            col(Collection.deleted_at_ms).is_(None),
            or_(col(Collection.user_id) == user_id, col(Collection.collection_id).in_(_joined(user_id))),
        )
        .order_by(col(CollectionDocument.collection_id))
    )
    for document_id, collection_id in db.exec(seen):
        collections.setdefault(document_id, []).append(collection_id)
    vectors = _num_vectors(db, ids, fingerprint)
    return [
        ShownDocument(
            row,
            user_id,
            owners.get(row.user_id, ""),
            tuple(collections.get(row.document_id, ())),
            vectors.get(row.document_id, 0),
            row.document_id in readable,
        )
        for row in rows
    ]


def audience(db: Db, document: Document) -> list[str]:
    """Its owner first."""
    of_it = (
        select(Collection.collection_id)
        .join(CollectionDocument, col(CollectionDocument.collection_id) == col(Collection.collection_id))
        .where(
            CollectionDocument.document_id == document.document_id,
            col(Collection.deleted_at_ms).is_(None),
        )
    )
    owners = db.exec(select(Collection.user_id).where(col(Collection.collection_id).in_(of_it)))
    members = db.exec(select(CollectionMember.user_id).where(col(CollectionMember.collection_id).in_(of_it)))
    return list(dict.fromkeys([document.user_id, *owners, *members]))


def shown_to_all(db: Db, document: Document, *, fingerprint: str | None) -> list[ShownDocument]:
    """As each of its audience sees it."""
    return [
        each
        for user_id in audience(db, document)
        for each in shown_to(db, user_id, [document], fingerprint=fingerprint)
    ]


def _joined(user_id: str) -> SelectOfScalar[str]:
    return select(CollectionMember.collection_id).where(CollectionMember.user_id == user_id)


def _num_vectors(db: Db, document_ids: Sequence[str], fingerprint: str | None) -> dict[str, int]:
    if fingerprint is None:
        return {}
    found = db.exec(
        select(PassageVector.document_id, func.count())
        .where(col(PassageVector.document_id).in_(document_ids), PassageVector.fingerprint == fingerprint)
        .group_by(col(PassageVector.document_id))
    )
    return dict(found.all())
