"""The audit log: actor, action, target. Written in the transaction of what it tells of; never changed. No secrets, no
text.

Nobody is charged for it, so it is bounded by itself: by age, and of each kind of act the newest of each actor are kept.
Whoever tries passwords all day pushes out failed logins, and nothing else.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, delete, func
from sqlmodel import col, select

from bdchat.store.db import Db
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import AuditEntry

MAX_TARGET_CHARS = 200
MAX_OF_A_KIND = 10_000  # of an actor; failed logins have none
PURGED_AT_ONCE = 200


class Actor(Protocol):
    """api.identity.Identity is one."""

    @property
    def user_id(self) -> str: ...

    @property
    def username(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NamedActor:
    user_id: str
    username: str


CONSOLE = NamedActor("", "console")  # somebody with a shell on the server
NOBODY = NamedActor("", "")  # a failed login: the name that was tried is the target


def record(  # noqa: PLR0917
    db: Db, actor: Actor, action: str, target: str = "", detail: dict[str, Any] | None = None, ip: str = ""
) -> AuditEntry:
    """`action` is a word or two, "key.create"; `target` an id or a name; `detail` small and without secrets."""
    entry = AuditEntry(
        entry_id=new_id(),
        at_ms=now_ms(),
        actor_id=actor.user_id,
        actor_name=actor.username,
        action=action,
        target=target[:MAX_TARGET_CHARS],
        detail=detail or {},
        ip=ip,
    )
    db.add(entry)
    return entry


def page(
    db: Db, *, limit: int, before: str | None = None, action: str | None = None, actor_id: str | None = None
) -> list[AuditEntry]:
    """Newest first; `before` is the entry_id of the page before's last."""
    query = select(AuditEntry)
    if before is not None:
        query = query.where(AuditEntry.entry_id < before)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    return list(db.exec(query.order_by(col(AuditEntry.entry_id).desc()).limit(limit)))


def surplus(db: Db) -> list[tuple[str, str, int]]:
    """(actor_id, action, how many) of what there is more of than is kept."""
    query = select(AuditEntry.actor_id, AuditEntry.action, func.count()).group_by(
        AuditEntry.actor_id, AuditEntry.action
    )
    found = db.exec(query.having(func.count() > MAX_OF_A_KIND))
    return [(actor_id, action, int(num) - MAX_OF_A_KIND) for actor_id, action, num in found]


def purge_old(db: Db, *, before_ms: int) -> int:
    """Some of the entries made before. Returns how many: none when none is left."""
    return _purge(db, PURGED_AT_ONCE, col(AuditEntry.at_ms) < before_ms)


def purge_surplus(db: Db, actor_id: str, action: str, num_surplus: int) -> int:
    """Some of the `num_surplus` oldest of a kind. Returns how many."""
    of_a_kind = (col(AuditEntry.actor_id) == actor_id, col(AuditEntry.action) == action)
    return _purge(db, min(num_surplus, PURGED_AT_ONCE), *of_a_kind)


def _purge(db: Db, most: int, *conditions: ColumnElement[bool]) -> int:
    oldest = select(AuditEntry.entry_id).where(*conditions).order_by(col(AuditEntry.entry_id))
    ids = list(db.exec(oldest.limit(most)))
    if ids:
        db.exec(delete(AuditEntry).where(col(AuditEntry.entry_id).in_(ids)))
    return len(ids)
