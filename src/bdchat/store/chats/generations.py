"""Stored generations and the rows of their logs. Functions of a Session, inside the caller's transaction.

A log's rows are numbered by the last event in them: a row may hold several (api/durable/rows.py packs them). Only the
server that holds a generation's lease may write its log or end it: everything it writes is compared with `owner` first,
so that a server which stalled and was replaced changes nothing any more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, update
from sqlmodel import col, select

from bdchat.store.accounting import quotas
from bdchat.store.chats import sessions
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.ids import now_ms
from bdchat.store.sql.dialects import conflict_insert
from bdchat.store.tables import Generation, GenerationEvent, Message

RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: columns of Generation."""

    state: str  # "complete" | "stopped" | "interrupted" | "failed"
    content: str
    tokens: bytes
    finish_reason: str | None
    last_seq: int
    usage: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    num_prompt_tokens: int | None = None


# --- the log ----------------------------------------------------------------------------------------------------------


# Four times a second, for all answers at once: statements that are built once, without the ORM, cost 0.9 ms less.
_ROWS: Any = Generation.metadata.tables["generation"].c
_OWNED = (
    select(_ROWS.generation_id)
    .where(
        _ROWS.generation_id.in_(bindparam("generation_ids", expanding=True)),
        _ROWS.lease_owner == bindparam("owner"),
        _ROWS.state == RUNNING,
    )
    .with_for_update()
)


@cache
def _append(dialect: str) -> Any:
    """A commit whose answer was lost on the way is made again: what is there already stays."""
    return conflict_insert(dialect, GenerationEvent.metadata.tables["generation_event"]).on_conflict_do_nothing()


def owned(db: Db, owner: str, generation_ids: Collection[str]) -> set[str]:
    """Those of them that run and are `owner`'s; nobody can take them over before this transaction ends."""
    found = db.connection().execute(_OWNED, {"generation_ids": list(generation_ids), "owner": owner})
    return set(found.scalars())


def append_events(db: Db, owner: str, rows: Sequence[dict[str, Any]]) -> set[str]:
    """`rows`: columns of GenerationEvent. Returns the generations that `owner` has lost, whose rows are left out."""
    named = {row["generation_id"] for row in rows}
    ours = owned(db, owner, named)
    kept = [row for row in rows if row["generation_id"] in ours]
    if kept:
        connection = db.connection()
        connection.execute(_append(connection.dialect.name), kept)
    return named - ours


def events_after(db: Db, generation_id: str, after_seq: int, *, max_rows: int | None = None) -> list[GenerationEvent]:
    """In order; the first `max_rows` of them. The first row may also hold events before `after_seq`."""
    query = select(GenerationEvent).where(
        col(GenerationEvent.generation_id) == generation_id, col(GenerationEvent.seq) > after_seq
    )
    return list(db.exec(query.order_by(col(GenerationEvent.seq)).limit(max_rows)))


