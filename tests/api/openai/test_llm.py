"""/api/llm: the seed's paths, answered by the handlers of /v1."""

from typing import Any

import pytest

from bdchat.engine.request import ChatPrompt
from tests.api.serving import error_of, events_of, in_process, opened
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
PATH = "/api/llm/generate"


@pytest.mark.parametrize("name", ["prompt", "message"])
async def test_a_prompt_is_a_users_turn(name: str) -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = {name: "안녕", "system_prompt": "짧게", "temperature": 0, "max_tokens": 5, "stop": "x"}
        answer = (await client.post(f"{PATH}/", json=body)).json()
    assert (answer["object"], answer["choices"][0]["message"]["content"]) == ("chat.completion", "Hello")
    prompt = engine.requests[0].prompt
    assert isinstance(prompt, ChatPrompt)
    assert [(message.role, message.content) for message in prompt.messages] == [("system", "짧게"), ("user", "안녕")]
    sampling = engine.requests[0].sampling
    assert (sampling.temperature, sampling.max_tokens, sampling.stop) == (0, 5, ("x",))


async def test_the_body_of_v1_is_taken_too_and_streams() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    async with in_process() as client:
        texts = [
            "".join(event["choices"][0]["delta"].get("content", "") for event in events_of(answer.text))
            for answer in [await client.post(path, json=body) for path in (PATH, "/v1/chat/completions")]
        ]
    assert texts == ["Hello world"] * 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "a", "message": "b"}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"message": 5}, "message"),
        ({"prompt": "a", "temperature": 3}, "temperature"),
        ({"prompt": "a", "session_id": "s", "n": 2}, "n"),
        ({"prompt": "a", "session_id": "s", "metadata": {"parent_id": "p"}}, "metadata"),
        ({"prompt": "a", "session_id": ""}, "session_id"),
        ({"messages": []}, "messages"),
    ],
)
async def test_a_bad_request_is_told_its_field(body: dict[str, Any], param: str) -> None:
    async with in_process() as client:
        assert error_of(await client.post(PATH, json=body), 400)["param"] == param


async def test_models_are_those_of_v1() -> None:
    async with in_process(FakeEngine("a"), FakeEngine("b")) as client:
        listed = [(await client.get(path)).json() for path in ("/api/llm/models", "/api/llm/models/", "/v1/models")]
    assert listed[0] == listed[1] == listed[2]
    assert [model["id"] for model in listed[0]["data"]] == ["a", "b"]


async def test_strangers_from_afar_need_a_key() -> None:
    async with in_process(address="192.0.2.7") as client:
        await opened(client)
        error_of(await client.post(PATH, json={"prompt": "hi"}), 401)
        error_of(await client.get("/api/llm/models"), 401)
