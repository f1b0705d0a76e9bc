"""Writes an imported chat as rows: session, settings, tree, how answers were made, search.

`prepare` does what needs no database, in the caller's thread or process, so that the one writer is held as briefly as
can be; `put` writes, a large chat in slices that nobody sees before the last (store.staging). A chat is known again by
`source_id`: where it is from and a hash of what it says ("chatgpt:6745…#9f86…"). The same again is left out; one
that says something else since comes in as a chat of its own, because the first may have been continued here; one that
was deleted here comes in anew.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import col, select

from bdchat.store.accounting import books, quotas
from bdchat.store.chats import configs, purges, staging
from bdchat.store.db import Db
from bdchat.store.document_tables import MessageSource
from bdchat.store.errors import Conflict
from bdchat.store.ids import new_id, now_ms
from bdchat.store.search import index as search
from bdchat.store.sql.database import Database
from bdchat.store.sql.slices import slices
from bdchat.store.tables import ChatSession, Message, MessageMetadata, SearchEntry, SessionConfig
from bdchat.store.transfer import attached_files
from bdchat.store.transfer.chat import MAX_AT_MS, Chat
from bdchat.store.transfer.document import NO_METADATA
from bdchat.store.transfer.reasons import because
from bdchat.store.transfer.tree import Fingerprint, Tree, rebuild

Row = dict[str, Any]


class AlreadyImported(Conflict):
    def __init__(self) -> None:
        super().__init__(str(because("imported_already")))


MAX_SLICE_TEXT_BYTES = 96 * 1024  # with the terms it is two to three times as much
_BATCH = 500  # ids in a question; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class ChatSlice:
    """What one transaction writes."""

    messages: list[Row]  # parents first, those of earlier slices included
    metadata: list[Row]
    entries: list[Row]  # for search
    sources: list[Row] = field(default_factory=list)  # with a file's hash instead of a document's name here

    @property
    def num_bytes(self) -> int:
        texts = sum(len(row["content"].encode()) for row in self.messages) + _source_bytes(self.sources)
        return texts + sum(len(entry["terms"].encode()) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class PreparedChat:
    """Plain values only: one process makes it and another writes it."""

    origin: str  # Chat.origin
    own_id: str | None  # Chat.session_id
    config: Row | None  # Chat.config
    session: Row
    fingerprint: str
    not_kept: dict[str, int]  # Chat.not_kept
    num_branches: int
    first: ChatSlice
    is_whole: bool  # with the first slice
    documents: list[str]  # Chat.documents
    num_bytes: int  # in the books, but for the settings and for what finds the other slices' texts

    @property
    def source_id(self) -> str:
        return str(self.session["source_id"])

    @property
    def title(self) -> str:
        return str(self.session["title"])

    @property
    def num_messages(self) -> int:
        return int(self.session["num_messages"])


NextSlice = Callable[[], Awaitable[ChatSlice | None]]


@dataclass(slots=True)
class Known:
    """What the account has of earlier imports. Owned by one import; read before it begins, kept up by it."""

    by_source: dict[str, str] = field(default_factory=dict)  # source_id → session_id, of those that are there
    deleted: set[str] = field(default_factory=set)  # source_ids
    origins: set[str] = field(default_factory=set)

    def add(self, source_id: str, session_id: str) -> None:
        self.by_source[source_id] = session_id
        self.deleted.discard(source_id)
        self.origins.add(_origin(source_id))

    def has_other_version(self, prepared: PreparedChat) -> bool:
        """Some programs give no id: then nothing is a version of anything."""
        return not prepared.origin.endswith(":") and prepared.origin in self.origins


def known(db: Db, user_id: str) -> Known:
    found = Known()
    query = select(ChatSession.source_id, ChatSession.session_id, ChatSession.deleted_at_ms)
    for source_id, session_id, deleted_at_ms in db.exec(
        query.where(col(ChatSession.user_id) == user_id, col(ChatSession.source_id).is_not(None))
    ):
        assert source_id is not None
        if deleted_at_ms is not None:
            found.deleted.add(source_id)
        else:
            found.add(source_id, session_id)
    return found


def prepare(chat: Chat, user_id: str) -> tuple[PreparedChat, Iterator[ChatSlice]]:
    """`user_id`: whose it will be. The first slice is ready, for most chats the only one; the others are made as they
    are asked for. Raises BadChat."""
    tree = rebuild(chat, now_ms=min(now_ms(), MAX_AT_MS))
    ids = sorted(new_id() for _ in tree.messages)  # in the file's order, which settles ties of time
    session = _session(user_id, chat, tree, ids)
    rows = _messages(session, tree, ids)
    metadata = {row["message_id"]: row for row in _metadata(tree, ids)}
    told = _sources(tree, ids)

    def num_bytes(row: Row) -> int:
        return books.num_bytes(Message, row) + _source_bytes(told.get(row["message_id"], ()))

    groups = list(slices([rows[number] for number in tree.top_down], num_bytes, max_bytes=MAX_SLICE_TEXT_BYTES))
    made = (_slice(group, metadata, told) for group in groups)
    first = next(made, ChatSlice([], [], []))
    prepared = PreparedChat(
        origin=chat.origin,
        own_id=chat.session_id,
        config=chat.config,
        session=session,
        fingerprint=tree.fingerprint,
        not_kept=chat.not_kept,
        num_branches=tree.num_branches,
        first=first,
        is_whole=len(groups) <= 1,
        documents=chat.documents,
        num_bytes=books.num_bytes(ChatSession, session)
        + books.index_bytes(books.value_bytes(session["title"]))
        + sum(books.num_bytes(Message, row) for row in rows)
        + sum(books.num_bytes(MessageMetadata, row) for row in metadata.values())
        + sum(_source_bytes(some) for some in told.values())
        + _index_bytes(first),
    )
    return prepared, made


def with_config(prepared: PreparedChat, config: Row) -> PreparedChat:
    """`config`: columns of SessionConfig, checked."""
    num_bytes = prepared.num_bytes + books.num_bytes(SessionConfig, config)
    return replace(prepared, config=config, num_bytes=num_bytes)


def _slice(messages: list[Row], metadata: Mapping[str, Row], told: Mapping[str, list[Row]]) -> ChatSlice:
    entries = [
        search.entry(row["session_id"], row["message_id"], row["role"], row["content"], row["created_at_ms"])
        for row in messages
        if row["content"]
    ]
    own = [metadata[row["message_id"]] for row in messages if row["message_id"] in metadata]
    return ChatSlice(messages, own, entries, [source for row in messages for source in told.get(row["message_id"], ())])


def _index_bytes(some: ChatSlice) -> int:
    return sum(books.num_bytes(SearchEntry, entry) for entry in some.entries)


def _source_bytes(some: Sequence[Row]) -> int:
    return sum(books.num_bytes(MessageSource, row) for row in some)


def own_fingerprint(db: Db, user_id: str, session_id: str) -> str | None:
    """Of a chat that the user has under this id; None: there is none, or it is still empty."""
    is_there = select(ChatSession.session_id).where(
        col(ChatSession.session_id) == session_id,
        col(ChatSession.user_id) == user_id,
        col(ChatSession.deleted_at_ms).is_(None),
    )
    if db.exec(is_there).first() is None:
        return None
    order = (col(Message.created_at_ms), col(Message.message_id))
    ids = list(db.exec(select(Message.message_id).where(col(Message.session_id) == session_id).order_by(*order)))
    numbers = {message_id: number for number, message_id in enumerate(ids)}
    fingerprint = Fingerprint()
    for at in range(0, len(ids), _BATCH):
        some = select(Message.role, Message.content, Message.parent_id, Message.created_at_ms)
        some = some.where(col(Message.message_id).in_(ids[at : at + _BATCH])).order_by(*order)
        for role, content, parent_id, created_at_ms in db.exec(some):
            fingerprint.add(role, content, numbers[parent_id] if parent_id is not None else None, created_at_ms)
    return fingerprint.text()


async def put(database: Database, prepared: PreparedChat, next_slice: NextSlice, *, was_deleted: bool) -> str:
    """The new session's id. `next_slice`: of this chat, after the first; `was_deleted`: the user has deleted the same
    one. Raises what `next_slice` does, AlreadyImported, QuotaExceeded, and Conflict for the same `prepared` again: its
    ids are made. Whatever it raises, nothing of it is to be seen."""
    begin = partial(_begin, prepared=prepared, was_deleted=was_deleted)
    end = partial(_publish, prepared=prepared, was_deleted=was_deleted)
    num_bytes = prepared.first.num_bytes
    if prepared.is_whole:

        def write(db: Db) -> str:
            begin(db)
            return end(db)

        return await database.write_slice(write, num_bytes=num_bytes)
    session_id = await database.write_slice(begin, num_bytes=num_bytes)
    try:
        while (some := await next_slice()) is not None:
            await database.write_slice(partial(_go_on, prepared=prepared, some=some), num_bytes=some.num_bytes)
        return await database.write_slice(end)
    except Exception:
        await purges.discard(database, session_id)
        raise


def _begin(db: Db, *, prepared: PreparedChat, was_deleted: bool) -> str:
    """With the settings and the first slice."""
    _require_new(db, prepared, was_deleted=was_deleted)
    quotas.charge(db, prepared.session["user_id"], prepared.num_bytes)
    session = ChatSession(**{**prepared.session, "source_id": None})
    staging.stage(db, session)
    if prepared.config is not None:
        configs.put(db, session.session_id, prepared.config)
    _write(db, prepared, prepared.first)
    return session.session_id


def _go_on(db: Db, *, prepared: PreparedChat, some: ChatSlice) -> None:
    staging.touch(db, prepared.session["session_id"])
    num_bytes = sum(books.num_bytes(Message, row) for row in some.messages)
    num_bytes += _index_bytes(some) + _source_bytes(some.sources)
    quotas.charge(db, prepared.session["user_id"], num_bytes)  # its other requests write too
    _write(db, prepared, some)


def _write(db: Db, prepared: PreparedChat, some: ChatSlice) -> None:
    for table, rows in ((Message, some.messages), (MessageMetadata, some.metadata)):
        if rows:
            db.connection().execute(insert(table), rows)
    user_id = prepared.session["user_id"]
    if some.sources:
        db.connection().execute(insert(MessageSource), attached_files.named_here(db, user_id, some.sources))
    search.put_new(db, user_id, some.entries)


def _publish(db: Db, *, prepared: PreparedChat, was_deleted: bool) -> str:
    """Known by its source from here on."""
    _require_new(db, prepared, was_deleted=was_deleted)
    user_id, source_id = prepared.session["user_id"], prepared.source_id
    if was_deleted:
        db.exec(
            update(ChatSession)
            .where(col(ChatSession.user_id) == user_id, col(ChatSession.source_id) == source_id)
            .where(col(ChatSession.deleted_at_ms).is_not(None))
            .values(source_id=None)
        )
    columns = {"source_id": source_id, "updated_at_ms": prepared.session["updated_at_ms"]}
    session = staging.publish(db, prepared.session["session_id"], **columns)
    search.index_title(db, session)
    attached_files.attach(db, user_id, session.session_id, prepared.documents)
    return session.session_id


def _require_new(db: Db, prepared: PreparedChat, *, was_deleted: bool) -> None:
    same = select(ChatSession.session_id).where(
        col(ChatSession.user_id) == prepared.session["user_id"], col(ChatSession.source_id) == prepared.source_id
    )
    if not was_deleted and db.exec(same).first() is not None:
        raise AlreadyImported


def _session(user_id: str, chat: Chat, tree: Tree, ids: Sequence[str]) -> Row:
    created_at_ms = chat.created_at_ms if chat.created_at_ms is not None else min(tree.at_ms, default=now_ms())
    updated_at_ms = chat.updated_at_ms if chat.updated_at_ms is not None else max(tree.at_ms, default=created_at_ms)
    return {
        "session_id": new_id(),
        "user_id": user_id,
        "title": chat.title,
        "title_source": chat.title_source if chat.title else "",
        "folder": chat.folder,
        "is_pinned": chat.is_pinned,
        "is_archived": chat.is_archived,
        "head_message_id": ids[tree.head] if tree.head is not None else None,
        "num_messages": len(ids),
        "created_at_ms": created_at_ms,
        "updated_at_ms": updated_at_ms,
        "source_id": f"{chat.origin}#{tree.fingerprint}",
    }


def _messages(session: Row, tree: Tree, ids: Sequence[str]) -> list[Row]:
    """In the file's order. Plain rows: objects of the table's class cost more than all the rest."""
    return [
        {
            "message_id": ids[number],
            "session_id": session["session_id"],
            "parent_id": ids[parent] if parent is not None else None,
            "author_id": session["user_id"] if message.is_by_owner else None,
            "role": message.role,
            "content": message.content or "",
            "status": message.status,
            "finish_reason": message.finish_reason,
            "token_count": message.token_count,
            "processing_time_ms": message.processing_time_ms,
            "created_at_ms": at_ms,
        }
        for number, (message, parent, at_ms) in enumerate(zip(tree.messages, tree.parents, tree.at_ms, strict=True))
    ]


def _sources(tree: Tree, ids: Sequence[str]) -> dict[str, list[Row]]:
    """By message."""
    return {
        ids[number]: [{**source, "message_id": ids[number]} for source in message.sources]
        for number, message in enumerate(tree.messages)
        if message.sources
    }


def _metadata(tree: Tree, ids: Sequence[str]) -> list[Row]:
    return [
        {**NO_METADATA, **message.metadata, "message_id": ids[number]}
        for number, message in enumerate(tree.messages)
        if any(message.metadata.values())
    ]


def _origin(source_id: str) -> str:
    return source_id.partition("#")[0]
