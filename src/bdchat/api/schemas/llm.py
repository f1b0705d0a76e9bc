"""POST /api/llm/generate: the request, a shorter form of a chat completion's.

1. The turn is `prompt` or `message`, a text, or `messages` as in /v1/chat/completions; one of them.
2. `system_prompt` goes before it.
3. With `session_id` it is written into that session and answered there: `store` and `metadata` of
   /v1/chat/completions. `client_message_id` makes sending it twice write it once.
4. Every other field, and the answer, is that of /v1/chat/completions.
"""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from bdchat.api.http.parsing import Text, invalid
from bdchat.api.schemas.chat import MAX_METADATA_CHARS, ChatCompletionRequest, Message, Messages

MAX_PROMPT_CHARS = 2_000_000


class GenerateRequest(ChatCompletionRequest):
    messages: Messages = Field(default=[])
    prompt: Annotated[Text, Field(min_length=1, max_length=MAX_PROMPT_CHARS)] | None = None
    message: Annotated[Text, Field(min_length=1, max_length=MAX_PROMPT_CHARS)] | None = None
    system_prompt: Annotated[Text, Field(max_length=MAX_PROMPT_CHARS)] | None = None
    session_id: Annotated[Text, Field(min_length=1, max_length=MAX_METADATA_CHARS["session_id"])] | None = None
    client_message_id: (
        Annotated[Text, Field(min_length=1, max_length=MAX_METADATA_CHARS["client_message_id"])] | None
    ) = None

    @model_validator(mode="after")
    def _one_turn(self) -> Self:
        if (self.prompt is not None) + (self.message is not None) + bool(self.messages) != 1:
            raise invalid("say one of prompt, message and messages.", at="prompt")
        if self.session_id is not None and self.num_choices != 1:
            raise invalid("a session's answer has one choice.", at="n")
        if self.session_id is not None and self.metadata is not None:
            raise invalid("say session_id, or metadata with store: true.", at="metadata")
        return self

    def to_chat_request(self) -> ChatCompletionRequest:
        fields: dict[str, Any] = {name: getattr(self, name) for name in ChatCompletionRequest.model_fields}
        text = self.prompt if self.prompt is not None else self.message
        turn = self.messages if text is None else [Message(role="user", content=text)]
        system = [Message(role="system", content=self.system_prompt)] if self.system_prompt else []
        fields["messages"] = [*system, *turn]
        if self.session_id is not None:
            named = {"session_id": self.session_id, "client_message_id": self.client_message_id}
            fields |= {"store": True, "metadata": {name: value for name, value in named.items() if value is not None}}
        return ChatCompletionRequest.model_construct(**fields)
