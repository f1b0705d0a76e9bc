"""A conversation of llama.cpp's page → Chat. Pure; believes nothing that it reads.

{"conv": {"id", "name", "currNode"}, "messages": […]}, or, since 2026, JSON lines that jsonl.py brings into this shape.
A tree: each message names its parent, the root says nothing. `extra` holds what was attached, with the texts of
files.
"""

import json
from typing import Any

from bdchat.store.transfer.chat import (
    MAX_INTEGER,
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    count_of,
    line_of,
    ms_of,
    origin_of,
    text_of,
)
from bdchat.store.transfer.programs.parts import (
    NAME_CHARS,
    ROLES,
    Said,
    as_call,
    id_of,
    list_of,
    object_of,
    string_of,
)

PROGRAM = "llamacpp"


def is_chat(value: dict[str, Any]) -> bool:
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    return isinstance(value.get("conv"), dict) or _is_old(value)


def _is_old(value: dict[str, Any]) -> bool:
    """Until spring 2025: {"id": "conv-…", "lastModified", "messages": […]}, a path."""
    return string_of(value.get("id")).startswith("conv-") and "lastModified" in value


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    conv = value if _is_old(value) else value["conv"]
    chat = Chat(
        origin=origin_of(PROGRAM, conv.get("id")),
        title=line_of(conv.get("name"), MAX_TITLE_CHARS),
        is_pinned=conv.get("pinned") is True,
        updated_at_ms=ms_of(conv.get("lastModified")),
        head_id=id_of(conv.get("currNode")),
    )
    above: str | None = None
    for number, each in enumerate(value["messages"]):
        if not isinstance(each, dict):
            raise BadChat("unknown_message")
        own_id = id_of(each.get("id")) or f"#{number}"
        parent = id_of(each.get("parent")) if "parent" in each else above
        chat.messages.append(_message(chat, each, own_id, parent))
        above = own_id
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    return chat


def _message(chat: Chat, message: dict[str, Any], own_id: str, parent_id: str | None) -> TransferMessage:
    """Raises BadChat for one that does not say whose it is."""
    role = string_of(message.get("role"))
    said = Said(chat.not_kept)
    said.think(string_of(message.get("reasoningContent")) or string_of(message.get("thinking")))
    said.say(string_of(message.get("content")))
    for call in map(object_of, list_of(_decoded(message.get("toolCalls")))):
        asked = object_of(call.get("function"))
        said.say(as_call(asked.get("name"), asked.get("arguments")))
    for extra in map(object_of, list_of(message.get("extra"))):
        _attach(said, extra)
    if role not in ROLES:
        if said.content:
            raise BadChat("unknown_message")
        role = "system"
    timings = object_of(message.get("timings"))
    num_tokens = count_of(timings.get("predicted_n"))
    columns: dict[str, Any] = {}
    if role == "assistant":
        columns = {
            "model": line_of(message.get("model"), NAME_CHARS),
            "prompt_tokens": count_of(timings.get("prompt_n")),
            "completion_tokens": num_tokens,
        }
    return TransferMessage(
        message_id=own_id,
        parent_id=parent_id,
        role=role,
        content=said.content or None,
        created_at_ms=ms_of(message.get("timestamp")),
        token_count=num_tokens if role == "assistant" and 0 < num_tokens <= MAX_INTEGER else None,
        metadata=columns if any(columns.values()) else {},
    )


def _attach(said: Said, extra: dict[str, Any]) -> None:
    kind = string_of(extra.get("type")).lower()
    asset = next((word for word in ("image", "audio", "video") if word in kind), "file")
    text = string_of(extra.get("content")) or string_of(extra.get("data"))
    said.attach(asset, extra.get("name"), text=text_of(text) if asset == "file" else "")
    said.leave_out("images", len(list_of(extra.get("images"))))


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return [{"function": {"arguments": value}}] if value.strip() else None
