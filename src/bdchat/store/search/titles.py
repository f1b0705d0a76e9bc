"""Which of a user's chats have words of a query in their titles. Functions of a Session; one statement.

An index of its own holds the titles' terms (migrations), so that the chats of one user are looked through without the
messages', whichever of the words begins how many others.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from bdchat.store.db import Db
from bdchat.store.search.query import Query


@dataclass(frozen=True, slots=True)
class Titled:
    """A chat whose title has the phrases of these numbers, one at least."""

    entry_id: int
    session_id: str
    numbers: frozenset[int]
    folder: str
    is_archived: bool
    is_own: bool


def titled(db: Db, user_id: str, query: Query, *, session_id: str | None = None) -> list[Titled]:
    """Of the chats that `user_id` may see, the title last given first."""
    is_sqlite = db.get_bind().dialect.name == "sqlite"
    source, join = "search_entry e", "JOIN"
    if is_sqlite:
        source, join = (
            f"{source} INDEXED BY search_index_titles",
            "CROSS JOIN",
        )  # in this order: titles alone
    find = "instr" if is_sqlite else "strpos"
    held = [f"{find}(e.terms || ' ', :stretch{number}) > 0" for number in range(len(query.phrases))]
    names = ", ".join(f"{condition} AS has{number}" for number, condition in enumerate(held))
    only = "AND e.session_id = :session_id" if session_id is not None else ""
    statement = f"""
        SELECT e.entry_id, e.session_id, s.folder, s.is_archived, s.user_id = :user_id AS is_own, {names}
        FROM (SELECT session_id FROM chat_session WHERE user_id = :user_id
              UNION ALL SELECT session_id FROM session_member WHERE user_id = :user_id) v
        {join} {source} ON e.session_id = v.session_id {join} chat_session s ON s.session_id = v.session_id
        WHERE e.message_id IS NULL AND s.deleted_at_ms IS NULL AND ({" OR ".join(held)}) {only}
        ORDER BY e.entry_id DESC"""  # noqa: S608  # every value is bound
    values: dict[str, Any] = {"user_id": user_id, "session_id": session_id}
    values |= {f"stretch{number}": phrase.stretch for number, phrase in enumerate(query.phrases)}
    numbers = range(len(query.phrases))
    return [
        Titled(
            entry_id=row[0],
            session_id=row[1],
            folder=row[2],
            is_archived=bool(row[3]),
            is_own=bool(row[4]),
            numbers=frozenset(number for number in numbers if row[5 + number]),
        )
        for row in db.execute(text(statement), values)
    ]
