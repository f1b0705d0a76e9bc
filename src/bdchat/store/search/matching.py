"""What a search asks of the full-text index: words, permission, filters; and the statement that asks it. Functions of a
Session.

A text matches when it holds every word, or when it holds those that its chat's title lacks: "제주 Jeju" finds the
message that says Jeju in the chat that is called 제주. Access is checked in the statement: the user's own sessions and
those shared with them, none that is deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text

from bdchat.store.db import Db
from bdchat.store.search.index import MARK, entry_floor
from bdchat.store.search.query import Query, parse
from bdchat.store.search.titles import Titled, titled

_MAX_SCOPE_MARKS = 200  # with more shared sessions the joins alone decide
_MAX_HELPED = 16  # chats whose titles have some of the words, the newest: each costs the index half a millisecond


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
class SearchQuestion:
    """`titles`: of the chats whose titles have some of the words; empty when nobody has looked."""

    user_id: str
    query: Query
    filters: SearchFilter
    scope: tuple[str, ...]  # marks of which any visible entry has one; none: no narrowing
    titles: tuple[Titled, ...]

    @property
    def whole_titles(self) -> list[Titled]:
        """That have every word, and pass the filters."""
        if self.filters.role not in {None, "title"}:
            return []
        num_phrases = len(self.query.phrases)
        return [each for each in self.titles if len(each.numbers) == num_phrases and self._passes(each)]

    def _passes(self, title: Titled) -> bool:
        filters = self.filters
        is_archived = title.is_archived and title.is_own  # folder and archive are the owner's own order
        return (
            (filters.from_ms is None or title.entry_id >= entry_floor(filters.from_ms))
            and (filters.to_ms is None or title.entry_id < entry_floor(filters.to_ms + 1))
            and (filters.folder is None or (title.is_own and title.folder == filters.folder))
            and (filters.is_archived is None or is_archived == filters.is_archived)
        )

    def readings(self, stretch: "Stretch") -> list[tuple[tuple[str, ...], Query]]:
        """(marks of chats; none: any chat, the words that a text in one of them must hold)."""
        helped: dict[frozenset[int], list[str]] = {}
        if self.filters.role != "title":
            some = [each for each in self.titles if len(each.numbers) < len(self.query.phrases)][:_MAX_HELPED]
            for title in some:
                if stretch.holds(title.session_id):
                    helped.setdefault(title.numbers, []).append(MARK + title.session_id)
        return [((), self.query), *((tuple(marks), self.query.without(found)) for found, marks in helped.items())]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where in the index is looked, beyond the filters: entries below `below`, from `least` on, of the chats `only`, of
    none `without`."""

    below: int | None = None
    least: int | None = None
    only: tuple[str, ...] = ()  # none: any
    without: tuple[str, ...] = ()

    def holds(self, session_id: str) -> bool:
        return session_id not in self.without and (not self.only or session_id in self.only)


def ask(
    db: Db, user_id: str, typed: str, filters: SearchFilter, *, is_loose: bool, with_titles: bool = False
) -> SearchQuestion | None:
    """None: there is nothing in `typed` to look for. Titles are looked through where that can change what is found."""
    query = parse(typed, is_loose=is_loose)
    if query is None:
        return None
    titles = _titles(db, user_id, query, filters, with_titles=with_titles)
    return SearchQuestion(user_id, query, filters, _scope(db, user_id, filters), titles)


def loosened(db: Db, question: SearchQuestion, typed: str, *, with_titles: bool = False) -> SearchQuestion | None:
    """The same, where words that may end in a particle are without it. None: there are none."""
    query = parse(typed, is_loose=True)
    if query is None or query == question.query:
        return None
    titles = _titles(db, question.user_id, query, question.filters, with_titles=with_titles)
    return replace(question, query=query, titles=titles)


def _titles(db: Db, user_id: str, query: Query, filters: SearchFilter, *, with_titles: bool) -> tuple[Titled, ...]:
    if not with_titles and len(query.phrases) < 2:
        return ()
    return tuple(titled(db, user_id, query, session_id=filters.session_id))


def _scope(db: Db, user_id: str, filters: SearchFilter) -> tuple[str, ...]:
    if filters.session_id is not None:
        return (MARK + filters.session_id,)
    shared = text("SELECT session_id FROM session_member WHERE user_id = :user_id")
    marks = (MARK + user_id, *(MARK + row[0] for row in db.execute(shared, {"user_id": user_id})))
    return marks if len(marks) <= _MAX_SCOPE_MARKS else ()


