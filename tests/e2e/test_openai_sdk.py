"""The `openai` package against a real server process with the real default model; then the hostile corpus."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from tests.api.hostile import silencing
from tests.api.sdk_contract import MESSAGES, check_all
from tests.e2e.server_process import ServerProcess, server_process
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.anyio, pytest.mark.gguf, pytest.mark.slow]
MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
async def server(default_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[ServerProcess]:
    one_thread = ("--set", "engine.n_threads=1")  # the other core has other tests
    options = ("--model", str(default_model_path), "--set", "engine.calibrate=false", *one_thread)
    async with server_process(tmp_path_factory.mktemp("data"), *options) as running:
        yield running


def sdk(server: ServerProcess) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any", timeout=2 * PATIENCE_S, max_retries=0)


async def test_the_sdk_works_as_with_openai(server: ServerProcess) -> None:
    async with sdk(server) as client:
        await check_all(client, MODEL)


async def test_a_repeated_prompt_is_cached_and_seeds_repeat_text(server: ServerProcess) -> None:
    async with sdk(server) as client:
        answers = [
            await client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=16, seed=seed)
            for seed in (7, 7, 8)
        ]
    texts = [answer.choices[0].message.content for answer in answers]
    assert texts[0] == texts[1] != texts[2]
    details = answers[1].usage.prompt_tokens_details  # type: ignore[union-attr]
    assert details is not None
    assert (details.cached_tokens or 0) > 0


async def test_the_next_response_begins_with_the_tokens_of_the_last_one(server: ServerProcess) -> None:
    """All that was read and said up to there is found in the cache, also behind instructions that are said again."""
    async with sdk(server) as client:
        fields: Any = {"model": MODEL, "max_output_tokens": 24, "temperature": 0, "instructions": "Be brief."}
        first = await client.responses.create(input="Tell me of rivers.", **fields)
        second = await client.responses.create(input="And of lakes?", previous_response_id=first.id, **fields)
    assert first.usage is not None
    assert second.usage is not None
    said = first.usage.output_tokens if first.status == "incomplete" else first.usage.output_tokens - 1
    found = second.usage.input_tokens_details.cached_tokens
    assert found >= first.usage.input_tokens + said - 1  # of the last one the logits alone were needed


async def test_content_parts_make_the_same_prompt_as_text(server: ServerProcess) -> None:
    text = "Name one colour."
    async with sdk(server) as client:
        plain = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": text}], max_tokens=8, temperature=0
        )
        parts = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": [{"type": "text", "text": text}]}],
            max_tokens=8,
            temperature=0,
        )
    assert plain.usage is not None
    assert parts.usage is not None
    assert plain.usage.prompt_tokens == parts.usage.prompt_tokens
    assert plain.choices[0].message.content == parts.choices[0].message.content


async def test_a_client_that_leaves_frees_its_sequence(server: ServerProcess) -> None:
    body = {"messages": MESSAGES, "stream": True, "ignore_eos": True}
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as client:
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                if '"content":"' in line and '"role"' not in line:
                    break
        async with asyncio.timeout(PATIENCE_S):
            while "bdchat_generations_running 0.0" not in (await client.get("/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_hostile_requests_are_refused_and_health_never_falls_silent(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as client:
        assert await silencing(client) == []
        health = (await client.get("/health")).json()
    assert health["models"][0]["num_restarts"] == 0


async def test_the_server_drains_and_exits_with_0(server: ServerProcess) -> None:
    """Last: it ends the module's server."""
    async with sdk(server) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, max_tokens=40, stream=True, extra_body={"ignore_eos": True}
        )
        reasons: list[str | None] = []
        stopping: asyncio.Task[int] | None = None
        async for chunk in stream:
            reasons.append(chunk.choices[0].finish_reason)
            stopping = stopping or asyncio.create_task(server.terminate())
    assert reasons[-1] == "length"
    assert stopping is not None
    assert await stopping == 0
