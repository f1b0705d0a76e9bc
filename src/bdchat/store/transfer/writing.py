"""A chat that was read → rows: session, settings, tree, how answers came to be, search. In the caller's transaction.

`prepare` does what needs no database, in a thread of the caller's; `put` writes, all or nothing. A chat is known again
by `source_id`: where it is from and a hash of what it says ("chatgpt:6745…#9f86…"). The same again is left out; one
that says something else since comes in as a chat of its own, because the first may have been continued here; one that
was deleted here comes in anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from bdchat.store import configs, search
from bdchat.store.errors import Conflict
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ChatSession, Message, MessageMetadata
from bdchat.store.transfer.chat import MAX_AT_MS, Chat
from bdchat.store.transfer.tree import Fingerprint, Tree, rebuild

_BATCH = 500  # ids in a question; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class Prepared:
    chat: Chat
    tree: Tree
    fingerprint: str
    num_bytes: int  # of its texts

    @property
    def source_id(self) -> str:
        return f"{self.chat.origin}#{self.fingerprint}"


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


def prepare(chat: Chat) -> Prepared:
    """Raises BadChat."""
    tree = rebuild(chat, now_ms=min(now_ms(), MAX_AT_MS))
    num_bytes = sum(len((message.content or "").encode()) for message in tree.messages)
    return Prepared(chat, tree, tree.fingerprint(), num_bytes)


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


def put(db: Session, user_id: str, prepared: Prepared, *, was_deleted: bool) -> str:
    """The new session's id. `was_deleted`: the user has deleted the same one. Raises Conflict: it is there already."""
    if was_deleted:
        db.exec(
            update(ChatSession)
            .where(col(ChatSession.user_id) == user_id, col(ChatSession.source_id) == prepared.source_id)
            .where(col(ChatSession.deleted_at_ms).is_not(None))
            .values(source_id=None)
        )
    elif db.exec(_same(user_id, prepared.source_id)).first() is not None:
        raise Conflict("It was imported already.")
    ids = sorted(new_id() for _ in prepared.tree.messages)  # in the file's order, which settles ties of time
    session = _session(user_id, prepared, ids)
    db.add(session)
    db.flush()
    if prepared.chat.config is not None:
        configs.put(db, session.session_id, prepared.chat.config)
    messages = _messages(user_id, session.session_id, prepared.tree, ids)
    _insert(db, Message, [messages[number].model_dump() for number in prepared.tree.top_down])
    _insert(db, MessageMetadata, _metadata(prepared.tree, ids))
    search.index_title(db, session)
    search.index_new_messages(db, user_id, messages)
    return session.session_id


def _same(user_id: str, source_id: str) -> Any:
    return select(ChatSession.session_id).where(
        col(ChatSession.user_id) == user_id, col(ChatSession.source_id) == source_id
    )


def _session(user_id: str, prepared: Prepared, ids: Sequence[str]) -> ChatSession:
    chat, tree = prepared.chat, prepared.tree
    created_at_ms = chat.created_at_ms if chat.created_at_ms is not None else min(tree.at_ms, default=now_ms())
    updated_at_ms = chat.updated_at_ms if chat.updated_at_ms is not None else max(tree.at_ms, default=created_at_ms)
    return ChatSession(
        session_id=new_id(),
        user_id=user_id,
        title=chat.title,
        title_source=chat.title_source if chat.title else "",
        folder=chat.folder,
        is_pinned=chat.is_pinned,
        is_archived=chat.is_archived,
        head_message_id=ids[tree.head] if tree.head is not None else None,
        num_messages=len(ids),
        created_at_ms=created_at_ms,
        updated_at_ms=updated_at_ms,
        source_id=prepared.source_id,
    )


def _messages(user_id: str, session_id: str, tree: Tree, ids: Sequence[str]) -> list[Message]:
    return [
        Message(
            message_id=ids[number],
            session_id=session_id,
            parent_id=ids[parent] if parent is not None else None,
            author_id=user_id if message.is_by_owner else None,
            role=message.role,
            content=message.content or "",
            status=message.status,
            finish_reason=message.finish_reason,
            token_count=message.token_count,
            processing_time_ms=message.processing_time_ms,
            created_at_ms=at_ms,
        )
        for number, (message, parent, at_ms) in enumerate(zip(tree.messages, tree.parents, tree.at_ms, strict=True))
    ]


def _metadata(tree: Tree, ids: Sequence[str]) -> list[dict[str, Any]]:
    return [
        MessageMetadata(message_id=ids[number], **message.metadata).model_dump()
        for number, message in enumerate(tree.messages)
        if any(message.metadata.values())
    ]


def _insert(db: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    """`rows`: parents first, because each row is checked as it comes."""
    if rows:
        db.execute(insert(table), rows)


def _origin(source_id: str) -> str:
    return source_id.partition("#")[0]
