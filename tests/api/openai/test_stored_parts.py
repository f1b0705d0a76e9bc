"""Thoughts and calls of stored answers: in streams read from anywhere, in documents, after a purge, and in chats."""

from typing import Any

import httpx
import pytest

from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import ChatPrompt
from bdchat.store.chats import purges
from tests.api import talking as chats
from tests.api.openai.test_chat_parts import ARGUMENTS, CALLS, THOUGHT, TOOLS, pieces, put_together
from tests.api.openai.test_stored_completions import frames_of
from tests.api.serving import app_of, over_http, signed_in
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
HI = [{"role": "user", "content": "Hi"}]
PLAIN_FORMAT, OTHER_FORMAT = AnswerFormat(), AnswerFormat(thought_opening="[THINK]", thought_closing="[/THINK]")


def says(text: str, **more: Any) -> FakeEngine:
    return FakeEngine(pieces=pieces(text), **more)


async def ask(client: httpx.AsyncClient, headers: dict[str, str], **fields: Any) -> httpx.Response:
    response = await client.post(URL, json={"messages": HI, "store": True, **fields}, headers=headers)
    assert response.status_code == 200, response.text
    return response


def parts_of(message: dict[str, Any]) -> tuple[Any, Any, list[dict[str, str]]]:
    """(content, thought, calls without their ids)"""
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return message["content"], message.get("reasoning_content"), calls


def asked_with_tools(engine: FakeEngine) -> ChatPrompt:
    """The last one; a chat's title is asked for without."""
    prompts = [request.prompt for request in engine.requests]
    return [prompt for prompt in prompts if isinstance(prompt, ChatPrompt) and prompt.tools][-1]


async def purged(client: httpx.AsyncClient) -> None:
    database = app_of(client).database
    await until(lambda: not app_of(client).durable.running())
    assert await purges.purge_logs(database, finished_before_ms=2**60) == 1


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("answer_format", [PLAIN_FORMAT, OTHER_FORMAT])
async def test_a_stored_answer_is_told_alike_by_stream_document_and_list_and_after_its_log_is_gone(
    opens: bool, answer_format: AnswerFormat
) -> None:
    opening, closing = answer_format.thought_opening, answer_format.thought_closing
    text = f"{'' if opens else opening}It rains.{closing}\n\nLet me see.\n{CALLS}"
    expected = (
        "Let me see.",
        "It rains.",
        [{"name": "weather", "arguments": ARGUMENTS}, {"name": "now", "arguments": "{}"}],
    )
    engine = says(text, opens_thought=opens, answer_format=answer_format)
    async with over_http(engine) as client:
        headers = await signed_in(client)
        answer = await ask(client, headers, tools=TOOLS, stream=True, stream_options={"include_usage": True})
        frames = frames_of(answer.text)
        message, reason = put_together([document for _, document in frames])
        assert (parts_of(message), reason) == (expected, "tool_calls")
        num_thoughts = frames[-1][1]["usage"]["completion_tokens_details"]["reasoning_tokens"]
        assert 0 < num_thoughts < len(text.encode()) - len(CALLS.encode())
        one = f"{URL}/{answer.headers['x-bdchat-generation-id']}"
        for is_purged in (False, True):
            if is_purged:
                await purged(client)
            shown = (await client.get(one, headers=headers)).json()
            (listed,) = (await client.get(URL, headers=headers)).json()["data"]
            for document in (shown, listed):
                choice = document["choices"][0]
                assert (parts_of(choice["message"]), choice["finish_reason"]) == (expected, "tool_calls")
            ids = [call["id"] for call in shown["choices"][0]["message"]["tool_calls"]]
            assert ids == [call["id"] for call in message["tool_calls"]]
            assert shown["usage"]["completion_tokens_details"]["reasoning_tokens"] == num_thoughts


