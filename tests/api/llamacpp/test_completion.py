"""POST /completion and /infill: what llama.cpp's editors send and read."""

import json
from typing import Any

import pytest

from bdchat.engine.request import FimPrompt, OtherFile, TextPrompt, TokenPrompt
from tests.api.serving import error_of, in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
COMPLETION, INFILL = "/completion", "/infill"


def frames_of(text: str) -> list[dict[str, Any]]:
    frames = text.split("\n\n")
    assert frames.pop() == ""
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


async def test_a_text_goes_on_in_llama_cpps_shape() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        answer = (await client.post(COMPLETION, json={"prompt": "abc", "n_predict": 5})).json()
        (await client.post("/v1/completion", json={"prompt": [97, 98], "n_predict": -1})).raise_for_status()
    assert [request.prompt for request in engine.requests] == [TextPrompt(text="abc"), TokenPrompt(tokens=(97, 98))]
    assert [request.sampling.max_tokens for request in engine.requests] == [5, None]
    assert engine.requests[0].sampling.top_k == engine.sampling_defaults.top_k
    assert (answer["content"], answer["stop"], answer["stop_type"]) == ("Hello", True, "limit")
    assert (answer["tokens_predicted"], answer["tokens_evaluated"], answer["model"]) == (5, 3, "fake")
    assert answer["timings"] == {
        "cache_n": 0,
        "prompt_n": 3,
        "prompt_ms": 2.0,
        "prompt_per_token_ms": 0.667,
        "prompt_per_second": 1500.0,
        "predicted_n": 5,
        "predicted_ms": 3.0,
        "predicted_per_token_ms": 0.6,
        "predicted_per_second": 1666.667,
    }
    assert (answer["bdchat"]["timings"]["queue_ms"], answer["bdchat"]["timings"]["swapped_ms"]) == (1.0, 0.0)


async def test_a_stream_ends_with_stop_and_has_no_done() -> None:
    """Clients decode every line as JSON, and [DONE] as a list."""
    async with in_process() as client:
        frames = frames_of((await client.post(COMPLETION, json={"prompt": "abc", "stream": True})).text)
    assert "".join(frame["content"] for frame in frames) == "Hello world"
    assert [frame["stop"] for frame in frames] == [False, False, False, True]
    assert (frames[-1]["stop_type"], frames[-1]["tokens_predicted"]) == ("eos", 11)


async def test_what_an_editor_sends_with_every_letter_fills_a_gap() -> None:
    engine = FakeEngine()
    body = {
        "input_prefix": "import os\n",
        "input_suffix": "\nprint(x)\n",
        "input_extra": [{"filename": "a.py", "text": "A", "time": 3}, {"text": "B"}],
        "prompt": "x = ",
        "n_predict": 8,
        "n_indent": 4,
        "top_k": 40,
        "samplers": ["top_k", "top_p", "infill"],
        "cache_prompt": True,
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": 1000,
        "stream": False,
        "response_fields": ["content", "timings/prompt_n", "truncated", "no/such"],
    }
    async with in_process(engine) as client:
        answer = (await client.post(INFILL, json=body)).json()
    assert engine.requests[0].prompt == FimPrompt(
        prefix="import os\nx = ",
        suffix="\nprint(x)\n",
        suffix_field="input_suffix",
        other_files=(OtherFile(name="a.py", text="A"), OtherFile(name="", text="B")),
        num_answer_tokens=8,
    )
    num_read = len("<file>a.py\nA<file>\nB<prefix>import os\nx = <suffix>\nprint(x)\n<middle>")
    assert answer == {"content": "Hello wo", "truncated": False, "prompt_n": num_read}


@pytest.mark.parametrize(
    ("url", "body", "param"),
    [
        (COMPLETION, {"prompt": ["a", "b"]}, "prompt"),
        (COMPLETION, {}, "prompt"),
        (COMPLETION, {"prompt": "a", "n": 2}, "n"),
        (COMPLETION, {"prompt": "a", "input_prefix": "b"}, "input_prefix"),
        (COMPLETION, {"prompt": "a", "n_probs": 3}, "n_probs"),
        (INFILL, {"input_prefix": 5}, "input_prefix"),
        (INFILL, {"input_extra": [{"text": "a"}] * 257}, "input_extra"),
        (INFILL, {"input_extra": [{"filename": "a"}]}, "input_extra[0].text"),
        (INFILL, {"prompt": [1]}, "prompt"),
    ],
)
async def test_a_bad_field_is_named(url: str, body: dict[str, object], param: str) -> None:
    async with in_process() as client:
        assert error_of(await client.post(url, json=body), 400)["param"] == param
