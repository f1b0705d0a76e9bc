"""Thoughts and calls of /v1/chat/completions: told apart from content, streamed and not, as clients rely on it."""

import json
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from tests.api.serving import USER, events_of, in_process, make_app, served
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
NOW = {"type": "function", "function": {"name": "now"}}
TOOLS = [WEATHER, NOW]
ARGUMENTS = '{"city": "서울 🙂 \\"S\\""}'
CALLS = (
    f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>\n'
    '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
)
THOUGHT = "<think>\nIt rains,\n흠 🙂.\n</think>\n\n"


def pieces(text: str, length: int = 3) -> tuple[str, ...]:
    return tuple(text[start : start + length] for start in range(0, len(text), length))


def says(text: str, **more: Any) -> FakeEngine:
    return FakeEngine(pieces=pieces(text), **more)


async def ask(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post(URL, json={"messages": USER} | fields)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def stream(client: httpx.AsyncClient, **fields: Any) -> list[dict[str, Any]]:
    body = {"messages": USER, "stream": True, "stream_options": {"include_usage": True}} | fields
    return events_of((await client.post(URL, json=body)).text)


def put_together(chunks: list[dict[str, Any]], index: int = 0) -> tuple[dict[str, Any], str]:
    """(message, finish_reason) as an SDK accumulates them: what comes once must come once."""
    message: dict[str, Any] = {"content": None}
    calls: list[dict[str, Any]] = []
    reasons: list[str] = []
    for choice in (choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index):
        assert not reasons, "nothing comes behind finish_reason"
        delta = choice["delta"]
        for name in ("content", "reasoning_content"):
            if delta.get(name) is not None:
                message[name] = (message.get(name) or "") + delta[name]
        for piece in delta.get("tool_calls") or ():
            if piece["index"] == len(calls):
                assert set(piece) == {"index", "id", "type", "function"}
                calls.append({"id": piece["id"], "type": piece["type"], "function": dict(piece["function"])})
            else:
                assert set(piece) == {"index", "function"}
                assert set(piece["function"]) == {"arguments"}
                assert piece["index"] == len(calls) - 1
                calls[-1]["function"]["arguments"] += piece["function"]["arguments"]
        reasons += [choice["finish_reason"]] if choice["finish_reason"] else []
    assert len(reasons) == 1
    return message | ({"tool_calls": calls} if calls else {}), reasons[0]


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "weather"}}])
async def test_calls_are_whole_and_content_is_null(choice: Any) -> None:
    only_weather = isinstance(choice, dict)
    async with in_process(says(CALLS.partition("\n<tool")[0] if only_weather else CALLS)) as client:
        answer = (await ask(client, tools=TOOLS, tool_choice=choice))["choices"][0]
    assert answer["finish_reason"] == "tool_calls"
    message = answer["message"]
    assert (message["role"], message["content"], message["refusal"]) == ("assistant", None, None)
    found = [(call["type"], call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]
    expected = [("function", "weather", ARGUMENTS), ("function", "now", "{}")]
    assert found == expected[: 1 if only_weather else 2]
    ids = [call["id"] for call in message["tool_calls"]]
    assert all(len(each) == 29 and each.startswith("call_") for each in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("length", [1, 4, 1000])
@pytest.mark.parametrize(
    "text", [CALLS, THOUGHT + "Let me look.\n" + CALLS, THOUGHT + "No need.", "Plain <b>text</b>."]
)
async def test_a_stream_says_what_the_document_says_however_it_is_cut(text: str, length: int) -> None:
    engine = FakeEngine(pieces=pieces(text, length))
    async with in_process(engine) as client:
        whole = await ask(client, tools=TOOLS, n=1)
        chunks = await stream(client, tools=TOOLS)
    streamed, reason = put_together(chunks)
    message = whole["choices"][0]["message"]
    calls = [call["function"] for call in message.pop("tool_calls", [])]
    assert [call["function"] for call in streamed.pop("tool_calls", [])] == calls
    assert {name: text for name, text in message.items() if name in streamed} == streamed
    assert whole["choices"][0]["finish_reason"] == reason == ("tool_calls" if calls else "stop")
    usage = chunks[-1]["usage"]
    assert usage["completion_tokens_details"] == whole["usage"]["completion_tokens_details"]
    assert "tool_call" not in "".join(text for text in streamed.values() if text)


async def test_each_choice_has_calls_with_ids_of_its_own_and_its_role_first() -> None:
    async with in_process(says(CALLS)) as client:
        chunks = await stream(client, tools=TOOLS, n=2)
    roles = [choice for chunk in chunks[:2] for choice in chunk["choices"]]
    assert [(choice["index"], choice["delta"]) for choice in roles] == [
        (index, {"role": "assistant", "content": None, "refusal": None}) for index in range(2)
    ]
    first, second = (put_together(chunks, index)[0].get("tool_calls", []) for index in range(2))
    assert len(first) == 2
    assert not {call["id"] for call in first} & {call["id"] for call in second}


async def test_text_that_only_looks_like_a_call_is_content() -> None:
    text = 'Say <tool_call>{"name": "unknown", "arguments": {}}</tool_call>, or <tool_call> and so on.'
    async with in_process(says(text)) as client:
        answer = (await ask(client, tools=TOOLS))["choices"][0]
        streamed, reason = put_together(await stream(client, tools=TOOLS))
        none = (await ask(client, tools=TOOLS, tool_choice="none"))["choices"][0]
    assert answer["message"]["content"] == streamed["content"] == none["message"]["content"] == text
    assert answer["finish_reason"] == reason == none["finish_reason"] == "stop"


async def test_where_one_call_is_allowed_there_is_one() -> None:
    async with in_process(says(CALLS)) as client:
        whole = (await ask(client, tools=TOOLS, parallel_tool_calls=False))["choices"][0]["message"]
        streamed, _ = put_together(await stream(client, tools=TOOLS, parallel_tool_calls=False))
        allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NOW]}}
        other = (await ask(client, tools=TOOLS, tool_choice=allowed))["choices"][0]["message"]
    assert [call["function"]["name"] for call in whole["tool_calls"]] == ["weather"]
    assert [call["function"] for call in streamed["tool_calls"]] == [whole["tool_calls"][0]["function"]]
    assert [call["function"]["name"] for call in other["tool_calls"]] == ["now"]


