"""The frames of /ws/chat/{session_id} and /ws/events, and of the same over HTTP: JSON objects, told apart by "type".

In: what a client may say. Unknown types and malformed JSON end the connection; a field that is out of bounds is
answered with an `error` frame and ends nothing. Out: what a server says; `seq` numbers the events of one answer, and
who names the last one it saw in a `hello` gets the rest.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, RootModel

from bdchat.api.http.parsing import Strict, Text, decode_object, validate
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings

MAX_CONTENT_CHARS = 1024 * 1024  # a frame has no more bytes (socket_protocol.py)
MAX_PARAMS = 64
MAX_RESUMED = 64  # answers that one hello takes up again

Id = Annotated[Text, Field(min_length=1, max_length=64)]
ClientId = Annotated[Text, Field(min_length=1, max_length=128)]
Content = Annotated[Text, Field(min_length=1, max_length=MAX_CONTENT_CHARS)]
EventId = Annotated[int, Field(ge=0, le=2**53)]  # what JavaScript can count to
Params = Annotated[dict[str, Any], Field(max_length=MAX_PARAMS)]


class InFrame(Strict):
    """What is not known is refused."""


class Auth(InFrame):
    """First of all, from who has no cookie."""

    type: Literal["auth"]
    token: Annotated[str, Field(min_length=1, max_length=512)]


class LastSeen(Strict):
    """The last number seen of each answer; running ones that are not named are sent from their beginning."""

    last: Annotated[dict[Id, EventId], Field(max_length=MAX_RESUMED)] = Field(default_factory=dict)


class ChatQuery(LastSeen):
    """`events`: what happens outside the session is told too."""

    events: bool = False


class Hello(InFrame, LastSeen):
    """The last number seen of each answer; running ones that are not named are sent from their beginning."""

    type: Literal["hello"]


class ChatMessage(InFrame):
    """`parent_id` absent: below the session's head; null: a new root. `params`: fields of /v1/chat/completions."""

    type: Literal["chat_message"]
    content: Content
    parent_id: Id | None = None
    client_message_id: ClientId | None = None
    params: Params = Field(default_factory=dict)

    @property
    def is_below_head(self) -> bool:
        return "parent_id" not in self.model_fields_set


class Edit(InFrame):
    """The message said otherwise: a sibling, and an answer to it."""

    type: Literal["edit"]
    message_id: Id
    content: Content
    client_message_id: ClientId | None = None
    params: Params = Field(default_factory=dict)


class Regenerate(InFrame):
    """Another answer beside this one."""

    type: Literal["regenerate"]
    message_id: Id
    params: Params = Field(default_factory=dict)


class Continue(InFrame):
    """The answer goes on where it stopped."""

    type: Literal["continue"]
    message_id: Id


class Stop(InFrame):
    type: Literal["stop"]
    generation_id: Id


class Typing(InFrame):
    type: Literal["typing"]
    is_typing: bool = True


class Ping(InFrame):
    type: Literal["ping"]


class Pong(InFrame):
    type: Literal["pong"]


IN_FRAMES: dict[str, type[InFrame]] = {
    "auth": Auth,
    "hello": Hello,
    "chat_message": ChatMessage,
    "edit": Edit,
    "regenerate": Regenerate,
    "continue": Continue,
    "stop": Stop,
    "typing": Typing,
    "ping": Ping,
    "pong": Pong,
}
OF_THE_CONNECTION = {"auth", "hello", "ping", "pong"}  # over HTTP: a header, a query, and nothing
COMMANDS = {kind: schema for kind, schema in IN_FRAMES.items() if kind not in OF_THE_CONNECTION}


class LiveCommand(RootModel[ChatMessage | Edit | Regenerate | Continue | Stop | Typing]):
    """What a request may say instead of a socket, for the OpenAPI document; read with parse_command."""


def parse_frame(text: str, limits: LimitSettings) -> InFrame:
    """Raises MalformedBody, InvalidRequest ("type" when there is no such frame)."""
    return _parse(IN_FRAMES, text.encode(), limits)


def parse_command(body: bytes, limits: LimitSettings) -> InFrame:
    """Raises like parse_frame."""
    return _parse(COMMANDS, body, limits)


def _parse(schemas: Mapping[str, type[InFrame]], body: bytes, limits: LimitSettings) -> InFrame:
    value = decode_object(body)
    kind = value.get("type")
    schema = schemas.get(kind) if isinstance(kind, str) else None
    if schema is None:
        raise InvalidRequest("type", f"must be one of {', '.join(schemas)}.")
    return validate(schema, value, limits)


# --- out --------------------------------------------------------------------------------------------------------------


class OutFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Encoded as it stands."""


class Welcome(OutFrame, frozen=True, kw_only=True, tag="hello"):
    """The first frame of a connection that was let in. Another `server_id` than before: the server was restarted."""

    server_id: str
    user_id: str
    session_id: str | None = None
    role: str | None = None  # "owner" | "writer" | "reader"


class Accepted(OutFrame, frozen=True, kw_only=True, tag="accepted"):
    """The message is stored and its answer is a generation now; the same again for the same client_message_id.
    `answers`: the type of the frame that it answers."""

    answers: str
    client_message_id: str | None
    generation_id: str
    message_id: str | None  # the answer's
    user_message_id: str | None
    is_new: bool  # False: it had been sent before


class AiStart(OutFrame, frozen=True, kw_only=True, tag="ai_start"):
    """A run of the model for an answer. `prefix`: the answer's text from earlier runs, which this one continues."""

    generation_id: str
    message_id: str | None
    seq: int
    prefix: str
    model: str
    num_dropped_messages: int  # of the conversation, which had become too long for the model


class AiChunk(OutFrame, frozen=True, kw_only=True, tag="ai_chunk"):
    """`text` continues the run's text; `seq` is the number of the last event in it."""

    generation_id: str
    message_id: str | None
    seq: int
    text: str


class AiReset(OutFrame, frozen=True, kw_only=True, tag="ai_reset"):
    """`text` is all of the run's text so far; what came before counts for nothing. A server had died."""

    generation_id: str
    message_id: str | None
    seq: int
    text: str


class AiComplete(OutFrame, frozen=True, kw_only=True, tag="ai_complete"):
    generation_id: str
    message_id: str | None
    seq: int
    state: str  # "complete" | "stopped" | "interrupted" | "failed"
    finish_reason: str | None
    usage: dict[str, Any]
    error: dict[str, Any] | None = None
    retry_after_s: int | None = None  # after a failure that may pass: worth asking again then


class Queue(OutFrame, frozen=True, kw_only=True, tag="queue"):
    """`is_paused`: it had a place, gave way to others and goes on by itself. `eta_s`: until its next word."""

    generation_id: str
    position: int | None
    is_paused: bool
    eta_s: float | None


class Prefill(OutFrame, frozen=True, kw_only=True, tag="prefill"):
    """Prompt tokens. `eta_s`: until its first word."""

    generation_id: str
    done: int
    total: int
    cached: int
    eta_s: float | None


class Change(OutFrame, frozen=True, kw_only=True):
    event: str  # "created" | "changed" | "deleted" …


class MessageChange(Change, frozen=True, kw_only=True, tag="message"):
    message: dict[str, Any]


class SessionChange(Change, frozen=True, kw_only=True, tag="session"):
    """`session_ids` of "changed_many" and "deleted_many": read the list again."""

    session_id: str | None = None
    session: dict[str, Any] | None = None
    session_ids: list[str] | None = None


class DocumentChange(OutFrame, frozen=True, kw_only=True, tag="document.changed"):
    """A document that one sees is new, or has another state: twice a second at most while it is read."""

    document: dict[str, Any]  # DocumentView


class DocumentGone(OutFrame, frozen=True, kw_only=True, tag="document.deleted"):
    document_id: str


class CollectionChange(OutFrame, frozen=True, kw_only=True, tag="collection.changed"):
    collection: dict[str, Any]  # CollectionView


class CollectionGone(OutFrame, frozen=True, kw_only=True, tag="collection.deleted"):
    """Deleted, or one sees it no longer."""

    collection_id: str


class TypingNow(OutFrame, frozen=True, kw_only=True, tag="typing"):
    user_id: str
    username: str
    is_typing: bool


class Present(OutFrame, frozen=True, kw_only=True, tag="presence"):
    """Everybody who has a shared session open, each once however many tabs."""

    users: list[dict[str, str]]  # user_id, username, name (the display name, else the username)


class Notification(OutFrame, frozen=True, kw_only=True, tag="notification"):
    kind: str
    data: dict[str, Any]


class Resync(OutFrame, frozen=True, kw_only=True, tag="resync"):
    """The servers lost sight of each other for a while: read messages and sessions again. Answers resume by
    themselves."""


class Failure(OutFrame, frozen=True, kw_only=True, tag="error"):
    """`error` is OpenAI's object; `answers` and `client_message_id` of the frame that it answers, if it had them."""

    error: msgspec.Raw
    answers: str | None = None
    client_message_id: str | None = None
    retry_after_s: int | None = None


class PingOut(OutFrame, frozen=True, kw_only=True, tag="ping"):
    pass


class PongOut(OutFrame, frozen=True, kw_only=True, tag="pong"):
    pass


class Closing(OutFrame, frozen=True, kw_only=True, tag="close"):
    """The last event of a stream over HTTP: the close code of the socket that it stands for."""

    code: int
    reason: str