def over_outside_chats(*, guests_before_ms: int, accounts_before_ms: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions: of answers outside chats that ended before."""
    ended_at, owner = col(Generation.finished_at_ms), col(Generation.user_id)
    is_over = or_(
        and_(owner == quotas.GUEST, ended_at < guests_before_ms),
        and_(owner != quotas.GUEST, ended_at < accounts_before_ms),
    )
    return (col(Generation.session_id).is_(None), col(Generation.state) != RUNNING, is_over)


# --- begin and end ----------------------------------------------------------------------------------------------------


def create(db: Db, generation: Generation, started: dict[str, Any]) -> None:
    """With its event 1. Raises QuotaExceeded."""
    event = GenerationEvent(generation_id=generation.generation_id, seq=1, kind="started", data=started)
    db.add_all((generation, event))
    db.flush()


def finish(db: Db, generation_id: str, owner: str, ending: Ending) -> Generation | None:
    """None when it is no longer `owner`'s: whoever has it ends it."""
    if generation_id not in owned(db, owner, [generation_id]):
        return None
    generation = db.get(Generation, generation_id)
    assert generation is not None
    for name in Ending.__slots__:
        setattr(generation, name, getattr(ending, name))
    generation.finished_at_ms = now_ms()
    generation.lease_expires_at_ms = 0  # whose it was stays: an owner can tell its own end from another's
    db.add(generation)
    db.flush()
    return generation


# --- leases -----------------------------------------------------------------------------------------------------------


def renew_leases(db: Db, owner: str, generation_ids: Collection[str], *, expires_at_ms: int) -> list[str]:
    """Returns those that another server has or has had since, or that are gone."""
    these, is_ours = col(Generation.generation_id).in_(generation_ids), col(Generation.lease_owner) == owner
    is_running = col(Generation.state) == RUNNING
    db.exec(update(Generation).where(these, is_ours, is_running).values(lease_expires_at_ms=expires_at_ms))
    ours = set(db.exec(select(col(Generation.generation_id)).where(these, is_ours)))
    return [generation_id for generation_id in generation_ids if generation_id not in ours]


def release_leases(db: Db, owner: str) -> None:
    """The server ends in order: whoever comes next may go on at once."""
    mine = and_(col(Generation.lease_owner) == owner, col(Generation.state) == RUNNING)
    db.exec(update(Generation).where(mine).values(lease_expires_at_ms=0))


def abandoned(db: Db, *, expired_before_ms: int | None) -> list[Generation]:
    """Running ones whose server has fallen silent, oldest first. None: all, where there can be no other server."""
    query = select(Generation).where(col(Generation.state) == RUNNING)
    if expired_before_ms is not None:
        query = query.where(col(Generation.lease_expires_at_ms) < expired_before_ms)
    return list(db.exec(query.order_by(col(Generation.generation_id))))


def take_over(db: Db, seen: Generation, owner: str, *, expires_at_ms: int) -> Generation | None:
    """Makes it `owner`'s if it is still as it was `seen`; None when another server was faster or it has ended."""
    as_seen = and_(
        col(Generation.generation_id) == seen.generation_id,
        col(Generation.state) == RUNNING,
        col(Generation.lease_owner) == seen.lease_owner,
        col(Generation.lease_expires_at_ms) == seen.lease_expires_at_ms,
    )
    values = {
        "lease_owner": owner,
        "lease_expires_at_ms": expires_at_ms,
        "num_resumes": col(Generation.num_resumes) + 1,
    }
    changed: Any = db.exec(update(Generation).where(as_seen).values(**values))
    if changed.rowcount != 1:
        return None
    return get(db, seen.generation_id)


# --- reading ----------------------------------------------------------------------------------------------------------


def get(db: Db, generation_id: str) -> Generation:
    """By its id alone: for who has asked whose it is. Raises NotFound."""
    found = db.get(Generation, generation_id, populate_existing=True)
    if found is None:
        raise NotFound("completion", generation_id)
    return found


def get_readable(db: Db, user_id: str, generation_id: str) -> Generation:
    """Of a chat: for who may read the chat. Otherwise for its user. Raises NotFound."""
    generation = get(db, generation_id)
    check_readable(db, user_id, generation)
    return generation


def check_readable(db: Db, user_id: str, generation: Generation) -> None:
    """Raises NotFound."""
    if generation.session_id is not None:
        try:
            sessions.get_readable(db, user_id, generation.session_id)
        except NotFound as error:
            raise NotFound("completion", generation.generation_id) from error
    elif generation.user_id != user_id:
        raise NotFound("completion", generation.generation_id)


def get_writable(db: Db, user_id: str, generation_id: str) -> Generation:
    """For who may stop, change or delete it. Raises NotFound, NotAllowed."""
    generation = get_readable(db, user_id, generation_id)
    if generation.session_id is not None:
        sessions.get_writable(db, user_id, generation.session_id)
    return generation


def answer_to(db: Db, message_id: str) -> Generation | None:
    """The newest run of the first answer to a message."""
    query = select(Generation).join(Message, col(Message.message_id) == col(Generation.message_id))
    query = query.where(col(Message.parent_id) == message_id)
    return db.exec(query.order_by(col(Message.message_id), col(Generation.generation_id).desc()).limit(1)).first()


def of_session(db: Db, session_id: str, *, named: Collection[str]) -> list[tuple[str, str | None]]:
    """(generation_id, message_id) of those of a chat that run, and of those among `named` that are the chat's."""
    name = col(Generation.generation_id)
    query = select(name, col(Generation.message_id)).where(col(Generation.session_id) == session_id)
    query = query.where(or_(col(Generation.state) == RUNNING, name.in_(named)))
    return [(generation_id, message_id) for generation_id, message_id in db.exec(query.order_by(name))]


def latest_of(db: Db, message_id: str) -> Generation | None:
    """The newest run of an answer."""
    query = select(Generation).where(col(Generation.message_id) == message_id)
    return db.exec(query.order_by(col(Generation.generation_id).desc()).limit(1)).first()


def remove(db: Db, generation: Generation) -> None:
    """With its log. The message that it wrote stays in its chat."""
    db.delete(generation)
    db.flush()
