"""The full-text index of titles and messages. Functions of a Session; SQL for SQLite's FTS5 and for PostgreSQL.

A row of search_entry holds a text's terms (store.hangul) after three marks: its owner, its session, its role. The full-
text index over that column (migrations; kept by triggers on SQLite) therefore narrows by permission and role as fast as
by words; what may be seen is decided by the joins, never by a mark. `entry_id` is made of the time, so that the index
itself delivers the newest first and stops when a page is full, however common a word is.

A long text is not indexed where it is written: everybody's writes would wait for it. A note in server_state says that
it is to be done, in the same transaction; store.indexing does it.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from bdchat.store.accounting.books import MAX_TERM_BYTES
from bdchat.store.db import Db
from bdchat.store.ids import new_id
from bdchat.store.search.hangul import index_terms, pieces
from bdchat.store.sql.bell import BELL_KEY, Bell
from bdchat.store.tables import ChatSession, Message, SearchEntry, ServerState

ENTRY_BITS = 21  # below the milliseconds: entries of one moment; 42 bits of time last until 2109
MARK = "\ue000"  # private use: in no term
MAX_CHARS_AT_ONCE = 8192  # of a text that is indexed in its own transaction: some 2 ms
TO_INDEX = "to_index:"  # ServerState, with the message_id behind it
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


_COPY = text(
    "INSERT INTO search_entry (entry_id, session_id, message_id, role, at_ms, terms)"
    " SELECT :entry_id, :session_id, :message_id, role, at_ms, :marks || substr(terms, :rest)"
    " FROM search_entry WHERE message_id = :source_message_id ON CONFLICT (entry_id) DO NOTHING"
)


def index_message(db: Db, message: Message) -> None:
    """Call when a message was made and when its text changed or was completed. A running answer is not indexed. A long
    text is found a moment later: until then by what it was before."""
    db.flush()
    if len(message.content) > MAX_CHARS_AT_ONCE and message.status != "running":
        note(db, message.message_id)
        return
    _unput(db, message.message_id)
    if message.content and message.status != "running":
        _put(db, _row(message))


def note(db: Db, message_id: str) -> None:
    """It is to be indexed, after this transaction."""
    db.merge(ServerState(name=TO_INDEX + message_id, value={"note_id": new_id()}))
    db.flush()
    bell = db.info.get(BELL_KEY)
    if isinstance(bell, Bell):
        bell.ring()


def replace_entry(db: Db, row: dict[str, Any]) -> None:
    """`row`: an `entry`, of a message that is stored; it may have been indexed before."""
    _unput(db, row["message_id"])
    _put(db, row)


def index_title(db: Db, session: ChatSession) -> None:
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


def entry(session_id: str, message_id: str, role: str, content: str, at_ms: int) -> dict[str, Any]:
    """A row for `put_new` and `replace_entry`, made in any thread: finding the terms is most of the work."""
    terms = _terms(session_id, role, content)
    return {"session_id": session_id, "message_id": message_id, "role": role, "at_ms": at_ms, "terms": terms}


def put_new(db: Db, owner_id: str, entries: Sequence[dict[str, Any]]) -> None:
    """`entries`: of messages that are stored and have never been indexed."""
    rows = [{**entry, "terms": MARK + owner_id + entry["terms"]} for entry in entries]
    for at in range(0, len(rows), _MAX_ROWS):
        _put_all(db, rows[at : at + _MAX_ROWS])


def copy_entries(db: Db, source: ChatSession, target: ChatSession, new_ids: Mapping[str, str]) -> None:
    """`new_ids`: message_ids in `source` that are indexed → those of their copies in `target`, which are stored and
    have never been indexed. The terms do not leave the database."""
    marks = f"{MARK}{target.user_id} {MARK}{target.session_id}"
    num_before = len(f"{MARK}{source.user_id} {MARK}{source.session_id}")
    rows = [
        {
            "source_message_id": source_id,
            "message_id": new_ids[source_id],
            "session_id": target.session_id,
            "at_ms": at,
            "marks": marks,
            "rest": num_before + 1,
        }
        for source_id, at in _times(db, list(new_ids))
    ]
    _put_all(db, rows, _COPY)


def entry_floor(at_ms: int) -> int:
    """The least entry_id of that moment."""
    return max(at_ms, 0) << ENTRY_BITS


def _row(message: Message) -> dict[str, Any]:
    return entry(message.session_id, message.message_id, message.role, message.content, message.created_at_ms)


def _put(db: Db, row: dict[str, Any]) -> None:
    for _ in range(_MAX_ATTEMPTS):
        values = row | {"mark": MARK, "entry_id": _new_entry_id(row["at_ms"])}
        if _num_changed(db.execute(text(_PUT), values)):
            return


def _times(db: Db, message_ids: list[str]) -> list[tuple[str, int]]:
    query = select(SearchEntry.message_id, SearchEntry.at_ms).where(col(SearchEntry.message_id).in_(message_ids))
    return [(str(message_id), at_ms) for message_id, at_ms in db.exec(query)]


def _put_all(db: Db, rows: list[dict[str, Any]], statement: Any = _PUT_NEW) -> None:
    for _ in range(_MAX_ATTEMPTS):
        numbered = {_new_entry_id(row["at_ms"]): row for row in rows}  # of two with one number the other comes later
        values = [{**row, "entry_id": entry_id} for entry_id, row in numbered.items()]
        if values and _num_changed(db.connection().execute(statement, values)) == len(rows):
            return
        rows = _not_there(db, rows)
        if not rows:
            return


def _not_there(db: Db, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["message_id"] for row in rows]
    stored = set(db.exec(select(SearchEntry.message_id).where(col(SearchEntry.message_id).in_(ids))))
    return [row for row in rows if row["message_id"] not in stored]


def _unput(db: Db, message_id: str) -> None:
    db.execute(text("DELETE FROM search_entry WHERE message_id = :message_id"), {"message_id": message_id})


def _terms(session_id: str, role: str, content: str) -> str:
    """To follow the owner's mark and id. Cut between terms."""
    parts = [f" {MARK}{session_id} {MARK}{role}"]
    num_left = MAX_TERM_BYTES
    for piece in pieces(content):
        terms = "".join(f" {term}" for term in index_terms(piece))
        encoded = terms.encode()
        if len(encoded) > num_left:
            parts.append(encoded[: max(0, encoded.rfind(b" ", 0, num_left))].decode())
            break
        parts.append(terms)
        num_left -= len(encoded)
        time.sleep(0)  # the interpreter to whoever waits: the loop and the writer would else wait 5 ms each time
    return "".join(parts)


def _new_entry_id(at_ms: int) -> int:
    return entry_floor(at_ms) | secrets.randbits(ENTRY_BITS)


def _num_changed(result: Any) -> int:
    return int(result.rowcount)
