"""The Responses wire's events: their order, their numbers, and that whoever joins them has the document."""

import random
import re
from typing import Any

import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from bdchat.api.answering.told import sse
from bdchat.api.http.parsing import validate
from bdchat.api.responses.response_events import ResponseEvents
from bdchat.api.responses.response_head import ResponseHead, echo_of
from bdchat.api.schemas.responses.request import ResponsesRequest
from bdchat.engine.request import FinishReason
from bdchat.settings import LimitSettings
from tests.api.random_answers import RandomAnswer, random_answer

LETTERS = {
    "response.created": "C",
    "response.queued": "Q",
    "response.in_progress": "P",
    "response.output_item.added": "a",
    "response.content_part.added": "b",
    "response.output_text.delta": "t",
    "response.output_text.done": "T",
    "response.reasoning_text.delta": "r",
    "response.reasoning_text.done": "R",
    "response.reasoning_summary_part.added": "s",
    "response.reasoning_summary_text.delta": "m",
    "response.reasoning_summary_text.done": "M",
    "response.reasoning_summary_part.done": "S",
    "response.content_part.done": "e",
    "response.function_call_arguments.delta": "f",
    "response.function_call_arguments.done": "F",
    "response.custom_tool_call_input.delta": "u",
    "response.custom_tool_call_input.done": "U",
    "response.output_item.done": "z",
    "response.completed": "1",
    "response.incomplete": "2",
    "response.failed": "3",
}
GRAMMAR = re.compile(r"CQ?P(?:abt*Tez|abr+Rez|asm+MSz|af*Fz|au?Uz)*[123]")
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
LIMITS = LimitSettings()


def events_for(answer: RandomAnswer, *, is_queued: bool, has_summary: bool = False) -> ResponseEvents:
    reasoning = {"summary": "auto"} if has_summary else None
    body = validate(ResponsesRequest, {"input": "hi", "background": is_queued, "reasoning": reasoning}, LIMITS)
    head = ResponseHead("resp_1", 1_700_000_000, "m", echo_of(body))
    return ResponseEvents(head, answer.reading, is_queued=is_queued, custom_tools=("now",))


def told(
    answer: RandomAnswer, *, is_queued: bool, has_summary: bool = False
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    encoder = events_for(answer, is_queued=is_queued, has_summary=has_summary)
    events = encoder.encode(answer.events)
    if answer.error is not None:
        events += encoder.failed(answer.error)
    return events, encoder.response()


@pytest.mark.parametrize("seed", range(500))
def test_the_order_and_the_numbers_are_the_wires(seed: int) -> None:
    answer = random_answer(seed)
    has_summary = seed % 3 == 0
    events, document = told(answer, is_queued=seed % 5 == 0, has_summary=has_summary)
    letters = "".join(LETTERS[event["type"]] for event in events)
    assert GRAMMAR.fullmatch(letters)
    assert not set("rR" if has_summary else "smMS") & set(letters)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"] == document
    _indices_and_ids_agree(events, document)
    _what_was_said_in_pieces_is_what_was_said(events, document)
    ends = {FinishReason.STOP: "completed", FinishReason.LENGTH: "incomplete", FinishReason.CANCELLED: "cancelled"}
    assert document["status"] == ("failed" if answer.reason is None else ends[answer.reason])
    has_details = document["status"] == "incomplete"
    assert document["incomplete_details"] == ({"reason": "max_output_tokens"} if has_details else None)


@pytest.mark.parametrize("seed", range(0, 500, 5))
def test_a_number_means_the_same_event_however_the_log_is_cut(seed: int) -> None:
    answer = random_answer(seed)
    whole = list(map(sse, told(answer, is_queued=False)[0]))
    rng, encoder = random.Random(seed), events_for(answer, is_queued=False)
    found: list[bytes] = []
    rest = list(answer.events)
    while rest:
        length = rng.randrange(1, 6)
        found += map(sse, encoder.encode(rest[:length]))
        rest = rest[length:]
    if answer.error is not None:
        found += map(sse, encoder.failed(answer.error))
    assert found == whole


@pytest.mark.parametrize("seed", range(0, 500, 5))
def test_openais_own_types_and_accumulator_take_them(seed: int) -> None:
    events, document = told(random_answer(seed), is_queued=seed % 2 == 0, has_summary=seed % 3 == 0)
    Response.model_validate(document)
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events:
        assert sse(event).startswith(f"event: {event['type']}\ndata: {{".encode())
        state.handle_event(EVENTS.validate_python(event))
    if document["status"] == "completed":
        assert state._completed_response.output_text == "".join(
            part["text"] for item in document["output"] if item["type"] == "message" for part in item["content"]
        )


def _indices_and_ids_agree(events: list[dict[str, Any]], document: dict[str, Any]) -> None:
    items = [event for event in events if event["type"] == "response.output_item.added"]
    assert [event["output_index"] for event in items] == list(range(len(document["output"])))
    assert [event["item"]["id"] for event in items] == [item["id"] for item in document["output"]]
    assert len({item["id"] for item in document["output"]}) == len(document["output"])
    for event in events:
        if "item_id" in event:
            assert event["item_id"] == document["output"][event["output_index"]]["id"]
        if event["type"] == "response.output_item.done":
            assert event["item"] == document["output"][event["output_index"]]


def _what_was_said_in_pieces_is_what_was_said(events: list[dict[str, Any]], document: dict[str, Any]) -> None:
    for index, item in enumerate(document["output"]):
        pieces = [event for event in events if event.get("output_index") == index and "delta" in event]
        joined = "".join(event["delta"] for event in pieces)
        match item["type"]:
            case "message":
                assert joined == item["content"][0]["text"]
                scores = [each for event in pieces for each in event["logprobs"]]
                assert scores == item["content"][0]["logprobs"]
            case "reasoning":
                assert joined == (item.get("content") or item["summary"])[0]["text"]
            case "function_call":
                assert joined == item["arguments"]
            case _:
                assert joined == item["input"]