async def test_a_reader_that_comes_back_anywhere_gets_the_rest_and_nothing_twice() -> None:
    async with over_http(says(THOUGHT + "Well.\n" + CALLS)) as client:
        headers = await signed_in(client)
        answer = await ask(client, headers, tools=TOOLS, stream=True)
        frames = frames_of(answer.text)
        whole, reason = put_together([document for _, document in frames])
        one = f"{URL}/{answer.headers['x-bdchat-generation-id']}/events"
        numbers = sorted({number for number, _ in frames if number is not None})
        for seen in numbers[:-1:12]:
            rest = await client.get(one, headers=headers | {"last-event-id": str(seen)})
            before = [document for number, document in frames if number is not None and number <= seen]
            after = [document for _, document in frames_of(rest.text)]
            assert put_together(before + after) == (whole, reason), seen
        await purged(client)
        (_, reset), *_ = frames_of((await client.get(one, headers=headers | {"last-event-id": "3"})).text)
        assert (reset["object"], reset["text"]) == ("chat.completion.reset", "Well.")
        assert reset["reasoning_content"] == whole["reasoning_content"]
        assert reset["tool_calls"] == whole["tool_calls"]


async def test_what_a_request_wanted_of_thoughts_is_kept_with_its_answer() -> None:
    text = f"{THOUGHT}Yes."
    async with over_http(says(text)) as client:
        headers = await signed_in(client)
        for fields, content in (({"reasoning_format": "none"}, text), ({"include_reasoning": False}, "Yes.")):
            answer = await ask(client, headers, **fields)
            one = f"{URL}/{answer.json()['id']}"
            for document in (answer.json(), (await client.get(one, headers=headers)).json()):
                assert parts_of(document["choices"][0]["message"]) == (content, None, [])


@pytest.mark.parametrize("prefix", ["", "<think>Hm.</think>\n\n"])
async def test_a_long_answer_is_whole_with_its_thought_apart(prefix: str) -> None:
    text = "긴 답 " * 3000
    async with over_http(FakeEngine(pieces=(prefix, text), n_ctx=65_536)) as client:
        headers = await signed_in(client)
        answer = (await ask(client, headers)).json()
        shown = (await client.get(f"{URL}/{answer['id']}", headers=headers)).json()
    for document in (answer, shown):
        assert parts_of(document["choices"][0]["message"]) == (text, "Hm." if prefix else None, [])


async def test_in_a_chat_calls_and_results_reach_the_prompt_and_are_written_once() -> None:
    engine = says(f"{THOUGHT}{CALLS}")
    async with over_http(engine) as client:
        headers = await signed_in(client)
        metadata = {"session_id": await chats.begin(client, headers)}
        fields = {"metadata": metadata, "tools": TOOLS}
        first = (await ask(client, headers, **fields)).json()["choices"][0]["message"]
        engine.pieces = ("It is noon.",)
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": said}
            for call, said in zip(first["tool_calls"], ("rain", "12:00"), strict=True)
        ]
        history = [*HI, first, *results]
        second = (await ask(client, headers, **fields, messages=history)).json()["choices"][0]["message"]
        assert second["content"] == "It is noon."
        prompt = asked_with_tools(engine)
        assert [message.role for message in prompt.messages] == ["user", "assistant", "tool", "tool"]
        calls = prompt.messages[1].tool_calls
        assert [(call.name, call.arguments) for call in calls] == [("weather", ARGUMENTS), ("now", "{}")]
        assert [message.tool_call_id for message in prompt.messages[2:]] == [call.tool_call_id for call in calls]
        more = [*history, second, {"role": "user", "content": "Thanks"}]
        await ask(client, headers, **fields, messages=more)
        again = asked_with_tools(engine)
        assert again.messages[:4] == prompt.messages
        assert [message.content for message in again.messages[4:]] == ["It is noon.", "Thanks"]


async def test_a_call_that_a_client_brings_into_a_chat_reaches_the_prompt() -> None:
    engine = says("Fine.")
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
    async with over_http(engine) as client:
        headers = await signed_in(client)
        metadata = {"session_id": await chats.begin(client, headers)}
        brought = [*HI, {"role": "assistant", "content": None, "tool_calls": [call]}]
        brought += [{"role": "tool", "tool_call_id": "c1", "content": "rain"}]
        await ask(client, headers, messages=brought, metadata=metadata, tools=TOOLS)
        prompt = asked_with_tools(engine)
        assert [(made.name, made.arguments) for made in prompt.messages[1].tool_calls] == [("weather", ARGUMENTS)]
        assert (prompt.messages[1].content, prompt.messages[2].content) == ("", "rain")
