"""Searches the full-text index and reads the results. Functions of a Session; two statements per page, three when only
a looser reading finds anything.

Access is checked in the same query: the user's own sessions and those shared with them, none that is deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from bdchat.store.db import Db
from bdchat.store.search.index import MARK, entry_floor
from bdchat.store.search.query import Query, parse
from bdchat.store.search.snippet import Snippet, snippet

MAX_CONTENT_LENGTH = 100_000  # characters of a text in which the match is looked for, to show it
AT_ONCE = 4  # hits whose texts are in memory together
_MAX_SCOPE_MARKS = 200  # with more shared sessions the joins alone decide


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """None: any. `role` "title": titles only. `from_ms` and `to_ms` are both included."""

    role: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    session_id: str | None = None
    folder: str | None = None
    is_archived: bool | None = None


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
    """Newest first. `end` None: there is no more."""

    hits: list[Hit]
    end: SearchCursor | None


def find(
    db: Db, user_id: str, typed: str, filters: SearchFilter, *, limit: int, after: SearchCursor | None = None
) -> Page:
    """What `user_id` may see and holds every word of `typed`. When nothing does, words that may end in a particle are
    tried without it."""
    is_loose = after is not None and after.is_loose
    query = parse(typed, is_loose=is_loose)
    if query is None:
        return Page([], None)
    scope = _scope(db, user_id, filters)
    hits = _ask(db, user_id, query, filters, scope, limit=limit + 1, after=after)
    if not hits and after is None:
        looser = parse(typed, is_loose=True)
        if looser is not None and looser != query:
            is_loose = True
            hits = _ask(db, user_id, looser, filters, scope, limit=limit + 1, after=None)
    end = SearchCursor(hits[limit - 1].entry_id, is_loose) if len(hits) > limit else None
    return Page(hits[:limit], end)


def _scope(db: Db, user_id: str, filters: SearchFilter) -> list[str]:
    """Marks of which any visible entry has one; none: no narrowing."""
    if filters.session_id is not None:
        return [MARK + filters.session_id]
    shared = text("SELECT session_id FROM session_member WHERE user_id = :user_id")
    marks = [MARK + user_id, *(MARK + row[0] for row in db.execute(shared, {"user_id": user_id}))]
    return marks if len(marks) <= _MAX_SCOPE_MARKS else []


def _ask(
    db: Db,
    user_id: str,
    query: Query,
    filters: SearchFilter,
    scope: Sequence[str],
    *,
    limit: int,
    after: SearchCursor | None,
) -> list[Hit]:
    is_sqlite = db.get_bind().dialect.name == "sqlite"
    entry = "search_index.rowid" if is_sqlite else "e.entry_id"
    conditions, values = _conditions(filters, entry, after)
    must = [*([MARK + filters.role] if filters.role else [])]
    if is_sqlite:
        source = "search_index CROSS JOIN search_entry e ON e.entry_id = search_index.rowid"
        join = "CROSS JOIN"  # in this order: the newest come out first, and the query ends with the page
        conditions.append("search_index MATCH :match")
        values["match"] = " AND ".join([*(f'"{mark}"' for mark in must), query.for_fts5(list(scope))])
    else:
        source, join = "search_entry e", "JOIN"
        conditions.append("array_to_tsvector(string_to_array(e.terms, ' ')) @@ CAST(:match AS tsquery)")
        values["match"] = " & ".join([*(f"'{mark}'" for mark in must), query.for_tsquery(list(scope))])
        for number, neighbours in enumerate(query.neighbours):
            conditions.append(f"' ' || e.terms || ' ' LIKE :near{number}")
            values[f"near{number}"] = neighbours
    statement = f"""
        SELECT f.*, s.title, s.folder, s.is_archived, s.user_id AS owner_id,
               substr(coalesce(m.content, s.title), 1, :max_length) AS content
        FROM (SELECT e.entry_id, e.session_id, e.message_id, e.role, e.at_ms
              FROM {source} {join} chat_session s ON s.session_id = e.session_id
              WHERE {" AND ".join(conditions)} AND s.deleted_at_ms IS NULL
                AND (s.user_id = :user_id OR EXISTS (SELECT 1 FROM session_member p
                     WHERE p.session_id = e.session_id AND p.user_id = :user_id))
              ORDER BY {entry} DESC LIMIT :limit) f
        JOIN chat_session s ON s.session_id = f.session_id
        LEFT JOIN message m ON m.message_id = f.message_id
        ORDER BY f.entry_id DESC"""  # noqa: S608  # every value is bound
    values |= {"user_id": user_id, "limit": limit, "max_length": MAX_CONTENT_LENGTH}
    pattern = query.pattern
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


def _conditions(filters: SearchFilter, entry: str, after: SearchCursor | None) -> tuple[list[str], dict[str, Any]]:
    """Times become bounds of the entry's number: the index then begins where they say."""
    below = [after.entry_id] if after is not None else []
    if filters.to_ms is not None:
        below.append(entry_floor(filters.to_ms + 1))
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if below:
        conditions.append(f"{entry} < :below")
        values["below"] = min(below)
    if filters.from_ms is not None:
        conditions.append(f"{entry} >= :least")
        values["least"] = entry_floor(filters.from_ms)
    if filters.session_id is not None:
        conditions.append("s.session_id = :session_id")
        values["session_id"] = filters.session_id
    # folder and archive are the owner's own order
    if filters.folder is not None:
        conditions.append("s.folder = :folder AND s.user_id = :user_id")
        values["folder"] = filters.folder
    if filters.is_archived is not None:
        negation = "" if filters.is_archived else "NOT "
        conditions.append(f"{negation}(s.is_archived AND s.user_id = :user_id)")
    return conditions, values
