"""Deletes expired rows in small transactions, so that others write in between. It has no clock of its own.

Logins that ended, the numbered events of answers that ended long ago, answers outside chats after their time, chats
whose time for undo is over, old records (the audit log, ended keys, links and invitations), and everything of an
account that is deleted; files whose time for undo is over, and uploads that nobody goes on with. Old usage is merged,
not deleted.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, or_
from sqlmodel import SQLModel, col, select

from bdchat.settings import AuthSettings, GenerationSettings, StoreSettings
from bdchat.store.accounts import audit, usage
from bdchat.store.chats import generations, purges
from bdchat.store.chats.staging import ABANDONED_AFTER_MS
from bdchat.store.db import Db
from bdchat.store.documents import reading_state
from bdchat.store.documents.jobs import purges as document_purges
from bdchat.store.sql.database import Database
from bdchat.store.tables import (
    STAGED_AT_MS,
    ApiKey,
    ChatSession,
    Generation,
    Invitation,
    LoginToken,
    ShareLink,
    User,
)

BATCH = 200  # logins in a transaction: some milliseconds
DAY_MS = 24 * 3600 * 1000
MIN_UNDO_MS = 600_000  # the page offers to undo whatever undo_days is: what it promises must be there
USAGE_MERGED_AFTER_DAYS = 400  # days of any zone can be asked for a year at a time


@dataclass(frozen=True, slots=True)
class Limits:
    """What is older than these is over; milliseconds since 1970."""

    login_expired_before_ms: int
    login_unused_since_ms: int
    answer_finished_before_ms: int
    chat_deleted_before_ms: int  # a file, and a collection, too
    guests_completion_before_ms: int
    completion_before_ms: int
    record_before_ms: int
    usage_merged_before_ms: int
    chat_touched_before_ms: int  # of one that is being written, and of a file that is being uploaded

    @classmethod
    def at(cls, now_ms: int, auth: AuthSettings, answers: GenerationSettings, store: StoreSettings) -> "Limits":
        return cls(
            login_expired_before_ms=now_ms,
            login_unused_since_ms=now_ms - auth.idle_days * DAY_MS,
            answer_finished_before_ms=now_ms - int(answers.event_retention_s * 1000),
            chat_deleted_before_ms=now_ms - max(store.undo_days * DAY_MS, MIN_UNDO_MS),
            guests_completion_before_ms=now_ms - store.guest_retention_days * DAY_MS,
            completion_before_ms=now_ms - store.completion_retention_days * DAY_MS,
            record_before_ms=now_ms - store.record_days * DAY_MS,
            usage_merged_before_ms=now_ms - USAGE_MERGED_AFTER_DAYS * DAY_MS,
            chat_touched_before_ms=now_ms - ABANDONED_AFTER_MS,
        )


@dataclass(frozen=True, slots=True)
class Swept:
    num_logins: int
    num_logs: int  # of answers
    num_chats: int
    num_completions: int  # outside chats
    num_records: int  # of the audit log, and keys, links and invitations
    num_documents: int


async def sweep(database: Database, limits: Limits) -> Swept:
    """Everything that is over by `limits`."""
    num_logins = num_chats = 0
    while removed := await database.write_slice(lambda db: _purge_logins(db, limits)):
        num_logins += removed
    num_logs = await purges.purge_logs(database, finished_before_ms=limits.answer_finished_before_ms)
    is_overdue = partial(_is_overdue, limits.chat_deleted_before_ms)
    while session_id := await database.read(lambda db: _overdue(db, limits.chat_deleted_before_ms)):
        num_chats += await purges.purge_chat(database, session_id, is_overdue)
    over = generations.over_outside_chats(
        guests_before_ms=limits.guests_completion_before_ms, accounts_before_ms=limits.completion_before_ms
    )
    num_completions = await purges.purge_answers(database, *over)
    await purges.purge_abandoned(database, touched_before_ms=limits.chat_touched_before_ms)
    num_documents = await _sweep_documents(database, limits)
    num_records = await _sweep_records(database, limits)
    while await database.write_slice(lambda db: usage.merge_a_day(db, before_ms=limits.usage_merged_before_ms)):
        pass
    return Swept(num_logins, num_logs, num_chats, num_completions, num_records, num_documents)


async def _sweep_documents(database: Database, limits: Limits) -> int:
    await database.write_slice(partial(reading_state.drop_uploads, before_ms=limits.chat_touched_before_ms))
    purged = await document_purges.purge_overdue(database, deleted_before_ms=limits.chat_deleted_before_ms)
    return len(purged)


async def _sweep_records(database: Database, limits: Limits) -> int:
    num_records, before_ms = 0, limits.record_before_ms
    while removed := await database.write_slice(lambda db: audit.purge_old(db, before_ms=before_ms)):
        num_records += removed
    for actor_id, action, num_surplus in await database.read(audit.surplus):
        left = num_surplus
        while left and (removed := await database.write_slice(partial(_purge_acts, actor_id, action, left))):
            num_records += removed
            left -= removed
    while removed := await database.write_slice(lambda db: _purge_ended(db, before_ms)):
        num_records += removed
    return num_records


def _purge_acts(actor_id: str, action: str, num_surplus: int, db: Db) -> int:
    return audit.purge_surplus(db, actor_id, action, num_surplus)


async def erase_user(database: Database, user_id: str) -> None:
    """All that the account owns, then the account. Sums of usage and the audit log stay: they are the server's."""
    while not await database.write_slice(lambda db: _erase_account(db, user_id)):
        while session_id := await database.read(lambda db: _chat_of(db, user_id)):
            await purges.purge_chat(database, session_id, lambda session: session.user_id == user_id)
        await purges.purge_answers(database, col(Generation.user_id) == user_id)
        await document_purges.purge_all_of(database, user_id)


