"""What the `openai` package must be able to do with a bdchat server, whatever model is behind it.

Run against a fake engine in test_openai_sdk.py and against a real model in tests/e2e/test_openai_sdk.py.
"""

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello in five words."}]


async def check_all(client: AsyncOpenAI, model: str) -> None:
    await check_chat(client, model)
    await check_stream(client, model)
    await check_stream_helper(client, model)
    await check_echoed_message(client, model)
    await check_completions(client, model)
    await check_models(client, model)
    await check_errors(client, model)
    await check_parallel_streams(client, model)


async def check_chat(client: AsyncOpenAI, model: str) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model=model, messages=MESSAGES, max_tokens=8, temperature=0, logprobs=True, top_logprobs=3, n=2
    )
    assert raw.headers["x-request-id"]
    assert raw.headers["openai-processing-ms"].isdigit()
    completion = raw.parse()
    assert completion._request_id == raw.headers["x-request-id"]
    assert completion.model == model
    assert len(completion.choices) == 2
    for choice in completion.choices:
        assert choice.finish_reason in {"stop", "length"}
        assert choice.message.role == "assistant"
        assert choice.logprobs is not None
        for entry in choice.logprobs.content or []:
            assert len(entry.top_logprobs) in {3, 4}  # the token itself is the fourth when it is not among the three
            assert entry.token in {top.token for top in entry.top_logprobs}
        tops = [[top.logprob for top in entry.top_logprobs] for entry in choice.logprobs.content or []]
        assert all(top == sorted(top, reverse=True) for top in tops)
    usage = completion.usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details is not None
    assert (usage.prompt_tokens_details.cached_tokens or 0) < usage.prompt_tokens
    num_tokens = sum(len(choice.logprobs.content or []) for choice in completion.choices if choice.logprobs)
    assert usage.completion_tokens == num_tokens


async def check_stream(client: AsyncOpenAI, model: str) -> None:
    whole = await client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8, temperature=0)
    stream = await client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=8, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


async def check_stream_helper(client: AsyncOpenAI, model: str) -> None:
    """The accumulating helper indexes choices and needs the role first."""
    async with client.chat.completions.stream(model=model, messages=MESSAGES, max_tokens=8, n=2) as stream:
        async for _ in stream:
            pass
        final = stream.current_completion_snapshot  # get_final_completion raises on finish_reason length
    assert [choice.index for choice in final.choices] == [0, 1]
    assert all(choice.message.content for choice in final.choices)


async def check_echoed_message(client: AsyncOpenAI, model: str) -> None:
    first = await client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8)
    history = [*MESSAGES, first.choices[0].message.model_dump(), {"role": "user", "content": "And again?"}]
    again = await client.chat.completions.create(model=model, messages=history, max_tokens=8)  # type: ignore[arg-type]
    assert again.choices[0].message.content is not None


async def check_completions(client: AsyncOpenAI, model: str) -> None:
    scored = await client.completions.create(model=model, prompt="Hello there", echo=True, logprobs=2, max_tokens=0)
    choice = scored.choices[0]
    assert choice.text == "Hello there"
    assert choice.logprobs is not None
    assert choice.logprobs.token_logprobs is not None
    assert len(choice.logprobs.token_logprobs) == scored.usage.prompt_tokens  # type: ignore[union-attr]
    many = await client.completions.create(model=model, prompt=["One", "Two"], n=2, max_tokens=4)
    assert [choice.index for choice in many.choices] == [0, 1, 2, 3]
    stream = await client.completions.create(model=model, prompt="One", max_tokens=4, temperature=0, stream=True)
    text = "".join([chunk.choices[0].text async for chunk in stream])
    whole = await client.completions.create(model=model, prompt="One", max_tokens=4, temperature=0)
    assert text == whole.choices[0].text


async def check_models(client: AsyncOpenAI, model: str) -> None:
    assert model in [found.id async for found in client.models.list()]
    assert (await client.models.retrieve(model)).created > 0


async def check_errors(client: AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        await client.chat.completions.create(model=model, messages=MESSAGES, temperature=9)
    assert bad.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as unsupported:
        await client.chat.completions.create(model=model, messages=MESSAGES, extra_body={"mirostat": 2})
    assert unsupported.value.code == "unsupported_parameter"
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "word " * 100_000}]
    with pytest.raises(openai.BadRequestError) as overflow:
        await client.chat.completions.create(model=model, messages=long, stream=True)
    assert overflow.value.code == "context_length_exceeded"
    assert "maximum context length is" in str(json.dumps(overflow.value.body))


async def check_parallel_streams(client: AsyncOpenAI, model: str) -> None:
    async def ask() -> str:
        stream = await client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert all(await asyncio.gather(*(ask() for _ in range(6))))
