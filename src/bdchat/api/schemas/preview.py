"""The preview of a message's cost on the wire of /api."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text

MAX_PARAMS = 64

Tier = Literal["resident", "ram", "disk", "cold"]
Excess = Literal["message", "system_prompt", "chat"]
DocumentWay = Literal["whole", "passages"]


class Draft(Strict):
    """A message that may be sent. `parent_id` absent: below the session's head; "": a new beginning. `params`: as
    /v1/chat/completions has them."""

    content: Annotated[Text, Field(max_length=8 * 1024 * 1024)] = ""
    parent_id: Annotated[Text, Field(max_length=64)] | None = None
    params: Annotated[dict[str, Any], Field(max_length=MAX_PARAMS, default_factory=dict)]


class SegmentView(View):
    """Neighbouring messages of one tier, the last one's end decides. `first` and `last` count the prompt's messages
    from 0, system messages included; the ids are those of stored ones."""

    tier: Tier
    num_tokens: int
    first: int
    last: int
    first_message_id: str | None
    last_message_id: str | None


class PreviewView(View):
    """`num_to_read`: tokens that no tier has, at least 1; `read_ms`: how long they take when nobody else asks.

    When the oldest messages no longer fit, `first_message_id` is the first of the stored ones that does, where the
    model's memory begins: null with `num_dropped_messages` > 0 means that only the new message does.

    While the model is not loaded (`state` is not "ready") nothing is known: the numbers are null.

    `documents`: what the message brings along of each, by its id ("" is a text that the request brings), which are
    `num_document_tokens` of the prompt's.

    `too_long`: the message would be refused, and what must grow shorter: the message or the system prompt, whichever is
    longer, where the two alone do not fit (`num_prompt_tokens` is theirs then); else the chat, which drops nothing."""

    model: str
    state: str
    context_length: int | None
    num_prompt_tokens: int | None
    num_resident: int | None
    num_in_ram: int | None
    num_on_disk: int | None
    num_to_read: int | None
    read_ms: float | None
    num_waiting: int | None
    num_dropped_messages: int
    first_message_id: str | None
    too_long: Excess | None = None
    num_document_tokens: int = 0
    documents: dict[str, DocumentWay] = Field(default_factory=dict)
    segments: list[SegmentView]
