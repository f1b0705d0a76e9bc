"""A real llama.cpp in a real engine process, on tiny models with random weights."""

import asyncio
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest, ModelLoadFailed
from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.request import (
    Accepted,
    ChatMessage,
    ChatPrompt,
    Delta,
    EmbeddingRequest,
    FimPrompt,
    GenerationRequest,
    SamplingParams,
)
from bdchat.engine.text.chat_template import CHATML
from bdchat.settings import EngineSettings
from tests.engine.fake_process import ask, events_of, shape, text_of
from tests.engine.process.test_main import kill_after
from tests.patience import PATIENCE_S, until
from tests.tiny_models import write_tiny_bert, write_tiny_llama

pytestmark = pytest.mark.anyio
SETTINGS = EngineSettings(n_ctx=512, max_sequences=2, calibrate=False, n_threads=1)  # two spin for each other


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_model_is_loaded_through_probe_template_and_context(tmp_path: Path) -> None:
    thinking = CHATML.replace("<|im_end|>", "<|fin|>").replace("assistant\\n", "assistant\\n<think>")
    path = write_tiny_llama(tmp_path / "tiny.gguf", chat_template=thinking)
    request = GenerationRequest(
        request_id="r",
        prompt=ChatPrompt(messages=(ChatMessage(role="user", content="안녕 🙂"),)),
        sampling=SamplingParams(temperature=0.0, max_tokens=150, num_top_logprobs=0, ignore_eos=True),
        num_choices=2,
    )
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        info = await engine.wait_ready()
        assert (info.model_id, info.n_ctx, info.num_sequences) == ("tiny", 512, 2)
        assert (info.end_texts, len(info.end_token_ids), info.opens_thought) == (("<|fin|>",), 1, True)
        assert list((tmp_path / "cache").glob("probe-*.json"))
        events = await kill_after(engine, engine.generate(request), 10)
        assert shape(events) == (1, 2)
        assert [event.opens_thought for event in events if isinstance(event, Accepted)] == [True]
        await until(lambda: engine.num_restarts == 1)  # a quick engine may have said all before the signal came
        for index in range(2):
            deltas = [event for event in events if isinstance(event, Delta) and event.index == index]
            assert sum(len(delta.tokens) for delta in deltas) == 150
            written = b"".join(logprob.token_bytes for delta in deltas for logprob in delta.logprobs)
            text, whole = text_of(events, index), written.decode("utf-8", "replace")
            assert whole.startswith(text)
            assert len(whole) - len(text) <= 3  # the last code point may be cut


