"""A conversation of LM Studio, as it lies in its folder → Chat. Pure; believes nothing that it reads.

{"name", "createdAt", "messages": [{"versions": […], "currentlySelected"}], …}: each place in the chat has versions of
which one was shown, and the next place hangs on that one. A question is one step, an answer many: text, thoughts, calls
of tools, quotes from files. The time of a step is in its name.
"""

import re
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

PROGRAM = "lmstudio"
_SYSTEM_PROMPT = "llm.prediction.systemPrompt"
_STEP_TIME = re.compile(r"(\d{13})-")
_FINISH = {"eosFound": "stop", "stopStringFound": "stop", "maxPredictedTokensReached": "length"}
_STOPPED = {"userStopped", "modelUnloaded"}
_SILENT = {"status", "toolStatus", "debugInfoBlock"}


def is_chat(value: dict[str, Any]) -> bool:
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    if not messages:
        return "perChatPredictionConfig" in value or "lastUsedModel" in value
    return all("versions" in each for each in messages if isinstance(each, dict))


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    fields = list_of(object_of(value.get("perChatPredictionConfig")).get("fields"))
    settings = {string_of(object_of(each).get("key")): object_of(each).get("value") for each in fields}
    prompt = settings.pop(_SYSTEM_PROMPT, None) or value.get("systemPrompt")
    times = [ms_of(value.get(name)) for name in ("userLastMessagedAt", "assistantLastMessagedAt", "createdAt")]
    chat = Chat(
        origin=origin_of(PROGRAM, str(at) if (at := ms_of(value.get("createdAt"))) else None),
        title=line_of(value.get("name"), MAX_TITLE_CHARS),
        is_pinned=value.get("pinned") is True,
        created_at_ms=at,
        updated_at_ms=max((each for each in times if each), default=None),
        config={"system_prompt": text_of(prompt)} if isinstance(prompt, str) and prompt.strip() else None,
    )
    model = line_of(object_of(value.get("lastUsedModel")).get("identifier"), NAME_CHARS)
    above: str | None = None
    for place, slot in enumerate(list_of(value.get("messages"))):
        above = _add_versions(chat, object_of(slot), place, above, model)
    chat.head_id = above
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    Said(chat.not_kept).leave_out("settings", sum(1 for setting in settings.values() if setting not in (None, "")))
    if notes := joined(
        string_of(object_of(each).get("content")) or string_of(each) for each in list_of(value.get("notes"))
    ):
        chat.messages[0].metadata["extra"] = {"notes": line_of(notes, 10_000)}
    return chat


def _add_versions(chat: Chat, slot: dict[str, Any], place: int, above: str | None, model: str) -> str | None:
    """The id of what was shown there."""
    versions = list_of(slot.get("versions"))
    shown = slot.get("currentlySelected")
    shown = shown if isinstance(shown, int) and 0 <= shown < len(versions) else len(versions) - 1
    for number, version in enumerate(versions):
        chat.messages.append(_message(chat, object_of(version), f"{place}.{number}", above, model))
    return f"{place}.{shown}" if versions else above


