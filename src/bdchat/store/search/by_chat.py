"""Search results gathered by chat: those whose titles match first, then those with the newest matches; how many matches
each has, and the newest of them. Functions of a Session.

A word may be in half of all messages, so nothing here reads all its matches: chats are gathered from a window of the
newest ones, and from the next without those chats, until a page is full. One long chat hides no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, text

from bdchat.store.db import Db
from bdchat.store.search.matching import SearchFilter, SearchQuestion, Stretch, ask, loosened, matches
from bdchat.store.search.results import Hit, read_hits
from bdchat.store.search.snippet import Snippet, snippet

WINDOW = 1000  # matches that are gathered at once: some milliseconds
NUM_COUNTED = 2  # windows: so many matches are counted for one page
MAX_WINDOWS = 4  # for one page; a page may then be short, and still has a cursor
HITS_PER_CHAT = 2


@dataclass(frozen=True, slots=True)
class ChatCursor:
    """Where a page ended: at a chat whose title, or whose newest match, is this entry."""

    entry_id: int
    is_title: bool
    is_loose: bool


@dataclass(frozen=True, slots=True)
class ChatHits:
    """`hits`: the newest matches, HITS_PER_CHAT at most, no title. `has_more`: `num_matches` is the least there are."""

    session_id: str
    title: Snippet
    is_title_found: bool
    at_ms: int  # of its last change
    folder: str
    is_archived: bool
    is_shared: bool
    num_matches: int
    has_more: bool
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class ChatPage:
    """`end` None: there is no more. `words`: folded, as they were looked for."""

    chats: list[ChatHits]
    end: ChatCursor | None
    words: list[str]


@dataclass(frozen=True, slots=True)
class _FoundEntry:
    entry_id: int
    session_id: str
    message_id: str | None
    role: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class _ShownChat:
    """A chat on a page: the entry that put it there."""

    session_id: str
    entry_id: int
    is_title: bool


@dataclass(frozen=True, slots=True)
class _Gathering:
    places: list[_ShownChat]
    scanned_to: int | None  # the last entry that was looked at; None: all were
    matches: list[_FoundEntry]
    is_all: bool  # there are no other matches


def find_chats(
    db: Db,
    user_id: str,
    typed: str,
    filters: SearchFilter,
    *,
    limit: int,
    after: ChatCursor | None = None,
    window: int = WINDOW,
) -> ChatPage:
    """The chats that `user_id` may see with what `find` finds. A looser reading is tried as there."""
    is_loose = after is not None and after.is_loose
    question = ask(db, user_id, typed, filters, is_loose=is_loose, with_titles=True)
    if question is None:
        return ChatPage([], None, [])
    page = _page(db, question, limit=limit, after=after, window=window)
    if page.chats or after is not None:
        return page
    looser = loosened(db, question, typed, with_titles=True)
    if looser is None:
        return page
    page = _page(db, looser, limit=limit, after=None, window=window)
    return replace(page, end=replace(page.end, is_loose=True) if page.end is not None else None)


def _page(db: Db, question: SearchQuestion, *, limit: int, after: ChatCursor | None, window: int) -> ChatPage:
    whole = question.whole_titles
    places: list[_ShownChat] = []
    if after is None or after.is_title:
        named = [title for title in whole if after is None or title.entry_id < after.entry_id]
        places = [_ShownChat(title.session_id, title.entry_id, is_title=True) for title in named]
    gathered = _Gathering([], None, [], is_all=question.filters.role == "title")
    if len(places) <= limit and question.filters.role != "title":
        below = after.entry_id if after is not None and not after.is_title else None
        taken = frozenset(title.session_id for title in whole)
        gathered = _gather(db, question, taken, num_wanted=limit + 1 - len(places), below=below, window=window)
        places = places + gathered.places
    is_loose = after is not None and after.is_loose
    end = None
    if len(places) > limit:
        last = places[limit - 1]
        end = ChatCursor(last.entry_id, is_title=last.is_title, is_loose=is_loose)
    elif gathered.scanned_to is not None:
        end = ChatCursor(gathered.scanned_to, is_title=False, is_loose=is_loose)
    shown = places[:limit]
    if not shown:
        return ChatPage([], end, question.query.words)
    found, is_all = {match.entry_id: match for match in gathered.matches}, True
    if not gathered.is_all:
        only = tuple(place.session_id for place in shown)
        counted = _matches(db, question, Stretch(only=only), limit=NUM_COUNTED * window)
        found |= {match.entry_id: match for match in counted}
        is_all = len(counted) < NUM_COUNTED * window
    newest_first = sorted(found.values(), key=lambda match: match.entry_id, reverse=True)
    return ChatPage(_describe(db, question, shown, newest_first, is_all=is_all), end, question.query.words)


def _gather(
    db: Db, question: SearchQuestion, taken: frozenset[str], *, num_wanted: int, below: int | None, window: int
) -> _Gathering:
    """The chats whose newest match is below `below`, except those that are `taken`."""
    places: list[_ShownChat] = []
    read: list[_FoundEntry] = []
    seen: set[str] = set()
    start = below
    for _ in range(MAX_WINDOWS):
        found = _matches(db, question, Stretch(below=start, without=tuple(sorted(seen))), limit=window)
        read += found
        newest: dict[str, int] = {}
        for match in found:
            newest.setdefault(match.session_id, match.entry_id)
        above = _with_matches_from(db, question, below, list(newest)) if below is not None and newest else set()
        places += [
            _ShownChat(session_id, entry_id, is_title=False)
            for session_id, entry_id in newest.items()
            if session_id not in taken and session_id not in above
        ]
        seen |= newest.keys()
        if len(found) < window:
            return _Gathering(places, None, read, is_all=not seen - newest.keys() and below is None)
        start = found[-1].entry_id
        if len(places) >= num_wanted:
            break
    return _Gathering(places, start, read, is_all=False)


def _with_matches_from(db: Db, question: SearchQuestion, least: int, session_ids: Sequence[str]) -> set[str]:
    """Chats that stood on an earlier page."""
    found, values = matches(db, question, Stretch(least=least, only=tuple(session_ids)), limit=None)
    statement = f"SELECT DISTINCT f.session_id FROM ({found}) f"  # noqa: S608  # every value is bound
    return {row[0] for row in db.execute(text(statement), values)}


def _matches(db: Db, question: SearchQuestion, stretch: Stretch, *, limit: int) -> list[_FoundEntry]:
    statement, values = matches(db, question, stretch, limit=limit)
    return [_FoundEntry(*row) for row in db.execute(text(statement), values)]


def _describe(
    db: Db, question: SearchQuestion, places: Sequence[_ShownChat], found: Sequence[_FoundEntry], *, is_all: bool
) -> list[ChatHits]:
    inside: dict[str, list[_FoundEntry]] = {place.session_id: [] for place in places}
    for match in found:
        if match.message_id is not None and match.session_id in inside:
            inside[match.session_id].append(match)
    shown = [match for each in inside.values() for match in each[:HITS_PER_CHAT]]
    hits: dict[str, list[Hit]] = {}
    for hit in _hits(db, question, [match.entry_id for match in shown]):
        hits.setdefault(hit.session_id, []).append(hit)
    rows = _rows(db, list(inside))
    pattern = question.query.pattern
    return [
        ChatHits(
            session_id=place.session_id,
            title=snippet(row.title, pattern),
            is_title_found=place.is_title,
            at_ms=row.updated_at_ms,
            folder=row.folder if row.user_id == question.user_id else "",
            is_archived=bool(row.is_archived) and row.user_id == question.user_id,
            is_shared=row.user_id != question.user_id,
            num_matches=len(inside[place.session_id]),
            has_more=not is_all,
            hits=tuple(hits.get(place.session_id, ())),
        )
        for place in places
        if (row := rows.get(place.session_id)) is not None
    ]


def _hits(db: Db, question: SearchQuestion, entry_ids: Sequence[int]) -> list[Hit]:
    if not entry_ids:
        return []
    numbered = {f"entry{number}": entry_id for number, entry_id in enumerate(entry_ids)}
    names = ", ".join(f":{name}" for name in numbered)
    found = f"SELECT entry_id, session_id, message_id, role, at_ms FROM search_entry WHERE entry_id IN ({names})"  # noqa: S608
    return read_hits(db, question, found, dict(numbered))


def _rows(db: Db, session_ids: Sequence[str]) -> dict[str, Any]:
    query = text(
        "SELECT session_id, title, user_id, folder, is_archived, updated_at_ms FROM chat_session"
        " WHERE session_id IN :session_ids"
    ).bindparams(bindparam("session_ids", expanding=True))
    return {row.session_id: row for row in db.execute(query, {"session_ids": list(session_ids)})}
