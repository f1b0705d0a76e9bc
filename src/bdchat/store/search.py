"""What is found in titles and messages. Functions of a Session; SQL for SQLite's FTS5 and for PostgreSQL.

A row of search_entry holds a text's terms (store.hangul) after three marks: its owner, its session, its role. The full-
text index over that column (migrations; kept by triggers on SQLite) therefore narrows by permission and role as fast as
by words; what may be seen is decided by the joins, never by a mark. `entry_id` is made of the time, so that the index
itself delivers the newest first and stops when a page is full, however common a word is.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from bdchat.store.hangul import index_terms
from bdchat.store.tables import ChatSession, Message, SearchEntry

ENTRY_BITS = 21  # below the milliseconds: entries of one moment; 42 bits of time last until 2109
MARK = "\ue000"  # private use: in no term
MAX_TERM_BYTES = 1_000_000  # PostgreSQL's tsvector holds 1 MiB; text beyond (430 kB of Korean) is not found
_MAX_ROWS = 500  # of one statement
_MAX_ATTEMPTS = 8  # a number is taken with one in two million per entry of the same millisecond

_PUT = (
    "INSERT INTO search_entry (entry_id, session_id, message_id, role, at_ms, terms)"
    " SELECT :entry_id, session_id, :message_id, :role, :at_ms, :mark || user_id || :terms"
    " FROM chat_session WHERE session_id = :session_id ON CONFLICT (entry_id) DO NOTHING"
)

_PUT_NEW = text(
    "INSERT INTO search_entry (entry_id, session_id, message_id, role, at_ms, terms)"
    " VALUES (:entry_id, :session_id, :message_id, :role, :at_ms, :terms) ON CONFLICT (entry_id) DO NOTHING"
)


def index_message(db: Session, message: Message) -> None:
    """Call when a message was made and when its text changed or was completed. A running answer is not indexed."""
    db.flush()
    db.execute(text("DELETE FROM search_entry WHERE message_id = :message_id"), {"message_id": message.message_id})
    if message.content and message.status != "running":
        _put(db, _row(message))


def index_title(db: Session, session: ChatSession) -> None:
    """Call when a session got or changed its title."""
    db.flush()
    db.execute(
        text("DELETE FROM search_entry WHERE session_id = :session_id AND message_id IS NULL"),
        {"session_id": session.session_id},
    )
    if session.title:
        terms = _terms(session.session_id, "title", session.title)
        row = {"session_id": session.session_id, "message_id": None, "role": "title", "terms": terms}
        _put(db, row | {"at_ms": session.updated_at_ms})


def remove_session(db: Session, session_id: str) -> None:
    """Only for what is purged: a session that can still be brought back is left out by the query."""
    db.execute(text("DELETE FROM search_entry WHERE session_id = :session_id"), {"session_id": session_id})


def index_new_messages(db: Session, owner_id: str, messages: Sequence[Message]) -> None:
    """Many at once (fork). None of them may have been indexed before."""
    db.flush()
    put_new(db, owner_id, [_row(message) for message in messages if message.content and message.status != "running"])


def entry(session_id: str, message_id: str, role: str, content: str, at_ms: int) -> dict[str, Any]:
    """A row for `put_new`, made in any thread: finding the terms is most of the work."""
    terms = _terms(session_id, role, content)
    return {"session_id": session_id, "message_id": message_id, "role": role, "at_ms": at_ms, "terms": terms}


def put_new(db: Session, owner_id: str, entries: Sequence[dict[str, Any]]) -> None:
    """`entries`: of messages that are stored and have never been indexed."""
    rows = [{**entry, "terms": MARK + owner_id + entry["terms"]} for entry in entries]
    for at in range(0, len(rows), _MAX_ROWS):
        _put_all(db, rows[at : at + _MAX_ROWS])


def entry_floor(at_ms: int) -> int:
    """The least entry_id of that moment."""
    return max(at_ms, 0) << ENTRY_BITS


def _row(message: Message) -> dict[str, Any]:
    return entry(message.session_id, message.message_id, message.role, message.content, message.created_at_ms)


def _put(db: Session, row: dict[str, Any]) -> None:
    for _ in range(_MAX_ATTEMPTS):
        values = row | {"mark": MARK, "entry_id": _new_entry_id(row["at_ms"])}
        if _num_changed(db.execute(text(_PUT), values)):
            return


def _put_all(db: Session, rows: list[dict[str, Any]]) -> None:
    for _ in range(_MAX_ATTEMPTS):
        numbered = {_new_entry_id(row["at_ms"]): row for row in rows}  # of two with one number the other comes later
        values = [{**row, "entry_id": entry_id} for entry_id, row in numbered.items()]
        if values and _num_changed(db.connection().execute(_PUT_NEW, values)) == len(rows):
            return
        rows = _not_there(db, rows)
        if not rows:
            return


def _not_there(db: Session, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["message_id"] for row in rows]
    stored = set(db.exec(select(SearchEntry.message_id).where(col(SearchEntry.message_id).in_(ids))))
    return [row for row in rows if row["message_id"] not in stored]


def _terms(session_id: str, role: str, content: str) -> str:
    """To follow the owner's mark and id. Cut between terms."""
    return f" {MARK}{session_id} {MARK}{role}" + _within(index_terms(content), MAX_TERM_BYTES)


def _within(terms: Iterable[str], num_bytes: int) -> str:
    """Each term after a space."""
    joined = "".join(f" {term}" for term in terms)
    if len(joined) * 4 <= num_bytes:
        return joined
    encoded = joined.encode()
    if len(encoded) <= num_bytes:
        return joined
    return encoded[: encoded.rfind(b" ", 0, num_bytes)].decode()


def _new_entry_id(at_ms: int) -> int:
    return entry_floor(at_ms) | secrets.randbits(ENTRY_BITS)


def _num_changed(result: Any) -> int:
    return int(result.rowcount)
