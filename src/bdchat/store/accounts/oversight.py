"""Queries of admins over all accounts: lists, sums, the audit log. Functions of a Session that only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from bdchat.store.accounts.usage import COUNTS
from bdchat.store.accounts.users import username_key
from bdchat.store.db import Db
from bdchat.store.tables import ApiKey, AuditEntry, ChatSession, LoginToken, Message, UsageDay, User

Dimension = Literal["day", "user", "model"]


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
class UsageSum:
    """Sums over what was not asked to be told apart: then the name is None."""

    day: str | None
    user_id: str | None
    username: str | None  # "" when the account is gone, and for the local guest
    model: str | None
    counts: dict[str, int]  # by usage.COUNTS


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
    """The newest first; `before` is the user_id of the page before's last. `search` looks into both names."""
    query = _user_rows()
    if before is not None:
        query = query.where(col(User.user_id) < before)
    if key := username_key(search):
        in_display_name = func.lower(col(User.display_name)).contains(key, autoescape=True)
        query = query.where(or_(col(User.username_key).contains(key, autoescape=True), in_display_name))
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


def usage(
    db: Db,
    *,
    first_day: str,
    last_day: str,
    by: Sequence[Dimension],
    limit: int,
    user_id: str | None = None,
    model: str | None = None,
) -> list[UsageSum]:
    """Both days included; sums per combination of what `by` names, in its order."""
    column_of: dict[Dimension, Any] = {
        "day": col(UsageDay.day),
        "user": col(UsageDay.user_id),
        "model": col(UsageDay.model),
    }
    names = [name for name in ("day", "user", "model") if name in by]
    sums = [func.sum(getattr(UsageDay, count)) for count in COUNTS]
    # max: PostgreSQL wants an aggregate, and all rows of a group have the same name
    username = [func.max(User.username)] if "user" in names else []
    query = cast(Any, select(*(column_of[cast(Dimension, name)] for name in names), *username, *sums))
    if "user" in names:
        query = query.outerjoin(User, col(User.user_id) == UsageDay.user_id)
    query = query.where(col(UsageDay.day) >= first_day, col(UsageDay.day) <= last_day)
    if user_id is not None:
        query = query.where(UsageDay.user_id == user_id)
    if model is not None:
        query = query.where(UsageDay.model == model)
    columns = [column_of[cast(Dimension, name)] for name in names]
    if columns:
        query = query.group_by(*columns).order_by(*columns)
    return [_usage_row(names, tuple(row)) for row in db.execute(query.limit(limit)) if row[-1] is not None]


def audit(db: Db, filters: AuditFilter, *, limit: int, before: str | None = None) -> list[AuditEntry]:
    """The newest first; `before` is an entry_id."""
    query = select(AuditEntry).where(*_audit_conditions(filters))
    if before is not None:
        query = query.where(AuditEntry.entry_id < before)
    return list(db.exec(query.order_by(col(AuditEntry.entry_id).desc()).limit(limit)))


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


def _usage_row(names: Sequence[str], row: tuple[Any, ...]) -> UsageSum:
    found = dict(zip(names, row, strict=False))
    sums = row[len(row) - len(COUNTS) :]
    return UsageSum(
        day=found.get("day"),
        user_id=found.get("user"),
        username=(row[len(names)] or "") if "user" in names else None,
        model=found.get("model"),
        counts={name: int(value) for name, value in zip(COUNTS, sums, strict=True)},
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
