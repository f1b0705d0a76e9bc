"""What cannot chat is told from the header, whatever else the header lacks."""

from pathlib import Path

import pytest

from bdchat.engine.gguf.header import GGUFError, read_header
from bdchat.engine.gguf.purpose import BY_ARCHITECTURE, REFUSALS
from bdchat.engine.gguf.types import ARCHITECTURES
from tests import gguf_files as files
from tests.gguf_files import GGUFFile


def of_architecture(name: str) -> GGUFFile:
    """All else well."""
    pairs = {key.replace("llama.", f"{name}."): value for key, value in files.default_pairs().items()}
    return GGUFFile(pairs=pairs | {"general.architecture": files.string(name)})


@pytest.mark.parametrize(
    ("architecture", "purpose"),
    [
        ("llama", "chat"),
        ("brandnew", "chat"),  # whether llama.cpp knows it, llama.cpp says
        ("t5", "encoder-decoder"),
        ("t5encoder", "encoder"),
        ("nomic-bert", "embedding"),
        ("llada", "diffusion"),
        ("wavtokenizer-dec", "speech"),
        ("eagle3", "draft"),
    ],
)
def test_an_architecture_has_a_purpose(tmp_path: Path, architecture: str, purpose: str) -> None:
    header = read_header(of_architecture(architecture).write(tmp_path / "m.gguf"))
    assert header.purpose == purpose
    assert (header.refusal is None) == (purpose in {"chat", "embedding"})


def test_an_encoder_decoder_is_refused_in_words_a_person_understands(tmp_path: Path) -> None:
    header = read_header(of_architecture("t5").write(tmp_path / "m.gguf"))
    assert header.refusal == "reads a text and writes another (encoder-decoder), which is not served here"


@pytest.mark.parametrize(
    ("pairs", "purpose"),
    [
        ({"llama__pooling_type": files.u32(3)}, "embedding"),
        ({"llama__pooling_type": files.u32(4)}, "reranker"),
        ({"llama__pooling_type": files.u32(0)}, "chat"),
        ({"llama__attention__causal": files.boolean(False)}, "embedding"),
        (
            {"llama__attention__causal": files.boolean(False), "diffusion__shift_logits": files.boolean(True)},
            "diffusion",
        ),
    ],
)
def test_keys_tell_it_of_an_architecture_that_chats_otherwise(
    tmp_path: Path, pairs: dict[str, bytes], purpose: str
) -> None:
    assert read_header(GGUFFile().with_pairs(**pairs).write(tmp_path / "m.gguf")).purpose == purpose


@pytest.mark.parametrize(("number", "pooling"), [(None, None), (1, "mean"), (2, "cls"), (3, "last"), (4, "rank")])
def test_the_header_names_the_pooling(tmp_path: Path, number: int | None, pooling: str | None) -> None:
    pairs = {} if number is None else {"llama__pooling_type": files.u32(number)}
    assert read_header(GGUFFile().with_pairs(**pairs).write(tmp_path / "m.gguf")).pooling == pooling


@pytest.mark.parametrize(
    ("pairs", "may"),
    [
        ({}, False),
        ({"general__tags": files.strings(["mteb", "loss:MatryoshkaLoss"])}, True),
        ({"general__tags": files.strings(["mteb"])}, False),
        ({"general__name": files.string("Nomic Embed Text v1.5")}, True),
        ({"general__name": files.string("nomic-embed-text-v1")}, False),
        ({"general__name": files.string("x"), "general__basename": files.string("Qwen3-Embedding")}, True),
        ({"general__name": files.string("Snowflake Arctic Embed M v1.5")}, True),
    ],
)
def test_the_model_card_tells_whether_vectors_may_be_shortened(
    tmp_path: Path, pairs: dict[str, bytes], *, may: bool
) -> None:
    assert read_header(GGUFFile().with_pairs(**pairs).write(tmp_path / "m.gguf")).may_shorten_vectors is may


def test_what_a_model_is_for_is_the_reason_also_where_it_lacks_what_a_chat_model_has(tmp_path: Path) -> None:
    speech = of_architecture("wavtokenizer-dec").with_pairs(tokenizer__ggml__tokens=None)
    with pytest.raises(GGUFError) as caught:
        read_header(speech.write(tmp_path / "m.gguf"))
    assert caught.value.reason == REFUSALS["speech"]


def test_an_unknown_architecture_is_the_reason_whatever_else_is_missing(tmp_path: Path) -> None:
    """Where only the name was new, "brandnew.block_count is missing" was the reason."""
    with pytest.raises(GGUFError) as caught:
        read_header(GGUFFile().with_pairs(general__architecture=files.string("brandnew")).write(tmp_path / "m.gguf"))
    assert caught.value.reason.startswith("unknown model architecture: 'brandnew'; a newer version")
    assert "brandnew.block_count is missing" in caught.value.reason


def test_every_architecture_with_a_purpose_is_a_known_one() -> None:
    assert set(BY_ARCHITECTURE) <= ARCHITECTURES


@pytest.mark.parametrize(
    ("kind", "said"), [("mmproj", "projector"), ("adapter", "LoRA"), ("imatrix", "quantising"), ("vocab", "vocabulary")]
)
def test_a_file_beside_a_model_is_called_what_it_is(tmp_path: Path, kind: str, said: str) -> None:
    with pytest.raises(GGUFError, match=said):
        read_header(GGUFFile().with_pairs(general__type=files.string(kind)).write(tmp_path / "m.gguf"))
