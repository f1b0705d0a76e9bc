"""Responses, Messages and Ollama's chat over the same model: each says what chat completions say, streamed or whole."""

import json
from typing import Any

import pytest

from tests.acceptance.caller import MODEL, SAME, Caller, Document, user

pytestmark = pytest.mark.anyio
QUESTION = "Say hello."
GREEDY = {"model": MODEL, "temperature": 0, **SAME}
RESPONSES: Document = {**GREEDY, "input": QUESTION, "max_output_tokens": 8}
MESSAGES: Document = {**GREEDY, "messages": user(QUESTION), "max_tokens": 8}
OLLAMA: Document = {"model": MODEL, "messages": user(QUESTION), "options": {"temperature": 0, "num_predict": 8}}


async def told(caller: Caller, path: str, body: Document) -> list[Document]:
    """Events of a stream that names each."""
    response = await caller.http.post(path, json={**body, "stream": True})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    events: list[Document] = []
    for frame in filter(None, response.text.split("\n\n")):
        name, data = frame.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


async def test_a_response_is_the_chats_answer_and_may_be_gone_on_from(caller: Caller) -> None:
    chat = await caller.chat(QUESTION, **SAME)
    said = chat["choices"][0]["message"]["content"]
    events = await told(caller, "/v1/responses", RESPONSES)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    last = events[-1]
    assert (last["type"], last["response"]["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "max_output_tokens"},
    )
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert "".join(deltas) == last["response"]["output"][0]["content"][0]["text"] == said
    stored = await caller.post("/v1/responses", RESPONSES)
    assert stored["output"][0]["content"] == last["response"]["output"][0]["content"]
    assert stored["usage"]["input_tokens"] == chat["usage"]["prompt_tokens"]
    assert (await caller.http.get(f"/v1/responses/{stored['id']}")).json() == stored
    next_one = await caller.post("/v1/responses", {**RESPONSES, "previous_response_id": stored["id"]})
    assert next_one["usage"]["input_tokens"] > stored["usage"]["total_tokens"]


async def test_a_message_is_the_chats_answer_and_is_counted_as_it_costs(caller: Caller) -> None:
    said = await caller.text(QUESTION, **SAME)
    whole = await caller.post("/v1/messages", MESSAGES)
    assert (whole["content"], whole["stop_reason"]) == ([{"type": "text", "text": said}], "max_tokens")
    events = await told(caller, "/v1/messages", MESSAGES)
    assert "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta") == said
    counted = await caller.post("/v1/messages/count_tokens", {"model": MODEL, "messages": user(QUESTION)})
    usage: dict[str, Any] = whole["usage"]
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert counted["input_tokens"] == sum(usage[part] for part in parts)


async def test_ollamas_lines_are_its_whole_answer(caller: Caller) -> None:
    whole = await caller.post("/api/chat", {**OLLAMA, "stream": False})
    response = await caller.http.post("/api/chat", json=OLLAMA)
    assert response.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "".join(line["message"]["content"] for line in lines) == whole["message"]["content"]
    assert lines[-1]["eval_count"] == whole["eval_count"] == 8
    assert lines[-1]["done_reason"] == "length"