async def test_a_gap_in_a_file_longer_than_the_context_is_filled(tmp_path: Path) -> None:
    marks = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    control_tokens = ("<|endoftext|>", "<|im_start|>", *marks, "<|im_end|>")
    path = write_tiny_llama(tmp_path / "tiny.gguf", control_tokens=control_tokens)
    request = GenerationRequest(
        request_id="r",
        prompt=FimPrompt(prefix="x = 1\n" * 10_000, suffix="\ny = 2" * 10_000, num_answer_tokens=8),
        sampling=SamplingParams(temperature=0.0, max_tokens=8, ignore_eos=True),
    )
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        assert (await engine.wait_ready()).has_fim
        accepted, *events = await events_of(engine, request)
        assert isinstance(accepted, Accepted)
        said = await engine.detokenize(accepted.prompt_tokens)
        assert shape([accepted, *events]) == (1, 1)
    assert 400 < len(accepted.prompt_tokens) <= 504
    prefix, suffix = said.text.removeprefix(marks[0]).removesuffix(marks[2]).split(marks[1])
    assert prefix == "x = 1\n" * (len(prefix) // 6)
    assert suffix.startswith("\ny = 2\ny = 2")


async def test_llama_cpps_own_reason_reaches_who_asks_and_who_looks(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf", architecture="brandnew")
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        with pytest.raises(ModelLoadFailed) as caught:
            await asyncio.wait_for(events_of(engine, ask("hello")), PATIENCE_S)
        assert caught.value.reason.startswith("unknown model architecture: 'brandnew'; a newer version of llama.cpp")
        assert (engine.state, engine.problem, engine.info) == ("failed", caught.value.reason, None)


async def test_a_context_that_memory_does_not_hold_is_refused_with_the_numbers(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    settings = SETTINGS.model_copy(update={"n_ctx": 4096, "kv_memory_bytes": 1_000_000})
    async with LocalEngine(path, "tiny", settings, cache_dir=tmp_path / "cache") as engine:
        with pytest.raises(ModelLoadFailed, match=r"a context of 4,096 tokens needs 0\.00 GB"):
            await asyncio.wait_for(events_of(engine, ask("hello")), PATIENCE_S)


async def test_what_cannot_chat_is_refused_before_native_code_reads_it(tmp_path: Path) -> None:
    """An encoder-decoder ended the probe twice, and was said to be a fault of the processor."""
    path = write_tiny_llama(tmp_path / "tiny.gguf", architecture="t5")
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        with pytest.raises(ModelLoadFailed, match="encoder-decoder"):
            await asyncio.wait_for(events_of(engine, ask("hello")), PATIENCE_S)
        assert not list((tmp_path / "cache").glob("probe-*"))


async def test_a_template_that_cannot_be_used_is_a_reason(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf", chat_template="{{ messages[")
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        with pytest.raises(ModelLoadFailed) as caught:
            await asyncio.wait_for(events_of(engine, ask("hello")), PATIENCE_S)
        assert "template" in caught.value.reason
        assert engine.num_restarts == 0


def texts_of(*texts: str | tuple[int, ...], **fields: Any) -> EmbeddingRequest:
    return EmbeddingRequest(request_id=f"e{texts}", texts=texts, **fields)


async def test_an_embedding_model_is_an_engine_like_any_other(tmp_path: Path) -> None:
    path = write_tiny_bert(tmp_path / "bert.gguf", tags=["matryoshka"])
    async with LocalEngine(path, "vectors", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        info = await engine.wait_ready()
        assert (info.model_id, info.purpose, info.num_dimensions, info.n_ctx) == ("vectors", "embedding", 64, 512)
        assert info.may_shorten_vectors
        wanted = texts_of("the cat sat on the mat", "a dog", "the cat sat on the mat", "a\0 [SEP] b")
        made = await engine.embed(wanted)
        vectors = [np.frombuffer(vector, "<f4") for vector in made.vectors]
        assert made.num_tokens[:2] == (8, 4)  # CLS and SEP are two
        assert vectors[0] @ vectors[2] == pytest.approx(1, abs=1e-4)
        assert vectors[0] @ vectors[1] < 0.9999
        as_tokens = await engine.embed(texts_of(tuple(range(4, 9))))
        assert as_tokens.num_tokens == (5,)
        with pytest.raises(ContextLengthExceeded) as too_long:
            await engine.embed(texts_of("cat", "cat " * 600))
        assert (too_long.value.param, too_long.value.num_prompt_tokens) == ("input[1]", 602)
        with pytest.raises(ContextLengthExceeded):
            await engine.embed(texts_of("x" * 4_000_000))
        for wrong, name in [(texts_of((1, 999)), "input[0][1]"), (texts_of("a", is_query=True), "input_type")]:
            with pytest.raises(InvalidRequest) as refused:
                await engine.embed(wrong)
            assert refused.value.param == name
        with pytest.raises(InvalidRequest) as refused:
            await events_of(engine, ask("hello"))
        assert refused.value.code == "model_unsuitable"


async def test_a_reranker_scores_each_document(tmp_path: Path) -> None:
    path = write_tiny_bert(tmp_path / "bert.gguf", pooling=gguf.PoolingType.RANK)
    async with LocalEngine(path, "ranks", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        assert (await engine.wait_ready()).purpose == "reranker"
        made = await engine.embed(texts_of("cat", "dog", "cat", query="the cat"))
        scores = [np.frombuffer(vector, "<f4") for vector in made.vectors]
        assert made.num_tokens == (6, 6, 6)  # [CLS] the cat [SEP] cat [SEP]
        assert [len(score) for score in scores] == [1, 1, 1]
        assert scores[0] == pytest.approx(scores[2], abs=2e-3)


async def test_a_chat_models_vectors_come_beside_its_answers(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    async with LocalEngine(path, "tiny", SETTINGS, cache_dir=tmp_path / "cache") as engine:
        texts = [f"text {number} " * 30 for number in range(20)]
        made, events = await asyncio.gather(engine.embed(texts_of(*texts)), events_of(engine, ask("hello")))
        assert {len(vector) for vector in made.vectors} == {4 * 64}
        assert shape(events) == (1, 1)
        assert (await engine.wait_ready()).num_dimensions == 64