async def test_what_is_cut_within_a_call_says_length() -> None:
    async with in_process(says(CALLS)) as client:
        answer = (await ask(client, tools=TOOLS, max_tokens=60))["choices"][0]
        streamed, reason = put_together(await stream(client, tools=TOOLS, max_tokens=60))
    assert answer["finish_reason"] == reason == "length"
    arguments = answer["message"]["tool_calls"][0]["function"]["arguments"]
    assert streamed["tool_calls"][0]["function"]["arguments"] == arguments
    assert ARGUMENTS.startswith(arguments)


@pytest.mark.parametrize("num_tokens", [8, 20, 110])
async def test_the_beginning_of_a_forced_call_that_was_cut_is_no_content(num_tokens: int) -> None:
    fields = {"tools": TOOLS, "tool_choice": "required", "max_tokens": num_tokens}
    async with in_process(says(CALLS)) as client:
        answer = (await ask(client, **fields))["choices"][0]
        streamed, reason = put_together(await stream(client, **fields))
    assert answer["finish_reason"] == reason == "length"
    assert not answer["message"]["content"]
    assert streamed["content"] is None
    assert len(streamed.get("tool_calls", [])) == len(answer["message"].get("tool_calls", [])) == (num_tokens == 110)


async def test_functions_are_answered_with_a_function_call() -> None:
    functions = [tool["function"] for tool in TOOLS]
    async with in_process(says(CALLS)) as client:
        answer = (await ask(client, functions=functions))["choices"][0]
        chunks = await stream(client, functions=functions)
    assert answer["finish_reason"] == "function_call"
    assert answer["message"]["content"] is None
    assert answer["message"]["function_call"] == {"name": "weather", "arguments": ARGUMENTS}
    assert "tool_calls" not in answer["message"]
    deltas = [choice["delta"].get("function_call") for chunk in chunks for choice in chunk["choices"]]
    said = [delta for delta in deltas if delta]
    assert [delta["name"] for delta in said if "name" in delta] == ["weather"]
    assert "".join(delta["arguments"] for delta in said) == ARGUMENTS


