"""Searches the full-text index and reads the results, text by text. Functions of a Session; two statements per page,
one more for several words, and as many again when only a looser reading finds anything.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from bdchat.store.db import Db
from bdchat.store.search.matching import SearchFilter, SearchQuestion, Stretch, ask, loosened, matches
from bdchat.store.search.snippet import Snippet, snippet

MAX_CONTENT_LENGTH = 100_000  # characters of a text in which the match is looked for, to show it
AT_ONCE = 4  # hits whose texts are in memory together


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """Where a page ended. `is_loose`: of the looser reading."""

    entry_id: int
    is_loose: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """`message_id` None: the title was found."""

    entry_id: int
    session_id: str
    message_id: str | None
    role: str
    at_ms: int
    title: str
    folder: str
    is_archived: bool
    is_shared: bool  # somebody else's
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `end` None: there is no more. `words`: folded, as they were looked for."""

    hits: list[Hit]
    end: SearchCursor | None
    words: list[str]


def find(
    db: Db, user_id: str, typed: str, filters: SearchFilter, *, limit: int, after: SearchCursor | None = None
) -> Page:
    """What `user_id` may see and holds every word of `typed`, its chat's title included. When nothing does, words that
    may end in a particle are tried without it."""
    is_loose = after is not None and after.is_loose
    question = ask(db, user_id, typed, filters, is_loose=is_loose)
    if question is None:
        return Page([], None, [])
    stretch = Stretch(below=after.entry_id if after is not None else None)
    hits = _read(db, question, stretch, limit=limit + 1)
    if not hits and after is None:
        looser = loosened(db, question, typed)
        if looser is not None:
            question, is_loose = looser, True
            hits = _read(db, question, stretch, limit=limit + 1)
    end = SearchCursor(hits[limit - 1].entry_id, is_loose) if len(hits) > limit else None
    return Page(hits[:limit], end, question.query.words)


def _read(db: Db, question: SearchQuestion, stretch: Stretch, *, limit: int) -> list[Hit]:
    found, values = matches(db, question, stretch, limit=limit)
    return read_hits(db, question, found, values)


def read_hits(db: Db, question: SearchQuestion, found: str, values: dict[str, Any]) -> list[Hit]:
    """`found`: SELECT of (entry_id, session_id, message_id, role, at_ms)."""
    statement = f"""
        SELECT f.*, s.title, s.folder, s.is_archived, s.user_id AS owner_id,
               substr(coalesce(m.content, s.title), 1, :max_length) AS content
        FROM ({found}) f
        JOIN chat_session s ON s.session_id = f.session_id
        LEFT JOIN message m ON m.message_id = f.message_id
        ORDER BY f.entry_id DESC"""  # noqa: S608  # every value is bound
    values = values | {"max_length": MAX_CONTENT_LENGTH}
    pattern = question.query.pattern
    user_id = question.user_id
    return [
        Hit(
            entry_id=row.entry_id,
            session_id=row.session_id,
            message_id=row.message_id,
            role=row.role,
            at_ms=row.at_ms,
            title=row.title,
            folder=row.folder if row.owner_id == user_id else "",
            is_archived=bool(row.is_archived) and row.owner_id == user_id,
            is_shared=row.owner_id != user_id,
            snippet=snippet(row.content, pattern),
        )
        for row in db.execute(text(statement), values, execution_options={"yield_per": AT_ONCE})
    ]
