"""What a stored response was asked and what it said: as items, and as turns that a later one goes on from.

In a store's reader. Its request holds all of its turns, those of the responses before it included, so that forgetting
an earlier one takes nothing from it.
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from bdchat.api.answering.collected_answer import CollectedAnswer
from bdchat.api.durable.plans import messages_of_request
from bdchat.api.generation.answer_reading import ChoiceReader, call_id
from bdchat.api.generation.events import Opened
from bdchat.api.responses.output_items import custom_input
from bdchat.api.responses.response_rows import StoredResponse
from bdchat.api.schemas.responses.queries import InputItemQuery
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatMessage, Delta
from bdchat.store.accounting.byte_length import PAGE_BYTES
from bdchat.store.chats import generations
from bdchat.store.db import Db
from bdchat.store.errors import NotFound

IN_PROGRESS = "is still being written: wait for its end, or cancel it."
FAILED = "has failed: there is nothing to go on from."


def earlier_turns(db: Db, found: StoredResponse) -> list[dict[str, Any]]:
    """Messages as ChatCompletionRequest takes them. Raises InvalidRequest."""
    if found.row.state == generations.RUNNING:
        raise InvalidRequest("previous_response_id", f"{found.response_id} {IN_PROGRESS}")
    if found.row.state in ("failed", "interrupted"):
        raise InvalidRequest("previous_response_id", f"{found.response_id} {FAILED}")
    return [*map(_as_asked, asked(db, found)), _said(found)]


def asked(db: Db, found: StoredResponse) -> list[ChatMessage]:
    """Without its instructions, which are of one response alone."""
    messages = list(messages_of_request(generations.get(db, found.response_id)))
    has_instructions = bool(found.head.echo.get("instructions"))
    return messages[1:] if has_instructions and messages and messages[0].role == "system" else messages


def _as_asked(message: ChatMessage) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning:
        told["reasoning_content"] = message.reasoning
    if message.name is not None:
        told["name"] = message.name
    if message.tool_call_id is not None:
        told["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        told["tool_calls"] = [_call(call.tool_call_id, call.name, call.arguments) for call in message.tool_calls]
    return told


def _call(tool_call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": tool_call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _said(found: StoredResponse) -> dict[str, Any]:
    """Its answer, read from its text."""
    reading = found.reading
    for event in found.log_as_it_is:
        if isinstance(event, Opened):
            reading = reading.by(event.answer_format, opens_thought=event.opens_thought)
    reader, answer = ChoiceReader(reading), CollectedAnswer()
    for event in found.log_as_it_is:
        if isinstance(event, Delta):
            answer.add(reader.feed(event.text))
    answer.add(reader.finish())
    said: dict[str, Any] = {"role": "assistant", "content": answer.content}
    if answer.thought:
        said["reasoning_content"] = answer.thought
    if answer.calls:
        calls = answer.calls
        said["tool_calls"] = [
            _call(call_id(found.response_id, 0, call.number), call.name, call.arguments) for call in calls
        ]
    return said


# --- as items ---------------------------------------------------------------------------------------------------------


def input_items(db: Db, found: StoredResponse) -> list[dict[str, Any]]:
    """In the order in which they were said."""
    items: list[dict[str, Any]] = []
    custom_calls: set[str] = set()
    for message in asked(db, found):
        custom_calls |= {call.tool_call_id for call in message.tool_calls if call.name in found.custom_tools}
        for item in _items_of(message, frozenset(found.custom_tools), custom_calls):
            items.append({"id": _input_item_id(item["type"], found.response_id, len(items)), **item})
    return items


def _input_item_id(kind: str, response_id: str, number: int) -> str:
    digest = hashlib.blake2b(f"{response_id}/input/{number}".encode(), digest_size=16)
    return f"{PREFIXES[kind]}_{digest.hexdigest()}"


PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "function_call_output": "fco",
    "custom_tool_call_output": "cto",
}


def _items_of(
    message: ChatMessage, custom_tools: frozenset[str], custom_calls: Collection[str]
) -> Iterator[dict[str, Any]]:
    """`custom_calls`: ids of the calls before it that are custom tools'."""
    if message.role == "tool":
        kind = "custom_tool_call_output" if message.tool_call_id in custom_calls else "function_call_output"
        told = {"type": kind, "call_id": message.tool_call_id or "", "output": message.content}
        yield told | {"status": "completed"}
        return
    if message.reasoning:
        content = [{"type": "reasoning_text", "text": message.reasoning}]
        yield {"type": "reasoning", "summary": [], "content": content, "status": "completed"}
    if message.content or not message.tool_calls:
        is_said = message.role == "assistant"
        part: dict[str, Any] = {"type": "output_text" if is_said else "input_text", "text": message.content}
        content = [part | {"annotations": [], "logprobs": []} if is_said else part]
        yield {"type": "message", "role": message.role, "status": "completed", "content": content}
    for call in message.tool_calls:
        about = {"call_id": call.tool_call_id, "name": call.name, "status": "completed"}
        if call.name in custom_tools:
            yield {"type": "custom_tool_call", **about, "input": custom_input(call.arguments)}
        else:
            yield {"type": "function_call", **about, "arguments": call.arguments}


def page_of_items(items: list[dict[str, Any]], query: InputItemQuery) -> dict[str, Any]:
    """It ends before the item with which it is longer than PAGE_BYTES, and holds one at least. Raises NotFound for an
    unknown `after`."""
    rest = items if query.order == "asc" else items[::-1]
    if query.after is not None:
        ids = [item["id"] for item in rest]
        if query.after not in ids:
            raise NotFound("item", query.after)
        rest = rest[ids.index(query.after) + 1 :]
    data: list[dict[str, Any]] = []
    num_bytes = 0
    for item in rest[: query.limit]:
        num_bytes += len(msgspec.json.encode(item))
        if data and num_bytes > PAGE_BYTES:
            break
        data.append(item)
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, **ends, "has_more": len(data) < len(rest)}
