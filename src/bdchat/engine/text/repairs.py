"""Rewrites a conversation that a chat template does not take as it stands. Pure; knows no template.

Every repair keeps every text, and their order: only a system text may move, to the beginning or into a user's message,
and a call's result to behind its call.
Texts that become one are parted by a blank line. What has nothing to repair comes back as it was.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from itertools import groupby

import msgspec

from bdchat.engine.request import ChatMessage, Role, ToolCall

Messages = tuple[ChatMessage, ...]

_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")
_USER: Role = "user"


class Repair(Enum):
    """In the order in which they are applied. Which of them come first when one is enough: message_forms.py."""

    TOOL_IDS = auto()  # ids of nine letters and digits, the same for a call and its result; made up where missing
    CALLS_APART = auto()  # the same, and each call is a message of its own, before its result; a text beside it another
    TOOL_TEXT = auto()  # calls are told in the assistant's text, results in the user's
    NO_EMPTY = auto()  # messages that say nothing are left out
    NEIGHBOURS_AS_SENT = auto()  # neighbours of one role become one message, those that a system text parts do not
    SYSTEM_FIRST = auto()  # one system message, at the beginning
    OPENING_USER = auto()  # an empty user's message before what would begin otherwise
    CLOSING_USER = auto()  # and after what would end otherwise
    NEIGHBOURS = auto()  # neighbours of one role become one message, wherever the system texts were
    SYSTEM_IN_FIRST_USER = auto()  # system texts open the first user's message
    SYSTEM_IN_LAST_USER = auto()  # or the last one
    REFUSAL_PASSED_OVER = auto()  # nothing is rewritten, and the template's own raise_exception does nothing
    ONE_MESSAGE = auto()  # all is told in one user's message, with the roles' names: every usable template takes it


def repaired(messages: Sequence[ChatMessage], repairs: Collection[Repair]) -> Messages:
    result = tuple(messages)
    for repair in Repair:
        if repair in repairs:
            result = _APPLY[repair](result)
    return result


def has_short_id(tool_call_id: str | None) -> bool:
    return tool_call_id is not None and bool(_SHORT_ID.fullmatch(tool_call_id))


def says_nothing(message: ChatMessage) -> bool:
    return (not message.content or message.content.isspace()) and not message.tool_calls


def _with_short_ids(messages: Messages) -> Messages:
    """Results without an id belong to the calls before them, in order."""
    result, waiting = [], list[str]()
    for number, message in enumerate(messages):
        if message.tool_calls:
            calls = tuple(
                msgspec.structs.replace(call, tool_call_id=_short_id(call.tool_call_id or f"{number}.{index}"))
                for index, call in enumerate(message.tool_calls)
            )
            waiting = [call.tool_call_id for call in calls]
            result.append(msgspec.structs.replace(message, tool_calls=calls))
        elif message.role == "tool":
            if message.tool_call_id:
                tool_call_id = _short_id(message.tool_call_id)
            else:
                tool_call_id = waiting[0] if waiting else _short_id(str(number))
            waiting = [other for other in waiting if other != tool_call_id]
            result.append(msgspec.structs.replace(message, tool_call_id=tool_call_id))
        else:
            result.append(message)
    return tuple(result)


def _short_id(tool_call_id: str) -> str:
    return tool_call_id if has_short_id(tool_call_id) else hashlib.sha256(tool_call_id.encode()).hexdigest()[:9]


def _with_calls_apart(messages: Messages) -> Messages:
    result: list[ChatMessage] = []
    waiting: list[ChatMessage] = []  # calls whose results have not come yet
    for message in _with_short_ids(messages):
        if message.role == "tool" and any(call.tool_calls[0].tool_call_id == message.tool_call_id for call in waiting):
            mine = next(call for call in waiting if call.tool_calls[0].tool_call_id == message.tool_call_id)
            waiting.remove(mine)
            result += (mine, message)
        elif len(message.tool_calls) + bool(message.content) > 1:
            result += waiting
            if message.content:
                result.append(ChatMessage(role=message.role, content=message.content, name=message.name))
            alone = msgspec.structs.replace(message, content="")
            waiting = [msgspec.structs.replace(alone, tool_calls=(call,)) for call in message.tool_calls]
        else:
            result += (*waiting, message)
            waiting = []
    return (*result, *waiting)


def _with_tool_text(messages: Messages) -> Messages:
    return tuple(_as_text(message) for message in messages)


def _as_text(message: ChatMessage) -> ChatMessage:
    """In the tags that most models with tools have seen (Hermes, Qwen)."""
    if message.role == "tool":
        return ChatMessage(role=_USER, content=f"<tool_response>\n{message.content}\n</tool_response>")
    if not message.tool_calls:
        return message
    told = (f"<tool_call>\n{_told(call)}\n</tool_call>" for call in message.tool_calls)
    content = _joined((message.content, *told))
    return ChatMessage(role=message.role, content=content, reasoning=message.reasoning, name=message.name)


def _told(call: ToolCall) -> str:
    return f'{{"name": {json.dumps(call.name, ensure_ascii=False)}, "arguments": {call.arguments}}}'


def _without_empty(messages: Messages) -> Messages:
    return tuple(m for m in messages if m.role == "tool" or not says_nothing(m)) or messages


def _with_system_first(messages: Messages) -> Messages:
    system, rest = _parted(messages)
    return (ChatMessage(role="system", content=_joined(m.content for m in system)), *rest) if system else messages


def _with_system_in_user(messages: Messages, *, index: int) -> Messages:
    system, rest = _parted(messages)
    if not system:
        return messages
    places = [place for place, message in enumerate(rest) if message.role == _USER]
    text = _joined(message.content for message in system)
    if not places:
        return (ChatMessage(role=_USER, content=text), *rest)
    place = places[index]
    said = rest[place].content
    content = f"{text}\n\n{said}" if said or index else text  # before an empty last one Mistral's blank line stays
    user = msgspec.structs.replace(rest[place], content=content)
    return (*rest[:place], user, *rest[place + 1 :])


def _with_opening_user(messages: Messages) -> Messages:
    first = next((place for place, message in enumerate(messages) if message.role != "system"), len(messages))
    if messages[first:] and messages[first].role == _USER:
        return messages
    return (*messages[:first], ChatMessage(role=_USER), *messages[first:])


def _with_closing_user(messages: Messages) -> Messages:
    if messages and messages[-1].role in {_USER, "tool"}:
        return messages
    return (*messages, ChatMessage(role=_USER))


def _with_neighbours_joined(messages: Messages) -> Messages:
    """Results stay apart: each belongs to its call."""
    result: list[ChatMessage] = []
    for role, group in groupby(messages, key=lambda message: message.role):
        neighbours = list(group)
        if role == "tool" or len(neighbours) == 1:
            result += neighbours
            continue
        calls = tuple(call for message in neighbours for call in message.tool_calls)
        text = _joined(message.content for message in neighbours)
        reasoning = _joined(message.reasoning for message in neighbours)
        names = {message.name for message in neighbours}
        name = neighbours[0].name if len(names) == 1 else None
        result.append(ChatMessage(role=role, content=text, reasoning=reasoning, name=name, tool_calls=calls))
    return tuple(result)


def _as_one_message(messages: Messages) -> Messages:
    if [message.role for message in messages] == [_USER]:
        return messages
    told = (f"{message.role}: {message.content}" for message in _with_tool_text(messages) if not says_nothing(message))
    return (ChatMessage(role=_USER, content=_joined(told)),)


def _parted(messages: Messages) -> tuple[Messages, Messages]:
    return tuple(m for m in messages if m.role == "system"), tuple(m for m in messages if m.role != "system")


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(text for text in texts if text)


_APPLY: Mapping[Repair, Callable[[Messages], Messages]] = {
    Repair.TOOL_IDS: _with_short_ids,
    Repair.CALLS_APART: _with_calls_apart,
    Repair.TOOL_TEXT: _with_tool_text,
    Repair.NO_EMPTY: _without_empty,
    Repair.NEIGHBOURS_AS_SENT: _with_neighbours_joined,
    Repair.SYSTEM_FIRST: _with_system_first,
    Repair.OPENING_USER: _with_opening_user,
    Repair.CLOSING_USER: _with_closing_user,
    Repair.NEIGHBOURS: _with_neighbours_joined,
    Repair.SYSTEM_IN_FIRST_USER: lambda messages: _with_system_in_user(messages, index=0),
    Repair.SYSTEM_IN_LAST_USER: lambda messages: _with_system_in_user(messages, index=-1),
    Repair.REFUSAL_PASSED_OVER: lambda messages: messages,
    Repair.ONE_MESSAGE: _as_one_message,
}
