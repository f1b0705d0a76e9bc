"""/v1/responses as OpenAI's clients use it: created, streamed, gone on from, found again, stopped, forgotten."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from pydantic import BaseModel

from tests.api.responses.asking import URL, ask, prompt_of
from tests.api.serving import make_app, opened, served, signed_in
from tests.fake_engine import FakeEngine
from tests.patience import eventually

pytestmark = pytest.mark.anyio
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "parameters": PARAMETERS}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "서울"}}\n</tool_call>'
THOUGHT = "<think>\nIt rains.\n</think>\n\n"


def says(text: str, **more: Any) -> FakeEngine:
    return FakeEngine(pieces=tuple(text[start : start + 3] for start in range(0, len(text), 3)), **more)


@asynccontextmanager
async def sdk(engine: FakeEngine) -> AsyncGenerator[AsyncOpenAI]:
    async with (
        served(make_app(engine)) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as openai,
    ):
        yield openai


async def refused(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post(URL, json={"input": "hi"} | fields)
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    return error


@pytest.mark.parametrize("store", [True, False])
async def test_streamed_is_collected(store: bool) -> None:
    async with sdk(says(f"{THOUGHT}Hm.{CALL}")) as openai:
        fields: Any = {"model": "fake", "input": "hi", "store": store, "tools": [WEATHER]}
        async with openai.responses.stream(**fields) as stream:
            types = [event.type async for event in stream]
            streamed = await stream.get_final_response()
        whole = await openai.responses.create(**fields)
    assert types[:2] == ["response.created", "response.in_progress"]
    assert types[-1] == "response.completed"
    assert [item.type for item in whole.output] == ["reasoning", "message", "function_call"]
    assert [item.type for item in streamed.output] == [item.type for item in whole.output]
    assert streamed.output_text == whole.output_text == "Hm."
    assert whole.usage is not None
    assert whole.usage.output_tokens_details.reasoning_tokens > 0


async def test_what_was_said_before_is_gone_on_from(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.pieces = (f"{THOUGHT}Hm.{CALL}",)
    first = await ask(client, instructions="Be brief.", tools=[WEATHER])
    call = first["output"][-1]
    fake.pieces = ("21 degrees.",)
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "21"}
    second = await ask(client, previous_response_id=first["id"], input=[result], tools=[WEATHER])
    shown = prompt_of(fake).messages
    assert [message.role for message in shown] == ["user", "assistant", "tool"]
    assert shown[1].content == "Hm."
    assert shown[1].reasoning.strip() == "It rains."
    assert shown[1].tool_calls[0].arguments == '{"city": "서울"}'
    assert shown[1].tool_calls[0].tool_call_id == shown[2].tool_call_id == call["call_id"]
    listed = (await client.get(f"{URL}/{second['id']}/input_items?order=asc&limit=4")).json()
    kinds = [item["type"] for item in listed["data"]]
    assert kinds == ["message", "reasoning", "message", "function_call"]
    assert listed["has_more"]
    rest = (await client.get(f"{URL}/{second['id']}/input_items?order=asc&after={listed['last_id']}")).json()
    assert [item["type"] for item in rest["data"]] == ["function_call_output"]
    await client.delete(f"{URL}/{first['id']}")
    third = await ask(client, previous_response_id=second["id"], input="and now?")
    assert third["previous_response_id"] == second["id"]
    assert len(prompt_of(fake).messages) == 5


async def test_items_that_sdks_echo_are_one_turn(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.pieces = (f"{THOUGHT}Hm.{CALL}",)
    first = await ask(client, tools=[WEATHER], store=False)
    fake.pieces = ("ok",)
    result = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "21"}]}
    await ask(client, store=False, input=[{"role": "user", "content": "hi"}, *first["output"], result])
    shown = prompt_of(fake).messages
    assert [message.role for message in shown] == ["user", "assistant", "tool"]
    assert (shown[1].content, len(shown[1].tool_calls), shown[2].content) == ("Hm.", 1, "21")


async def test_it_is_found_again_from_any_number_on(client: httpx.AsyncClient) -> None:
    answer = await ask(client)
    path = f"{URL}/{answer['id']}"
    assert (await client.get(path)).json() == answer
    events = told((await client.get(f"{path}?stream=true")).text)
    assert events[-1]["response"] == answer
    for after in range(len(events)):
        rest = told((await client.get(f"{path}?stream=true&starting_after={after}&include[]=x")).text)
        assert rest == events[after + 1 :]


async def test_one_whose_log_was_forgotten_is_told_from_its_text(client: httpx.AsyncClient) -> None:
    app = await opened(client)
    answer = await ask(client)
    path = f"{URL}/{answer['id']}"
    await app.database.write(lambda db: db.connection().exec_driver_sql("delete from generation_event"))
    assert (await client.get(path)).json() == answer
    assert told((await client.get(f"{path}?stream=true")).text)[-1]["response"] == answer
    refusal = await client.get(f"{path}?stream=true&starting_after=3")
    assert refusal.status_code == 400
    assert refusal.json()["error"]["param"] == "starting_after"


async def test_what_runs_in_the_background_is_stopped_and_keeps_its_text(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    gate = asyncio.Semaphore(2)
    fake.pieces, fake.token_gate = ("one ", "two ", "three"), gate.acquire
    answer = await ask(client, background=True)
    assert answer["status"] == "queued"
    path = f"{URL}/{answer['id']}"

    async def said() -> bool:
        now = (await client.get(path)).json()
        return bool(now["output"] and now["output"][0]["content"][0]["text"] == "one two ")

    await eventually(said)
    going_on = (await client.post(URL, json={"input": "x", "previous_response_id": answer["id"]})).json()
    assert "still being written" in going_on["error"]["message"]
    stopped = (await client.post(f"{path}/cancel")).json()
    assert (stopped["status"], stopped["output"][0]["content"][0]["text"]) == ("cancelled", "one two ")
    assert (await client.post(f"{path}/cancel")).json() == stopped
    events = told((await client.get(f"{path}?stream=true")).text)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["response.created", "response.queued", "response.in_progress"]
    assert kinds[-1] == "response.incomplete"
    assert fake.requests[0].priority == "batch"
    assert (await client.delete(path)).json()["deleted"]
    assert (await client.get(path)).status_code == 404


async def test_others_do_not_find_it(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client, "ann"), await signed_in(client, "bob")
    answer = (await client.post(URL, json={"input": "hi"}, headers=ann)).json()
    path = f"{URL}/{answer['id']}"
    for method, where in (("GET", path), ("DELETE", path), ("POST", f"{path}/cancel"), ("GET", f"{path}/input_items")):
        assert (await client.request(method, where, headers=bob)).status_code == 404
    body = {"input": "x", "previous_response_id": answer["id"]}
    refusal = await client.post(URL, json=body, headers=bob)
    assert refusal.json()["error"]["code"] == "previous_response_not_found"
    assert (await client.get(path, headers=ann)).json() == answer


async def test_completions_and_responses_do_not_mix(client: httpx.AsyncClient) -> None:
    answer = await ask(client)
    body = {"messages": [{"role": "user", "content": "hi"}], "store": True}
    completion = (await client.post("/v1/chat/completions", json=body)).json()
    listed = (await client.get("/v1/chat/completions")).json()["data"]
    assert [each["id"] for each in listed] == [completion["id"]]
    assert (await client.get(f"/v1/chat/completions/{answer['id']}")).status_code == 404
    assert (await client.get(f"{URL}/{completion['id']}")).status_code == 404


async def test_hosted_tools_and_their_items_are_left_out_with_a_note(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    items = [{"type": "web_search_call", "id": "ws", "status": "completed"}, {"role": "user", "content": "hi"}]
    answer = await ask(client, tools=[{"type": "web_search"}, WEATHER, {"type": "mcp"}], input=items, store=False)
    assert answer["bdchat"]["skipped_tools"] == ["web_search", "mcp", "web_search_call"]
    assert (await refused(client, tools=[], tool_choice={"type": "web_search"}))["param"] == "tool_choice.type"
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}
    await ask(client, tools=[WEATHER], tool_choice=choice, store=False)
    assert prompt_of(fake).tool_choice == "none"
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]}
    answer = await ask(client, tools=[WEATHER], tool_choice=choice, store=False)
    assert (prompt_of(fake).allowed_tools, answer["tool_choice"]) == (("weather",), choice)


async def test_a_custom_tools_input_is_text(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    called = {"name": "patch", "arguments": {"input": "*** Begin\n+한글"}}
    fake.pieces = (f"<tool_call>\n{json.dumps(called, ensure_ascii=False)}\n</tool_call>",)
    tool = {"type": "custom", "name": "patch", "description": "x"}
    answer = await ask(client, tools=[tool], store=False)
    assert answer["output"][0]["type"] == "custom_tool_call"
    assert answer["output"][0]["input"] == "*** Begin\n+한글"
    fake.pieces = ("ok",)
    output = {"type": "custom_tool_call_output", "call_id": answer["output"][0]["call_id"], "output": "done"}
    await ask(client, tools=[tool], store=False, input=[*answer["output"], output])
    shown = prompt_of(fake).messages
    assert json.loads(shown[0].tool_calls[0].arguments) == called["arguments"]


async def test_the_oldest_turns_give_way_where_they_may(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.n_ctx = 200
    turns = [{"role": role, "content": "x" * 60} for role in ("user", "assistant", "user", "assistant", "user")]
    for store in (True, False):
        assert (await refused(client, input=turns, store=store))["code"] == "context_length_exceeded"
        answer = await ask(client, input=turns, truncation="auto", store=store)
        assert answer["status"] == "completed"
        assert len(prompt_of(fake).messages) < 5


async def test_a_cut_answer_is_incomplete(client: httpx.AsyncClient) -> None:
    answer = await ask(client, max_output_tokens=3)
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert answer["output"][0]["status"] == "incomplete"


class City(BaseModel):
    city: str


async def test_forms_and_scores_reach_the_engine() -> None:
    fake = FakeEngine(pieces=('{"city": "Seoul"}',))
    async with sdk(fake) as openai:
        parsed = await openai.responses.parse(model="fake", input="where?", text_format=City, store=False)
        scored = await openai.responses.create(
            model="fake", input="hi", store=False, include=["message.output_text.logprobs"], top_logprobs=2
        )
        counted = await openai.responses.input_tokens.count(model="fake", input="hi")
    assert parsed.output_parsed == City(city="Seoul")
    assert fake.requests[0].constraint is not None
    assert fake.requests[0].constraint.field == "text.format"
    assert scored.output[0].content[0].logprobs[0].top_logprobs  # type: ignore[union-attr,index]  # a message
    assert counted.input_tokens == len("<user>hi")


@pytest.mark.parametrize("store", [True, False])
async def test_what_chat_completions_honour_is_honoured(
    client: httpx.AsyncClient, fake: FakeEngine, store: bool
) -> None:
    answer = await ask(
        client,
        store=store,
        service_tier="flex",
        top_k=3,
        min_p=0.1,
        seed=7,
        stop=["zz"],
        repeat_penalty=1.1,
        n_predict=5,
        chat_template_kwargs={"enable_thinking": False},
        reasoning={"effort": "low"},
        text={"verbosity": "high"},
        tools=[WEATHER],
        parallel_tool_calls=False,
        max_tool_calls=3,
        stream_options={"include_obfuscation": False},
        include=["reasoning.encrypted_content"],
    )
    request, prompt = fake.requests[-1], prompt_of(fake)
    said = request.sampling
    assert (said.top_k, said.min_p, said.seed, said.stop) == (3, 0.1, 7, ("zz",))
    assert (said.repeat_penalty, said.max_tokens) == (1.1, 5)
    assert prompt.template_kwargs == {"reasoning_effort": "low", "verbosity": "high", "enable_thinking": False}
    assert not prompt.parallel_tool_calls
    assert (request.priority, answer["service_tier"]) == ("batch", "flex")
    assert (answer["max_tool_calls"], answer["parallel_tool_calls"]) == (3, False)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"input": None}, "input"),
    ({"input": 1}, "input"),
    ({"input": [1]}, "input[0]"),
    ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
    ({"input": [{"type": "nonsense"}]}, "input[0].type"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
    ({"input": [{"type": "function_call", "name": 1}]}, "input[0].name"),
    ({"input": [{"type": "function_call_output", "output": 1}]}, "input[0].output"),
    ({"input": [{"type": "reasoning", "summary": 1}]}, "input[0].summary"),
    ({"instructions": "x", "input": [{"role": "user", "content": [{"type": 1}]}]}, "input[0].content[0].type"),
    ({"tools": 1}, "tools"),
    ({"tools": [{"type": "web_search"}, {"type": "function", "name": "a b"}]}, "tools[1].name"),
    ({"tools": [WEATHER, WEATHER]}, "tools[1].name"),
    ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}}, "text.format.name"),
    ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
    ({"text": {"format": 1}}, "text.format"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"reasoning": {"effort": 1}}, "reasoning.effort"),
    ({"background": True, "store": False}, "background"),
    ({"truncation": "some"}, "truncation"),
    ({"conversation": "c"}, "conversation"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"include": "x"}, "include"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"previous_response_id": "resp_nothing"}, "previous_response_id"),
    ({"previous_response_id": 1}, "previous_response_id"),
    ({"n": 2}, "n"),
    ({"tools": [{"type": "web_search", "x": "x" * 2**20}]}, "tools"),
    ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
    ({"reasoning": {"summary": {}}}, "reasoning.summary"),
    ({"input": [{"type": "function_call", "name": "a", "arguments": "{}"}] * 200}, "input[0]"),
    ({"max_tokens": 3}, "max_tokens"),
    ({"functions": [WEATHER]}, "functions"),
    ({"logprobs": True}, "logprobs"),
    ({"documents": ["x"]}, "documents"),
    ({"include_reasoning": False}, "include_reasoning"),
    ({"n_predict": 0}, "n_predict"),
    ({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "mode": 1, "tools": [WEATHER]}}, "tool_choice.mode"),
    ({"top_logprobs": 99}, "top_logprobs"),
    ({"temperature": 3}, "temperature"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
async def test_a_refusal_names_this_wires_field(client: httpx.AsyncClient, fields: dict[str, Any], param: str) -> None:
    assert (await refused(client, **fields))["param"] == param


async def test_the_sdk_raises_its_own_errors() -> None:
    async with sdk(FakeEngine()) as openai:
        with pytest.raises(NotFoundError):
            await openai.responses.retrieve("resp_nothing")
        with pytest.raises(BadRequestError):
            await openai.responses.create(model="fake", input="x", previous_response_id="resp_nothing")


def told(body: str) -> list[dict[str, Any]]:
    frames = [frame for frame in body.split("\n\n") if frame and not frame.startswith(":")]
    events = [json.loads(frame.split("\ndata: ", 1)[1]) for frame in frames]
    assert [frame.split("\n")[0] for frame in frames] == [f"event: {event['type']}" for event in events]
    return events
