"""/v1/messages: what reaches the engine, what comes back, and refusals in Anthropic's shape by its names."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.engine.errors import GenerationFailed
from bdchat.engine.request import ChatMessage
from tests.api.serving import in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/messages"
USER = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "How warm it is.", "input_schema": SCHEMA}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "서울"}}\n</tool_call>'


@pytest.fixture
async def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process(fake) as client:
        yield client


async def ask(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    reply = await client.post(f"{URL}?beta=true", json={"messages": USER, "max_tokens": 999} | fields)
    assert reply.status_code == 200, reply.text
    message: dict[str, Any] = reply.json()
    return message


def shown(fake: FakeEngine) -> tuple[ChatMessage, ...]:
    return fake.requests[-1].prompt.messages  # type: ignore[union-attr]  # a chat


async def test_a_message_says_what_was_said_and_what_it_cost(client: httpx.AsyncClient) -> None:
    first = await ask(client, system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
    assert first["id"].startswith("msg_")
    assert (first["type"], first["role"], first["model"]) == ("message", "assistant", "fake")
    assert first["content"] == [{"type": "text", "text": "Hello world"}]
    assert (first["stop_reason"], first["stop_sequence"]) == ("end_turn", None)
    again = await ask(client, system="Be brief.")
    prompt = again["usage"]["input_tokens"] + again["usage"]["cache_read_input_tokens"]
    assert again["usage"]["cache_read_input_tokens"] > 0
    assert prompt == first["usage"]["input_tokens"]
    counted = await client.post(f"{URL}/count_tokens", json={"messages": USER, "system": "Be brief."})
    assert counted.json() == {"input_tokens": prompt}


async def test_thoughts_and_calls_are_blocks_and_come_back_as_one_turn(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    fake.pieces = (f"<think>\nIt rains.\n</think>\n\nHm.{CALL}",)
    first = await ask(client, tools=[WEATHER])
    assert [block["type"] for block in first["content"]] == ["thinking", "text", "tool_use"]
    call = first["content"][2]
    assert (call["name"], call["input"], first["stop_reason"]) == ("weather", {"city": "서울"}, "tool_use")
    fake.pieces = ("21",)
    results = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": [{"type": "text", "text": "21"}]},
        {"type": "tool_result", "tool_use_id": "toolu_other", "content": "no", "is_error": True},
        {"type": "text", "text": "And?"},
    ]
    turns = [*USER, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": results}]
    await ask(client, tools=[WEATHER], messages=turns)
    assert [message.role for message in shown(fake)] == ["user", "assistant", "tool", "tool", "user"]
    assert shown(fake)[1].reasoning.strip() == "It rains."
    assert json.loads(shown(fake)[1].tool_calls[0].arguments) == {"city": "서울"}
    assert shown(fake)[2].tool_call_id == call["id"]
    assert shown(fake)[3].content == "Error: no"


async def test_the_request_has_an_id_where_its_sdks_look_for_it(client: httpx.AsyncClient) -> None:
    for body in ({"messages": USER, "max_tokens": 4}, {"messages": USER, "max_tokens": 0}):
        reply = await client.post(URL, json=body)
        assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert reply.json()["request_id"] == reply.headers["request-id"]
    assert "request-id" not in (await client.get("/v1/models")).headers


async def test_messages_of_one_role_are_one_turn(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    document = {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "D"}}
    await ask(client, messages=[{"role": "user", "content": "a"}, {"role": "user", "content": [document]}])
    assert [(message.role, message.content) for message in shown(fake)] == [("user", "a\nT\nD")]


async def test_what_is_asked_reaches_the_engine(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    answer = await ask(
        client,
        tools=[{"type": "web_search_20250305", "name": "web_search"}, WEATHER, WEATHER | {"name": "now"}],
        tool_choice={"type": "tool", "name": "now", "disable_parallel_tool_use": True},
        stop_sequences=["lo w"],
        thinking={"type": "enabled", "budget_tokens": 1024},
        metadata={"user_id": "u"},
        temperature=0.5,
        top_k=3,
        seed=7,
    )
    request = fake.requests[-1]
    prompt: Any = request.prompt
    assert answer["bdchat"] == {"skipped_tools": ["web_search_20250305"]}
    assert (prompt.tool_choice, prompt.allowed_tools, prompt.parallel_tool_calls) == ("required", ("now",), False)
    assert prompt.template_kwargs == {"enable_thinking": True}
    sampling = request.sampling
    assert (sampling.stop, sampling.temperature, sampling.top_k, sampling.seed) == (("lo w",), 0.5, 3, 7)
    assert request.user == "guest/u"
    await ask(client, output_config={"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "low"})
    constraint = fake.requests[-1].constraint
    assert constraint is not None
    assert constraint.field == "output_config.format"


async def test_a_stream_ends_with_its_reason_or_its_error(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    body = {"messages": USER, "max_tokens": 3, "stream": True}
    reply = await client.post(URL, json=body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(frame.split("data: ", 1)[1]) for frame in reply.text.split("\n\n") if "data: " in frame]
    assert [event["type"] for event in events][:3] == ["message_start", "ping", "content_block_start"]
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"
    assert events[-1] == {"type": "message_stop"}
    fake.failure = GenerationFailed("it broke")
    frames = (await client.post(URL, json=body | {"max_tokens": 999})).text.strip().split("\n\n")
    assert frames[-1].startswith("event: error\n")
    assert json.loads(frames[-1].split("data: ", 1)[1])["error"]["type"] == "api_error"


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [1]}, "messages[0]"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [IMAGE]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "x y"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"messages": [*USER, {"role": "assistant", "content": "The"}]}, "messages[1]"),
    ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[0].content[0].tool_use_id"),
    ({"system": 1}, "system"),
    ({"system": [{"type": "image"}]}, "system[0]"),
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"tools": 1}, "tools"),
    ({"tools": [{"type": "bash_20250124", "name": "bash"}, {"name": "a b"}]}, "tools[1].name"),
    ({"tools": [WEATHER | {"input_schema": 1}]}, "tools[0].input_schema"),
    ({"tool_choice": {"type": "any"}}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"thinking": {"type": "deep"}}, "thinking.type"),
    ({"stop_sequences": [1]}, "stop_sequences[0]"),
    ({"output_config": {"effort": 1}}, "output_config.effort"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema"),
    ({"temperature": 3}, "temperature"),
    ({"n": 2}, "n"),
    ({"stream": "yes"}, "stream"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
async def test_a_refusal_is_in_its_shape_and_names_the_field(
    client: httpx.AsyncClient, fields: dict[str, Any], param: str
) -> None:
    reply = await client.post(URL, json={"messages": USER, "max_tokens": 9} | fields)
    assert reply.status_code == 400
    told = reply.json()
    assert (told["type"], told["error"]["type"]) == ("error", "invalid_request_error")
    assert told["request_id"] == reply.headers["x-request-id"]
    assert param in told["error"]["message"], told


async def test_a_prompt_that_is_too_long_says_so(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.n_ctx = 10
    reply = await client.post(URL, json={"messages": [{"role": "user", "content": "x" * 99}], "max_tokens": 9})
    assert reply.status_code == 400
    assert "10 tokens" in reply.json()["error"]["message"]
