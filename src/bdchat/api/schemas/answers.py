"""/v1's documents that are not streamed: the shapes that chat_document.py and completion_chunks.py write.

They are for the OpenAPI document; answers are written without them, as fast as they come. Divergences from OpenAI:
1. `bdchat.timings` says how long the first choice waited, read its prompt, wrote and was paused, what it computed,
   where the rest was found, and what was guessed.
2. `prompt_tokens_details.cached_tokens` are those that were not computed.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Fields may be added: clients ignore what they do not know."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class PromptTokensDetails(Answer):
    cached_tokens: int


class CompletionTokensDetails(Answer):
    reasoning_tokens: int


class Usage(Answer):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


class CalledFunctionView(Answer):
    name: str
    arguments: str  # a JSON object as text


class ToolCallView(Answer):
    id: str
    type: Literal["function"]
    function: CalledFunctionView


class AssistantMessage(Answer):
    """`content` null: the answer is calls. What there is none of is left out."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str = ""
    tool_calls: list[ToolCallView] = []
    function_call: CalledFunctionView | None = None


class ChatChoice(Answer):
    index: int
    message: AssistantMessage
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length", "tool_calls", "function_call", "cancelled"]


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
