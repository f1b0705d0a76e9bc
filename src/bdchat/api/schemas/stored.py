"""Stored completions on the wire: OpenAI's, and the actions of /api on a chat's answers.

Deliberate divergences from OpenAI:
1. `bdchat` of a completion says what it belongs to and how far it is: state, session_id, message_id, prefix (the text
   that was there before it went on), last_event_id, num_dropped_messages, timings.
2. A running completion is there, with its text so far and a finish_reason of null. A failed one has `error`.
3. GET …/events gives its chunks again from any number; POST …/cancel ends it and keeps its text.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, Wire
from bdchat.api.schemas.answers import Answer, ChatCompletion
from bdchat.api.schemas.chat import (
    MAX_METADATA_KEY_CHARS,
    MAX_METADATA_KEYS,
    MAX_METADATA_VALUE_CHARS,
)
from bdchat.api.schemas.messages import MAX_CONTENT_CHARS

MAX_PAGE = 100
MAX_EVENT_ID = 2**53
MAX_PARAMS = 64

CompletionId = Annotated[Text, Field(min_length=1, max_length=64)]
Params = Annotated[dict[str, Any], Field(max_length=MAX_PARAMS)]
MetadataKey = Annotated[Text, Field(max_length=MAX_METADATA_KEY_CHARS)]
MetadataValue = Annotated[Text, Field(max_length=MAX_METADATA_VALUE_CHARS)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA_KEYS)]

# --- in ---------------------------------------------------------------------------------------------------------------


class CompletionQuery(Strict):
    """`metadata[KEY]=VALUE`, repeatable, are read beside these."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    after: CompletionId | None = None
    order: Literal["asc", "desc"] = "asc"
    model: Annotated[Text, Field(max_length=200)] | None = None


class StoredMessageQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    after: Annotated[Text, Field(min_length=1, max_length=80)] | None = None
    order: Literal["asc", "desc"] = "asc"


class EventQuery(Strict):
    """`after`: a number, as in Last-Event-ID, which counts when both are there."""

    after: Annotated[int, Field(ge=0, le=MAX_EVENT_ID)] = 0
    include_usage: bool = False


class CompletionChanges(Wire):
    metadata: Metadata | None = None


class RegenerateBody(Strict):
    params: Params = Field(default_factory=dict)


class EditBody(Strict):
    content: Annotated[Text, Field(min_length=1, max_length=MAX_CONTENT_CHARS)]
    client_message_id: Annotated[Text, Field(min_length=1, max_length=128)] | None = None
    answers: StrictBool = True  # False: only the message
    params: Params = Field(default_factory=dict)  # fields of /v1/chat/completions


# --- out --------------------------------------------------------------------------------------------------------------


class StoredCompletion(ChatCompletion):
    choices: list[Any]
    usage: Any
    metadata: dict[str, str]


class CompletionList(Answer):
    object: Literal["list"]
    data: list[StoredCompletion]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoredMessage(Answer):
    id: str
    role: Literal["system", "user", "assistant", "tool"]
    content: str


class StoredMessageList(Answer):
    object: Literal["list"]
    data: list[StoredMessage]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedCompletion(View):
    id: str
    object: Literal["chat.completion.deleted"] = "chat.completion.deleted"
    deleted: bool = True


class StartedView(View):
    """An answer has begun; its events are at /v1/chat/completions/{generation_id}/events."""

    generation_id: str | None  # null: only a message was written
    session_id: str | None
    message_id: str | None  # the answer's
    user_message_id: str | None
    is_new: bool  # false: the same client_message_id was sent before
