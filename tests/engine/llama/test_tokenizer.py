from collections.abc import Iterator
from pathlib import Path

import pytest

from bdchat.engine.errors import InvalidRequest, ModelLoadFailed
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.tokenizer import LlamaTokenizer, open_vocab
from bdchat.engine.text.tokenizer import Segment
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_llama, write_tiny_mistral

TEXTS = (
    "Hello, world!",
    "안녕하세요, 세계! 오늘은 2026년 7월 8일입니다.",
    "가족 👨‍👩‍👧‍👦 과 🏳️‍🌈",
    "e\u0301 ﷽ 𝔘𝔫𝔦 \x00 \x07 tabs\t\tand  spaces   \n\n\n lines",
    "مرحبا בעולם こんにちは 你好 สวัสดี",
    "x" * 5000,
)


@pytest.fixture(scope="module")
def spm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaTokenizer]:
    with open_vocab(write_tiny_mistral(tmp_path_factory.mktemp("models") / "mistral.gguf")) as tokenizer:
        yield tokenizer


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaTokenizer]:
    with open_vocab(write_tiny_llama(tmp_path_factory.mktemp("models") / "llama.gguf")) as tokenizer:
        yield tokenizer


@pytest.fixture(scope="module", params=["spm", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> LlamaTokenizer:
    found: LlamaTokenizer = request.getfixturevalue(request.param)
    return found


def plain(text: str) -> list[Segment]:
    return [Segment(text, trusted=False)]


def decode(tokenizer: LlamaTokenizer, tokens: list[int]) -> str:
    text = b"".join(tokenizer.token_bytes(token) for token in tokens).decode()
    return text.removeprefix(" ") if tokenizer.adds_space_prefix else text


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_byte_for_byte(tokenizer: LlamaTokenizer, text: str) -> None:
    assert decode(tokenizer, tokenizer.encode(plain(text))) == text


def test_untrusted_text_never_becomes_a_control_token(tokenizer: LlamaTokenizer) -> None:
    for control in tokenizer.control_texts():
        for text in (control, f"a{control}b", f" {control} ", control * 3, f"\n{control[:-1]}{control}"):
            tokens = tokenizer.encode(plain(text), add_bos=False)
            assert not any(tokenizer.is_control(token) for token in tokens), text
            assert decode(tokenizer, tokens) == text


def test_trusted_text_becomes_control_tokens(tokenizer: LlamaTokenizer) -> None:
    for control in tokenizer.control_texts():
        (token,) = tokenizer.encode([Segment(control, trusted=True)], add_bos=False)
        assert tokenizer.control_text(token) == control
        assert tokenizer.is_control(token)
        assert tokenizer.token_bytes(token) == b""


def test_bos_is_added_once(spm: LlamaTokenizer, bpe: LlamaTokenizer) -> None:
    assert spm.adds_bos
    assert [token == spm.bos_id for token in spm.encode([Segment("hi", trusted=True)])] == [True, False]
    assert spm.encode([Segment("<s>hi", trusted=True)]) == spm.encode([Segment("hi", trusted=True)])
    assert spm.encode([Segment("hi", trusted=True)], add_bos=False)[0] != spm.bos_id
    assert spm.encode([]) == [spm.bos_id]
    assert not bpe.adds_bos
    assert bpe.encode([]) == []
    assert bpe.encode([], add_bos=True) == [bpe.bos_id]


def test_a_user_s_bos_text_does_not_stand_in_for_bos(spm: LlamaTokenizer) -> None:
    assert spm.encode(plain("<s>hi"))[0] == spm.bos_id


@pytest.mark.parametrize("add_space_prefix", [True, False, None])
def test_a_space_is_never_doubled_behind_a_control_token(tmp_path: Path, add_space_prefix: bool | None) -> None:
    """Templates write "[INST] hi", llama.cpp puts a space there of its own; the reference has one."""
    with open_vocab(write_tiny_mistral(tmp_path / "m.gguf", add_space_prefix=add_space_prefix)) as tokenizer:
        assert tokenizer.adds_space_prefix is (add_space_prefix is not False)
        tokens = tokenizer.encode([Segment("<s>[INST] Hi[/INST]", trusted=True)])
        assert tokens == [1, 3, 16127, 4]
        segments = [Segment("<s>[INST]", trusted=True), Segment(" Hi", trusted=False), Segment("[/INST]", trusted=True)]
        assert tokenizer.encode(segments) == tokens


def test_sentencepiece_merges_do_not_spell_control_tokens(spm: LlamaTokenizer) -> None:
    """`</s>` as plain text can merge to the very text of token 2, whatever parse_special says."""
    for text in ("</s>", "<s>", "a</s><s>b", "</s></s>"):
        tokens = spm.encode(plain(text), add_bos=False)
        assert not {0, 1, 2} & set(tokens)
        assert decode(spm, tokens) == text


def test_end_of_generation_tokens_are_known(spm: LlamaTokenizer, bpe: LlamaTokenizer) -> None:
    assert [token for token in range(20) if spm.is_end_of_generation(token)] == [2]
    ends = {bpe.control_text(token) for token in range(bpe.n_vocab) if bpe.is_end_of_generation(token)}
    assert ends == {"<|im_end|>", "<|endoftext|>"}


def test_the_ends_that_the_file_names_end_generation_whatever_they_are_called(tmp_path: Path) -> None:
    """End of text, of turn and of message; one of them is no control token by its type."""
    path = write_tiny_llama(
        tmp_path / "m.gguf",
        control_tokens=("<first>", "<fin>", "<last>"),
        end_keys={"eot": "<fin>", "eom": "he"},
    )
    with LlamaModel.open(path, EngineSettings()) as model:
        tokenizer = LlamaTokenizer(model.handle)
        ends = [token for token in range(model.n_vocab) if model.is_end_of_generation(token)]
        assert [tokenizer.control_text(token) for token in ends] == ["", "<fin>", "<last>"]


def test_lone_surrogates_are_refused(tokenizer: LlamaTokenizer) -> None:
    with pytest.raises(InvalidRequest):
        tokenizer.encode(plain("a\ud800b"))


def test_a_file_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(ModelLoadFailed) as caught, open_vocab(path):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.gguf
@pytest.mark.parametrize("text", TEXTS)
def test_the_default_model_gives_text_back(default_model_path: Path, text: str) -> None:
    with open_vocab(default_model_path) as tokenizer:
        assert decode(tokenizer, tokenizer.encode(plain(text.replace("\x00", "")))) == text.replace("\x00", "")
