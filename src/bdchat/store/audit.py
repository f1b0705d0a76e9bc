"""The audit log: who did what. Written in the transaction of what it tells of; never changed. No secrets, no text."""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlmodel import Session, col, select

from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import AuditEntry

MAX_TARGET_CHARS = 200


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
    db: Session, actor: Actor, action: str, target: str = "", detail: dict[str, Any] | None = None, ip: str = ""
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
    db: Session, *, limit: int, before: str | None = None, action: str | None = None, actor_id: str | None = None
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
