"""A conversation of a LibreChat export → Chat. Pure; believes nothing that it reads.

{"conversationId", "title", "options", "messages": […]}: a path or, with "branches", all of the tree, in which each
message names its parent; or, with "recursive", {"messagesTree": […]}, in which each holds its children. Who wrote one
is told by `isCreatedByUser`. Answers of agents and newer models have parts in `content`, older ones a `text`, in which
a thought stands between ":::thinking" and ":::".
"""

import re
from collections.abc import Iterator
from typing import Any

from bdchat.store.transfer.chat import (
    MAX_INTEGER,
    MAX_MESSAGES,
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    count_of,
    line_of,
    origin_of,
    text_of,
    time_of,
)
from bdchat.store.transfer.programs.marks import resolved, unescaped
from bdchat.store.transfer.programs.parts import (
    NAME_CHARS,
    Said,
    as_link,
    as_note,
    fenced,
    id_of,
    list_of,
    object_of,
    string_of,
    written,
)

PROGRAM = "librechat"
_THINKING = re.compile(r"\A\s*+:::thinking[ \t]*+\n(.*?)\n?:::[ \t]*(?:\n|\Z)", re.DOTALL)
_ARTIFACT = re.compile(r"^:::artifact\{([^}\n]{0,1000})\}[ \t]*$|^:::[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r'title="([^"]*)"')
_ASSETS = ("image", "video", "audio")
_NOT_SETTINGS = {"promptPrefix", "system", "title", "conversationId", "model", "endpoint", "chatGptLabel", "modelLabel"}


def is_chat(value: dict[str, Any]) -> bool:
    first = next((each for each in _roots(value) if isinstance(each, dict)), None)
    if "conversationId" not in value or not ("messages" in value or "messagesTree" in value):
        return False
    return first is None or "messageId" in first or "isCreatedByUser" in first


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    options = object_of(value.get("options"))
    prompt = options.get("promptPrefix") or options.get("system") or options.get("instructions")
    chat = Chat(
        origin=origin_of(PROGRAM, value.get("conversationId")),
        title=line_of(value.get("title"), MAX_TITLE_CHARS),
        updated_at_ms=None,
        config={"system_prompt": text_of(prompt)} if isinstance(prompt, str) and prompt.strip() else None,
    )
    model = line_of(options.get("model"), NAME_CHARS)
    for number, (message, parent_id) in enumerate(_flat(value)):
        if number >= MAX_MESSAGES:
            raise BadChat("too_many_messages", num=MAX_MESSAGES)
        chat.messages.append(_message(chat, message, parent_id, number, model))
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    num_settings = sum(1 for name, setting in options.items() if name not in _NOT_SETTINGS and setting)
    Said(chat.not_kept).leave_out("settings", num_settings)
    return chat


def _roots(value: dict[str, Any]) -> list[Any]:
    messages = value.get("messagesTree", value.get("messages"))
    return [messages] if isinstance(messages, dict) else list_of(messages)


def _flat(value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Top down, elder before younger; with what it hangs on. Not by recursion: a path may be 50,000 deep."""
    waiting: list[tuple[Any, str | None]] = [(each, None) for each in reversed(_roots(value))]
    seen: set[str | None] = {None}
    while waiting:
        message, above = waiting.pop()
        if not isinstance(message, dict):
            raise BadChat("unknown_message")
        own_id = id_of(message.get("messageId"))
        if own_id in seen and own_id is not None:  # in the list, and in its parent too
            continue
        seen.add(own_id)
        yield message, above if above is not None else id_of(message.get("parentMessageId"))
        waiting += [(each, own_id) for each in reversed(list_of(message.get("children")))]


def _message(
    chat: Chat, message: dict[str, Any], parent_id: str | None, number: int, default_model: str
) -> TransferMessage:
    """Raises BadChat for one that does not say whose it is."""
    is_by_user = message.get("isCreatedByUser")
    if not isinstance(is_by_user, bool):
        is_by_user = {"user": True, "assistant": False}.get(string_of(message.get("sender")).lower())
        if is_by_user is None:
            raise BadChat("unknown_message")
    said = Said(chat.not_kept)
    sources = _sources(message)
    parts = list_of(message.get("content"))
    for part in parts:
        _part(said, part)
    text = string_of(message.get("text"))
    if _says_more(text, said.texts):
        _say(said, text)
    _attach(said, message)
    said.texts = [_resolved(said, each, sources) for each in said.texts]
    said.thoughts = [_resolved(said, each, sources) for each in said.thoughts]
    if message.get("error") is True and not is_by_user:
        said.texts.insert(0, as_note("error"))
    said.leave_out("ratings", bool(message.get("feedback")))
    columns: dict[str, Any] = {}
    num_tokens = count_of(message.get("tokenCount"))
    if not is_by_user:
        columns["model"] = line_of(message.get("model"), NAME_CHARS) or default_model
        columns["completion_tokens"] = num_tokens
    sender = line_of(message.get("sender"), NAME_CHARS)
    if sender and sender.lower() not in {"user", "assistant"}:
        columns["extra"] = {"name": sender}
    return TransferMessage(
        message_id=id_of(message.get("messageId")) or f"#{number}",
        parent_id=parent_id,
        role="user" if is_by_user else "assistant",
        content=said.content or None,
        created_at_ms=time_of(message.get("createdAt")),
        status=_status(message),
        finish_reason="length" if message.get("finish_reason") == "length" else None,
        token_count=num_tokens if not is_by_user and 0 < num_tokens <= MAX_INTEGER else None,
        metadata=columns,
    )


def _status(message: dict[str, Any]) -> str:
    if message.get("error") is True:
        return "failed"
    return "interrupted" if message.get("unfinished") is True else "complete"


def _says_more(text: str, parts: list[str]) -> bool:
    """Some versions write the parts' texts once more, joined in one way or another."""
    return "".join(text.split()) not in "".join("".join(parts).split())


# --- what is said -----------------------------------------------------------------------------------------------------


def _say(said: Said, text: str) -> None:
    if thought := _THINKING.match(text):
        said.think(thought[1])
        text = text[thought.end() :]
    said.say(_ARTIFACT.sub(_artifact, text) if ":::artifact{" in text else text)


def _artifact(found: re.Match[str]) -> str:
    if found[1] is None:
        return ""
    title = _TITLE.search(found[1])
    return as_note("artifact", title[1] if title else "")


def _part(said: Said, part: object) -> None:
    if isinstance(part, str):
        _say(said, part)
        return
    kind = string_of(object_of(part).get("type"))
    held = object_of(part).get(kind)
    text = string_of(held) or string_of(object_of(held).get("value"))
    if kind in {"text", "input_text", "output_text"}:
        _say(said, text or string_of(object_of(part).get("text")))
    elif kind in {"think", "thinking", "reasoning"}:
        said.think(text)
    elif kind == "tool_call":
        _call(said, object_of(held))
    elif kind == "error":
        detail = text or string_of(object_of(part).get("text"))
        said.say(f"{as_note('error')}\n\n{detail}".strip())
    elif asset := next((word for word in _ASSETS if word in kind), "file" if "file" in kind else ""):
        about = object_of(held)
        said.attach(asset, about.get("filename") or about.get("name") or about.get("file_id"))
    elif kind == "agent_update":
        said.leave_out("details")
    elif part is not None:
        said.say(f"{as_note(kind or 'unknown part')}\n\n{fenced(written(held if held is not None else part), 'json')}")


def _call(said: Said, call: dict[str, Any]) -> None:
    asked = object_of(call.get("function"))
    run = object_of(call.get("code_interpreter"))
    if run:
        logs = [string_of(object_of(each).get("logs")) for each in list_of(run.get("outputs"))]
        said.call("code_interpreter", run.get("input"), "\n".join(filter(None, logs)))
        said.leave_out("images", sum("image" in object_of(each) for each in list_of(run.get("outputs"))))
        return
    arguments = call.get("args") if call.get("args") not in (None, "") else asked.get("arguments")
    output = call.get("output") if call.get("output") not in (None, "") else asked.get("output")
    said.call(call.get("name") or asked.get("name") or call.get("type"), arguments, output)


def _attach(said: Said, message: dict[str, Any]) -> None:
    for file in map(object_of, list_of(message.get("files"))):
        mime = string_of(file.get("type"))
        asset = next((word for word in _ASSETS if mime.startswith(word)), "file")
        said.attach(asset, file.get("filename") or file.get("file_id"))
    for file in map(object_of, list_of(message.get("attachments"))):
        if file.get("filename"):
            mime = string_of(file.get("type"))
            said.attach("image" if mime.startswith("image") or file.get("width") else "file", file.get("filename"))
    for plugin in map(object_of, (message.get("plugin"), *list_of(message.get("plugins")))):
        if plugin.get("latest") or plugin.get("outputs"):
            said.call(plugin.get("latest"), plugin.get("inputs"), plugin.get("outputs"))


def _sources(message: dict[str, Any]) -> dict[str, str]:
    """What "turn0search3" points to: the fourth page that a search found."""
    found: dict[str, str] = {}
    names = {"organic": "search", "topStories": "news", "images": "image", "references": "ref"}
    for attachment in map(object_of, list_of(message.get("attachments"))):
        search = object_of(attachment.get("web_search"))
        turn = search.get("turn") if isinstance(search.get("turn"), int) else 0
        for name, word in names.items():
            for number, page in enumerate(map(object_of, list_of(search.get(name))[:1000])):
                address = line_of(page.get("link") or page.get("url") or page.get("imageUrl"), 2000)
                title = line_of(page.get("title") or page.get("source"), NAME_CHARS)
                if address:
                    found[f"turn{turn}{word}{number}"] = f"({as_link(title, address)})"
    return found


def _resolved(said: Said, text: str, sources: dict[str, str]) -> str:
    text, num_unknown = resolved(unescaped(text), sources=sources)
    said.leave_out("citations", num_unknown)
    return text
