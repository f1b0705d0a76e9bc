"""POST /v1/chat/completions: what comes back, streamed and not."""

from typing import Any

import pytest

from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.errors import GenerationFailed
from bdchat.engine.request import SamplingDefaults
from bdchat.settings import GenerationSettings, Settings
from tests.api.serving import USER, error_of, events_of, in_process, opened
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"


async def test_an_answer_has_every_key_that_strict_decoders_need() -> None:
    async with in_process() as client:
        response = await client.post(URL, json={"model": "fake", "messages": USER, "service_tier": "auto"})
    assert response.status_code == 200
    body = response.json()
    assert body["id"].startswith("chatcmpl-")
    assert (body["object"], body["model"], body["system_fingerprint"]) == ("chat.completion", "fake", "fp_fake")
    assert isinstance(body["created"], int)
    assert body["service_tier"] == "default"
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello world", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


async def test_cached_tokens_count_a_repeated_prefix_and_start_at_zero() -> None:
    async with in_process() as client:
        first = (await client.post(URL, json={"messages": USER})).json()["usage"]
        second = (await client.post(URL, json={"messages": USER})).json()["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert 0 < second["prompt_tokens_details"]["cached_tokens"] < second["prompt_tokens"]


async def test_a_stream_is_role_text_finish_done() -> None:
    async with in_process() as client:
        response = await client.post(URL, json={"messages": USER, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert "content-length" not in response.headers
    chunks = events_of(response.text)
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert all("usage" not in chunk for chunk in chunks)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert all({"index", "delta", "finish_reason"} <= set(choice) for choice in choices)
    assert choices[0]["delta"]["role"] == "assistant"
    assert all("role" not in choice["delta"] for choice in choices[1:])
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "Hello world"
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]


async def test_usage_is_one_last_chunk_and_only_when_asked() -> None:
    body = {"messages": USER, "stream": True, "stream_options": {"include_usage": True}}
    async with in_process(FakeEngine()) as client:
        chunks = events_of((await client.post(URL, json=body)).text)
    async with in_process(FakeEngine()) as client:
        whole = (await client.post(URL, json={"messages": USER})).json()
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == whole["usage"]


async def test_n_choices_share_one_prompt_and_choice_0_is_first() -> None:
    body = {"messages": USER, "n": 3, "stream": True, "stream_options": {"include_usage": True}}
    engine = FakeEngine()
    async with in_process(engine) as client:
        chunks = events_of((await client.post(URL, json=body)).text)
        whole = (await client.post(URL, json={"messages": USER, "n": 3})).json()
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [choice["index"] for choice in choices[:3]] == [0, 1, 2]
    texts = ["", "", ""]
    for choice in choices:
        texts[choice["index"]] += choice["delta"].get("content", "")
    assert texts == [choice["message"]["content"] for choice in whole["choices"]]
    assert len(set(texts)) == 3
    for index in range(3):
        finishes = [choice["finish_reason"] for choice in choices if choice["index"] == index]
        assert finishes == [None] * (len(finishes) - 1) + ["stop"]
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] == len("<user>hi")
    assert usage["completion_tokens"] == sum(len(text) for text in texts)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0


async def test_logprobs_have_one_entry_per_token_in_both_forms() -> None:
    body = {"messages": USER, "logprobs": True, "top_logprobs": 2}
    async with in_process(FakeEngine(pieces=("안", "!"))) as client:
        whole = (await client.post(URL, json=body)).json()["choices"][0]["logprobs"]["content"]
        chunks = events_of((await client.post(URL, json=body | {"stream": True})).text)
        bare = (await client.post(URL, json={"messages": USER, "logprobs": True})).json()
    streamed = [
        entry
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["logprobs"]
        for entry in choice["logprobs"]["content"]
    ]
    assert streamed == whole
    assert len(whole) == 4
    assert bytes(byte for entry in whole for byte in entry["bytes"]).decode() == "안!"
    assert all(len(entry["top_logprobs"]) == 2 for entry in whole)
    assert whole[0]["token"] == "\\xec"
    assert bare["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []


async def test_line_separators_do_not_break_a_line_parser() -> None:
    text = "a\u2028b\u2029c\u0085d\ne\r\nf 한국어 🙂"
    async with in_process(FakeEngine(pieces=(text,))) as client:
        body = (await client.post(URL, json={"messages": USER, "stream": True})).text
    frames = body.splitlines()  # Python's idea of a line, which HTTP clients use
    assert all(frame == "" or frame.startswith("data: ") for frame in frames)
    assert "".join(c["delta"].get("content", "") for e in events_of(body) for c in e["choices"]) == text


async def test_max_tokens_ends_with_length_under_both_names() -> None:
    async with in_process() as client:
        for name in ("max_tokens", "max_completion_tokens"):
            choice = (await client.post(URL, json={"messages": USER, name: 4})).json()["choices"][0]
            assert (choice["message"]["content"], choice["finish_reason"]) == ("Hell", "length")


async def test_what_the_engine_is_asked_is_what_the_client_said() -> None:
    engine = FakeEngine()
    body = {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "be"}, {"type": "text", "text": "brief"}]},
            {"role": "user", "content": "hi", "name": "ann"},
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "annotations": [],
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "42", "cache_control": {}}]},
        ],
        "temperature": 0,
        "top_p": 0.5,
        "seed": -7,
        "stop": "x",
        "logit_bias": {"5": -100},
        "repetition_penalty": 1.1,
        "min_p": 0.1,
        "top_k": 7,
        "cache_prompt": False,
        "chat_template_kwargs": {"enable_thinking": False, "reasoning_effort": "low"},
        "reasoning_effort": "high",
        "verbosity": "low",
        "user": "u1",
    }
    async with in_process(engine) as client:
        assert (await client.post(URL, json=body)).status_code == 200
    asked = engine.requests[0]
    roles = [message.role for message in asked.prompt.messages]  # type: ignore[union-attr]
    contents = [message.content for message in asked.prompt.messages]  # type: ignore[union-attr]
    assert roles == ["system", "user", "assistant", "tool"]
    assert contents == ["be\nbrief", "hi", "", "42"]
    assert asked.prompt.messages[2].tool_calls[0].name == "f"  # type: ignore[union-attr]
    assert asked.prompt.messages[3].tool_call_id == "c1"  # type: ignore[union-attr]
    words = asked.prompt.template_kwargs  # type: ignore[union-attr]
    assert words == {"enable_thinking": False, "reasoning_effort": "low", "verbosity": "low"}
    sampling = asked.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p) == (0, 0.5, 7, 0.1)
    assert sampling.seed == 2**63 - 7
    assert (sampling.stop, sampling.logit_bias, sampling.repeat_penalty) == (("x",), {5: -100.0}, 1.1)
    assert sampling.max_tokens is None
    assert (asked.cache_prompt, asked.user) == (False, "guest/u1")


