"""Search on the wire of /api."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, invalid
from bdchat.api.schemas.sessions import Folder, SessionId
from bdchat.store.search.results import Hit, SearchFilter

MAX_QUERY_CHARS = 200
MAX_PAGE = 50
MAX_MS = (1 << 42) - 1  # in the year 2109

Milliseconds = Annotated[int, Field(ge=0, le=MAX_MS - 1)]


class SearchQuery(Strict):
    """Every word of `q` must be there, the last one may be a beginning; "quoted words" stand next to each other."""

    q: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARS)]
    role: Literal["user", "assistant", "system", "tool", "title"] | None = None
    from_ms: Annotated[Milliseconds | None, Field(alias="from")] = None  # both ends included
    to_ms: Annotated[Milliseconds | None, Field(alias="to")] = None
    session_id: SessionId | None = None
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
            session_id=self.session_id,
            folder=self.folder,
            is_archived=self.archived,
        )


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
    next_cursor: str | None
