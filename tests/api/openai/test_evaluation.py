"""What lm-eval asks of /v1/completions, on real llama.cpp: every token is listed, scored exactly and has its place.

The reference are llama-cpp-python's own logits of the same tokens."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import llama_cpp
import numpy as np
import pytest

from bdchat.engine.local.local_engine import LocalEngine
from bdchat.settings import EngineSettings
from tests.api.serving import in_process
from tests.fake_engine import FakeEngine
from tests.tiny_models import write_tiny_llama, write_tiny_mistral

pytestmark = pytest.mark.anyio
SETTINGS = EngineSettings(n_ctx=512, max_sequences=2, calibrate=False, n_threads=1)
URL = "/v1/completions"
PROMPT = "<|im_start|>user\nthe 서울은 🙂 hello<|im_end|>\n"
TOLERANCE = 1e-3  # of a logprob: other batch shapes, other rounding


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def served(path: Path, cache_dir: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=cache_dir) as engine:
        await engine.wait_ready()
        async with in_process(cast(FakeEngine, engine)) as client:
            yield client


def reference(path: Path, tokens: list[int]) -> tuple[list[float], list[int]]:
    """For each token after the first its logprob, and which one was the likeliest in its place."""
    model = llama_cpp.Llama(
        str(path), n_ctx=512, n_batch=512, logits_all=True, verbose=False, n_threads=1, n_threads_batch=1
    )
    model.eval(tokens)
    logits = np.array(model.scores[: len(tokens) - 1], np.float64)
    model.close()
    shifted = logits - logits.max(axis=1, keepdims=True)
    logprobs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logprobs[np.arange(len(tokens) - 1), tokens[1:]].tolist(), logits.argmax(axis=1).tolist()


def tokens_of(path: Path, text: str) -> list[int]:
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    tokens: list[int] = model.tokenize(text.encode(), add_bos=model._model.add_bos_token(), special=True)
    model.close()
    return tokens


def end_of(path: Path) -> int:
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    end: int = model.token_eos()
    model.close()
    return end


@pytest.mark.parametrize("write", [write_tiny_llama, write_tiny_mistral])
async def test_a_prompt_is_scored_to_its_last_token_when_the_model_ends_at_once(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    """The end token was neither listed nor counted: lm-eval, which leaves out the last entry, lost a real one."""
    path = write(tmp_path / "tiny.gguf")
    tokens, end = tokens_of(path, PROMPT), end_of(path)
    logprobs, likeliest = reference(path, [*tokens, end])
    body = {"temperature": 0, "max_tokens": 1, "logprobs": 1, "echo": True, "seed": 1234}
    async with served(path, tmp_path / "cache") as client:
        for prompt in (PROMPT, tokens, [tokens, tokens]):
            asked = body | {"prompt": prompt, "logit_bias": {str(end): 100}}
            answer = (await client.post(URL, json=asked)).json()
            for choice in answer["choices"]:
                found = choice["logprobs"]
                assert len(found["tokens"]) == len(tokens) + 1
                assert found["token_logprobs"][0] is None
                assert found["token_logprobs"][1:] == pytest.approx(logprobs, abs=TOLERANCE)
                greedy = [max(top.values()) == own for own, top in _scored(found)]
                assert greedy == [token == best for token, best in zip([*tokens[1:], end], likeliest, strict=True)]
                assert found["tokens"][-1] in {"<|im_end|>", "</s>"}
                assert choice["finish_reason"] == "stop"
                _check_places(choice)
            num_choices = len(answer["choices"])
            assert answer["usage"]["completion_tokens"] == num_choices
            assert answer["usage"]["prompt_tokens"] == num_choices * len(tokens)
        whole = (await client.post(URL, json=asked | {"prompt": tokens, "n": 2, "max_tokens": 3})).json()
        for choice in whole["choices"]:  # the second choice finds the prompt in the cache
            assert choice["logprobs"]["token_logprobs"][1:] == pytest.approx(logprobs, abs=TOLERANCE)


async def test_a_control_token_inside_an_answer_is_written_and_has_no_width(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    start = tokens_of(path, "<|im_start|>")[0]
    body = {"max_tokens": 4, "logit_bias": {str(start): 100}}
    async with served(path, tmp_path / "cache") as client:
        choice = (await client.post(URL, json=body | {"prompt": "hello", "logprobs": 5})).json()["choices"][0]
        chat = body | {"messages": [{"role": "user", "content": "hi"}], "logprobs": True, "top_logprobs": 2}
        answer = (await client.post("/v1/chat/completions", json=chat)).json()
    found = choice["logprobs"]
    assert (choice["text"], found["tokens"], found["text_offset"]) == ("", ["<|im_start|>"] * 4, [5] * 4)
    for own, top in _scored(found, first=0):
        assert top["<|im_start|>"] == own
        assert len(top) in {5, 6}
    for entry in answer["choices"][0]["logprobs"]["content"]:
        assert entry["token"] == "<|im_start|>"
        assert entry["token"] in [top["token"] for top in entry["top_logprobs"]]


def _scored(found: dict[str, Any], first: int = 1) -> list[tuple[float, dict[str, float]]]:
    pairs = list(zip(found["token_logprobs"], found["top_logprobs"], strict=True))[first:]
    for index, (own, top) in enumerate(pairs, start=first):
        assert own == top[found["tokens"][index]]
    return pairs


def _check_places(choice: dict[str, Any]) -> None:
    """Each token's text stands where its offset says, up to where the next begins."""
    text, found = choice["text"], choice["logprobs"]
    offsets = [*found["text_offset"], len(text)]
    assert offsets == sorted(offsets)
    for index, token in enumerate(found["tokens"][:-1]):
        stands = text[offsets[index] : offsets[index + 1]]
        if index == 0 and not stands:
            continue  # a BOS that was added
        if not token.startswith("bytes:"):
            assert stands == token or (offsets[index] == 0 and f" {stands}" == token), (index, token, stands)
    assert offsets[-2] == len(text)  # the end is in no text
