"""Deletes chats, logs and answers for good, in slices. What is to go is looked up and measured by a reader, a window at
a time; the writer removes rows by their ids, few and small enough that others hardly wait: removed pages are
overwritten (secure_delete) and the search index reads an entry's terms once more, so bytes are what it costs, not rows.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, literal, literal_column, tuple_
from sqlmodel import col, select

from bdchat.store.accounting import books
from bdchat.store.accounting.storage import dialect
from bdchat.store.chats import generation_rows, sessions, staging
from bdchat.store.db import Db
from bdchat.store.document_tables import MessageSource
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database
from bdchat.store.sql.slices import slices
from bdchat.store.tables import STAGED_AT_MS, ChatSession, Generation, GenerationEvent, Message, SearchEntry

WINDOW_ROWS = 1000  # measured at once
IsOver = Callable[[ChatSession], bool]


@dataclass(frozen=True, slots=True)
class Removal:
    """A slice: rows of one table by their keys. `num_bytes`: of their texts."""

    table: type[Message | SearchEntry | Generation | GenerationEvent | MessageSource]
    keys: Sequence[Any]
    num_bytes: int

    def run(self, db: Db) -> None:
        db.execute(delete(self.table).where(_key(self.table).in_(self.keys)))


async def purge_chat(database: Database, session_id: str, is_over: IsOver) -> bool:
    """While the chat is as `is_over` wants it, asked again in each slice. False: it is not, or there is none."""
    while removals := await database.read(lambda db: _of_chat(db, session_id)):
        for removal in removals:
            work = partial(_remove_of_chat, session_id=session_id, is_over=is_over, removal=removal)
            if not await database.write_slice(work, num_bytes=removal.num_bytes):
                return False
    return await database.write_slice(lambda db: _remove_chat(db, session_id, is_over))


async def purge_answers(database: Database, *conditions: ColumnElement[bool]) -> int:
    """Of the log of generations, with their events; a chat's messages stay. How many."""
    num_answers = 0
    while removals := await database.read(lambda db: _events(db, conditions) or _generations(db, conditions)):
        for removal in removals:
            await database.write_slice(removal.run, num_bytes=removal.num_bytes)
            num_answers += len(removal.keys) if removal.table is Generation else 0
    return num_answers


async def purge_unasked(database: Database, user_id: str) -> int:
    """The oldest quarter of the ended responses that nobody asked to be stored. How many."""
    unasked = await database.read(lambda db: generation_rows.oldest_unasked(db, user_id))
    return await purge_answers(database, col(Generation.generation_id).in_(unasked)) if unasked else 0


async def purge_logs(database: Database, *, finished_before_ms: int) -> int:
    """The events of answers that ended before; their text stays. How many answers that were."""
    condition = (col(Generation.state) != "running", col(Generation.finished_at_ms) < finished_before_ms)
    generation_ids: set[str] = set()
    while removals := await database.read(lambda db: _events(db, condition)):
        for removal in removals:
            await database.write_slice(removal.run, num_bytes=removal.num_bytes)
            generation_ids |= {generation_id for generation_id, _ in removal.keys}
    return len(generation_ids)


async def discard(database: Database, session_id: str) -> None:
    """A staged chat that will not be finished. What cannot be removed now (no database), housekeeping removes."""
    with contextlib.suppress(StoreError):
        await purge_chat(database, session_id, lambda session: session.deleted_at_ms == STAGED_AT_MS)


async def purge_abandoned(database: Database, *, touched_before_ms: int) -> int:
    """The rests of chats that nobody goes on writing; how many that were."""
    num_chats = 0
    while session_id := await database.read(lambda db: staging.abandoned(db, touched_before_ms=touched_before_ms)):
        is_rest = partial(_is_rest, touched_before_ms=touched_before_ms)
        num_chats += await purge_chat(database, session_id, is_rest)
    return num_chats


def _is_rest(session: ChatSession, *, touched_before_ms: int) -> bool:
    return session.deleted_at_ms == STAGED_AT_MS and session.updated_at_ms < touched_before_ms


# --- writer -----------------------------------------------------------------------------------------------------------


def _remove_of_chat(db: Db, *, session_id: str, is_over: IsOver, removal: Removal) -> bool:
    session = db.get(ChatSession, session_id)
    if session is None or not is_over(session):
        return False
    removal.run(db)
    return True


