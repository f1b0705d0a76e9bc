"""Anthropic's events: their order, their indices, and that whoever joins them has the message."""

import contextlib
import json
import re
from typing import Any

import pytest

from bdchat.api.answering.told import sse
from bdchat.api.anthropic.message_events import MessageEvents
from bdchat.engine.request import FinishReason
from tests.api.random_answers import RandomAnswer, random_answer

BLOCK = r"S(?:text)(?:t)*E|S(?:thinking)r+sE|S(?:tool_use)j*E"
GRAMMAR = re.compile(rf"M\.(?:{BLOCK})*(?:Dm|!)|M\.(?:{BLOCK})*S(?:text|thinking|tool_use)[trj]*!")
LETTERS = {"message_start": "M", "ping": ".", "content_block_stop": "E", "message_delta": "D", "message_stop": "m"}
DELTAS = {"text_delta": "t", "thinking_delta": "r", "signature_delta": "s", "input_json_delta": "j"}


def told(answer: RandomAnswer) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    encoder = MessageEvents("msg_1", "m", answer.reading)
    events = [json.loads(json.dumps(event)) for batch in answer.events for event in encoder.encode([batch])]
    if answer.error is not None:
        events += encoder.failed(answer.error)
    return events, encoder.message()


def letter(event: dict[str, Any]) -> str:
    match event["type"]:
        case "content_block_start":
            return f"S{event['content_block']['type']}"
        case "content_block_delta":
            return DELTAS[event["delta"]["type"]]
        case "error":
            return "!"
    return LETTERS[event["type"]]


def joined(events: list[dict[str, Any]]) -> dict[str, Any]:
    """As Anthropic's own clients put a message together."""
    message: dict[str, Any] = {}
    inputs: dict[int, str] = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message = event["message"]
                assert message["content"] == []
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
            case "content_block_delta":
                assert event["index"] == len(message["content"]) - 1
                block, delta = message["content"][event["index"]], event["delta"]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] = delta["signature"]
                    case _:
                        inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
            case "content_block_stop":
                if text := inputs.get(event["index"]):
                    with contextlib.suppress(ValueError):  # max_tokens cut it
                        message["content"][event["index"]]["input"] = json.loads(text)
            case "message_delta":
                message |= event["delta"] | {"usage": event["usage"]}
    return message


@pytest.mark.parametrize("seed", range(500))
def test_streamed_is_collected_and_in_order(seed: int) -> None:
    answer = random_answer(seed)
    events, message = told(answer)
    assert GRAMMAR.fullmatch("".join(map(letter, events)))
    assert all(sse(event).startswith(f"event: {event['type']}\ndata: {{".encode()) for event in events)
    if answer.error is not None:
        return
    assert joined(events) == message
    has_calls = any(block["type"] == "tool_use" for block in message["content"])
    if answer.reason is FinishReason.LENGTH:
        assert message["stop_reason"] == "max_tokens"
    elif answer.reason is FinishReason.STOP and has_calls:
        assert message["stop_reason"] == "tool_use"
    elif answer.stop is not None:
        assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", answer.stop)
    else:
        assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)
