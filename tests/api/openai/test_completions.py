"""POST /v1/completions: raw prompts, lists, echo, the legacy logprobs."""

import pytest

from bdchat.api.openai.completion_chunks import BestCompletionCollector, CompletionCollector, CompletionHead
from bdchat.engine.request import Accepted, Delta, FimPrompt, PromptLogprobs, TextPrompt, TokenLogprob
from tests.api.serving import error_of, events_of, in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/completions"
TOKEN_B = TokenLogprob(token_id=98, token_bytes=b"b", logprob=-1.0)


async def test_sixteen_tokens_unless_told() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = (await client.post(URL, json={"prompt": "a"})).json()
    assert engine.requests[0].sampling.max_tokens == 16
    assert body["object"] == "text_completion"
    assert body["id"].startswith("cmpl-")
    assert body["choices"] == [{"index": 0, "text": "Hello world", "logprobs": None, "finish_reason": "stop"}]


@pytest.mark.parametrize(
    ("prompt", "num_prompts", "num_tokens"),
    [("abc", 1, 3), (["a", "bc"], 2, 3), ([97, 98], 1, 2), ([[97], [98, 99]], 2, 3)],
)
async def test_prompts_of_every_form(prompt: object, num_prompts: int, num_tokens: int) -> None:
    async with in_process() as client:
        body = (await client.post(URL, json={"prompt": prompt, "n": 2})).json()
    assert [choice["index"] for choice in body["choices"]] == list(range(2 * num_prompts))
    assert body["usage"]["prompt_tokens"] == num_tokens
    assert body["usage"]["completion_tokens"] == sum(len(choice["text"]) for choice in body["choices"])


async def test_of_several_the_likeliest_a_token_are_returned_and_all_are_counted() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = (await client.post(URL, json={"prompt": ["a", "b"], "best_of": 3, "n": 2, "max_tokens": 2})).json()
    assert [request.num_choices for request in engine.requests] == [3, 3]
    assert [request.sampling.num_top_logprobs for request in engine.requests] == [0, 0]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2, 3]
    assert {choice["logprobs"] for choice in body["choices"]} == {None}
    assert body["usage"]["completion_tokens"] == 2 * 3 * 2


def test_the_best_stand_first() -> None:
    head = CompletionHead("cmpl-1", 0, "m", None, num_choices=3, num_prompts=2, echo=False, has_logprobs=False)
    collector = BestCompletionCollector(head, 2)
    for position, logprobs in enumerate([((-3.0,), (-1.0, -1.5), (-2.0,)), ((-1.0,), (-9.0,), (-0.5,))]):
        collector.add(position, [Accepted(request_id="r", prompt_tokens=(1,), seed=0)])
        for index, each in enumerate(logprobs):
            tokens = tuple(TokenLogprob(token_id=98, token_bytes=b"b", logprob=logprob) for logprob in each)
            text = f"{position}{index}"
            collector.add(position, [Delta(request_id="r", index=index, text=text, tokens=(98,), logprobs=tokens)])
    choices = collector.document()["choices"]
    assert [(choice["index"], choice["text"]) for choice in choices] == [(0, "01"), (1, "02"), (2, "12"), (3, "10")]


async def test_a_list_longer_than_the_width_is_answered_in_order() -> None:
    prompts = [f"prompt {number}" for number in range(40)]
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = (await client.post(URL, json={"prompt": prompts, "echo": True, "max_tokens": 1})).json()
    assert [choice["text"] for choice in body["choices"]] == [prompt + "H" for prompt in prompts]


async def test_a_stream_has_the_same_texts_as_the_whole() -> None:
    body = {"prompt": ["a", "b"], "n": 2, "stream": True, "stream_options": {"include_usage": True}}
    async with in_process() as client:
        chunks = events_of((await client.post(URL, json=body)).text)
        whole = (await client.post(URL, json=body | {"stream": False})).json()
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    texts = ["", "", "", ""]
    for chunk in chunks[:-1]:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == [choice["text"] for choice in whole["choices"]]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == whole["usage"]["total_tokens"]


