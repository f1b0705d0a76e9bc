"""What is over is forgotten, in small transactions: others write in between. It has no clock of its own.

Logins that ended, the numbered events of answers that ended long ago, answers outside chats after their time, chats
whose time for undo is over, old records (the audit log, ended keys, links and invitations), and everything of an
account that is deleted.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, update
from sqlmodel import Session, SQLModel, col, select

from bdchat.settings import AuthSettings, GenerationSettings, StoreSettings
from bdchat.store import audit, generations, sessions
from bdchat.store.database import Database
from bdchat.store.tables import (
    ApiKey,
    ChatSession,
    Generation,
    Invitation,
    LoginToken,
    Message,
    ShareLink,
    User,
)

BATCH = 200  # rows in a transaction: some milliseconds
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What is older than these is over; milliseconds since 1970."""

    login_expired_before_ms: int
    login_unused_since_ms: int
    answer_finished_before_ms: int
    chat_deleted_before_ms: int
    guests_completion_before_ms: int
    completion_before_ms: int
    record_before_ms: int

    @classmethod
    def at(cls, now_ms: int, auth: AuthSettings, answers: GenerationSettings, store: StoreSettings) -> "Limits":
        return cls(
            login_expired_before_ms=now_ms,
            login_unused_since_ms=now_ms - auth.idle_days * DAY_MS,
            answer_finished_before_ms=now_ms - int(answers.event_retention_s * 1000),
            chat_deleted_before_ms=now_ms - store.undo_days * DAY_MS,
            guests_completion_before_ms=now_ms - store.guest_retention_days * DAY_MS,
            completion_before_ms=now_ms - store.completion_retention_days * DAY_MS,
            record_before_ms=now_ms - store.record_days * DAY_MS,
        )


@dataclass(frozen=True, slots=True)
class Swept:
    num_logins: int
    num_logs: int  # of answers
    num_chats: int
    num_completions: int  # outside chats
    num_records: int  # of the audit log, and keys, links and invitations


async def sweep(database: Database, limits: Limits) -> Swept:
    """Everything that is over by `limits`."""
    num_logins = num_logs = num_chats = num_completions = 0
    while removed := await database.write(lambda db: _purge_logins(db, limits)):
        num_logins += removed
    while removed := await database.write(
        lambda db: generations.purge_events(db, finished_before_ms=limits.answer_finished_before_ms)
    ):
        num_logs += removed
    while (
        is_whole := await database.write(lambda db: _purge_of_a_chat(db, limits.chat_deleted_before_ms))
    ) is not None:
        num_chats += is_whole
    while removed := await database.write(
        lambda db: generations.purge_outside(
            db, guests_before_ms=limits.guests_completion_before_ms, accounts_before_ms=limits.completion_before_ms
        )
    ):
        num_completions += removed
    num_records = await _sweep_records(database, limits)
    return Swept(num_logins, num_logs, num_chats, num_completions, num_records)


async def _sweep_records(database: Database, limits: Limits) -> int:
    num_records, before_ms = 0, limits.record_before_ms
    while removed := await database.write(lambda db: audit.purge_old(db, before_ms=before_ms)):
        num_records += removed
    for actor_id, action, num_surplus in await database.read(audit.surplus):
        left = num_surplus
        while left and (removed := await database.write(partial(_purge_acts, actor_id, action, left))):
            num_records += removed
            left -= removed
    while removed := await database.write(lambda db: _purge_ended(db, before_ms)):
        num_records += removed
    return num_records


def _purge_acts(actor_id: str, action: str, num_surplus: int, db: Session) -> int:
    return audit.purge_surplus(db, actor_id, action, num_surplus)


async def erase_user(database: Database, user_id: str) -> None:
    """All that the account owns, then the account. Sums of usage and the audit log stay: they are the server's."""
    while await database.write(lambda db: _erase_some_of(db, user_id)):
        pass


async def erase_chat(database: Database, session_id: str) -> None:
    """A chat that its owner deleted, before its time for undo is over."""
    while await database.write(lambda db: _erase_some_of_chat(db, session_id)):
        pass


def _erase_some_of_chat(db: Session, session_id: str) -> bool:
    """False: it is gone."""
    session = db.get(ChatSession, session_id)
    if session is None or session.deleted_at_ms is None:
        return False
    if not _purge_messages(db, session_id):
        sessions.purge(db, session)
    return True


def _purge_logins(db: Session, limits: Limits) -> int:
    over = or_(
        col(LoginToken.expires_at_ms) <= limits.login_expired_before_ms,
        col(LoginToken.last_used_at_ms) <= limits.login_unused_since_ms,
    )
    login_ids = list(db.exec(select(LoginToken.login_id).where(over).limit(BATCH)))
    if login_ids:
        db.exec(delete(LoginToken).where(col(LoginToken.login_id).in_(login_ids)))
    return len(login_ids)


def _purge_ended(db: Session, before_ms: int) -> int:
    """Keys, links and invitations that ended before, some of them."""
    key_is_over = or_(col(ApiKey.revoked_at_ms) < before_ms, col(ApiKey.expires_at_ms) < before_ms)
    link_is_over = or_(col(ShareLink.revoked_at_ms) < before_ms, col(ShareLink.expires_at_ms) < before_ms)
    kinds: tuple[tuple[type[SQLModel], Any, ColumnElement[bool]], ...] = (
        (ApiKey, col(ApiKey.key_id), key_is_over),
        (ShareLink, col(ShareLink.link_id), link_is_over),
        (Invitation, col(Invitation.invitation_id), col(Invitation.expires_at_ms) < before_ms),
    )
    num_removed = 0
    for kind, name, is_over in kinds:
        ids = list(db.exec(select(name).where(is_over).limit(BATCH)))
        if ids:
            db.exec(delete(kind).where(name.in_(ids)))
        num_removed += len(ids)
    return num_removed


def _purge_of_a_chat(db: Session, deleted_before_ms: int) -> bool | None:
    """A part of the chat that was deleted first. True: that was the last part. None: there is no such chat."""
    overdue = col(ChatSession.deleted_at_ms) < deleted_before_ms
    session = db.exec(select(ChatSession).where(overdue).order_by(col(ChatSession.deleted_at_ms)).limit(1)).first()
    if session is None:
        return None
    if _purge_messages(db, session.session_id):
        return False
    sessions.purge(db, session)
    return True


def _purge_messages(db: Session, session_id: str) -> int:
    """The newest: leaves mostly, so that a batch is a batch and not a whole tree by cascade."""
    newest = select(Message.message_id).where(Message.session_id == session_id).order_by(col(Message.message_id).desc())
    message_ids = list(db.exec(newest.limit(BATCH)))
    if message_ids:
        these = col(Message.parent_id).in_(message_ids)
        db.exec(update(Message).where(these).values(parent_id=None))  # of one millisecond: a child may sort first
        db.exec(delete(Message).where(col(Message.message_id).in_(message_ids)))
    return len(message_ids)


def _erase_some_of(db: Session, user_id: str) -> bool:
    """False: nothing is left of them."""
    session = db.exec(select(ChatSession).where(ChatSession.user_id == user_id).limit(1)).first()
    if session is not None:
        if not _purge_messages(db, session.session_id):
            sessions.purge(db, session)
        return True
    if generations.remove_some(db, col(Generation.user_id) == user_id):
        return True
    db.exec(delete(User).where(col(User.user_id) == user_id))
    return False
