"""Copies a chat's path into a new chat, in slices; the right to read it is checked before and after.

The texts and their search terms do not leave the database: each slice is a few rows that SQL copies. Until the last one
nobody sees the new chat (store.staging).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias

from sqlalchemy import String, bindparam, case, insert, inspect, null
from sqlmodel import col, func, select

from bdchat.store.accounting import books, quotas
from bdchat.store.accounting.storage import dialect, stored_bytes
from bdchat.store.chats import configs, messages, purges, sessions, staging
from bdchat.store.chats import queries as chat_queries
from bdchat.store.chats.first_words import READ_CHARS, first_words, name_of, numbered
from bdchat.store.chats.sessions import Audience
from bdchat.store.db import Db
from bdchat.store.document_tables import MessageSource
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id
from bdchat.store.search import index as search
from bdchat.store.sql.database import Database
from bdchat.store.sql.slices import slices
from bdchat.store.tables import ChatSession, Message, MessageMetadata, SearchEntry

OPENING = 4  # messages among which the first question is: a system prompt and a greeting may come before it
Furnish: TypeAlias = Callable[[Db, str, str, str], None]  # (db, user_id, source_id, target_id)


@dataclass(frozen=True, slots=True)
class _ForkPart:
    """A message and its copy."""

    message_id: str
    new_id: str
    new_parent_id: str | None
    has_text: bool
    num_row_bytes: int  # of the message, of how it came to be, and of its sources
    num_index_bytes: int  # what finding it counts in the books
    num_term_bytes: int | None  # None: it is not indexed

    @property
    def num_kept_bytes(self) -> int:
        """In the books."""
        return self.num_row_bytes + self.num_index_bytes

    @property
    def num_bytes(self) -> int:
        """That its copy writes."""
        return self.num_row_bytes + (self.num_term_bytes or 0)


@dataclass(frozen=True, slots=True)
class _ForkPlan:
    user_id: str
    source_id: str
    target_id: str
    slices: Sequence[Sequence[_ForkPart]]
    furnish: Furnish

    @property
    def parts(self) -> list[_ForkPart]:
        return [part for parts in self.slices for part in parts]


def _nothing(*_: object) -> None:
    pass


async def fork(
    database: Database, user_id: str, session_id: str, message_id: str | None, *, furnish: Furnish = _nothing
) -> Audience:
    """A new chat of `user_id` that says what `session_id` says from the root down to `message_id` (None: to what is
    shown), with its settings. `furnish` gives it, where it is made, what else hangs on the other one.

    It is charged to `user_id`, whoever's the chat is, before anything is copied. Raises NotFound when the user cannot
    read it or the message is not in it, Conflict when there is nothing in it or an answer on the way is being written,
    QuotaExceeded. Whatever it raises, nothing of it is to be seen or kept."""
    plan = await database.read(lambda db: _plan(db, user_id, session_id, message_id, furnish))
    if len(plan.slices) == 1:
        return await database.write(lambda db: _whole(db, plan))
    await database.write_slice(lambda db: staging.stage(db, _begin(db, plan)))
    try:
        for parts in plan.slices:
            work = partial(_copy_staged, plan=plan, parts=parts)
            await database.write_slice(work, num_bytes=sum(part.num_bytes for part in parts))
        return await database.write(lambda db: _end(db, plan))
    except Exception:
        await purges.discard(database, plan.target_id)
        raise


# --- reader -----------------------------------------------------------------------------------------------------------


def _plan(db: Db, user_id: str, session_id: str, message_id: str | None, furnish: Furnish) -> _ForkPlan:
    source, _ = sessions.get_readable(db, user_id, session_id)
    message_id = message_id or source.head_message_id
    if message_id is None:
        raise Conflict("There is nothing in it yet.", code="nothing_there", param="message_id")
    up = chat_queries.path_messages()
    columns: tuple[Any, ...] = (
        col(Message.message_id),
        col(Message.status),
        col(Message.content) != "",
        books.kept_bytes(Message, dialect(db)),
        case((col(MessageMetadata.message_id).is_(None), 0), else_=books.kept_bytes(MessageMetadata, dialect(db))),
        stored_bytes(db, col(SearchEntry.terms)),
        _source_bytes(db),
    )  # sqlmodel's select is typed for four
    query: Any = (
        select(*columns)
        .join(up, up.c.message_id == col(Message.message_id))
        .join(MessageMetadata, col(MessageMetadata.message_id) == col(Message.message_id), isouter=True)
        .join(SearchEntry, col(SearchEntry.message_id) == col(Message.message_id), isouter=True)
        .order_by(up.c.depth.desc())
    )
    values = {"message_id": message_id, "session_id": session_id, "max_depth": messages.MAX_DEPTH - 1}
    rows = db.execute(query, values).all()
    if not rows:
        raise NotFound("message", message_id)
    if any(row[1] == "running" for row in rows):
        raise _still_writing()
    ids = [new_id() for _ in rows]
    parts = [
        _ForkPart(
            message_id=row[0],
            new_id=own_id,
            new_parent_id=parent_id,
            has_text=bool(row[2]),
            num_row_bytes=int(row[3] + row[4] + row[6]),
            num_index_bytes=(books.index_bytes(int(row[3])) if row[5] is None else books.ROW_BYTES + 3 * int(row[5])),
            num_term_bytes=None if row[5] is None else int(row[5]),
        )
        for row, own_id, parent_id in zip(rows, ids, [None, *ids[:-1]], strict=True)
    ]
    return _ForkPlan(user_id, session_id, new_id(), list(slices(parts, lambda part: part.num_bytes)), furnish)


# --- writer -----------------------------------------------------------------------------------------------------------


def _whole(db: Db, plan: _ForkPlan) -> Audience:
    target = _begin(db, plan)
    _copy(db, plan, target, plan.slices[0])
    target.head_message_id = plan.slices[-1][-1].new_id
    target.num_messages = len(plan.parts)
    db.flush()
    return sessions.audience(db, target)


def _begin(db: Db, plan: _ForkPlan) -> ChatSession:
    source, _ = sessions.get_readable(db, plan.user_id, plan.source_id)
    quotas.charge(db, plan.user_id, sum(part.num_kept_bytes for part in plan.parts))
    target = sessions.create(db, plan.user_id, title=_title(db, plan, source), session_id=plan.target_id)
    target.title_source = source.title_source
    configs.copy(db, source.session_id, target.session_id)
    db.flush()
    plan.furnish(db, plan.user_id, source.session_id, target.session_id)
    return target


def _title(db: Db, plan: _ForkPlan, source: ChatSession) -> str:
    """The source's with a number that no chat of the user's has yet; "" when there are no words to call it by."""
    name = name_of(source.title) or first_words(_opening(db, plan))
    if not name:
        return ""
    titles = select(ChatSession.title).where(
        col(ChatSession.user_id) == plan.user_id,
        col(ChatSession.deleted_at_ms).is_(None),
        col(ChatSession.title).startswith(name, autoescape=True),
    )
    return numbered(name, [title for title in db.exec(titles) if name_of(title) == name])


def _opening(db: Db, plan: _ForkPlan) -> str:
    """What was said first."""
    first_ids = [part.message_id for part in plan.parts[:OPENING]]
    query = select(func.substr(col(Message.content), 1, READ_CHARS)).where(
        col(Message.message_id).in_(first_ids), col(Message.role) == "user"
    )
    return str(db.exec(query.order_by(col(Message.created_at_ms), col(Message.message_id)).limit(1)).first() or "")


def _copy_staged(db: Db, *, plan: _ForkPlan, parts: Sequence[_ForkPart]) -> None:
    staging.touch(db, plan.target_id)
    quotas.charge(db, plan.user_id, sum(part.num_kept_bytes for part in parts))  # its other requests write too
    target = db.get(ChatSession, plan.target_id)
    assert target is not None  # it was touched just now
    _copy(db, plan, target, parts)


def _copy(db: Db, plan: _ForkPlan, target: ChatSession, parts: Sequence[_ForkPart]) -> None:
    db.flush()
    source, _ = sessions.get_readable(db, plan.user_id, plan.source_id)
    rows = [
        {
            "source_session_id": plan.source_id,
            "source_message_id": part.message_id,
            "new_session_id": plan.target_id,
            "new_message_id": part.new_id,
            "new_parent_id": part.new_parent_id,
        }
        for part in parts
    ]
    result = db.connection().execute(_copied_messages(), rows)
    if result.rowcount != len(rows):  # one of them goes on since it was looked at, or the chat was removed just now
        raise _still_writing()
    db.connection().execute(_copied_metadata(), rows)
    db.connection().execute(_copied_sources(), rows)
    indexed = {part.message_id: part.new_id for part in parts if part.num_term_bytes is not None}
    search.copy_entries(db, source, target, indexed)
    for part in parts:
        if part.num_term_bytes is None and part.has_text:
            search.note(db, part.new_id)  # its source waits for that too


def _end(db: Db, plan: _ForkPlan) -> Audience:
    sessions.get_readable(db, plan.user_id, plan.source_id)
    target = staging.publish(
        db,
        plan.target_id,
        head_message_id=plan.slices[-1][-1].new_id,
        num_messages=len(plan.parts),
    )
    return sessions.audience(db, target)


@cache
def _copied_messages() -> Any:
    """:source_session_id, :source_message_id, :new_session_id, :new_message_id, :new_parent_id."""
    replaced = {
        "message_id": bindparam("new_message_id"),
        "session_id": bindparam("new_session_id"),
        "parent_id": bindparam("new_parent_id", type_=String),
        "client_message_id": null(),
    }
    is_written = (col(Message.session_id) == bindparam("source_session_id"), col(Message.status) != "running")
    return _copied(Message, replaced, *is_written)


@cache
def _copied_metadata() -> Any:
    """:source_message_id, :new_message_id."""
    return _copied(MessageMetadata, {"message_id": bindparam("new_message_id")})


@cache
def _copied_sources() -> Any:
    """:source_message_id, :new_message_id."""
    return _copied(MessageSource, {"message_id": bindparam("new_message_id")})


def _source_bytes(db: Db) -> Any:
    size = func.coalesce(func.sum(books.kept_bytes(MessageSource, dialect(db))), 0)
    of_message = col(MessageSource.message_id) == col(Message.message_id)
    return select(size).select_from(MessageSource).where(of_message).correlate(Message).scalar_subquery()


def _copied(table: type[Message | MessageMetadata | MessageSource], replaced: dict[str, Any], *conditions: Any) -> Any:
    columns = {column.name: replaced.get(column.name, column) for column in inspect(table).columns}
    rows: Any = select(*columns.values()).where(col(table.message_id) == bindparam("source_message_id"), *conditions)
    statement = insert(table).from_select(list(columns), rows, include_defaults=False)
    return statement.execution_options(preserve_rowcount=True)  # PostgreSQL's is else forgotten


def _still_writing() -> Conflict:
    return Conflict("An answer in it is still being written.", code="still_writing", param="message_id")
