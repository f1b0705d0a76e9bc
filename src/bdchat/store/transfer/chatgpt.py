"""A conversation of a ChatGPT export → Chat. Pure; believes nothing that it reads.

Both layouts have the same conversations: one conversations.json, or (since 2026) conversations-000.json and so on, in
which a user's message may lack `metadata` and the model stands at the conversation. `mapping` is the tree; a node
without a message, or with one that says nothing, is a placeholder. Parts that are no text become a note in brackets.
"""

import re
from collections.abc import Callable
from typing import Any

from bdchat.store.transfer.chat import (
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    line_of,
    ms_of,
    origin_of,
    text_of,
)

PROGRAM = "chatgpt"
ROLES = {"user", "assistant", "system", "tool"}
_TICKS = re.compile("`+")
_ASSETS = {"image": "image", "audio": "audio", "video": "video", "file": "file"}


def is_chat(value: dict[str, Any]) -> bool:
    return isinstance(value.get("mapping"), dict)


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
        head_id=_string(value.get("current_node")),
    )
    for node_id, node in value["mapping"].items():
        message = node.get("message") if isinstance(node, dict) else None
        parent_id = _string(node.get("parent")) if isinstance(node, dict) else None
        chat.messages.append(_message(node_id, parent_id, message if isinstance(message, dict) else {}, model))
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    return chat


def _message(node_id: str, parent_id: str | None, message: dict[str, Any], default_model: object) -> TransferMessage:
    author = _object(message.get("author"))
    metadata = _object(message.get("metadata"))
    said = author.get("role")
    role = said if isinstance(said, str) and said in ROLES else "tool"
    columns: dict[str, Any] = {}
    if role == "assistant" and isinstance(model := metadata.get("model_slug") or default_model, str):
        columns["model"] = line_of(model, 200)
    if extra := _extra(author, message, role, said):
        columns["extra"] = extra
    finish = _object(metadata.get("finish_details")).get("type")
    return TransferMessage(
        message_id=node_id,
        parent_id=parent_id,
        role=role,
        content=_content(message.get("content")) or None,
        created_at_ms=ms_of(message.get("create_time")),
        status="interrupted" if message.get("status") == "in_progress" else "complete",
        finish_reason="length" if finish == "max_tokens" else "stop" if finish == "stop" else None,
        metadata=columns,
    )


def _extra(author: dict[str, Any], message: dict[str, Any], role: str, said: object) -> dict[str, str]:
    """What has no column: who spoke, if none of our roles; a tool's name; whom it was addressed to."""
    found = {
        "role": said if said != role else None,
        "name": author.get("name"),
        "recipient": message.get("recipient") if message.get("recipient") != "all" else None,
    }
    return {name: line_of(value, 200) for name, value in found.items() if isinstance(value, str) and value}


# --- what is said -----------------------------------------------------------------------------------------------------


def _content(content: object) -> str:
    """As Markdown. Raises BadChat when it is too long."""
    if isinstance(content, str):
        return text_of(content)
    if not isinstance(content, dict):
        return ""
    kind = _string(content.get("content_type")) or "text"
    parts = content.get("parts")
    if isinstance(parts, list):
        return text_of("\n\n".join(text for part in parts if (text := _part(part))))
    return text_of(_special(kind, content))


def _special(kind: str, content: dict[str, Any]) -> str:
    """Content without parts."""
    known = _SPECIAL.get(kind)
    if known is not None:
        return known(content)
    said = _said(content)
    return said if kind == "text" else f"[{line_of(kind, 100)}]\n\n{said}".strip()


def _code(content: dict[str, Any]) -> str:
    language = _string(content.get("language")) or ""
    said = _said(content)
    return _fenced(said, language if language != "unknown" else "") if said else ""


def _thoughts(content: dict[str, Any]) -> str:
    thoughts = content.get("thoughts")
    found = [_thought(each) for each in thoughts] if isinstance(thoughts, list) else []
    return "\n\n".join(["[reasoning]", *filter(None, found)]) if any(found) else ""


def _recap(content: dict[str, Any]) -> str:
    return f"[{recap}]" if (recap := line_of(content.get("content"), 200)) else ""


def _quote(content: dict[str, Any]) -> str:
    source = line_of(content.get("title") or content.get("domain") or content.get("url"), 200)
    return f"[quote: {source}]\n\n{_said(content)}"


def _failure(content: dict[str, Any]) -> str:
    return f"[error: {line_of(content.get('name'), 200) or 'unknown'}]\n\n{_said(content)}".strip()


def _found_pages(content: dict[str, Any]) -> str:
    return "\n\n".join(_texts(content, "result", "summary"))


def _context(content: dict[str, Any]) -> str:
    return "\n\n".join(_texts(content, "user_profile", "user_instructions", "model_set_context"))


_SPECIAL: dict[str, Callable[[dict[str, Any]], str]] = {
    "code": _code,
    "execution_output": _code,
    "thoughts": _thoughts,
    "reasoning_recap": _recap,
    "tether_quote": _quote,
    "tether_browsing_display": _found_pages,
    "user_editable_context": _context,
    "model_editable_context": _context,
    "system_error": _failure,
}


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return "" if part is None else f"[{type(part).__name__}]"
    kind = _string(part.get("content_type")) or "unknown part"
    if isinstance(text := part.get("text"), str):
        return text if kind in {"text", "audio_transcription"} else f"[{line_of(kind, 100)}]\n\n{text}"
    name = next((note for word, note in _ASSETS.items() if word in kind), line_of(kind, 100))
    about = part.get("name") or _object(_object(part.get("metadata")).get("dalle")).get("prompt")
    return f"[{name}: {line_of(about, 500)}]" if isinstance(about, str) and about else f"[{name}]"


def _said(content: dict[str, Any]) -> str:
    text = content.get("text")
    return text.strip() if isinstance(text, str) else ""


def _thought(thought: object) -> str:
    return "\n\n".join(_texts(_object(thought), "summary", "content"))


def _texts(holder: dict[str, Any], *names: str) -> list[str]:
    return [text for name in names if isinstance(text := holder.get(name), str) and text.strip()]


def _fenced(code: str, language: str) -> str:
    """The fence is longer than any inside."""
    longest = max((len(run[0]) for run in _TICKS.finditer(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{line_of(language, 30)}\n{code}\n{fence}"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