def _remove_chat(db: Db, session_id: str, is_over: IsOver) -> bool:
    session = db.get(ChatSession, session_id)
    if session is None or not is_over(session):
        return False
    sessions.purge(db, session)
    return True


# --- reader: what goes next, in the order in which nothing cascades ---------------------------------------------------


def _of_chat(db: Db, session_id: str) -> list[Removal]:
    condition = (col(Generation.session_id) == session_id,)
    return (
        _events(db, condition)
        or _generations(db, condition)
        or _entries(db, session_id)
        or _sources(db, session_id)
        or _messages(db, session_id)
    )


def _events(db: Db, condition: Sequence[Any]) -> list[Removal]:
    size = books.kept_bytes(GenerationEvent, dialect(db))
    query: Any = select(col(GenerationEvent.generation_id), col(GenerationEvent.seq), size)
    query = query.join(Generation, col(Generation.generation_id) == col(GenerationEvent.generation_id))
    rows = db.execute(
        query.where(*condition)
        .order_by(col(GenerationEvent.generation_id), col(GenerationEvent.seq))
        .limit(WINDOW_ROWS)
    )
    return list(_removals(GenerationEvent, [((generation_id, seq), size) for generation_id, seq, size in rows]))


def _generations(db: Db, condition: Sequence[Any]) -> list[Removal]:
    size = books.kept_bytes(Generation, dialect(db))
    query: Any = select(col(Generation.generation_id), size).where(*condition)
    rows = db.execute(query.order_by(col(Generation.generation_id)).limit(WINDOW_ROWS))
    return list(_removals(Generation, [(generation_id, size) for generation_id, size in rows]))


def _entries(db: Db, session_id: str) -> list[Removal]:
    query: Any = select(col(SearchEntry.entry_id), books.kept_bytes(SearchEntry, dialect(db)))
    query = query.where(col(SearchEntry.session_id) == session_id)
    rows = db.execute(query.order_by(col(SearchEntry.entry_id)).limit(WINDOW_ROWS))
    return list(_removals(SearchEntry, [(entry_id, size) for entry_id, size in rows]))


def _sources(db: Db, session_id: str) -> list[Removal]:
    size = books.kept_bytes(MessageSource, dialect(db))
    query: Any = select(col(MessageSource.message_id), col(MessageSource.number), size)
    query = query.join(Message, col(Message.message_id) == col(MessageSource.message_id))
    query = query.where(col(Message.session_id) == session_id)
    rows = db.execute(query.order_by(col(MessageSource.message_id), col(MessageSource.number)).limit(WINDOW_ROWS))
    return list(_removals(MessageSource, [((message_id, number), size) for message_id, number, size in rows]))


def _messages(db: Db, session_id: str) -> list[Removal]:
    """The deepest first: whoever has children goes after them."""
    down: Any = (
        select(col(Message.message_id).label("message_id"), literal_column("0").label("depth"))
        .where(col(Message.session_id) == session_id, col(Message.parent_id).is_(None))
        .cte("down", recursive=True)
    )
    child: Any = select(col(Message.message_id), down.c.depth + literal(1))
    child = child.where(col(Message.session_id) == session_id, col(Message.parent_id) == down.c.message_id)
    down = down.union_all(child)
    deepest = select(down).order_by(down.c.depth.desc()).limit(WINDOW_ROWS).subquery()
    query: Any = select(col(Message.message_id), books.kept_bytes(Message, dialect(db)))
    query = query.join(deepest, deepest.c.message_id == col(Message.message_id)).order_by(deepest.c.depth.desc())
    return list(_removals(Message, [(message_id, size) for message_id, size in db.execute(query)]))


def _removals(table: Any, sized: Sequence[tuple[Any, int]]) -> Iterator[Removal]:
    for some in slices(sized, lambda each: int(each[1] or 0)):
        yield Removal(table, [key for key, _ in some], sum(int(size or 0) for _, size in some))


def _key(table: Any) -> Any:
    if table is GenerationEvent:
        return tuple_(col(GenerationEvent.generation_id), col(GenerationEvent.seq))
    if table is MessageSource:
        return tuple_(col(MessageSource.message_id), col(MessageSource.number))
    names = {Message: "message_id", SearchEntry: "entry_id", Generation: "generation_id"}
    return col(getattr(table, names[table]))
