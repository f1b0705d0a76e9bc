"""/v1's documents that are not streamed: the shapes that chat_chunks.py and completion_chunks.py write.

They are for the OpenAPI document; answers are written without them, as fast as they come. Divergences from OpenAI:
1. `bdchat.timings` says how long the first choice waited, read its prompt and wrote.
2. `prompt_tokens_details.cached_tokens` are those that were not computed.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Fields may be added: clients ignore what they do not know."""

    model_config = ConfigDict(extra="allow")


class PromptTokensDetails(Answer):
    cached_tokens: int


class Usage(Answer):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


class AssistantMessage(Answer):
    role: Literal["assistant"]
    content: str
    refusal: str | None


class ChatChoice(Answer):
    index: int
    message: AssistantMessage
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length", "cancelled"]


class ChatCompletion(Answer):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str | None
    choices: list[ChatChoice]
    usage: Usage


class TextChoice(Answer):
    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class TextCompletion(Answer):
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str | None
    choices: list[TextChoice]
    usage: Usage