async def test_a_prompt_is_scored_with_echo_and_no_new_token() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = {"prompt": "héy", "echo": True, "logprobs": 1, "max_tokens": 0}
        choice = (await client.post(URL, json=body)).json()["choices"][0]
    logprobs = choice["logprobs"]
    assert (choice["text"], choice["finish_reason"]) == ("héy", "length")
    assert logprobs["tokens"] == ["h", "bytes:\\xc3", "bytes:\\xa9", "y"]
    assert logprobs["token_logprobs"] == [None, -0.5, -0.5, -0.5]
    assert logprobs["top_logprobs"][0] is None
    assert logprobs["top_logprobs"][3] == {"y": -0.5}
    assert logprobs["text_offset"] == [0, 1, 1, 2]
    assert engine.requests[0].num_prompt_logprobs == 1


async def test_offsets_go_on_from_the_prompt() -> None:
    async with in_process() as client:
        plain = (await client.post(URL, json={"prompt": "abc", "logprobs": 0, "max_tokens": 2})).json()
        echoed = (await client.post(URL, json={"prompt": "abc", "logprobs": 0, "max_tokens": 2, "echo": True})).json()
    assert plain["choices"][0]["logprobs"]["text_offset"] == [3, 4]
    assert echoed["choices"][0]["logprobs"]["text_offset"] == [0, 1, 2, 3, 4]
    assert plain["choices"][0]["logprobs"]["top_logprobs"] == [{"H": -0.5}, {"e": -0.5}]


async def test_offsets_go_on_from_a_prompt_of_tokens_too() -> None:
    async with in_process() as client:
        plain = (await client.post(URL, json={"prompt": [97, 98, 99], "logprobs": 0, "max_tokens": 2})).json()
    assert plain["choices"][0]["text"] == "He"
    assert plain["choices"][0]["logprobs"]["text_offset"] == [3, 4]


@pytest.mark.parametrize("streams", [False, True])
async def test_a_bad_prompt_anywhere_in_a_list_is_refused_before_the_first_byte(streams: bool) -> None:
    engine = FakeEngine(n_ctx=64)
    async with in_process(engine) as client:
        for bad in ("x" * 64, ""):
            prompts = [*["a"] * 20, bad, "a"]
            response = await client.post(URL, json={"prompt": prompts, "stream": streams, "max_tokens": 1})
            assert error_of(response, 400)["param"] == "prompt"
    assert engine.requests == []


async def test_the_field_of_a_prompt_that_is_too_long_is_prompt() -> None:
    async with in_process(FakeEngine(n_ctx=8)) as client:
        for prompt in ("x" * 8, [1] * 8, ["a", "x" * 9]):
            error = error_of(await client.post(URL, json={"prompt": prompt}), 400)
            assert (error["param"], error["code"]) == ("prompt", "context_length_exceeded")


def test_a_choice_that_found_the_prompt_in_the_cache_waits_for_its_scores() -> None:
    """With n and echo it answered before the first choice had scored the prompt: its entries stood in front."""
    head = CompletionHead("cmpl", 0, "m", None, num_choices=2, num_prompts=1, echo=True, has_logprobs=True)
    scores = PromptLogprobs(request_id="r", tokens=(TokenLogprob(token_id=97, token_bytes=b"a", logprob=None),))
    answers = [Delta(request_id="r", index=index, text="b", tokens=(98,), logprobs=(TOKEN_B,)) for index in (1, 0)]
    collector = CompletionCollector(head)
    accepted = Accepted(request_id="r", prompt_tokens=(97,), seed=1, prompt_text="a")
    collector.add(0, [accepted, answers[0]])
    collector.add(0, [scores, answers[1]])
    for choice in collector.document()["choices"]:
        assert choice["text"] == "ab"
        assert choice["logprobs"]["tokens"] == ["a", "b"]
        assert choice["logprobs"]["text_offset"] == [0, 1]