@pytest.mark.parametrize(
    ("source", "fields", "temperature"),
    [("openai", {}, 1.0), ("model", {}, 0.6), ("openai", {"sampling_defaults": "model"}, 0.6)],
)
@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (URL, {"messages": USER}),
        (URL, {"messages": USER, "store": True}),
        ("/v1/completions", {"prompt": "hi"}),
    ],
)
async def test_v1_has_openais_defaults_or_the_models_as_the_setting_and_the_request_say(
    source: Any, fields: dict[str, str], temperature: float, url: str, asked: dict[str, Any]
) -> None:
    engine = FakeEngine(sampling_defaults=SamplingDefaults(temperature=0.6))
    settings = Settings(generations=GenerationSettings(sampling_defaults=source))
    async with in_process(engine, settings=settings) as client:
        await opened(client)
        assert (await client.post(url, json=asked | fields)).status_code == 200
    assert engine.requests[0].sampling.temperature == temperature


async def test_explicit_nulls_and_unknown_fields_change_nothing() -> None:
    engine = FakeEngine()
    names = {*ChatCompletionRequest.model_fields, "prediction", "metadata"} - {"messages"}
    ignored = {
        "reasoning_effort": "high",
        "verbosity": "low",
        "store": False,
        "metadata": {"a": [1]},
        "zzz": {"b": None},
    }
    async with in_process(engine) as client:
        assert (await client.post(URL, json={"messages": USER})).status_code == 200
        assert (await client.post(URL, json={"messages": USER} | dict.fromkeys(names))).status_code == 200
        assert (await client.post(URL, json={"messages": USER} | ignored)).status_code == 200
    asked = {(request.sampling.temperature, request.sampling.stop, request.num_choices) for request in engine.requests}
    assert len(asked) == 1


