"""What a chat answer and its stream consist of, beyond what the caller holds every one to."""

import asyncio
import json

import httpx
import pytest

from tests.acceptance.caller import MODEL, SAME, Caller, chat_body, finish_reason, said
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.anyio, pytest.mark.gguf]


async def test_streamed_and_whole_are_one_answer(caller: Caller) -> None:
    fields = {"max_tokens": 24, **SAME}
    whole = await caller.chat("Write one sentence on rivers.", **fields)
    usage = {"include_usage": True}
    chunks = await caller.chat_stream("Write one sentence on rivers.", stream_options=usage, **fields)
    assert said(chunks) == whole["choices"][0]["message"]["content"]
    assert finish_reason(chunks) == whole["choices"][0]["finish_reason"]
    for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert chunks[-1]["usage"][key] == whole["usage"][key]


async def test_a_repeated_prefix_is_counted_as_cached(caller: Caller) -> None:
    story = "Once upon a time there was a lighthouse keeper who counted ships. " * 4
    first, again = [await caller.chat(story) for _ in range(2)]
    assert again["usage"]["prompt_tokens"] == first["usage"]["prompt_tokens"]
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] > 40


async def test_logprobs_have_one_sorted_finite_entry_for_each_token(caller: Caller) -> None:
    fields = {"logprobs": True, "top_logprobs": 5, "max_tokens": 12, **SAME}
    answer = await caller.chat("Write a haiku.", **fields)
    entries = answer["choices"][0]["logprobs"]["content"]
    assert len(entries) == answer["usage"]["completion_tokens"]
    for entry in entries:
        tops = [top["logprob"] for top in entry["top_logprobs"]]
        assert tops == sorted(tops, reverse=True)
        assert all(-1e4 < logprob <= 0 for logprob in [*tops, entry["logprob"]])
        assert len(entry["top_logprobs"]) == 5
        assert entry["token"] == entry["top_logprobs"][0]["token"]  # greedy
        assert bytes(entry["bytes"]).decode("utf-8", "replace") == entry["token"]
    text = b"".join(bytes(entry["bytes"]) for entry in entries).decode()
    assert text.startswith(answer["choices"][0]["message"]["content"])
    chunks = await caller.chat_stream("Write a haiku.", **fields)
    streamed = [
        entry
        for chunk in chunks
        for choice in chunk["choices"]
        for entry in (choice.get("logprobs") or {"content": []})["content"]
    ]
    assert [entry["token"] for entry in streamed] == [entry["token"] for entry in entries]


async def test_logprobs_without_top_logprobs_have_empty_lists_and_are_null_unasked(caller: Caller) -> None:
    asked = (await caller.chat(logprobs=True))["choices"][0]["logprobs"]["content"]
    assert asked
    assert [entry["top_logprobs"] for entry in asked] == [[]] * len(asked)
    assert (await caller.chat())["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("prompt", ["한국어로 인사해 주세요. 😀", "Repeat: 안녕하세요 👩‍👩‍👧‍👦 세계"])
async def test_every_chunk_is_whole_characters(caller: Caller, prompt: str) -> None:
    fields = {"temperature": 1.2, "seed": 3, "max_tokens": 32, **SAME}
    chunks = await caller.chat_stream(prompt, **fields)
    assert said(chunks) == await caller.text(prompt, **fields)
    assert all("\ufffd" not in json.dumps(chunk, ensure_ascii=False) for chunk in chunks)


async def test_chunks_arrive_while_the_answer_is_written(caller: Caller) -> None:
    body = chat_body("Tell me a long story.", {"max_tokens": 64, "ignore_eos": True, "stream": True})
    async with caller.http.stream("POST", "/v1/chat/completions", json=body) as response:
        parts = [part async for part in response.aiter_raw()]
    assert len(parts) > 8


@pytest.mark.parametrize("streams", [True, False])
async def test_a_client_that_leaves_frees_its_place(caller: Caller, streams: bool) -> None:
    body = {"messages": [{"role": "user", "content": "Count for ever."}], "ignore_eos": True, "stream": streams}
    async with httpx.AsyncClient(base_url=caller.http.base_url) as leaving:
        asking = asyncio.create_task(leaving.post("/v1/chat/completions", json=body))
        await until_running(caller, 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await until_running(caller, 0)


async def until_running(caller: Caller, num_running: int) -> None:
    shown = f"bdchat_generations_running {num_running}.0"
    async with asyncio.timeout(PATIENCE_S):
        while shown not in (await caller.http.get("/metrics")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_answers_at_the_same_time_are_those_of_one_after_another(caller: Caller) -> None:
    words = ["river", "stone", "cloud", "mouse", "bread", "chair"]
    streams = await asyncio.gather(*(caller.chat_stream(f"Rhyme on {word}.", **SAME) for word in words))
    alone = [await caller.text(f"Rhyme on {word}.", **SAME) for word in words]
    assert [said(chunks) for chunks in streams] == alone


async def test_a_model_may_be_left_out(caller: Caller) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    assert (await caller.post("/v1/chat/completions", body))["model"] == MODEL
