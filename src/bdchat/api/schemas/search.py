"""Search on the wire of /api."""

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, invalid
from bdchat.api.schemas.sessions import Folder, SessionId
from bdchat.store.search.by_chat import ChatHits
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import Hit

MAX_QUERY_CHARS = 200
MAX_PAGE = 50
MAX_MS = (1 << 42) - 1  # in the year 2109

Milliseconds = Annotated[int, Field(ge=0, le=MAX_MS - 1)]


class ChatSearchQuery(Strict):
    """Every word of `q` must be there, in the text or in its chat's title; the last one may be a beginning; "quoted
    words" stand next to each other."""

    q: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARS)]
    role: Literal["user", "assistant", "system", "tool", "title"] | None = None
    from_ms: Annotated[Milliseconds | None, Field(alias="from")] = None  # both ends included
    to_ms: Annotated[Milliseconds | None, Field(alias="to")] = None
    folder: Folder | None = None
    archived: bool | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    cursor: Annotated[Text, Field(max_length=40)] | None = None  # next_cursor of the page before

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ms is not None and self.to_ms is not None and self.from_ms > self.to_ms:
            raise invalid("must not be before 'from'.", at="to")
        return self

    def to_filter(self) -> SearchFilter:
        return SearchFilter(
            role=self.role,
            from_ms=self.from_ms,
            to_ms=self.to_ms,
            folder=self.folder,
            is_archived=self.archived,
        )


class SearchQuery(ChatSearchQuery):
    session_id: SessionId | None = None

    def to_filter(self) -> SearchFilter:
        return replace(super().to_filter(), session_id=self.session_id)


SearchQuery.__doc__ = ChatSearchQuery.__doc__


class HitView(View):
    """`snippet` is plain text, never HTML."""

    kind: Literal["title", "message"]
    session_id: str
    session_title: str
    message_id: str | None  # None: the title was found
    role: str
    at_ms: int = Field(description="When the message was written, or the title given.")
    folder: str
    is_archived: bool
    is_shared: bool = Field(description="Somebody else's, shared with you.")
    snippet: str
    highlights: list[tuple[int, int]] = Field(
        description="[start, end) of what was found in `snippet`, counted in Unicode code points (not UTF-16 units)."
    )

    @classmethod
    def of(cls, hit: Hit) -> "HitView":
        return cls.model_construct(
            kind="title" if hit.message_id is None else "message",
            session_id=hit.session_id,
            session_title=hit.title,
            message_id=hit.message_id,
            role=hit.role,
            at_ms=hit.at_ms,
            folder=hit.folder,
            is_archived=hit.is_archived,
            is_shared=hit.is_shared,
            snippet=hit.snippet.text,
            highlights=list(hit.snippet.highlights),
        )


class HitPage(View):
    """The newest first."""

    data: list[HitView]
    words: list[str] = Field(description="What was looked for, in small letters and without accents or particles.")
    next_cursor: str | None


class ChatHitsView(View):
    """A chat with what was found in it: `hits` are the newest of `num_matches`."""

    session_id: str
    title: str = Field(description="As much of it as is shown: plain text, never HTML.")
    title_highlights: list[tuple[int, int]] = Field(description="[start, end) in `title`, as `highlights` of a hit.")
    is_title_found: bool = Field(description="Every word is in the title.")
    updated_at_ms: int
    folder: str
    is_archived: bool
    is_shared: bool = Field(description="Somebody else's, shared with you.")
    num_matches: int = Field(description="Messages that were found.")
    has_more: bool = Field(description="There may be more messages than `num_matches`: they were counted so far only.")
    hits: list[HitView]

    @classmethod
    def of(cls, chat: ChatHits) -> "ChatHitsView":
        return cls.model_construct(
            session_id=chat.session_id,
            title=chat.title.text,
            title_highlights=list(chat.title.highlights),
            is_title_found=chat.is_title_found,
            updated_at_ms=chat.at_ms,
            folder=chat.folder,
            is_archived=chat.is_archived,
            is_shared=chat.is_shared,
            num_matches=chat.num_matches,
            has_more=chat.has_more,
            hits=[HitView.of(hit) for hit in chat.hits],
        )


class ChatHitsPage(View):
    """Chats whose titles match first, then those with the newest matches. A page may be shorter than `limit` and still
    have a `next_cursor`."""

    data: list[ChatHitsView]
    words: list[str] = Field(description="What was looked for, in small letters and without accents or particles.")
    next_cursor: str | None
