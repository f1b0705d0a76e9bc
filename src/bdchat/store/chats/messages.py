"""The tree of messages of a chat: append, path, siblings, head. Functions of a Session, inside the caller's
transaction; whose chat it is, sessions.py has asked.

Nothing is changed in place but an answer that ends. Invariants: a message's parent is in the same session;
`head_message_id` names a message of the session, and the path from there to the root is what is shown; `num_messages`
counts the tree. Siblings are in the order of `created_at_ms`, then of their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, func, select

from bdchat.store.accounting.byte_length import INLINE_BYTES, PAGE_BYTES
from bdchat.store.chats import queries as chat_queries
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.search import index as search
from bdchat.store.tables import ChatSession, Message, MessageMetadata

BROKEN = ("failed", "interrupted")
EDITED = "edited"  # finish_reason of an answer whose words a person changed
MAX_DEPTH = 100_000  # of a path that is read whole


@dataclass(frozen=True, slots=True)
class PathEntry:
    """A message with what is shown beside it. `sibling_ids` in order, its own among them; `num_elsewhere`: messages
    in the branches of the others."""

    message: Message  # without `content`
    content: str | None  # None: long, and read piece by piece with `text_of`
    metadata: MessageMetadata | None
    sibling_ids: tuple[str, ...]
    num_elsewhere: int
    generation_id: str | None  # what is writing it now
    error: dict[str, Any]  # OpenAI's error object, of an answer that broke off
    author_name: str | None  # of who wrote it or asked for it; None: that account is gone, or nobody knows
    spent: Any = None  # metadata.extra[SPENT], as it stands there: an import may have brought anything


@dataclass(frozen=True, slots=True)
class MessageSize:
    message_id: str
    role: str
    num_bytes: int


# --- writing ----------------------------------------------------------------------------------------------------------


def append(
    db: Db,
    session: ChatSession,
    *,
    parent_id: str | None,
    role: str,
    content: str,
    author_id: str | None,
    client_message_id: str | None = None,
    status: str = "complete",
    finish_reason: str | None = None,
    message_id: str | None = None,
    token_count: int | None = None,
    sets_head: bool = True,
) -> Message:
    """Adds a child of `parent_id` (None: a root) and makes it the head. `session`: as read in this transaction.

    The same `client_message_id` again is the first message, whatever else is said: compare `message_id` with the one
    that was given to know. Raises NotFound when the parent is not in this session, QuotaExceeded (the owner's)."""
    assert session in db
    _lock(db, session)
    earlier = _parent_and_earlier(db, session.session_id, parent_id, client_message_id)
    if client_message_id is not None:
        for message in earlier:
            if message.client_message_id == client_message_id:
                return message
    if parent_id is not None and not any(message.message_id == parent_id for message in earlier):
        raise NotFound("message", parent_id)
    now = now_ms()
    message = Message(
        message_id=message_id or new_id(),
        session_id=session.session_id,
        parent_id=parent_id,
        author_id=author_id,
        role=role,
        content=storable(content),
        status=status,
        finish_reason=finish_reason,
        token_count=token_count,
        client_message_id=client_message_id,
        created_at_ms=now,
    )
    db.add(message)
    session.num_messages += 1
    session.updated_at_ms = now
    if sets_head:
        session.head_message_id = message.message_id
    db.flush()
    if status != "running":
        search.index_message(db, message)
    return message


def finish_answer(
    db: Db,
    message_id: str,
    *,
    content: str,
    status: str,
    finish_reason: str | None,
    token_count: int | None,
    processing_time_ms: int | None,
    metadata: MessageMetadata | None = None,
) -> Message:
    """Closes an answer: its whole text and how it came to be. Again (after `continue`): replaces both.

    Raises NotFound."""
    message = get(db, message_id)
    message.content = storable(content)
    message.status = status
    message.finish_reason = finish_reason
    message.token_count = token_count
    message.processing_time_ms = processing_time_ms
    session = db.get(ChatSession, message.session_id)
    assert session is not None  # the foreign key
    session.updated_at_ms = now_ms()
    if metadata is not None:
        metadata.message_id = message_id
        db.merge(metadata)
    search.index_message(db, message)
    return message


def set_head(db: Db, session: ChatSession, message_id: str) -> str:
    """Shows the branch that `message_id` is in, to its newest leaf; the leaf's id. Raises NotFound."""
    leaf_id = newest_leaf(db, session.session_id, message_id)
    session.head_message_id = leaf_id
    db.flush()
    return leaf_id


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL in a text; a model may say one."""
    return text.replace("\x00", "\ufffd")


def _lock(db: Db, session: ChatSession) -> None:
    """Other processes that append to this chat wait until this transaction ends. SQLite has one writer anyway."""
    if db.get_bind().dialect.name == "postgresql":
        db.refresh(session, with_for_update=True)


def _parent_and_earlier(
    db: Db, session_id: str, parent_id: str | None, client_message_id: str | None
) -> Sequence[Message]:
    named = {"parent_id": parent_id, "client_message_id": client_message_id}
    values = {name: value for name, value in named.items() if value is not None}
    if not values:
        return ()
    query = chat_queries.parent_and_earlier(
        has_parent="parent_id" in values, has_client_id="client_message_id" in values
    )
    return list(db.exec(query, params={"session_id": session_id, **values}))


# --- reading ----------------------------------------------------------------------------------------------------------


def get(db: Db, message_id: str) -> Message:
    """By its id alone: for who has asked whose it is. Raises NotFound."""
    message = db.get(Message, message_id)
    if message is None:
        raise NotFound("message", message_id)
    return message


def get_in(db: Db, session_id: str, message_id: str) -> Message:
    """Raises NotFound when it is in no such session."""
    message = get(db, message_id)
    if message.session_id != session_id:
        raise NotFound("message", message_id)
    return message


def find_sent(db: Db, session_id: str, client_message_id: str) -> Message | None:
    """The message that a client has sent under this id before."""
    query = select(Message).where(
        col(Message.session_id) == session_id, col(Message.client_message_id) == client_message_id
    )
    return db.exec(query).first()


def ancestors(db: Db, message_id: str, *, limit: int = MAX_DEPTH) -> list[Message]:
    """From the root, or the `limit`th before it, down to the message itself. One query; none for an unknown id."""
    return list(db.exec(chat_queries.ancestors(), params={"message_id": message_id, "max_depth": limit - 1}))


def ancestor_sizes(db: Db, message_id: str) -> list[MessageSize]:
    """As `ancestors`, without the texts."""
    values = {"message_id": message_id, "max_depth": MAX_DEPTH - 1}
    return [MessageSize(*row) for row in db.execute(chat_queries.ancestor_sizes(), values)]


def path_ids(db: Db, session_id: str, leaf_id: str | None) -> list[str]:
    """Of the whole path, in reading order; without the texts."""
    if leaf_id is None:
        return []
    values = {"message_id": leaf_id, "session_id": session_id, "max_depth": MAX_DEPTH - 1}
    return [str(message_id) for (message_id,) in db.execute(chat_queries.path_ids(), values)]


def path(db: Db, session_id: str, leaf_id: str | None, *, limit: int, before: str | None = None) -> list[PathEntry]:
    """The `limit` last messages of the path to `leaf_id`, or those before `before`, in reading order: fewer when they
    are more than PAGE_BYTES. Two queries, one more where branches leave the path, one where an answer broke off.

    The page holds the root when its first message has no parent. Of another session's ids: nothing."""
    if leaf_id is None:
        return []
    skipped = 1 if before else 0
    values = {
        "message_id": before or leaf_id,
        "session_id": session_id,
        "min_depth": skipped,
        "max_depth": limit - 1 + skipped,
        "max_bytes": PAGE_BYTES,
        "max_inline_bytes": INLINE_BYTES,
    }
    rows = db.execute(chat_queries.path(), values).all()
    families = _families(db, session_id, [row[0].parent_id for row in rows])
    here = {row[0].message_id for row in rows}
    elsewhere = [each for family in families.values() for each in family if each not in here]
    sizes = _branch_sizes(db, session_id, elsewhere)
    errors = _errors(db, [row[0].message_id for row in rows if row[0].status in BROKEN])

    entries = []
    for message, content, metadata, running_id, author_name, spent in rows:
        family = families[message.parent_id]
        num_elsewhere = sum(sizes.get(each, 0) for each in family)
        error = errors.get(message.message_id, {})
        entries.append(
            PathEntry(message, content, metadata, family, num_elsewhere, running_id, error, author_name, spent)
        )
    return entries


def session_id_of(db: Db, message_id: str) -> str:
    """Raises NotFound."""
    session_id = db.exec(select(Message.session_id).where(Message.message_id == message_id)).first()
    if session_id is None:
        raise NotFound("message", message_id)
    return session_id


def text_of(db: Db, message_id: str, start: int, num_chars: int) -> str:
    """A part of its content. Raises NotFound."""
    part = func.substr(col(Message.content), start + 1, num_chars)
    found = db.exec(select(part).where(col(Message.message_id) == message_id)).first()
    if found is None:
        raise NotFound("message", message_id)
    return str(found)


def siblings(db: Db, message: Message) -> list[str]:
    """In order, its own id among them."""
    return list(_families(db, message.session_id, [message.parent_id])[message.parent_id])


def newest_leaf(db: Db, session_id: str, message_id: str) -> str:
    """The last written message below `message_id`, or itself. Raises NotFound when it is not in the session."""
    down = (
        select(col(Message.message_id).label("message_id"), col(Message.created_at_ms).label("created_at_ms"))
        .where(col(Message.message_id) == message_id, col(Message.session_id) == session_id)
        .cte("below", recursive=True)
    )
    child = select(col(Message.message_id), col(Message.created_at_ms)).where(
        col(Message.session_id) == session_id, col(Message.parent_id) == down.c.message_id
    )
    down = down.union_all(child)
    parents = select(col(Message.parent_id)).where(col(Message.parent_id) == down.c.message_id)
    query: Any = select(down.c.message_id).where(~parents.correlate(down).exists())
    query = query.order_by(down.c.created_at_ms.desc(), down.c.message_id.desc()).limit(1)
    leaf_id = db.exec(query).first()
    if leaf_id is None:
        raise NotFound("message", message_id)
    return str(leaf_id)


def _branch_sizes(db: Db, session_id: str, message_ids: Sequence[str]) -> dict[str, int]:
    """How many messages there are from each of them on. One query, or none."""
    if not message_ids:
        return {}
    rows = db.execute(chat_queries.branch_sizes(), {"session_id": session_id, "message_ids": list(message_ids)})
    return {str(message_id): int(num) for message_id, num in rows}


def _errors(db: Db, message_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Why the last run of each ended. One query, or none."""
    if not message_ids:
        return {}
    rows = db.execute(chat_queries.run_errors(), {"message_ids": list(message_ids)})
    return {message_id: error.get("error", {}) for message_id, error in rows}


def _families(db: Db, session_id: str, parent_ids: Sequence[str | None]) -> dict[str | None, tuple[str, ...]]:
    """Parent → its children in order. One query."""
    families: dict[str | None, list[str]] = {parent_id: [] for parent_id in parent_ids}
    if not families:
        return {}
    named = [parent_id for parent_id in families if parent_id is not None]
    query = chat_queries.families(with_roots=None in families)
    for parent_id, message_id in db.execute(query, {"session_id": session_id, "parent_ids": named}):
        families[parent_id].append(message_id)
    return {parent_id: tuple(ids) for parent_id, ids in families.items()}
