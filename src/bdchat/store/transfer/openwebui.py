"""A chat of an Open WebUI export → Chat. Pure; believes nothing that it reads.

An item is {"id", "chat": {"title", "models", "history": {"currentId", "messages": {…}}}, "meta", "pinned", …}, or (the
old form) what is now in `chat`. Without a history, `messages` is the path that was shown. A folder is known by its id
only, so its chats stay together under a name made of that; tags are kept with the first message.
"""

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

PROGRAM = "openwebui"
ROLES = {"user", "assistant", "system", "tool"}


def is_chat(value: dict[str, Any]) -> bool:
    inner = _inner(value)
    return isinstance(_object(inner.get("history")).get("messages"), dict) or isinstance(inner.get("messages"), list)


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    inner = _inner(value)
    history = _object(inner.get("history"))
    nodes = history.get("messages")
    models = inner.get("models")
    model = models[0] if isinstance(models, list) and models and isinstance(models[0], str) else ""
    chat = Chat(
        origin=origin_of(PROGRAM, value.get("id") or inner.get("id")),
        title=line_of(inner.get("title") or value.get("title"), MAX_TITLE_CHARS),
        folder=f"Open WebUI {folder[:8]}" if (folder := line_of(value.get("folder_id"), 100)) else "",
        is_pinned=value.get("pinned") is True,
        is_archived=value.get("archived") is True,
        created_at_ms=ms_of(value.get("created_at")) or ms_of(inner.get("timestamp")),
        updated_at_ms=ms_of(value.get("updated_at")),
        head_id=current if isinstance(current := history.get("currentId"), str) else None,
        config=_config(inner),
    )
    if isinstance(nodes, dict) and nodes:
        for node_id, node in nodes.items():
            parent_id = _object(node).get("parentId")
            parent = parent_id if isinstance(parent_id, str) else None
            chat.messages.append(_message(node_id, parent, _object(node), model))
    else:
        _add_path(chat, inner.get("messages"), model)
    first = next((message for message in chat.messages if message.content is not None), None)
    if first is None:
        raise BadChat("no_messages")
    if tags := _tags(value, inner):
        first.metadata["extra"] = {**first.metadata.get("extra", {}), "tags": tags}
    return chat


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    return _object(value.get("chat")) or value


def _add_path(chat: Chat, nodes: object, model: str) -> None:
    above: str | None = None
    for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
        node_id = str(number)
        chat.messages.append(_message(node_id, above, _object(node), model))
        above = node_id
    chat.head_id = above


def _message(node_id: str, parent_id: str | None, node: dict[str, Any], default_model: str) -> TransferMessage:
    said = node.get("role")
    role = said if isinstance(said, str) and said in ROLES else "tool"
    error = node.get("error")
    content = "\n\n".join(text for text in (*_content(node), *_files(node), *_error(error)) if text)
    usage = _object(node.get("usage")) or _object(node.get("info"))
    columns: dict[str, Any] = {}
    if role == "assistant":
        own = node.get("model")
        columns["model"] = line_of(own if isinstance(own, str) and own else default_model, 200)
        columns["prompt_tokens"] = count_of(usage.get("prompt_tokens", usage.get("prompt_eval_count")))
        columns["completion_tokens"] = count_of(usage.get("completion_tokens", usage.get("eval_count")))
    if said != role and isinstance(said, str):
        columns["extra"] = {"role": line_of(said, 200)}
    return TransferMessage(
        message_id=node_id,
        parent_id=parent_id,
        role=role,
        content=text_of(content) or None,
        created_at_ms=ms_of(node.get("timestamp")),
        status="failed" if error else "interrupted" if node.get("done") is False else "complete",
        token_count=tokens if 0 < (tokens := columns.get("completion_tokens", 0)) <= MAX_INTEGER else None,
        metadata=columns,
    )


def _content(node: dict[str, Any]) -> list[str]:
    content = node.get("content")
    if isinstance(content, str) and content:
        return [content]
    if isinstance(content, list):
        return [_part(part) for part in content]
    output = node.get("output")  # newer versions keep an answer's parts beside its text
    items = output if isinstance(output, list) else []
    return [_part(part) for item in items for part in _list(_object(item).get("content"))]


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    kind = _object(part).get("type")
    text = _object(part).get("text")
    if isinstance(text, str):
        return text
    return f"[{_asset(kind)}]"


def _files(node: dict[str, Any]) -> list[str]:
    notes = []
    for file in _list(node.get("files")):
        name = _object(file).get("name") or _object(_object(file).get("file")).get("filename")
        kind = _asset(_object(file).get("type"))
        notes.append(f"[{kind}: {line_of(name, 200)}]" if isinstance(name, str) and name else f"[{kind}]")
    return notes


def _asset(kind: object) -> str:
    named = line_of(kind, 100) or "unknown part"
    return "image" if "image" in named else named


def _error(error: object) -> list[str]:
    if not error:
        return []
    said = _object(error).get("content") if isinstance(error, dict) else error
    return [f"[error: {line_of(said, 500)}]" if isinstance(said, str) and said else "[error]"]


def _config(inner: dict[str, Any]) -> dict[str, Any] | None:
    prompt = inner.get("system") or _object(inner.get("params")).get("system")
    return {"system_prompt": text_of(prompt)} if isinstance(prompt, str) and prompt.strip() else None


def _tags(value: dict[str, Any], inner: dict[str, Any]) -> list[str]:
    tags = _list(_object(value.get("meta")).get("tags")) or _list(inner.get("tags"))
    names = [_object(tag).get("name") if isinstance(tag, dict) else tag for tag in tags[:100]]
    return [line_of(name, 100) for name in names if isinstance(name, str) and name]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
