"""Sessions on the wire of /api.

1. In a body null is as good as absent; what a change does not name stays as it is, with PUT as with PATCH.
2. A session's config has the names and bounds of /v1/chat/completions; PUT replaces it whole, PATCH what it names.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, model_validator

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, invalid
from bdchat.api.schemas.sampling import MAX_TOKENS, IntegerField, StopStrings, TemplateKwargs
from bdchat.store.chats.sessions import MAX_BULK, Role, Seen
from bdchat.store.tables import SessionConfig

MAX_TITLE_CHARS = 200
MAX_FOLDER_CHARS = 100
MAX_OPENING_CHARS = 1000
MAX_SYSTEM_PROMPT_CHARS = 100_000
MAX_PAGE = 100

Title = Annotated[Text, Field(max_length=MAX_TITLE_CHARS)]
Folder = Annotated[Text, Field(max_length=MAX_FOLDER_CHARS)]
SessionId = Annotated[Text, Field(min_length=1, max_length=64)]

# --- in ---------------------------------------------------------------------------------------------------------------


class SessionQuery(Strict):
    """A page of the list; filters that are absent let everything through."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[Text, Field(max_length=100)] | None = None  # next_cursor of the page before
    pinned: bool | None = None
    archived: bool | None = None
    folder: Folder | None = None  # "": in none
    deleted: bool = False  # those that can be brought back
    shared: bool = False  # other people's, shared with you


class DeleteQuery(Strict):
    permanently: bool = False  # no way back


class ConfigBody(Strict):
    model: Annotated[Text, Field(max_length=200)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    system_prompt: Annotated[Text, Field(max_length=MAX_SYSTEM_PROMPT_CHARS)] | None = None
    context_overflow: Literal["drop_oldest", "error"] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: IntegerField | None = None
    stop: StopStrings = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=10)] | None = None
    repeat_last_n: Annotated[int, Field(ge=0, le=65_536)] | None = None
    chat_template_kwargs: TemplateKwargs = None

    def to_columns(self) -> dict[str, Any]:
        """What is not a column goes into `params`."""
        given = {name: value for name, value in self.model_dump().items() if value not in (None, {})}
        columns = {name: given.pop(name) for name in CONFIG_COLUMNS if name in given}
        return {**columns, "params": given}


CONFIG_COLUMNS = ("model", "temperature", "top_p", "max_tokens", "system_prompt", "context_overflow")


class NewSession(Strict):
    title: Title | None = None  # none: the first words of its first message, then the model's
    opening: Annotated[Text, Field(max_length=MAX_OPENING_CHARS)] = ""  # of the message that comes: names it at once
    folder: Folder | None = None
    config: ConfigBody | None = None


class SessionChanges(Strict):
    title: Title | None = None
    folder: Folder | None = None
    is_pinned: StrictBool | None = None
    is_archived: StrictBool | None = None

    def to_columns(self) -> dict[str, Any]:
        return {name: value for name, value in self.model_dump().items() if value is not None}


class BulkChanges(Strict):
    """What to do with all of them. `is_deleted` false brings back."""

    session_ids: Annotated[list[SessionId], Field(min_length=1, max_length=MAX_BULK)]
    folder: Folder | None = None
    is_pinned: StrictBool | None = None
    is_archived: StrictBool | None = None
    is_deleted: StrictBool | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.to_columns() and self.is_deleted is None:
            raise invalid("say what to do: folder, is_pinned, is_archived or is_deleted.")
        return self

    def to_columns(self) -> dict[str, Any]:
        named = self.model_dump(include={"folder", "is_pinned", "is_archived"})
        return {name: value for name, value in named.items() if value is not None}


# --- out --------------------------------------------------------------------------------------------------------------


class SessionView(View):
    """As the asking user sees it: folder, pin and archive are the owner's own affair."""

    session_id: str
    title: str
    title_source: Literal["", "auto", "user"]  # "": none yet, or the first words of its first message
    folder: str
    is_pinned: bool
    is_archived: bool
    head_message_id: str | None  # the end of the path that is shown
    num_messages: int  # in all branches
    created_at_ms: int
    updated_at_ms: int
    deleted_at_ms: int | None
    role: Role
    owner_name: str

    @classmethod
    def of(cls, seen: Seen) -> "SessionView":
        session, is_own = seen.session, seen.role == "owner"
        return cls.model_construct(
            session_id=session.session_id,
            title=session.title,
            title_source=session.title_source,
            folder=session.folder if is_own else "",
            is_pinned=is_own and session.is_pinned,
            is_archived=is_own and session.is_archived,
            head_message_id=session.head_message_id,
            num_messages=session.num_messages,
            created_at_ms=session.created_at_ms,
            updated_at_ms=session.updated_at_ms,
            deleted_at_ms=session.deleted_at_ms,
            role=seen.role,
            owner_name=seen.owner_name,
        )


class SessionPage(View):
    data: list[SessionView]
    next_cursor: str | None  # null: this is the last page


class FolderView(View):
    name: str
    num_sessions: int


class FolderList(View):
    data: list[FolderView]


class ChangedSessions(View):
    session_ids: list[str]  # those that were there to be changed


class ConfigView(View):
    """null = the model's or the server's default."""

    model: str | None
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    system_prompt: str
    context_overflow: Literal["drop_oldest", "error"]
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @classmethod
    def of(cls, config: SessionConfig) -> "ConfigView":
        columns = {name: getattr(config, name) for name in CONFIG_COLUMNS}
        return cls.model_construct(**columns, **config.params)
