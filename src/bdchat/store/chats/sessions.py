"""Chats: access rights, lists, changes, deletion. Functions of a Session, inside the caller's transaction.

`get_owned`, `get_readable` and `get_writable` are the only ways to a chat by its id: each asks in the same query whose
it is. What is not the user's raises NotFound; what one may see but not change, NotAllowed. The tree is messages.py's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func
from sqlmodel import col, select

from bdchat.store.chats import queries as chat_queries
from bdchat.store.chats.first_words import first_words
from bdchat.store.db import Db
from bdchat.store.errors import NotAllowed, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.search import index as search
from bdchat.store.tables import STAGED_AT_MS, ChatSession

Role = Literal["owner", "writer", "reader"]
MAX_BULK = 500
MAX_FOLDERS = 5000  # that a list names


@dataclass(frozen=True, slots=True)
class Seen:
    """A chat as one user sees it."""

    session: ChatSession
    role: Role
    owner_name: str  # display name, else username


Audience = list[tuple[str, Seen]]  # (user_id, how they see the chat)


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which chats a list holds. None: both. `folder` "" is none at all."""

    is_pinned: bool | None = None
    is_archived: bool | None = None
    folder: str | None = None
    is_deleted: bool = False
    is_shared: bool = False  # those of others, shared with the user, instead of the user's own


# --- one chat ---------------------------------------------------------------------------------------------------------


def create(db: Db, user_id: str, *, title: str = "", folder: str = "", session_id: str | None = None) -> ChatSession:
    now = now_ms()
    session = ChatSession(
        session_id=session_id or new_id(),
        user_id=user_id,
        title=title,
        title_source="user" if title else "",
        folder=folder,
        created_at_ms=now,
        updated_at_ms=now,
    )
    db.add(session)
    search.index_title(db, session)
    return session


def see(db: Db, user_id: str, session_id: str, *, is_deleted: bool | None = False) -> Seen:
    """What `user_id` may read. Deleted chats (None: deleted or not) are for their owner alone. Raises NotFound."""
    found = db.execute(chat_queries.visible_session(), {"user_id": user_id, "session_id": session_id}).first()
    if found is None:
        raise NotFound("session", session_id)
    seen = _seen(user_id, found)
    was_deleted = seen.session.deleted_at_ms is not None
    if is_deleted not in {was_deleted, None} or (was_deleted and seen.role != "owner"):
        raise NotFound("session", session_id)
    return seen


def get_readable(db: Db, user_id: str, session_id: str) -> tuple[ChatSession, Role]:
    """Raises NotFound."""
    seen = see(db, user_id, session_id)
    return seen.session, seen.role


def get_writable(db: Db, user_id: str, session_id: str) -> ChatSession:
    """For who may append and generate. Raises NotFound, NotAllowed."""
    seen = see(db, user_id, session_id)
    if seen.role == "reader":
        raise NotAllowed("You may read this session, not write in it.", code="read_only")
    return seen.session


def get_owned(db: Db, user_id: str, session_id: str, *, is_deleted: bool | None = False) -> ChatSession:
    """For who may configure, share and delete. Raises NotFound, NotAllowed."""
    seen = see(db, user_id, session_id, is_deleted=is_deleted)
    if seen.role != "owner":
        raise NotAllowed("Only the session's owner may do that.", code="owner_only")
    return seen.session


def change(db: Db, session: ChatSession, changes: dict[str, Any], *, title_source: str = "user") -> None:
    """`changes`: columns and their values. None of them is activity: the chat stays where it is in the list."""
    for name, value in changes.items():
        setattr(session, name, value)
    if "title" in changes:
        session.title_source = title_source if session.title else ""
        search.index_title(db, session)
    db.flush()


def name_by(db: Db, session: ChatSession, message: str) -> None:
    """A chat without a title is called by what is said first in it, until the model or its owner names it."""
    if not session.title and (title := first_words(message)):
        session.title = title
        search.index_title(db, session)