async def test_millions_of_tokens_need_no_trip_to_the_engine() -> None:
    engine = FakeEngine(n_ctx=64)
    async with in_process(engine) as client:
        error = error_of(await client.post(URL, json={"prompt": [1] * 100_000}), 400)
    assert error["code"] == "context_length_exceeded"
    assert engine.requests == []


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"prompt": "a", "best_of": 9}, "best_of", "invalid_value"),
        ({"prompt": "a", "best_of": 2, "n": 3}, "best_of", "invalid_value"),
        ({"prompt": "a", "best_of": 2, "stream": True}, "best_of", "invalid_value"),
        ({"prompt": "a", "logprobs": 21}, "logprobs", "invalid_value"),
        ({"prompt": []}, "prompt", "invalid_value"),
        ({"prompt": ["a", 1]}, "prompt[1]", "invalid_value"),
        ({"prompt": [1, "a"]}, "prompt[1]", "invalid_value"),
        ({"prompt": [[1], [-1]]}, "prompt[1][0]", "invalid_value"),
        ({"prompt": ["a"] * 257}, "prompt", "invalid_value"),
        ({}, "prompt", "invalid_value"),
        ({"prompt": None}, "prompt", "invalid_value"),
    ],
)
async def test_a_bad_field_is_named(body: dict[str, object], param: str, code: str) -> None:
    async with in_process() as client:
        error = error_of(await client.post(URL, json=body), 400)
    assert (error["param"], error["code"]) == (param, code)


async def test_a_gap_is_filled_between_prompt_and_suffix() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        body = {"prompt": ["a", "b"], "suffix": "z", "max_tokens": 3}
        answer = (await client.post(URL, json=body)).json()
    prompts = [request.prompt for request in engine.requests]
    assert prompts == [FimPrompt(prefix=prefix, suffix="z", num_answer_tokens=3) for prefix in "ab"]
    assert [choice["text"] for choice in answer["choices"]] == ["Hel", "Hel"]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": [97]}, "prompt", "invalid_value"),
        ({"prompt": "a", "echo": True}, "echo", "unsupported_parameter"),
        ({"prompt": "a", "suffix": 5}, "suffix", "invalid_value"),
        ({"prompt": ["a"] * 256, "suffix": "z" * 40_000}, "suffix", "invalid_value"),
    ],
)
async def test_what_does_not_go_with_a_suffix_is_named(fields: dict[str, object], param: str, code: str) -> None:
    async with in_process() as client:
        error = error_of(await client.post(URL, json={"suffix": "z", **fields}), 400)
    assert (error["param"], error["code"]) == (param, code)


async def test_a_prompt_may_leave_out_what_it_begins_with() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        await client.post(URL, json={"prompt": "a", "suffix": "", "add_special_tokens": False})
    assert engine.requests[0].prompt == TextPrompt(text="a", adds_special=False)


@pytest.mark.parametrize("fields", [{"stream_options": {"include_progress": True}}, {"return_progress": True}])
async def test_a_stream_tells_how_far_its_prompts_are_when_asked(fields: dict[str, object]) -> None:
    async with in_process() as client:
        body = {"prompt": ["ab", "c"], "stream": True}
        told = events_of((await client.post(URL, json=body | fields)).text)
        plain = events_of((await client.post(URL, json=body)).text)
    progress = [chunk["bdchat"]["progress"] for chunk in told if not chunk["choices"]]
    assert [(each["prompt"], each["queue_position"], each["num_computed_tokens"]) for each in progress] == [
        (0, 1, 0),
        (0, None, 2),
        (1, 1, 0),
        (1, None, 1),
    ]
    assert len(told) == len(plain) + 4
    assert not any("bdchat" in chunk for chunk in plain)