def _message(chat: Chat, version: dict[str, Any], own_id: str, parent_id: str | None, model: str) -> TransferMessage:
    """Raises BadChat for one that does not say whose it is."""
    role = string_of(version.get("role"))
    if role not in ROLES:
        raise BadChat("unknown_message")
    said = Said(chat.not_kept)
    steps = [object_of(step) for step in list_of(version.get("steps"))]
    results = _answers(steps)
    has_steps = any(list_of(step.get("content")) for step in steps)
    content = version.get("content")
    if not has_steps:
        for part in [content] if isinstance(content, str) else list_of(content):
            _part(said, part, results, is_thought=False)
    for step in steps:
        _step(said, step, results)
    made = next((info for step in reversed(steps) if (info := object_of(step.get("genInfo")))), {})
    stats = object_of(made.get("stats"))
    stop = string_of(stats.get("stopReason"))
    num_tokens = count_of(stats.get("predictedTokensCount"))
    columns: dict[str, Any] = {}
    if role == "assistant":
        named = made.get("identifier") or object_of(version.get("senderInfo")).get("senderName") or model
        columns = {
            "model": line_of(named, NAME_CHARS),
            "prompt_tokens": count_of(stats.get("promptTokensCount")),
            "completion_tokens": num_tokens,
        }
    return TransferMessage(
        message_id=own_id,
        parent_id=parent_id,
        role=role,
        content=said.content or None,
        created_at_ms=_time(steps),
        status="failed" if stop == "failed" else "stopped" if stop in _STOPPED else "complete",
        finish_reason=_FINISH.get(stop),
        token_count=num_tokens if 0 < num_tokens <= MAX_INTEGER else None,
        metadata=columns,
    )


def _time(steps: list[dict[str, Any]]) -> int | None:
    for step in steps:
        if found := _STEP_TIME.match(string_of(step.get("stepIdentifier"))):
            return ms_of(int(found[1]))
    return None


def _answers(steps: list[dict[str, Any]]) -> dict[str, str]:
    """What tools answered, by the id of the call; of calls that are in it."""
    parts = [part for step in steps for part in map(object_of, list_of(step.get("content")))]
    asked = {each for part in parts if part.get("type") == "toolCallRequest" for each in _ids(part)}
    answered = [part for part in parts if part.get("type") == "toolCallResult" and _ids(part) & asked]
    return {each: "\n\n".join(data_texts(part.get("content"))) for part in answered for each in _ids(part)}


def _ids(part: dict[str, Any]) -> set[str]:
    """A call has several, and its result names one of them."""
    held = object_of(part.get("toolCallRequest"))
    named = (held.get("id"), *(part.get(name) for name in ("toolCallId", "callId", "toolCallRequestId", "id")))
    return {each for value in named if (each := id_of(value))}


def _step(said: Said, step: dict[str, Any], results: dict[str, str]) -> None:
    kind = string_of(step.get("type"))
    if kind == "contentBlock":
        style = object_of(step.get("style"))
        is_thought = style.get("type") == "thinking" or step.get("prefix") == "<think>"
        for part in list_of(step.get("content")):
            _part(said, part, results, is_thought=is_thought)
    elif kind == "citationBlock":
        source = object_of(step.get("source"))
        quoted = string_of(step.get("citedText"))
        said.say(joined([as_note("quote", source.get("fileName") or source.get("name")), quoted]))
    elif kind in _SILENT:
        said.leave_out("details")
    elif step:
        said.say(f"{as_note(kind or 'unknown part')}\n\n{fenced(written(step), 'json')}")


def _part(said: Said, part: object, results: dict[str, str], *, is_thought: bool) -> None:
    if isinstance(part, str):
        said.say(part)
        return
    part = object_of(part)
    kind = string_of(part.get("type"))
    if kind == "text":
        text = string_of(part.get("text"))
        if is_thought:
            said.think(text.removeprefix("<think>").removesuffix("</think>"))
        else:
            said.say(text)
    elif kind == "file":
        asset = "image" if part.get("fileType") == "image" else "file"
        said.attach(asset, part.get("name") or part.get("fileName") or part.get("fileIdentifier"))
    elif kind == "toolCallRequest":
        asked = object_of(part.get("toolCallRequest")) or part
        result = next((results[each] for each in _ids(part) if each in results), None)
        said.call(asked.get("name"), asked.get("parameters", asked.get("arguments")), result)
    elif kind == "toolCallResult":
        if not _ids(part) & results.keys():
            said.say(joined([as_note("result"), fenced("\n\n".join(data_texts(part.get("content"))))]))
    elif part:
        said.say(f"{as_note(kind or 'unknown part')}\n\n{fenced(written(part), 'json')}")