async def test_what_is_not_honoured_is_refused_by_name() -> None:
    async with in_process() as client:
        error = error_of(await client.post(URL, json={"messages": USER, "ebnf": 'root ::= "a"'}), 400)
    assert (error["param"], error["code"]) == ("ebnf", "unsupported_parameter")


async def test_an_error_after_the_first_byte_is_an_event_and_then_done() -> None:
    engine = FakeEngine(failure=GenerationFailed("no"))
    async with in_process(engine) as client:
        response = await client.post(URL, json={"messages": USER, "stream": True})
        whole = await client.post(URL, json={"messages": USER})
    assert response.status_code == 200
    events = events_of(response.text)
    assert events[-1]["error"]["code"] == "generation_failed"
    assert set(events[-1]["error"]) == {"message", "type", "param", "code"}
    assert error_of(whole, 500)["code"] == "generation_failed"


async def test_a_stream_tells_where_its_request_is_only_when_asked() -> None:
    asks = {"stream_options": {"include_progress": True, "include_usage": True}}
    async with in_process() as client:
        body = {"messages": USER, "stream": True}
        told = events_of((await client.post(URL, json=body | asks)).text)
        plain = events_of((await client.post(URL, json=body)).text)
        whole = (await client.post(URL, json=body | asks | {"stream": False})).json()
    progress = [chunk["bdchat"]["progress"] for chunk in told[:2]]
    assert [(each["queue_position"], each["num_computed_tokens"]) for each in progress] == [(1, 0), (None, 8)]
    assert [chunk["choices"] for chunk in told[:2]] == [[], []]
    assert [chunk["usage"] for chunk in told[:-1]] == [None] * (len(told) - 1)
    assert [chunk["choices"][0]["delta"] for chunk in told[2:-1]] == [chunk["choices"][0]["delta"] for chunk in plain]
    assert whole["choices"][0]["message"]["content"] == "Hello world"


@pytest.mark.parametrize(("url", "body"), [(URL, {"messages": USER}), ("/v1/completions", {"prompt": "a"})])
async def test_speeds_come_with_an_answer_when_asked(url: str, body: dict[str, Any]) -> None:
    asks, usage = {"timings_per_token": True}, {"stream_options": {"include_usage": True}}
    async with in_process() as client:
        whole = (await client.post(url, json=body | asks)).json()
        alone = events_of((await client.post(url, json=body | asks | {"stream": True})).text)
        both = events_of((await client.post(url, json=body | asks | usage | {"stream": True})).text)
        plain = (await client.post(url, json=body)).json()
    assert (whole["timings"]["predicted_n"], whole["timings"]["predicted_ms"]) == (11, 3.0)
    assert alone[-1]["timings"].keys() == whole["timings"].keys()
    assert (alone[-1]["choices"], "usage" in alone[-1]) == ([], False)
    assert (both[-1]["timings"]["predicted_n"], both[-1]["usage"]["completion_tokens"]) == (11, 11)
    assert "timings" not in plain
