"""POST /api/chat: the request. Its divergences are options.py's."""

from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator

from bdchat.api.http.parsing import invalid, unsupported, validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.conversation.field_names import fields_named
from bdchat.api.schemas.ollama.options import OllamaFields, no_images
from bdchat.settings import LimitSettings


def _messages(value: object) -> list[dict[str, Any]]:
    """As chat completions have them: only the names differ."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid("must be a list of messages.")
    messages: list[dict[str, Any]] = []
    for index, message in enumerate(value):
        if not isinstance(message, dict):
            raise invalid("must be an object.", at=f"[{index}]")
        if message.get("images"):
            raise unsupported("images are not supported: only text is.", at=f"[{index}].images")
        thinking, name = message.get("thinking"), message.get("tool_name") or message.get("name")
        told = {"role": message.get("role"), "content": message.get("content")}
        told |= {key: message[key] for key in ("tool_calls", "tool_call_id") if message.get(key) is not None}
        if isinstance(thinking, str) and thinking:
            told["reasoning_content"] = thinking
        if isinstance(name, str):
            told["name"] = name
        messages.append(told)
    return messages


class OllamaChatRequest(OllamaFields):
    messages: Annotated[Any, AfterValidator(_messages)] = None
    tools: Any = None  # the chat request validates them
    images: Annotated[Any, AfterValidator(no_images)] = None

    @property
    def asks_nothing(self) -> bool:
        """Then the model is only to be loaded."""
        return not self.messages

    def to_chat_request(self, limits: LimitSettings) -> ChatCompletionRequest:
        """Raises InvalidRequest and UnsupportedParameter by this wire's names."""
        fields = {"messages": self.messages, "tools": self.tools or None, **self.chat_fields}
        return _validated(self, fields, limits)


def _validated(body: OllamaFields, fields: dict[str, Any], limits: LimitSettings) -> ChatCompletionRequest:
    with fields_named(body.renamed):
        chat = validate(ChatCompletionRequest, fields, limits)
    own: dict[str, Any] = {"model": body.model, "stream": body.is_streamed}
    if chat.response_format is not None:
        own["response_format"] = msgspec.structs.replace(chat.response_format, field="format")
    return chat.model_copy(update=own)


def load_request(body: OllamaFields, limits: LimitSettings) -> ChatCompletionRequest:
    """Any prompt: counting its tokens waits for the model."""
    return _validated(body, {"messages": [{"role": "user", "content": "hi"}]}, limits)


def chat_from(body: OllamaFields, messages: list[dict[str, Any]], limits: LimitSettings) -> ChatCompletionRequest:
    return _validated(body, {"messages": messages, **body.chat_fields}, limits)
