"""What one user has written, over all chats that he still may read. Runs inside Database.read."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, exists, or_
from sqlmodel import Session, col, select

from bdchat.store.byte_length import PAGE_BYTES, byte_length
from bdchat.store.tables import ChatSession, Message, SessionMember

SMALL_BYTES = 2048  # of a text that comes with its row
_AT_ONCE = 8  # rows that are fetched together: a page may end with any of them


@dataclass(frozen=True, slots=True)
class Sent:
    """`content` None: longer than SMALL_BYTES; messages.text_of reads it."""

    message_id: str
    session_id: str
    session_title: str
    created_at_ms: int
    content: str | None


def sent_by(db: Session, user_id: str, *, limit: int, before: str | None = None) -> tuple[list[Sent], bool]:
    """Newest first, and whether there are more: a page ends before the message with which the texts are more than
    PAGE_BYTES, and holds one at least. `before` is the message_id of the page before's last. One query."""
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
        ids = ids.where(col(Message.message_id) < before)
    these = ids.order_by(col(Message.message_id).desc()).limit(limit + 1).subquery()
    size = byte_length(col(Message.content))
    columns: list[Any] = [
        col(Message.message_id),
        col(Message.session_id),
        col(ChatSession.title),
        col(Message.created_at_ms),
        size,
        case((size <= SMALL_BYTES, col(Message.content)), else_=None),
    ]
    query: Any = (
        select(*columns)
        .join(these, col(Message.message_id) == these.c.message_id)
        .join(ChatSession, col(ChatSession.session_id) == col(Message.session_id))
        .order_by(col(Message.message_id).desc())
    )
    found: list[Sent] = []
    page_bytes = 0
    with db.execute(query.execution_options(yield_per=_AT_ONCE)) as rows:
        for message_id, session_id, title, at_ms, num_bytes, content in rows:
            page_bytes += num_bytes
            if len(found) == limit or (found and page_bytes > PAGE_BYTES):
                return found, True
            found.append(Sent(message_id, session_id, title, at_ms, content))
    return found, False
