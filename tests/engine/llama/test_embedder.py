"""Vectors are llama.cpp's own, however texts are packed or cut; tiny models with random weights."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.gguf.purpose import POOLINGS, Pooling
from bdchat.engine.llama.embedder import LlamaEmbedder
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.tokenizer import LlamaTokenizer
from bdchat.engine.model_runner import TextRun
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_bert, write_tiny_llama, write_tiny_mamba, write_tiny_swa

SETTINGS = EngineSettings(n_threads=1)
KINDS: dict[str, tuple[Callable[..., Path], gguf.PoolingType | None]] = {
    "bert-mean": (write_tiny_bert, gguf.PoolingType.MEAN),
    "bert-cls": (write_tiny_bert, gguf.PoolingType.CLS),
    "bert-last": (write_tiny_bert, gguf.PoolingType.LAST),
    "bert-rank": (write_tiny_bert, gguf.PoolingType.RANK),
    "llama-mean": (write_tiny_llama, gguf.PoolingType.MEAN),
    "llama-cls": (write_tiny_llama, gguf.PoolingType.CLS),
    "llama-last": (write_tiny_llama, gguf.PoolingType.LAST),
    "chat": (write_tiny_llama, None),
    "swa": (write_tiny_swa, None),
    "mamba": (write_tiny_mamba, None),
}


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LlamaModel]:
    write, pooling = KINDS[request.param]
    path = tmp_path / f"{request.param}.gguf"
    with LlamaModel.open(write(path) if pooling is None else write(path, pooling=pooling), SETTINGS) as opened:
        yield opened


def pooling_of(model: LlamaModel) -> Pooling:
    return read_header(model.path).pooling or "mean"


def their_own(model: LlamaModel, tokens: Sequence[int], pooling: Pooling) -> npt.NDArray[np.float32]:
    """llama.cpp's pooled vector of one text in a context of its own, as its examples make it."""
    params = llama_cpp.llama_context_default_params()
    params.embeddings, params.pooling_type = True, POOLINGS.index(pooling)
    params.n_ctx = params.n_batch = params.n_ubatch = 256
    params.n_threads = params.n_threads_batch = 1
    context = llama_cpp.llama_init_from_model(model.handle, params)
    array = (llama_cpp.llama_token * len(tokens))(*tokens)
    batch = llama_cpp.llama_batch_get_one(array, len(tokens))
    try:
        assert llama_cpp.llama_decode(context, batch) == 0
        length = model.num_ranks if pooling == "rank" else model.num_dimensions
        return np.ctypeslib.as_array(llama_cpp.llama_get_embeddings_seq(context, 0), (length,)).copy()
    finally:
        llama_cpp.llama_free(context)


def cosine(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_packed_vectors_are_those_of_each_text_alone(model: LlamaModel) -> None:
    pooling = pooling_of(model)
    texts = [[3 + (7 * i + j * j) % 60 for j in range(length)] for i, length in enumerate((5, 1, 40, 13))]
    embedder = LlamaEmbedder(model, "m", SETTINGS, pooling)
    try:
        for _ in range(2):  # nothing is left of the first step
            found = embedder.embed([TextRun(i, 0, text, is_end=True) for i, text in enumerate(texts)])
            for raw, text in zip(found, texts, strict=True):
                vector, expected = np.frombuffer(raw, "<f4"), their_own(model, text, pooling)
                if pooling == "rank":
                    np.testing.assert_allclose(vector, expected, rtol=2e-3, atol=2e-3)
                else:
                    assert cosine(vector, expected) >= 0.9999
                    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    finally:
        embedder.close()


def test_a_causal_models_text_may_be_read_in_pieces_between_others(model: LlamaModel) -> None:
    embedder = LlamaEmbedder(model, "m", SETTINGS, pooling_of(model))
    try:
        assert embedder.can_pause == (model.architecture != "bert")
        if not embedder.can_pause:
            return
        text, other = list(range(3, 63)), [9, 8, 7]
        (whole,) = embedder.embed([TextRun(0, 0, text, is_end=True)])
        assert embedder.embed([TextRun(1, 0, text[:21], is_end=False)]) == []
        embedder.embed([TextRun(0, 0, other, is_end=True), TextRun(1, 21, text[21:22], is_end=False)])
        embedder.embed([TextRun(2, 0, other, is_end=False)])
        embedder.drop(2)
        (pieced,) = embedder.embed([TextRun(1, 22, text[22:], is_end=True)])
        assert cosine(np.frombuffer(whole, "<f4"), np.frombuffer(pieced, "<f4")) >= 0.9999
    finally:
        embedder.close()


def test_a_text_gets_the_tokens_around_it_that_its_vocabulary_adds(tmp_path: Path) -> None:
    with LlamaModel.open(write_tiny_bert(tmp_path / "b.gguf"), SETTINGS) as model:
        tokenizer = LlamaTokenizer(model.handle)
        assert (tokenizer.around_texts(), tokenizer.between_texts()) == (([2], [3]), [3])
    with LlamaModel.open(write_tiny_llama(tmp_path / "l.gguf"), SETTINGS) as model:
        tokenizer = LlamaTokenizer(model.handle)
        assert (tokenizer.around_texts(), tokenizer.between_texts()) == (([], []), [])


def test_a_text_has_at_most_the_trained_length(tmp_path: Path) -> None:
    with LlamaModel.open(write_tiny_bert(tmp_path / "b.gguf", n_ctx_train=96), EngineSettings(n_ctx=512)) as model:
        embedder = LlamaEmbedder(model, "m", EngineSettings(n_ctx=512, n_threads=1), "mean")
        assert (embedder.n_ctx, embedder.context_cut) == (96, None)
        embedder.close()
        shorter = LlamaEmbedder(model, "m", EngineSettings(n_ctx=64, n_threads=1), "mean")
        assert shorter.n_ctx == 64
        shorter.close()