async def test_every_token_of_a_call_and_a_thought_has_its_logprob() -> None:
    fields = {"tools": TOOLS, "logprobs": True}
    async with in_process(says(THOUGHT + CALLS)) as client:
        whole = await ask(client, **fields)
        chunks = await stream(client, **fields)
    entries = whole["choices"][0]["logprobs"]["content"]
    streamed = [
        entry
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["logprobs"]
        for entry in choice["logprobs"]["content"]
    ]
    assert len(entries) == whole["usage"]["completion_tokens"]
    assert streamed == entries
    assert put_together(chunks)[0]["tool_calls"][1]["function"] == {"name": "now", "arguments": "{}"}


@pytest.mark.parametrize("opens", [False, True])
async def test_thoughts_are_told_apart_and_their_tokens_counted(opens: bool) -> None:
    text = (THOUGHT.removeprefix("<think>\n") if opens else THOUGHT) + "Take an umbrella."
    async with in_process(says(text, opens_thought=opens)) as client:
        whole = await ask(client)
        chunks = await stream(client)
    message = whole["choices"][0]["message"]
    assert message["reasoning_content"] == "It rains,\n흠 🙂."
    assert message["content"] == "Take an umbrella."
    assert put_together(chunks) == (
        {"content": "Take an umbrella.", "reasoning_content": "It rains,\n흠 🙂."},
        "stop",
    )
    num_thought_bytes = len(text.encode()) - len("Take an umbrella.")
    for usage in (whole["usage"], chunks[-1]["usage"]):
        assert abs(usage["completion_tokens_details"]["reasoning_tokens"] - num_thought_bytes) <= 3


async def test_where_thoughts_go_is_the_callers_to_say() -> None:
    text = f"{THOUGHT}Yes."
    async with in_process(says(text)) as client:
        for raw in ({"reasoning_format": "none"}, {"separate_reasoning": False}):
            message = (await ask(client, **raw))["choices"][0]["message"]
            assert message == {"role": "assistant", "content": text, "refusal": None, "annotations": []}
            assert put_together(await stream(client, **raw)) == ({"content": text}, "stop")
        for hidden in ({"reasoning_format": "hidden"}, {"include_reasoning": False}):
            whole = await ask(client, **hidden)
            assert whole["choices"][0]["message"]["content"] == "Yes."
            assert "reasoning_content" not in whole["choices"][0]["message"]
            assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
            assert put_together(await stream(client, **hidden)) == ({"content": "Yes."}, "stop")


async def test_thoughts_stay_in_content_beside_calls_when_the_caller_says_so() -> None:
    async with in_process(says(THOUGHT + CALLS)) as client:
        message = (await ask(client, tools=TOOLS, reasoning_format="none"))["choices"][0]["message"]
    assert message["content"] == "<think>It rains,\n흠 🙂.</think>\n\n"
    assert len(message["tool_calls"]) == 2


async def test_a_thought_that_is_cut_is_a_thought() -> None:
    async with in_process(says("Hmm, <b>so", opens_thought=True)) as client:
        whole = (await ask(client, max_tokens=7))["choices"][0]
        streamed = put_together(await stream(client, max_tokens=7))
    assert (whole["message"]["content"], whole["message"]["reasoning_content"]) == ("", "Hmm, <b")
    assert streamed == ({"content": "", "reasoning_content": "Hmm, <b"}, "length")


class Step(BaseModel):
    explanation: str
    output: int


async def test_the_sdks_helpers_read_calls_and_parsed_answers() -> None:
    strict = {"name": "weather", "strict": True, "parameters": CITY | {"additionalProperties": False}}
    tools: Any = [{"type": "function", "function": strict}, NOW]
    asked: Any = {"model": "fake", "messages": USER}
    async with (
        served(make_app(says(CALLS))) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as client,
        client.chat.completions.stream(**asked, tools=tools) as events,
    ):
        done = [event async for event in events if event.type == "tool_calls.function.arguments.done"]
        final = (await events.get_final_completion()).choices[0].message
    assert [(event.name, event.index) for event in done] == [("weather", 0), ("now", 1)]
    assert [event.arguments for event in done] == [ARGUMENTS, "{}"]
    assert final.content is None
    assert final.tool_calls
    assert final.tool_calls[0].function.parsed_arguments == json.loads(ARGUMENTS)
    answer = '{"explanation": "둘", "output": 2}'
    async with served(make_app(says(answer))) as url, AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as client:
        parsed = await client.chat.completions.parse(**asked, response_format=Step)
    assert parsed.choices[0].message.parsed == Step(explanation="둘", output=2)
