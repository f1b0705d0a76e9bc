"""POST /v1/fim/completions: Mistral's shape, as editors read it."""

import pytest

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import FimPrompt
from tests.api.serving import error_of, events_of, in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/fim/completions"


async def test_a_gap_is_filled_in_mistrals_shape() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = {"model": "fake", "prompt": "def f(", "suffix": "return a", "max_tokens": 5, "random_seed": 7}
        answer = (await client.post(URL, json=body)).json()
    asked = engine.requests[0]
    assert asked.prompt == FimPrompt(prefix="def f(", suffix="return a", num_answer_tokens=5)
    assert asked.sampling.seed == 7
    assert answer["object"] == "chat.completion"
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello", "tool_calls": None},
            "finish_reason": "length",
        }
    ]
    assert answer["usage"]["completion_tokens"] == 5


async def test_an_editor_joins_the_contents_of_all_chunks() -> None:
    """Continue reads choices[0].delta.content of each, the last one included."""
    async with in_process() as client:
        response = await client.post("/fim/completions", json={"prompt": "a", "suffix": "", "stream": True})
    chunks = events_of(response.text)
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "Hello world"
    assert [chunk["choices"][0]["delta"].get("role") for chunk in chunks] == ["assistant", None, None, None]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert not any("usage" in chunk for chunk in chunks)


async def test_usage_comes_in_the_last_chunk_when_it_is_asked_for() -> None:
    body = {"prompt": "a", "suffix": "z", "stream": True, "stream_options": {"include_usage": True}}
    async with in_process() as client:
        chunks = events_of((await client.post(URL, json=body)).text)
    assert [chunk.get("usage", {}).get("completion_tokens") for chunk in chunks] == [None, None, None, 11]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": None}, "prompt", "invalid_value"),
        ({"prompt": ["a"]}, "prompt", "invalid_value"),
        ({"n": 2}, "n", "unsupported_parameter"),
        ({"seed": 1, "random_seed": 2}, "random_seed", "invalid_value"),
        ({"min_tokens": 3}, "min_tokens", "unsupported_parameter"),
    ],
)
async def test_a_bad_field_is_named(fields: dict[str, object], param: str, code: str) -> None:
    async with in_process() as client:
        error = error_of(await client.post(URL, json={"prompt": "a", "suffix": "z"} | fields), 400)
    assert (error["param"], error["code"]) == (param, code)


async def test_a_model_without_tokens_for_gaps_says_so() -> None:
    refusal = InvalidRequest("suffix", "is not supported by this model", code="unsupported_parameter")
    async with in_process(FakeEngine(refusal=refusal)) as client:
        for stream in (False, True):
            error = error_of(await client.post(URL, json={"prompt": "a", "suffix": "z", "stream": stream}), 400)
            assert (error["param"], error["code"]) == ("suffix", "unsupported_parameter")
