"""A chat of an Open WebUI export → Chat. Pure; believes nothing that it reads.

An item is {"id", "chat": {"title", "models", "history": {"currentId", "messages": {…}}}, "meta", "pinned", …}, or (the
old form) what is now in `chat`. Without a history, `messages` is the path that was shown. A folder is known by its id
only, so its chats stay together under a name made of that; tags are kept with the first message. How an answer came to
be stands in its text (details.py), and since 0.7 also in `output`, as OpenAI's Responses have it.
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
from bdchat.store.transfer.programs import details
from bdchat.store.transfer.programs.parts import (
    NAME_CHARS,
    ROLES,
    Said,
    as_note,
    data_texts,
    fenced,
    joined,
    list_of,
    object_of,
    string_of,
    written,
)

PROGRAM = "openwebui"
_ITS_OWN = {"models", "history", "timestamp", "params", "currentId"}  # in what is in `chat`
_OF_A_MESSAGE = {"timestamp", "parentId", "childrenIds", "models"}
_MAX_SOURCES = 100
MAX_ORIGINAL_CHARS = 50_000  # in a message's metadata


def is_chat(value: dict[str, Any]) -> bool:
    """Many programs have a list `messages`; only with something else of this one's is it its own."""
    inner = _inner(value)
    history = object_of(inner.get("history")).get("messages")
    if isinstance(history, dict):
        return _all_have_roles(history.values())
    messages = inner.get("messages")
    if not isinstance(messages, list):
        return False
    is_own = inner is not value or bool(_ITS_OWN & value.keys())
    is_own = is_own or any(_OF_A_MESSAGE & each.keys() for each in messages if isinstance(each, dict))
    return is_own and _all_have_roles(messages)


def _all_have_roles(messages: Any) -> bool:
    return any(string_of(object_of(each).get("role")) in ROLES for each in messages if object_of(each)) or not messages


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    inner = _inner(value)
    history = object_of(inner.get("history"))
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
        head_id=string_of(history.get("currentId") or history.get("current_id")) or None,
        config=_config(inner),
    )
    if isinstance(nodes, dict) and nodes:
        for node_id, node in nodes.items():
            parent = string_of(object_of(node).get("parentId")) or None
            chat.messages.append(_message(chat, node_id, parent, object_of(node), model))
    else:
        _add_path(chat, inner.get("messages"), model)
    first = next((message for message in chat.messages if message.content is not None), None)
    if first is None:
        raise BadChat("no_messages")
    if tags := _tags(value, inner):
        first.metadata["extra"] = {**first.metadata.get("extra", {}), "tags": tags}
    _count(chat, "settings", len([name for name in object_of(inner.get("params")) if name != "system"]))
    return chat


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    return object_of(value.get("chat")) or value


def _add_path(chat: Chat, nodes: object, model: str) -> None:
    above: str | None = None
    for number, node in enumerate(list_of(nodes)):
        node_id = str(number)
        chat.messages.append(_message(chat, node_id, above, object_of(node), model))
        above = node_id
    chat.head_id = above


def _message(
    chat: Chat, node_id: str, parent_id: str | None, node: dict[str, Any], default_model: str
) -> TransferMessage:
    """Raises BadChat for one that speaks as nobody whom we know."""
    named = node.get("role")
    role = string_of(named)
    error = node.get("error")
    said = Said(chat.not_kept)
    _say(said, node, is_answer=role == "assistant")
    _attach(said, node)
    if error:
        told = object_of(error)
        said.say(as_note("error", told.get("content") or told.get("message") or told.get("detail") or error))
    if role not in ROLES and said.content:
        raise BadChat("unknown_message")
    usage = object_of(node.get("usage")) or object_of(node.get("info"))
    columns: dict[str, Any] = {}
    if role == "assistant":
        own = node.get("model")
        columns["model"] = line_of(own if isinstance(own, str) and own else default_model, NAME_CHARS)
        columns["prompt_tokens"] = count_of(usage.get("prompt_tokens", usage.get("prompt_eval_count")))
        columns["completion_tokens"] = count_of(usage.get("completion_tokens", usage.get("eval_count")))
    extra: dict[str, Any] = {"sources": _sources(node), "before_editing": _edited(node)}
    if any(extra.values()):
        columns["extra"] = {name: value for name, value in extra.items() if value}
    _count(chat, "ratings", bool(object_of(node.get("annotation")).get("rating")))
    return TransferMessage(
        message_id=node_id,
        parent_id=parent_id,
        role=role if role in ROLES else "user",
        content=said.content or None,
        created_at_ms=ms_of(node.get("timestamp")),
        status="failed" if error else "interrupted" if node.get("done") is False else "complete",
        token_count=tokens if 0 < (tokens := columns.get("completion_tokens", 0)) <= MAX_INTEGER else None,
        metadata=columns,
    )


def _edited(node: dict[str, Any]) -> str:
    original = string_of(node.get("originalContent"))
    return original[:MAX_ORIGINAL_CHARS] if original != node.get("content") else ""


def _count(chat: Chat, kind: str, num: int) -> None:
    Said(chat.not_kept).leave_out(kind, num)


# --- what is said -----------------------------------------------------------------------------------------------------


