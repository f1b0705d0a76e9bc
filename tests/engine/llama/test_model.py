"""What llama.cpp refuses, in llama.cpp's own words; what it would load and must not decode with is refused too."""

from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.types import ARCHITECTURES
from bdchat.engine.llama.model import LlamaModel
from bdchat.settings import EngineSettings
from tests import gguf_files as files
from tests.gguf_files import GGUFFile
from tests.tiny_models import write_tiny_llama, write_tiny_mamba

SETTINGS = EngineSettings(n_ctx=256, max_sequences=1, calibrate=False)
NEWER = "; a newer version of llama.cpp may know it (this is llama-cpp-python "


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny_llama(tmp_path_factory.mktemp("sound") / "tiny.gguf").read_bytes()


def reason_for(path: Path) -> str:
    with pytest.raises(ModelLoadFailed) as caught:
        LlamaModel.open(path, SETTINGS)
    return caught.value.reason


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"architecture\x08\0\0\0\x05\0\0\0\0\0\0\0llama", b"architecture\x08\0\0\0\x05\0\0\0\0\0\0\0brand", "'brand'"),
        (b"blk.1.attn_q.weight", b"blk.1.attn_z.weight", "tensor 'blk.1.attn_q.weight' not found"),
        (b"feed_forward_length\x04\0\0\0\x80", b"feed_forward_length\x04\0\0\0\x40", "has wrong shape"),
        (b"tokenizer.ggml.merges", b"tokenizer.ggml.morges", "cannot find tokenizer merges in model file"),
        (b"\x04\0\0\0\0\0\0\0gpt2", b"\x04\0\0\0\0\0\0\0gpt9", "unknown tokenizer: 'gpt9'"),
    ],
)
def test_what_llama_cpp_cannot_load_has_its_reason(
    tmp_path: Path, sound: bytes, old: bytes, new: bytes, expected: str
) -> None:
    assert old in sound
    (tmp_path / "m.gguf").write_bytes(sound.replace(old, new))
    reason = reason_for(tmp_path / "m.gguf")
    assert expected in reason
    assert "failed to load" not in reason
    assert (NEWER in reason) == ("'" in expected and "tensor" not in expected)


def test_a_model_that_the_library_knows_to_be_no_writer_is_not_decoded_with(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "m.gguf", architecture="llada")
    assert "diffusion" in reason_for(path)


def test_a_split_model_is_loaded_whatever_its_parts_are_called(tmp_path: Path) -> None:
    write_tiny_llama(tmp_path / "tiny.gguf", max_part_tensors=11)
    for part in tmp_path.iterdir():
        part.rename(part.with_name(part.name.upper()))
    with LlamaModel.open(tmp_path / "TINY-00001-OF-00002.GGUF", SETTINGS) as model:
        assert model.num_parameters > 0


def test_a_recurrent_models_context_costs_no_cells(tmp_path: Path) -> None:
    """A state is kept and no cells: a long context that was asked for was cut, as if every token took memory."""
    path = write_tiny_mamba(tmp_path / "m.gguf", n_ctx_train=1 << 20)
    with LlamaModel.open(path, SETTINGS) as model:
        assert model.bytes_per_cell("f16") == 1.0
        assert not model.shares_cells(EngineSettings())


def test_the_architectures_are_those_of_the_library(tmp_path: Path) -> None:
    """A name that llama.cpp does not know would be a slip of the pen."""
    for name in ARCHITECTURES:
        path = GGUFFile(pairs={"general.architecture": files.string(name)}).write(tmp_path / "m.gguf")
        assert "unknown model architecture" not in reason_for(path), name


def test_how_much_of_a_model_has_been_read_is_told_by_whole_percents(tmp_path: Path) -> None:
    told: list[float] = []
    LlamaModel.open(write_tiny_llama(tmp_path / "m.gguf"), SETTINGS, report=told.append).close()
    assert told == sorted(set(told))
    assert told[-1] == 1.0
    assert len(told) > 2
