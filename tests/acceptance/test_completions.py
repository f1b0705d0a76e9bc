"""POST /v1/completions: raw text, no chat template."""

import pytest

from tests.acceptance.caller import SAME, Caller

pytestmark = [pytest.mark.anyio, pytest.mark.gguf]
PROMPT = "The capital of France is"


async def test_the_prompt_is_taken_raw(caller: Caller) -> None:
    answer = await caller.complete(PROMPT)
    assert answer["usage"]["prompt_tokens"] == 5
    [choice] = answer["choices"]
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "length", None)
    assert choice["text"]


async def test_sixteen_tokens_unless_told(caller: Caller) -> None:
    body = {"prompt": PROMPT, "temperature": 0}
    answer = await caller.post("/v1/completions", body)
    assert answer["usage"]["completion_tokens"] == 16


async def test_a_stream_says_what_the_whole_says(caller: Caller) -> None:
    whole = await caller.complete(PROMPT, **SAME)
    chunks = await caller.complete_stream(PROMPT, stream_options={"include_usage": True}, **SAME)
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == whole["choices"][0]["text"]
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    assert (reasons[-1], set(reasons[:-1])) == ("length", {None})
    assert chunks[-1]["usage"]["total_tokens"] == whole["usage"]["total_tokens"]


async def test_a_list_of_prompts_is_answered_in_order_and_counted_together(caller: Caller) -> None:
    alone = [await caller.complete(prompt, **SAME) for prompt in (PROMPT, "One two three")]
    both = await caller.complete([PROMPT, "One two three"], **SAME)
    assert [choice["index"] for choice in both["choices"]] == [0, 1]
    assert [choice["text"] for choice in both["choices"]] == [answer["choices"][0]["text"] for answer in alone]
    for key in ("prompt_tokens", "completion_tokens"):
        assert both["usage"][key] == sum(answer["usage"][key] for answer in alone)


async def test_token_ids_are_a_prompt(caller: Caller) -> None:
    tokens = [504, 3575, 282, 4649, 314]  # the default model's
    texts = [(await caller.complete(prompt, **SAME))["choices"] for prompt in (PROMPT, tokens, [tokens])]
    assert texts[0] == texts[1] == texts[2]


async def test_stop_seed_and_n_mean_what_they_mean_in_a_chat(caller: Caller) -> None:
    [cut] = (await caller.complete("1, 2, 3, 4,", max_tokens=24, stop=["7"]))["choices"]
    assert (cut["text"], cut["finish_reason"]) == (" 5, 6, ", "stop")
    fields = {"n": 2, "temperature": 1.5, "max_tokens": 12, **SAME}
    texts = [
        [choice["text"] for choice in (await caller.complete("Once", seed=seed, **fields))["choices"]]
        for seed in (3, 3, 4)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0][0] != texts[0][1]


async def test_a_prompt_is_scored_by_echo_and_legacy_logprobs(caller: Caller) -> None:
    answer = await caller.complete(PROMPT, echo=True, logprobs=2, max_tokens=0)
    [choice] = answer["choices"]
    assert choice["text"] == PROMPT
    scores = choice["logprobs"]
    assert "".join(scores["tokens"]) == PROMPT
    assert scores["token_logprobs"][0] is None
    assert all(-1e4 < score <= 0 for score in scores["token_logprobs"][1:])
    assert scores["text_offset"] == [PROMPT.index(token) for token in scores["tokens"]]
    assert all(2 <= len(top) <= 3 for top in scores["top_logprobs"][1:])
    assert answer["usage"]["completion_tokens"] == 0
