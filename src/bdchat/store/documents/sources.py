"""What prompts were given of documents, under the messages that brought it. Functions of a Session, inside the caller's
transaction. Rows never change: a later prompt begins with the same bytes (but for a file that is deleted for good).

Who may read a message may read its sources: the caller knows.
"""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select

from bdchat.store.chats.messages import storable
from bdchat.store.db import Db
from bdchat.store.document_tables import MessageSource
from bdchat.store.errors import Conflict
from bdchat.store.tables import Message


def put(db: Db, message_id: str, sources: Sequence[MessageSource]) -> None:
    """Of a message that is stored and has none yet. Their `message_id` is set here. Raises Conflict, QuotaExceeded."""
    db.flush()
    if counts(db, [message_id]):
        raise Conflict("The message has its sources already.")
    for source in sources:
        source.message_id = message_id
        for name in ("document_name", "text", "heading", "header"):
            setattr(source, name, storable(getattr(source, name)))
        db.add(source)
    db.flush()


def of_message(db: Db, message_id: str) -> list[MessageSource]:
    """In the order of their numbers."""
    return of_path(db, [message_id]).get(message_id, [])


def of_path(db: Db, message_ids: Sequence[str]) -> dict[str, list[MessageSource]]:
    """By message; of those that have any."""
    query = (
        select(MessageSource)
        .where(col(MessageSource.message_id).in_(message_ids))
        .order_by(col(MessageSource.message_id), col(MessageSource.number))
    )
    found: dict[str, list[MessageSource]] = {}
    for row in db.exec(query):
        found.setdefault(row.message_id, []).append(row)
    return found


def counts(db: Db, message_ids: Sequence[str]) -> dict[str, int]:
    """By message; of those that have any."""
    query = (
        select(MessageSource.message_id, func.count())
        .where(col(MessageSource.message_id).in_(message_ids))
        .group_by(col(MessageSource.message_id))
    )
    return {message_id: int(number) for message_id, number in db.exec(query)}


def chats_told_of(db: Db, document_id: str) -> list[str]:
    """The chats whose prompts have shown something of the file: their ids."""
    query = (
        select(Message.session_id)
        .join(MessageSource, col(MessageSource.message_id) == col(Message.message_id))
        .where(MessageSource.document_id == document_id)
    )
    return list(db.exec(query.distinct()))
