"""The messages that one user has written, in all chats that the user may still read. Runs inside Database.read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, exists, or_, tuple_
from sqlmodel import col, select

from bdchat.store.accounting.byte_length import PAGE_BYTES, byte_length
from bdchat.store.db import Db
from bdchat.store.tables import ChatSession, Message, SessionMember

SMALL_BYTES = 2048  # of a text that comes with its row
_NEWEST_FIRST = (col(Message.created_at_ms).desc(), col(Message.message_id).desc())  # an id is as old as its import
_AT_ONCE = 16  # messages that are measured together: a page may end with any of them


@dataclass(frozen=True, slots=True)
class Sent:
    """`content` None: longer than SMALL_BYTES; messages.text_of reads it."""

    message_id: str
    session_id: str
    session_title: str
    created_at_ms: int
    content: str | None

    @property
    def place(self) -> str:
        return f"{self.created_at_ms}.{self.message_id}"


def sent_by(db: Db, user_id: str, *, limit: int, before: str | None = None) -> tuple[list[Sent], bool]:
    """Newest first, and whether there are more: a page ends before the message with which the texts are more than
    PAGE_BYTES, and holds one at least. `before` is the place of the page before's last."""
    is_member = exists().where(
        col(SessionMember.session_id) == col(Message.session_id), col(SessionMember.user_id) == user_id
    )
    ids = (
        select(col(Message.message_id))
        .join(ChatSession, col(ChatSession.session_id) == col(Message.session_id))
        .where(col(Message.author_id) == user_id, col(Message.role) == "user", col(ChatSession.deleted_at_ms).is_(None))
        .where(or_(col(ChatSession.user_id) == user_id, is_member))
    )
    if before is not None:
        at_ms, _, message_id = before.partition(".")
        ids = ids.where(tuple_(col(Message.created_at_ms), col(Message.message_id)) < (int(at_ms), message_id))
    named = list(db.exec(ids.order_by(*_NEWEST_FIRST).limit(limit + 1)))
    sizes = _sizes_on_page(db, named[:limit])
    small = [message_id for message_id, num_bytes in sizes.items() if num_bytes <= SMALL_BYTES]
    content = case((col(Message.message_id).in_(small), col(Message.content)), else_=None)
    columns: list[Any] = [
        col(Message.message_id),
        col(Message.session_id),
        col(ChatSession.title),
        col(Message.created_at_ms),
        content,
    ]
    query: Any = select(*columns).join(ChatSession, col(ChatSession.session_id) == col(Message.session_id))
    query = query.where(col(Message.message_id).in_(sizes)).order_by(*_NEWEST_FIRST)
    return [Sent(*row) for row in db.execute(query)], len(named) > len(sizes)


def _sizes_on_page(db: Db, message_ids: Sequence[str]) -> dict[str, int]:
    """Some at a time: on SQLite a text is read to be measured, and few may be enough for a page."""
    sizes: dict[str, int] = {}
    num_bytes = 0
    for at in range(0, len(message_ids), _AT_ONCE):
        some = message_ids[at : at + _AT_ONCE]
        query: Any = select(col(Message.message_id), byte_length(col(Message.content)))
        found = dict(db.execute(query.where(col(Message.message_id).in_(some))).all())
        for message_id in some:
            num_bytes += found[message_id]
            if sizes and num_bytes > PAGE_BYTES:
                return sizes
            sizes[message_id] = found[message_id]
    return sizes
