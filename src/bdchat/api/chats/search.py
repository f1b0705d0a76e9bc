"""GET /api/search and /api/search/chats: full-text search in the titles and messages that the user may read. Event
loop; the database answers in its threads.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.http.endpoints import Endpoint, declared, read_query, reply
from bdchat.api.http.identity import require_user
from bdchat.api.schemas.search import (
    ChatHitsPage,
    ChatHitsView,
    ChatSearchQuery,
    HitPage,
    HitView,
    SearchQuery,
)
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.search.by_chat import ChatCursor, find_chats
from bdchat.store.search.results import SearchCursor, find
from bdchat.store.sql.database import Database

_LOOSE, _TITLE = "~", "t"  # in a cursor: of the looser reading; at a title


class Search:
    def __init__(self, database: Database, limits: LimitSettings) -> None:
        self._database = database
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/search",
                self.show,
                "Search titles and messages",
                query=SearchQuery,
                response=HitPage,
                description=SearchQuery.__doc__ or "",
            ),
            Endpoint(
                "GET",
                "/api/search/chats",
                self.show_chats,
                "Search titles and messages; found texts gathered by chat",
                query=ChatSearchQuery,
                response=ChatHitsPage,
                description=ChatSearchQuery.__doc__ or "",
            ),
        )

    async def show(self, request: Request) -> Response:
        identity = require_user(request)
        query = read_query(SearchQuery, request, self._limits)
        after = _place(query.cursor) if query.cursor is not None else None
        page = await self._database.read(
            lambda db: find(db, identity.user_id, query.q, query.to_filter(), limit=query.limit, after=after)
        )
        cursor = _cursor(page.end) if page.end is not None else None
        return reply(HitPage(data=[HitView.of(hit) for hit in page.hits], words=page.words, next_cursor=cursor))

    async def show_chats(self, request: Request) -> Response:
        identity = require_user(request)
        query = read_query(ChatSearchQuery, request, self._limits)
        after = _chat_place(query.cursor) if query.cursor is not None else None
        page = await self._database.read(
            lambda db: find_chats(db, identity.user_id, query.q, query.to_filter(), limit=query.limit, after=after)
        )
        cursor = _chat_cursor(page.end) if page.end is not None else None
        chats = [ChatHitsView.of(chat) for chat in page.chats]
        return reply(ChatHitsPage(data=chats, words=page.words, next_cursor=cursor))


def _cursor(place: SearchCursor) -> str:
    return f"{place.entry_id:x}{_LOOSE if place.is_loose else ''}"


def _place(cursor: str) -> SearchCursor:
    return SearchCursor(_entry_id(cursor.removesuffix(_LOOSE)), is_loose=cursor.endswith(_LOOSE))


def _chat_cursor(place: ChatCursor) -> str:
    return f"{_TITLE if place.is_title else ''}{place.entry_id:x}{_LOOSE if place.is_loose else ''}"


def _chat_place(cursor: str) -> ChatCursor:
    entry_id = _entry_id(cursor.removesuffix(_LOOSE).removeprefix(_TITLE))
    return ChatCursor(entry_id, is_title=cursor.startswith(_TITLE), is_loose=cursor.endswith(_LOOSE))


def _entry_id(written: str) -> int:
    try:
        entry_id = int(written, 16)
    except ValueError as error:
        raise InvalidRequest("cursor", "is not one that this server gave.") from error
    if not 0 <= entry_id < 1 << 63:
        raise InvalidRequest("cursor", "is not one that this server gave.")
    return entry_id
