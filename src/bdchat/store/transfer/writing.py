"""A chat that was read → rows: session, settings, tree, how answers came to be, search. In the caller's transaction.

`prepare` does what needs no database, in a thread of the caller's, so that the one writer is held as briefly as can be;
`put` writes, all or nothing. A chat is known again
by `source_id`: where it is from and a hash of what it says ("chatgpt:6745…#9f86…"). The same again is left out; one
that says something else since comes in as a chat of its own, because the first may have been continued here; one that
was deleted here comes in anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from bdchat.store import books, configs, quotas, search
from bdchat.store.errors import Conflict
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ChatSession, Message, MessageMetadata, SessionConfig
from bdchat.store.transfer.chat import MAX_AT_MS, Chat
from bdchat.store.transfer.document import NO_METADATA
from bdchat.store.transfer.reasons import because
from bdchat.store.transfer.tree import Fingerprint, Tree, rebuild

Row = dict[str, Any]


class AlreadyImported(Conflict):
    def __init__(self) -> None:
        super().__init__(str(because("imported_already")))


_BATCH = 500  # ids in a question; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class Prepared:
    chat: Chat
    tree: Tree
    session: Row
    messages: list[Row]  # parents first
    metadata: list[Row]
    entries: list[Row]  # for search
    num_bytes: int  # in the books

    @property
    def source_id(self) -> str:
        return f"{self.chat.origin}#{self.fingerprint}"

    @property
    def fingerprint(self) -> str:
        return self.tree.fingerprint


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

    def has_other_version(self, prepared: Prepared) -> bool:
        """Some programs give no id: then nothing is a version of anything."""
        return not prepared.chat.origin.endswith(":") and prepared.chat.origin in self.origins


def known(db: Session, user_id: str) -> Known:
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


def prepare(chat: Chat, user_id: str) -> Prepared:
    """`user_id`: whose it will be. Raises BadChat."""
    tree = rebuild(chat, now_ms=min(now_ms(), MAX_AT_MS))
    ids = sorted(new_id() for _ in tree.messages)  # in the file's order, which settles ties of time
    session = _session(user_id, chat, tree, ids)
    rows = _messages(session, tree, ids)
    metadata = _metadata(tree, ids)
    return Prepared(
        chat=chat,
        tree=tree,
        session=session,
        messages=[rows[number] for number in tree.top_down],  # each row is checked as it comes
        metadata=metadata,
        entries=[
            search.entry(row["session_id"], row["message_id"], row["role"], row["content"], row["created_at_ms"])
            for row in rows
            if row["content"]
        ],
        num_bytes=books.num_bytes(ChatSession, session)
        + (books.num_bytes(SessionConfig, chat.config) if chat.config is not None else 0)
        + sum(books.num_bytes(Message, row) for row in rows)
        + sum(books.num_bytes(MessageMetadata, row) for row in metadata),
    )


def own_fingerprint(db: Session, user_id: str, session_id: str) -> str | None:
    """Of a chat that the user has under this id; None: he has none, or it says nothing yet."""
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


def put(db: Session, prepared: Prepared, *, was_deleted: bool) -> str:
    """The new session's id. `was_deleted`: the user has deleted the same one. Raises AlreadyImported, QuotaExceeded,
    and Conflict for the same `prepared` again: its ids are made."""
    session = ChatSession(**prepared.session)
    if was_deleted:
        db.exec(
            update(ChatSession)
            .where(col(ChatSession.user_id) == session.user_id, col(ChatSession.source_id) == session.source_id)
            .where(col(ChatSession.deleted_at_ms).is_not(None))
            .values(source_id=None)
        )
    elif db.exec(_same(session.user_id, prepared.source_id)).first() is not None:
        raise AlreadyImported
    quotas.charge(db, session.user_id, prepared.num_bytes)
    db.add(session)
    db.flush()
    if prepared.chat.config is not None:
        configs.put(db, session.session_id, prepared.chat.config)
    for table, rows in ((Message, prepared.messages), (MessageMetadata, prepared.metadata)):
        if rows:
            db.connection().execute(insert(table), rows)
    search.index_title(db, session)
    search.put_new(db, session.user_id, prepared.entries)
    return session.session_id


def _same(user_id: str, source_id: str) -> Any:
    return select(ChatSession.session_id).where(
        col(ChatSession.user_id) == user_id, col(ChatSession.source_id) == source_id
    )


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


def _metadata(tree: Tree, ids: Sequence[str]) -> list[Row]:
    return [
        {**NO_METADATA, **message.metadata, "message_id": ids[number]}
        for number, message in enumerate(tree.messages)
        if any(message.metadata.values())
    ]


def _origin(source_id: str) -> str:
    return source_id.partition("#")[0]