async def erase_chat(database: Database, session_id: str) -> None:
    """A chat that its owner deleted, before its time for undo is over."""
    await purges.purge_chat(database, session_id, lambda session: session.deleted_at_ms is not None)


def _overdue(db: Db, deleted_before_ms: int) -> str | None:
    """The chat that was deleted first."""
    deleted_at = col(ChatSession.deleted_at_ms)
    overdue = select(ChatSession.session_id).where(deleted_at > STAGED_AT_MS, deleted_at < deleted_before_ms)
    return db.exec(overdue.order_by(deleted_at).limit(1)).first()


def _is_overdue(deleted_before_ms: int, session: ChatSession) -> bool:
    return session.deleted_at_ms is not None and STAGED_AT_MS < session.deleted_at_ms < deleted_before_ms


def _chat_of(db: Db, user_id: str) -> str | None:
    return db.exec(select(ChatSession.session_id).where(ChatSession.user_id == user_id).limit(1)).first()


def _erase_account(db: Db, user_id: str) -> bool:
    """False: it owns something."""
    answers = select(Generation.generation_id).where(Generation.user_id == user_id)
    if _chat_of(db, user_id) is not None or db.exec(answers.limit(1)).first() is not None:
        return False
    if document_purges.document_of(db, user_id) is not None:
        return False
    db.exec(delete(User).where(col(User.user_id) == user_id))
    return True


def _purge_logins(db: Db, limits: Limits) -> int:
    over = or_(
        col(LoginToken.expires_at_ms) <= limits.login_expired_before_ms,
        col(LoginToken.last_used_at_ms) <= limits.login_unused_since_ms,
    )
    login_ids = list(db.exec(select(LoginToken.login_id).where(over).limit(BATCH)))
    if login_ids:
        db.exec(delete(LoginToken).where(col(LoginToken.login_id).in_(login_ids)))
    return len(login_ids)


def _purge_ended(db: Db, before_ms: int) -> int:
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