def matches(db: Db, question: SearchQuestion, stretch: Stretch, *, limit: int | None) -> tuple[str, dict[str, Any]]:
    """SELECT of (entry_id, session_id, message_id, role, at_ms), newest first; and its values. `limit` None: all."""
    is_sqlite = db.get_bind().dialect.name == "sqlite"
    entry = "search_index.rowid" if is_sqlite else "e.entry_id"
    conditions, values = _conditions(question.filters, entry, stretch)
    scope = _marks(stretch.only) or question.scope
    must: list[tuple[str, ...]] = [(MARK + question.filters.role,)] if question.filters.role else []
    must += [scope] if scope else []
    if is_sqlite:
        source = "search_index CROSS JOIN search_entry e ON e.entry_id = search_index.rowid"
        join = "CROSS JOIN"  # in this order: the newest come out first, and the query ends with the page
        conditions.append("search_index MATCH :match")
        values["match"] = _for_fts5(question, stretch, must)
    else:
        source, join = "search_entry e", "JOIN"
        condition, more = _for_postgresql(question, stretch, must)
        conditions.append(condition)
        values |= more
    values |= {"user_id": question.user_id, "limit": limit}
    statement = f"""
        SELECT e.entry_id, e.session_id, e.message_id, e.role, e.at_ms
        FROM {source} {join} chat_session s ON s.session_id = e.session_id
        WHERE {" AND ".join(conditions)} AND s.deleted_at_ms IS NULL
          AND (s.user_id = :user_id OR EXISTS (SELECT 1 FROM session_member p
               WHERE p.session_id = e.session_id AND p.user_id = :user_id))
        ORDER BY {entry} DESC {"" if limit is None else "LIMIT :limit"}"""  # noqa: S608  # every value is bound
    return statement, values


def _marks(session_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(MARK + session_id for session_id in session_ids)


def _for_fts5(question: SearchQuestion, stretch: Stretch, must: Sequence[Sequence[str]]) -> str:
    def either(marks: Sequence[str]) -> str:
        return "(" + " OR ".join(f'"{mark}"' for mark in marks) + ")"

    readings = [
        " AND ".join([*([either(marks)] if marks else []), q.for_fts5()]) for marks, q in question.readings(stretch)
    ]
    words = " OR ".join(f"({reading})" for reading in readings)
    found = " AND ".join([*(either(marks) for marks in must), f"({words})"])
    return f"({found}) NOT {either(_marks(stretch.without))}" if stretch.without else found


def _for_postgresql(
    question: SearchQuestion, stretch: Stretch, must: Sequence[Sequence[str]]
) -> tuple[str, dict[str, Any]]:
    def either(marks: Sequence[str]) -> str:
        return "(" + " | ".join(f"'{mark}'" for mark in marks) + ")"

    conditions: list[str] = []
    values: dict[str, Any] = {}
    for number, (marks, query) in enumerate(question.readings(stretch)):
        parts = [*(either(each) for each in must), *([either(marks)] if marks else []), query.for_tsquery()]
        parts += [f"!{either(_marks(stretch.without))}"] if stretch.without else []
        values[f"match{number}"] = " & ".join(parts)
        near = [f"array_to_tsvector(string_to_array(e.terms, ' ')) @@ CAST(:match{number} AS tsquery)"]
        for at, neighbours in enumerate(query.neighbours):
            near.append(f"' ' || e.terms || ' ' LIKE :near{number}_{at}")
            values[f"near{number}_{at}"] = neighbours
        conditions.append(" AND ".join(near))
    return "(" + " OR ".join(f"({condition})" for condition in conditions) + ")", values


def _conditions(filters: SearchFilter, entry: str, stretch: Stretch) -> tuple[list[str], dict[str, Any]]:
    """Times become bounds of the entry's number: the index then begins where they say."""
    below = [stretch.below] if stretch.below is not None else []
    below += [entry_floor(filters.to_ms + 1)] if filters.to_ms is not None else []
    least = [stretch.least] if stretch.least is not None else []
    least += [entry_floor(filters.from_ms)] if filters.from_ms is not None else []
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if below:
        conditions.append(f"{entry} < :below")
        values["below"] = min(below)
    if least:
        conditions.append(f"{entry} >= :least")
        values["least"] = max(least)
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
