"""/v1/messages' documents, for the OpenAPI document; they are written without these models, as fast as they come."""

from typing import Any, Literal

from bdchat.api.schemas.answers import Answer


class AnthropicUsage(Answer):
    """Anthropic counts apart what was found in the cache: the three input counts together are the prompt."""

    input_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    output_tokens: int


class AnthropicMessage(Answer):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[dict[str, Any]]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"] | None
    stop_sequence: str | None
    usage: AnthropicUsage


class CountedTokens(Answer):
    input_tokens: int
