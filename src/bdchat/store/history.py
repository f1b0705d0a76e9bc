"""What one user has written, over all chats that he still may read. Runs inside Database.read."""

from typing import Any

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from bdchat.store.tables import ChatSession, Message, SessionMember


def sent_by(db: Session, user_id: str, *, limit: int, before: str | None = None) -> list[tuple[Message, str]]:
    """Newest first, each with its chat's title; `before` is the message_id of the page before's last. One query."""
    is_member = exists().where(
        col(SessionMember.session_id) == col(Message.session_id), col(SessionMember.user_id) == user_id
    )
    query: Any = (
        select(Message, ChatSession.title)
        .join(ChatSession, col(ChatSession.session_id) == Message.session_id)
        .where(Message.author_id == user_id, Message.role == "user", col(ChatSession.deleted_at_ms).is_(None))
        .where(or_(col(ChatSession.user_id) == user_id, is_member))
    )
    if before is not None:
        query = query.where(Message.message_id < before)
    return list(db.exec(query.order_by(col(Message.message_id).desc()).limit(limit)))