def _say(said: Said, node: dict[str, Any], *, is_answer: bool) -> None:
    output = [object_of(item) for item in list_of(node.get("output"))]
    content = node.get("content")
    if is_answer and output and _holds(output, content):
        _say_output(said, output)
    elif isinstance(content, str):
        if is_answer:
            details.say(said, content)
        else:
            said.say(content)
    else:
        for part in list_of(content):
            _part(said, part)
    for run in map(object_of, list_of(node.get("code_executions"))):
        result = object_of(run.get("result"))
        if code := string_of(run.get("code")):
            said.say(fenced(code, string_of(run.get("language"))))
        details.say_output(said, {"output": result.get("output"), "error": result.get("error")})
        for file in map(object_of, list_of(result.get("files"))):
            said.attach("file", file.get("name"))
    said.leave_out("details", len(list_of(node.get("followUps"))))
    if isinstance(merged := object_of(node.get("merged")).get("content"), str):
        said.say(merged)


def _holds(output: list[dict[str, Any]], content: object) -> bool:
    """Whether the parts say the text too. A text that was edited since stands for itself."""
    texts = [text for item in output if item.get("type") == "message" for text in _texts(item)]
    plain = string_of(content)
    if not plain.strip():
        return True
    at = 0
    for text in map(str.strip, texts):
        at = plain.find(text, at)
        if at < 0:
            return False
        at += len(text)
    return True


def _say_output(said: Said, output: list[dict[str, Any]]) -> None:
    answers = {string_of(item.get("call_id")): item for item in output if item.get("type") == "function_call_output"}
    for item in output:
        kind = string_of(item.get("type"))
        if kind == "reasoning":
            said.think(joined(_texts(item) or data_texts(item.get("summary"))))
        elif kind == "function_call":
            answer = object_of(answers.pop(string_of(item.get("call_id")), None))
            said.call(item.get("name"), item.get("arguments"), "\n\n".join(data_texts(answer.get("output"))))
            said.leave_out("images", sum("image" in string_of(object_of(each).get("type")) for each in _parts(answer)))
        elif kind == "function_call_output":
            if string_of(item.get("call_id")) in answers:  # of a call that is not in it
                said.call("", "", "\n\n".join(data_texts(item.get("output"))))
        elif kind.endswith("code_interpreter"):
            said.say(fenced(string_of(item.get("code")), string_of(item.get("lang")) or "python"))
            details.say_output(said, item.get("output"))
        elif kind == "message" or not kind:
            for text in _texts(item):
                details.say(said, text)
        else:
            said.say(f"{as_note(kind)}\n\n{fenced(written(item), 'json')}")


def _parts(item: dict[str, Any]) -> list[Any]:
    return list_of(item.get("output"))


def _texts(item: dict[str, Any]) -> list[str]:
    content = item.get("content")
    if isinstance(content, str):
        return [content]
    return [text for part in list_of(content) if (text := string_of(object_of(part).get("text"))).strip()]


def _part(said: Said, part: object) -> None:
    text = part if isinstance(part, str) else object_of(part).get("text")
    if isinstance(text, str):
        said.say(text)
    else:
        said.attach(_asset(object_of(part).get("type")))


def _attach(said: Said, node: dict[str, Any]) -> None:
    for file in list_of(node.get("files")):
        holder = object_of(file)
        inner = object_of(holder.get("file"))
        name = holder.get("name") or inner.get("filename") or object_of(inner.get("meta")).get("name")
        address = string_of(holder.get("url"))
        if not name and address.startswith(("http:", "https:")):
            name = address
        said.attach(_asset(holder.get("type")), name)


def _asset(kind: object) -> str:
    named = line_of(kind, 100) or "unknown part"
    return "image" if "image" in named else named


def _sources(node: dict[str, Any]) -> list[dict[str, str]]:
    """Pages and documents that an answer rests on, and what was searched for."""
    found: dict[str, str] = {}
    for citation in map(object_of, list_of(node.get("sources")) or list_of(node.get("citations"))):
        source = object_of(citation.get("source"))
        address = line_of(source.get("url") or source.get("name") or source.get("id"), 2000)
        if address and len(found) < _MAX_SOURCES:
            found.setdefault(address, line_of(source.get("name"), NAME_CHARS))
        for about in map(object_of, list_of(citation.get("metadata"))):
            address = line_of(about.get("source") or about.get("name"), 2000)
            if address and len(found) < _MAX_SOURCES:
                found.setdefault(address, line_of(about.get("title") or about.get("name"), NAME_CHARS))
    for status in map(object_of, list_of(node.get("statusHistory"))):
        for address in list_of(status.get("urls")):
            if isinstance(address, str) and address and len(found) < _MAX_SOURCES:
                found.setdefault(line_of(address, 2000), "")
    return [{"url": address, "title": title} for address, title in found.items()]


def _config(inner: dict[str, Any]) -> dict[str, Any] | None:
    prompt = inner.get("system") or object_of(inner.get("params")).get("system")
    return {"system_prompt": text_of(prompt)} if isinstance(prompt, str) and prompt.strip() else None


def _tags(value: dict[str, Any], inner: dict[str, Any]) -> list[str]:
    tags = list_of(object_of(value.get("meta")).get("tags")) or list_of(inner.get("tags"))
    names = [object_of(tag).get("name") if isinstance(tag, dict) else tag for tag in tags[:100]]
    return [line_of(name, 100) for name in names if isinstance(name, str) and name]
