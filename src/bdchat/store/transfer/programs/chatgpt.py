"""A conversation of a ChatGPT export → Chat. Pure; believes nothing that it reads.

Both layouts have the same conversations: one conversations.json, or (since 2026) conversations-000.json and so on, in
which a user's message may lack `metadata` and the model stands at the conversation. `mapping` is the tree; a node
without a message, or with one that says nothing, is a placeholder. What a model thought is a node of its own: it moves
into the answer below it, where that is the only one.
"""

from typing import Any

from bdchat.store.transfer.chat import (
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    line_of,
    ms_of,
    origin_of,
)
from bdchat.store.transfer.programs import chatgpt_content
from bdchat.store.transfer.programs.parts import NAME_CHARS, ROLES, Said, list_of, object_of, string_of

PROGRAM = "chatgpt"
_MAX_SOURCES = 100


def is_chat(value: dict[str, Any]) -> bool:
    """Others have a `mapping` too; only here do its messages say who wrote them."""
    mapping = value.get("mapping")
    if not isinstance(mapping, dict):
        return False
    messages = [message for node in mapping.values() if isinstance(message := object_of(node).get("message"), dict)]
    return not messages or any("author" in message for message in messages)


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    model = value.get("default_model_slug")
    chat = Chat(
        origin=origin_of(PROGRAM, value.get("conversation_id") or value.get("id")),
        title=line_of(value.get("title"), MAX_TITLE_CHARS),
        is_archived=value.get("is_archived") is True,
        is_pinned=value.get("is_starred") is True,
        created_at_ms=ms_of(value.get("create_time")),
        updated_at_ms=ms_of(value.get("update_time")),
        head_id=string_of(value.get("current_node")) or None,
    )
    said: dict[str, Said] = {}
    for node_id, node in value["mapping"].items():
        content = object_of(object_of(node).get("message"))
        said[node_id] = chatgpt_content.said_by(content, chat.not_kept)
        parent_id = string_of(object_of(node).get("parent")) or None
        chat.messages.append(_message(node_id, parent_id, content, model))
    _move_thoughts(chat.messages, said)
    for message in chat.messages:
        message.content = said[message.message_id].content or None
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    return chat


def _move_thoughts(messages: list[TransferMessage], said: dict[str, Said]) -> None:
    """Into the answer below. What is thought under a circle stays where it is."""
    children: dict[str | None, list[TransferMessage]] = {}
    for message in messages:
        parent_id = message.parent_id if message.parent_id in said else None
        children.setdefault(parent_id, []).append(message)
    order = list(children.get(None, ()))
    for message in order:  # grows while it is read
        below = children.get(message.message_id, [])
        own = said[message.message_id]
        if message.role == "assistant" and own.thoughts and not own.texts and len(below) == 1:
            (answer,) = below
            if answer.role == "assistant":
                said[answer.message_id].thoughts[:0] = own.thoughts
                own.thoughts = []
                _keep_time(message, answer)
        order += below


def _keep_time(thought: TransferMessage, answer: TransferMessage) -> None:
    since = object_of(thought.metadata.get("extra")).get("thinking_since_ms", thought.created_at_ms)
    if since is not None:
        answer.metadata["extra"] = {**answer.metadata.get("extra", {}), "thinking_since_ms": since}


def _message(node_id: str, parent_id: str | None, message: dict[str, Any], default_model: object) -> TransferMessage:
    author = object_of(message.get("author"))
    metadata = object_of(message.get("metadata"))
    named = author.get("role")
    role = _role(named, message, metadata)
    columns: dict[str, Any] = {}
    if role == "assistant" and isinstance(model := metadata.get("model_slug") or default_model, str):
        columns["model"] = line_of(model, NAME_CHARS)
    if extra := _extra(author, message, metadata, None if named == role else named):
        columns["extra"] = extra
    finish = object_of(metadata.get("finish_details")).get("type")
    status = message.get("status")
    is_stopped = finish == "interrupted" or status == "finished_partial_completion"
    return TransferMessage(
        message_id=node_id,
        parent_id=parent_id,
        role=role,
        content=None,
        created_at_ms=ms_of(message.get("create_time")),
        status="interrupted" if status == "in_progress" else "stopped" if is_stopped else "complete",
        finish_reason="length" if finish == "max_tokens" else "stop" if finish == "stop" else None,
        metadata=columns,
    )


def _role(named: object, message: dict[str, Any], metadata: dict[str, Any]) -> str:
    """What a user has set for all chats, and what was remembered of one, was never said by anybody here."""
    kind = string_of(object_of(message.get("content")).get("content_type"))
    if kind in {"user_editable_context", "model_editable_context"} or metadata.get("is_user_system_message") is True:
        return "system"
    return named if isinstance(named, str) and named in ROLES else "tool"


def _extra(author: dict[str, Any], message: dict[str, Any], metadata: dict[str, Any], named: object) -> dict[str, Any]:
    """What has no column: who spoke, if none of our roles; a tool's name; to whom; what it rests on."""
    found = {
        "role": named,
        "name": author.get("name"),
        "recipient": message.get("recipient") if message.get("recipient") != "all" else None,
        "channel": message.get("channel") if message.get("channel") != "final" else None,
        "canvas": object_of(metadata.get("canvas")).get("title"),
        "assistant": metadata.get("gizmo_id"),
        "heading": metadata.get("reasoning_title"),
    }
    extra: dict[str, Any] = {
        name: line_of(value, NAME_CHARS) for name, value in found.items() if isinstance(value, str) and value
    }
    if metadata.get("is_visually_hidden_from_conversation") is True:
        extra["is_hidden"] = True
    if sources := _sources(metadata):
        extra["sources"] = sources
    return extra


def _sources(metadata: dict[str, Any]) -> list[dict[str, str]]:
    """Pages that were found or are listed below an answer, each once."""
    found: dict[str, str] = {}
    holders = [object_of(each) for each in list_of(metadata.get("content_references"))]
    holders += [object_of(each) for each in list_of(metadata.get("search_result_groups"))]
    for holder in holders:
        for name in ("items", "sources", "entries"):
            for page in map(object_of, list_of(holder.get(name))):
                if (address := string_of(page.get("url"))) and len(found) < _MAX_SOURCES:
                    found.setdefault(line_of(address, 2000), line_of(page.get("title"), NAME_CHARS))
    return [{"url": address, "title": title} for address, title in found.items()]