def audience(db: Db, session: ChatSession) -> Audience:
    """Everybody whose list shows it, and how; the owner first. One query."""
    return audiences(db, [session])[0]


def audiences(db: Db, found: Sequence[ChatSession]) -> list[Audience]:
    """Of each, in the same order. One query."""
    by_id = {session.session_id: session for session in found}
    members: dict[str, Audience] = {}
    rows = db.execute(chat_queries.audience_of_sessions(), {"session_ids": list(by_id)})
    for session_id, display_name, username, user_id, role in rows:
        session, owner_name = by_id[session_id], display_name or username
        here = members.setdefault(session_id, [(session.user_id, Seen(session, "owner", owner_name))])
        if user_id is not None:
            here.append((user_id, Seen(session, role, owner_name)))
    return [members[session.session_id] for session in found]


# --- many -------------------------------------------------------------------------------------------------------------


def recent(
    db: Db, user_id: str, filters: SessionFilter, *, limit: int, before: tuple[int, str] | None = None
) -> list[Seen]:
    """The last used first. `before`: (updated_at_ms, session_id) of the last one that is known."""
    query = chat_queries.recent_sessions(
        is_pinned=filters.is_pinned,
        is_archived=filters.is_archived,
        has_folder=filters.folder is not None,
        is_deleted=filters.is_deleted,
        is_shared=filters.is_shared,
        has_before=before is not None,
    )
    values: dict[str, Any] = {"user_id": user_id, "limit": limit}
    if filters.folder is not None:
        values["folder"] = filters.folder
    if before is not None:
        values["before_ms"], values["before_id"] = before
    return [_seen(user_id, found) for found in db.execute(query, values)]


def folders(db: Db, user_id: str) -> list[tuple[str, int]]:
    """Names in use and how many chats each holds; the first MAX_FOLDERS."""
    query = (
        select(col(ChatSession.folder), func.count())
        .where(col(ChatSession.user_id) == user_id, col(ChatSession.deleted_at_ms).is_(None))
        .where(col(ChatSession.folder) != "")
        .group_by(col(ChatSession.folder))
        .order_by(col(ChatSession.folder))
        .limit(MAX_FOLDERS)
    )
    return [(name, int(count)) for name, count in db.exec(query)]


def ids_of(db: Db, user_id: str) -> list[str]:
    """Of all that somebody owns, deleted ones too."""
    return list(db.exec(select(ChatSession.session_id).where(ChatSession.user_id == user_id)))


def all_ids(db: Db) -> list[str]:
    """Everybody's, those that can still be restored too."""
    return list(db.exec(select(ChatSession.session_id)))


def change_many(
    db: Db, user_id: str, session_ids: Sequence[str], changes: dict[str, Any], *, is_deleted: bool = False
) -> list[ChatSession]:
    """Changes the user's own among `session_ids`, at most MAX_BULK; the others do not exist for that user."""
    assert len(session_ids) <= MAX_BULK
    deleted_at = col(ChatSession.deleted_at_ms)
    query = select(ChatSession).where(
        col(ChatSession.session_id).in_(session_ids),
        col(ChatSession.user_id) == user_id,
        deleted_at > STAGED_AT_MS if is_deleted else deleted_at.is_(None),
    )
    found = list(db.exec(query))
    for session in found:
        for name, value in changes.items():
            setattr(session, name, value)
    db.flush()  # one statement, executed for all
    return found


# --- the end ----------------------------------------------------------------------------------------------------------


def delete(db: Db, session: ChatSession) -> None:
    """Hides it until `restore` or `purge`."""
    change(db, session, {"deleted_at_ms": now_ms()})


def restore(db: Db, session: ChatSession) -> None:
    change(db, session, {"deleted_at_ms": None})


def purge(db: Db, session: ChatSession) -> None:
    """For good: its messages, log, links and members go with it (cascades)."""
    db.delete(session)
    db.flush()


def _seen(user_id: str, found: Any) -> Seen:
    session, role, display_name, username = found
    return Seen(session, "owner" if session.user_id == user_id else role, display_name or username)
