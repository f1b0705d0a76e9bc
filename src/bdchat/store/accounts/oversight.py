"""Queries of admins over all accounts: lists, numbers, the audit log. Functions of a Session that only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from bdchat.store.accounts.users import names_of, username_key
from bdchat.store.db import Db
from bdchat.store.tables import ApiKey, AuditEntry, ChatSession, Invitation, LoginToken, Message, User


@dataclass(frozen=True, slots=True)
class UserRow:
    user: User
    num_sessions: int  # deleted ones not counted
    num_keys: int  # good ones
    num_logins: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    key: ApiKey
    username: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    action: str | None = None  # "key" finds "key.create" too
    actor: str | None = None  # a user_id or a name
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    num_users: int
    num_sessions: int
    num_messages: int


def totals(db: Db) -> Totals:
    alive = select(func.count()).select_from(ChatSession).where(col(ChatSession.deleted_at_ms).is_(None))
    counts = select(
        select(func.count()).select_from(User).scalar_subquery(),
        alive.scalar_subquery(),
        select(func.count()).select_from(Message).scalar_subquery(),
    )
    return Totals(*db.exec(counts).one())


def user_row(db: Db, user_id: str) -> UserRow | None:
    found = db.exec(_user_rows().where(User.user_id == user_id)).first()
    return UserRow(*found) if found else None


def users(db: Db, *, limit: int, before: str | None = None, search: str = "") -> list[UserRow]:
    """The newest first; `before` is the user_id of the page before's last. `search` looks into both names and the
    email."""
    query = _user_rows()
    if before is not None:
        query = query.where(col(User.user_id) < before)
    if key := username_key(search):
        in_display_name = func.lower(col(User.display_name)).contains(key, autoescape=True)
        in_email = col(User.email_key).contains(key, autoescape=True)
        query = query.where(or_(col(User.username_key).contains(key, autoescape=True), in_display_name, in_email))
    return [UserRow(*row) for row in db.exec(query.order_by(col(User.user_id).desc()).limit(limit))]


def keys(
    db: Db, *, limit: int, before: str | None = None, user_id: str | None = None, with_revoked: bool = False
) -> list[KeyRow]:
    """The newest first; `before` is a key_id."""
    query = select(ApiKey, User.username).join(User, col(User.user_id) == ApiKey.user_id)
    if before is not None:
        query = query.where(col(ApiKey.key_id) < before)
    if user_id is not None:
        query = query.where(ApiKey.user_id == user_id)
    if not with_revoked:
        query = query.where(col(ApiKey.revoked_at_ms).is_(None))
    return [KeyRow(*row) for row in db.exec(query.order_by(col(ApiKey.key_id).desc()).limit(limit))]


def audit(db: Db, filters: AuditFilter, *, limit: int, before: str | None = None) -> list[AuditEntry]:
    """The newest first; `before` is an entry_id."""
    query = select(AuditEntry).where(*_audit_conditions(filters))
    if before is not None:
        query = query.where(AuditEntry.entry_id < before)
    return list(db.exec(query.order_by(col(AuditEntry.entry_id).desc()).limit(limit)))


def names_in(db: Db, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """By id, of the accounts, API keys and invitations that are the target of these or named in their details; what is
    gone or has no name is not in it."""
    ids = {str(each) for entry in entries for each in (entry.target, entry.detail.get("user_id", ""))} - {""}
    key_names = select(ApiKey.key_id, ApiKey.name).where(col(ApiKey.key_id).in_(ids), ApiKey.name != "")
    notes = select(Invitation.invitation_id, Invitation.note).where(
        col(Invitation.invitation_id).in_(ids), Invitation.note != ""
    )
    return {**dict(db.exec(key_names).all()), **dict(db.exec(notes).all()), **names_of(db, ids)}


def _user_rows() -> Any:
    """One statement for a whole page, counts included."""

    def number_of(kind: Any, *conditions: ColumnElement[bool]) -> Any:
        rows = select(func.count()).select_from(kind).where(kind.user_id == User.user_id, *conditions)
        return rows.correlate(User).scalar_subquery()

    return select(
        User,
        number_of(ChatSession, col(ChatSession.deleted_at_ms).is_(None)),
        number_of(ApiKey, col(ApiKey.revoked_at_ms).is_(None)),
        number_of(LoginToken),
    )


def _audit_conditions(filters: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.action is not None:
        action = col(AuditEntry.action)
        conditions.append(or_(action == filters.action, action.startswith(f"{filters.action}.", autoescape=True)))
    if filters.actor is not None:
        conditions.append(or_(col(AuditEntry.actor_id) == filters.actor, col(AuditEntry.actor_name) == filters.actor))
    if filters.since_ms is not None:
        conditions.append(col(AuditEntry.at_ms) >= filters.since_ms)
    if filters.until_ms is not None:
        conditions.append(col(AuditEntry.at_ms) < filters.until_ms)
    return conditions
