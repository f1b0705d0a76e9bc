"""A conversation of a Claude export → Chat. Pure; believes nothing that it reads.

conversations.json is an array of {"uuid", "name", "created_at", "chat_messages": [{"uuid", "sender", "text", "content",
"attachments", "files", …}]}. `content` has the parts of a message: text, thinking, tool_use, tool_result; older exports
have `text` alone. A long paste is an attachment without a name, whose text is in `extracted_content`. Where messages
name their parents they are a tree, else a path.
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
    Said,
    as_link,
    as_note,
    data_texts,
    fenced,
    id_of,
    joined,
    list_of,
    object_of,
    string_of,
    written,
)

PROGRAM = "claude"
_ROLES = {"human": "user", "user": "user", "assistant": "assistant", "system": "system"}
_TAG = re.compile(r"<(antThinking|antArtifact)\b([^>]{0,2000})>")
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_SILENT = {"token_budget", "flag"}


def is_chat(value: dict[str, Any]) -> bool:
    messages = value.get("chat_messages")
    return isinstance(messages, list) and all("sender" in each for each in messages if isinstance(each, dict))


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    chat = Chat(
        origin=origin_of(PROGRAM, value.get("uuid")),
        title=line_of(value.get("name"), MAX_TITLE_CHARS),
        is_pinned=value.get("is_starred") is True,
        created_at_ms=time_of(value.get("created_at")),
        updated_at_ms=time_of(value.get("updated_at")),
        head_id=id_of(value.get("current_leaf_message_uuid")),
    )
    model = line_of(value.get("model"), NAME_CHARS)
    messages = [object_of(each) for each in list_of(value.get("chat_messages"))]
    has_parents = any(message.get("parent_message_uuid") for message in messages)
    above: str | None = None
    for number, message in enumerate(messages):
        own_id = id_of(message.get("uuid")) or f"#{number}"
        parent_id = id_of(message.get("parent_message_uuid")) if has_parents else above
        chat.messages.append(_message(chat, message, own_id, parent_id, model))
        above = own_id
    first = next((message for message in chat.messages if message.content is not None), None)
    if first is None:
        raise BadChat("no_messages")
    about = {"summary": line_of(value.get("summary"), 10_000), "project": _project(value)}
    if kept := {name: text for name, text in about.items() if text}:
        first.metadata["extra"] = {**first.metadata.get("extra", {}), **kept}
    if not has_parents:
        chat.head_id = above
    return chat


def _project(value: dict[str, Any]) -> str:
    return line_of(object_of(value.get("project")).get("name"), NAME_CHARS)


def _message(chat: Chat, message: dict[str, Any], own_id: str, parent_id: str | None, model: str) -> TransferMessage:
    """Raises BadChat for one that does not say whose it is."""
    role = _ROLES.get(string_of(message.get("sender")))
    if role is None:
        raise BadChat("unknown_message")
    said = Said(chat.not_kept)
    for part in list_of(message.get("content")):
        _part(said, object_of(part))
    text = string_of(message.get("text"))
    if text.strip() and not said.texts:
        _say(said, text)
    names = set()
    for file in map(object_of, list_of(message.get("attachments"))):
        name = line_of(file.get("file_name"), 500)
        names.add(name)
        said.attach("file", name, text=text_of(file.get("extracted_content")))
    for file in map(object_of, (*list_of(message.get("files")), *list_of(message.get("files_v2")))):
        name = line_of(file.get("file_name") or file.get("file_uuid"), 500)
        if name not in names:
            names.add(name)
            said.attach("image" if file.get("file_kind") == "image" else "file", name)
    columns = {"model": line_of(message.get("model"), NAME_CHARS) or model} if role == "assistant" else {}
    return TransferMessage(
        message_id=own_id,
        parent_id=parent_id,
        role=role,
        content=said.content or None,
        created_at_ms=time_of(message.get("created_at")),
        status="interrupted" if message.get("truncated") is True else "complete",
        metadata=columns if any(columns.values()) else {},
    )


def _part(said: Said, part: dict[str, Any]) -> None:
    kind = string_of(part.get("type"))
    if kind == "text":
        _say(said, _cited(string_of(part.get("text")), part))
    elif kind == "thinking":
        summaries = [string_of(object_of(each).get("summary")) for each in list_of(part.get("summaries"))]
        said.think(string_of(part.get("thinking")) or joined(summaries))
    elif kind == "tool_use":
        _call(said, part)
    elif kind == "tool_result":
        text = "\n\n".join(data_texts(part.get("content")))
        if text.strip():
            failed = "failed" if part.get("is_error") is True else ""
            said.say(joined([as_note("result", failed or part.get("name")), fenced(text)]))
        images = [each for each in map(object_of, list_of(part.get("content"))) if each.get("type") == "image"]
        said.leave_out("images", len(images))
    elif kind == "image":
        said.attach("image", part.get("file_name"))
    elif kind == "voice_note":
        said.say(string_of(part.get("text")))
    elif kind == "redacted_thinking" or kind in _SILENT:
        said.leave_out("details")
    elif part:
        said.say(f"{as_note(kind or 'unknown part')}\n\n{fenced(written(part), 'json')}")


def _say(said: Said, text: str) -> None:
    """Exports of 2024 have thoughts and artifacts in the text, between tags."""
    at = 0
    while found := _TAG.search(text, at):
        end = text.find(f"</{found[1]}>", found.end())
        inner = text[found.end() : end if end >= 0 else len(text)].strip("\n")
        said.say(text[at : found.start()])
        if found[1] == "antThinking":
            said.think(inner)
        else:
            attributes = dict(_ATTRIBUTE.findall(found[2]))
            said.say(as_note("artifact", attributes.get("title") or attributes.get("identifier", "")))
            is_text = attributes.get("type") == "text/markdown"
            said.say(inner if is_text else fenced(inner, attributes.get("language", "")))
        at = end + len(found[1]) + 3 if end >= 0 else len(text)
    said.say(text[at:])


def _call(said: Said, part: dict[str, Any]) -> None:
    asked = object_of(part.get("input"))
    if part.get("name") == "artifacts" and isinstance(text := asked.get("content"), str):
        kind = string_of(asked.get("type"))
        said.say(as_note("artifact", asked.get("title") or asked.get("id")))
        said.say(text if kind == "text/markdown" else fenced(text, string_of(asked.get("language"))))
        return
    said.call(part.get("name"), part.get("input"))


def _cited(text: str, part: dict[str, Any]) -> str:
    """Each page that a passage rests on is linked behind it, from the end to the beginning."""
    citations = [object_of(each) for each in list_of(part.get("citations"))[:1000]]
    places = []
    for citation in citations:
        about = object_of(citation.get("details")) or citation
        address, end = line_of(about.get("url"), 2000), citation.get("end_index")
        if address and isinstance(end, int) and 0 <= end <= len(text):
            title = line_of(citation.get("title") or about.get("title"), NAME_CHARS)
            places.append((end, f" ({as_link(title, address)})"))
    pieces: list[str] = []
    at = len(text)
    for end, link in sorted(places, reverse=True):
        pieces += [text[end:at], link]
        at = end
    return text[:at] + "".join(reversed(pieces))
