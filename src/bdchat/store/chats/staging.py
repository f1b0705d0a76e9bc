"""Chats written in slices: hidden until the last one is in. Functions of a Session, the caller's.

Until then it says that it was deleted at the beginning of time, so that every question for what is there, and every one
for what can be brought back, leaves it out. Each slice says that it is still being written; what no slice has touched
for a while is the rest of a process that ended, or of a failure, and is removed.
"""

from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.ids import now_ms
from bdchat.store.tables import STAGED_AT_MS, ChatSession

ABANDONED_AFTER_MS = 600_000  # a slice takes some milliseconds


def stage(db: Db, session: ChatSession) -> None:
    """Before its first message. What else the row says, it says when it is published too."""
    session.deleted_at_ms = STAGED_AT_MS
    session.updated_at_ms = now_ms()
    db.add(session)
    db.flush()


def touch(db: Db, session_id: str) -> None:
    """In every slice. Raises NotFound when it was removed meanwhile: with its account, or as abandoned."""
    _update(db, session_id, updated_at_ms=now_ms())


def publish(db: Db, session_id: str, **columns: Any) -> ChatSession:
    """In the last slice. Raises NotFound."""
    _update(db, session_id, deleted_at_ms=None, **columns)
    session = db.get(ChatSession, session_id, populate_existing=True)
    assert session is not None  # it was changed just now
    return session


def abandoned(db: Db, *, touched_before_ms: int) -> str | None:
    """One that nobody writes any more; None: there is none."""
    query = select(ChatSession.session_id).where(
        col(ChatSession.deleted_at_ms) == STAGED_AT_MS, col(ChatSession.updated_at_ms) < touched_before_ms
    )
    return db.exec(query.limit(1)).first()


def _update(db: Db, session_id: str, **columns: Any) -> None:
    is_staged = col(ChatSession.deleted_at_ms) == STAGED_AT_MS
    result = db.execute(
        update(ChatSession)
        .where(col(ChatSession.session_id) == session_id, is_staged)
        .values(**columns)
        .execution_options(synchronize_session=False)
    )
    if not int(getattr(result, "rowcount", 0)):
        raise NotFound("session", session_id)
