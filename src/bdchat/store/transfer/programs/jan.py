"""A thread of Jan → Chat: {"thread": {…} or None, "messages": […]}, as jsonl.py puts thread.json and the lines of the
messages.jsonl beside it together. Pure; believes nothing that it reads.

A message's content is a list: text, reasoning, pictures, calls of tools; what it was attached is in its metadata.
"""

import re
from typing import Any

from bdchat.store.transfer.chat import (
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    line_of,
    origin_of,
    text_of,
    time_of,
)
from bdchat.store.transfer.programs.parts import (
    NAME_CHARS,
    ROLES,
    Said,
    as_note,
    data_texts,
    fenced,
    id_of,
    list_of,
    object_of,
    string_of,
    written,
)

PROGRAM = "jan"
_ATTACHED = re.compile(r"\s*\[ATTACHED_FILES\]\n(.{0,100000}?)\n?\[/ATTACHED_FILES\]", re.DOTALL)
_ATTACHED_NAME = re.compile(r"^- .{0,200}?\bname: ([^,\n]{1,500})", re.MULTILINE)
_STATUS = {"error": "failed", "stopped": "stopped", "pending": "interrupted"}


def is_thread(value: dict[str, Any]) -> bool:
    """Newer versions leave `object` out."""
    is_named = value.get("object") == "thread" or ("title" in value and "updated" in value)
    return is_named and isinstance(value.get("assistants"), list) and "messages" not in value


def is_message(value: dict[str, Any]) -> bool:
    return value.get("object") == "thread.message" and "role" in value


def is_chat(value: dict[str, Any]) -> bool:
    messages = value.get("messages")
    return "thread" in value and isinstance(messages, list) and all(is_message(object_of(each)) for each in messages)


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    messages = [object_of(each) for each in value["messages"]]
    thread = object_of(value.get("thread"))
    thread_id = thread.get("id") or (messages[0].get("thread_id") if messages else None)
    assistant = next(map(object_of, list_of(thread.get("assistants"))), {})
    about = object_of(thread.get("metadata"))
    prompt = assistant.get("instructions")
    chat = Chat(
        origin=origin_of(PROGRAM, thread_id),
        title=line_of(thread.get("title") or about.get("title"), MAX_TITLE_CHARS),
        is_pinned=about.get("is_favorite") is True or thread.get("isFavorite") is True,
        created_at_ms=time_of(thread.get("created")),
        updated_at_ms=time_of(thread.get("updated")),
        config={"system_prompt": text_of(prompt)} if isinstance(prompt, str) and prompt.strip() else None,
    )
    model = line_of(object_of(assistant.get("model")).get("id"), NAME_CHARS)
    above: str | None = None
    for number, message in enumerate(messages):
        own_id = id_of(message.get("id")) or f"#{number}"
        chat.messages.append(_message(chat, message, own_id, above, model))
        above = own_id
    chat.head_id = above
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    settings = object_of(object_of(assistant.get("model")).get("parameters"))
    Said(chat.not_kept).leave_out("settings", sum(1 for setting in settings.values() if setting not in (None, "", [])))
    return chat


def _message(chat: Chat, message: dict[str, Any], own_id: str, above: str | None, model: str) -> TransferMessage:
    """Raises BadChat for one that does not say whose it is."""
    role = string_of(message.get("role"))
    if role not in ROLES:
        raise BadChat("unknown_message")
    said = Said(chat.not_kept)
    metadata = object_of(message.get("metadata"))
    for call in map(object_of, list_of(metadata.get("tool_calls"))):
        _call(said, call)
    content = message.get("content")
    for part in [content] if isinstance(content, str) else list_of(content):
        _part(said, part)
    for file in map(object_of, (*list_of(message.get("attachments")), *list_of(metadata.get("attachments")))):
        said.attach("file", file.get("name") or file.get("file_name") or file.get("file_id"))
    own = object_of(metadata.get("assistant")).get("model")
    named = metadata.get("modelId") or metadata.get("model") or object_of(own).get("id") or own
    columns = {"model": line_of(named, NAME_CHARS) or model} if role == "assistant" else {}
    return TransferMessage(
        message_id=own_id,
        parent_id=above,
        role=role,
        content=said.content or None,
        created_at_ms=time_of(message.get("created_at")),
        status=_STATUS.get(string_of(message.get("status")), "complete"),
        metadata=columns if any(columns.values()) else {},
    )


def _part(said: Said, part: object) -> None:
    if isinstance(part, str):
        said.say(part)
        return
    kind = string_of(object_of(part).get("type"))
    text = object_of(part).get("text")
    value = string_of(text) or string_of(object_of(text).get("value"))
    names = object_of(text).get("name")
    if kind == "text":
        _say(said, value)
        for each in list_of(object_of(text).get("annotations")):
            if isinstance(each, str) and each:
                said.say(as_note("quote", each))
        if isinstance(names, list | str) and names:
            said.attach(
                "file", names if isinstance(names, str) else ", ".join(each for each in names if isinstance(each, str))
            )
    elif kind == "reasoning":
        said.think(value)
    elif kind == "tool_call":
        call = object_of(part)
        said.call(call.get("tool_name"), call.get("input"), "\n\n".join(data_texts(_result(call.get("output")))))
    elif "image" in kind or "pdf" in kind:
        said.attach("image" if "image" in kind else "file", names if isinstance(names, str) else "")
    elif object_of(part):
        said.say(f"{as_note(kind or 'unknown part')}\n\n{fenced(written(part), 'json')}")


def _say(said: Said, text: str) -> None:
    """A question ends with a list of what was attached, as the model is told of it."""
    found = _ATTACHED.search(text)
    if found is None:
        said.say(text)
        return
    said.say(text[: found.start()] + text[found.end() :])
    for name in _ATTACHED_NAME.findall(found[1]):
        said.attach("file", name)


def _call(said: Said, call: dict[str, Any]) -> None:
    asked = object_of(object_of(call.get("tool")).get("function")) or object_of(call.get("function"))
    result = _result(call.get("response"))
    said.call(asked.get("name"), asked.get("arguments"), "\n\n".join(data_texts(result)))


def _result(response: object) -> object:
    """Of MCP: {"content": [parts], "error"}."""
    held = object_of(response)
    return held.get("error") or held.get("content") if "content" in held else response
