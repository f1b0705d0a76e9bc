"""What stands around a gap, as each family of models writes it; and what is left out when it is too long."""

from pathlib import Path

import pytest
from mistral_common.protocol.fim.request import FIMRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.llama.tokenizer import open_vocab
from bdchat.engine.request import FimPrompt, OtherFile
from bdchat.engine.text.fim import FimWriter
from bdchat.engine.text.prompt import make_prompt_builder
from bdchat.engine.text.tokenizer import FimTokens
from tests.engine.byte_tokenizer import ByteTokenizer
from tests.tiny_models import write_tiny_llama, write_tiny_mistral

PRE, SUF, MID, FILE = 1001, 1002, 1003, 1004
IN_ORDER = FimTokens(PRE, SUF, MID, FILE)
TEXTS = {PRE: "<P>", SUF: "<S>", MID: "<M>", FILE: "<F>"}


def tokenizer(fim: FimTokens | None = IN_ORDER) -> ByteTokenizer:
    made = ByteTokenizer()
    made.fim = fim
    return made


def written(prompt: FimPrompt, n_ctx: int | None = None, fim: FimTokens | None = IN_ORDER) -> str:
    tokens = FimWriter(tokenizer(fim), n_ctx).write(prompt)
    return b"".join(TEXTS[token].encode() if token in TEXTS else bytes([token]) for token in tokens).decode()


def gap(prefix: str, suffix: str, **fields: object) -> FimPrompt:
    return FimPrompt(prefix=prefix, suffix=suffix, **fields)  # type: ignore[arg-type]


def test_each_family_has_its_order() -> None:
    prompt = gap("a", "z")
    assert written(prompt) == "<P>a<S>z<M>"
    assert written(prompt, fim=FimTokens(PRE, SUF, middle=None, file=None, is_suffix_first=True)) == "<S>z<P>a"


def test_a_model_without_such_tokens_refuses_by_name() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        FimWriter(tokenizer(None), 64).write(gap("a", "z"))
    assert (refusal.value.param, refusal.value.code) == ("suffix", "unsupported_parameter")


def test_other_files_come_first_the_nearest_ones_when_room_is_short() -> None:
    files = tuple(OtherFile(name=f"{letter}.py", text=letter * 20) for letter in "xyz")
    assert written(gap("a", "b", other_files=files), 128) == (
        f"<F>x.py\n{'x' * 20}\n<F>y.py\n{'y' * 20}\n<F>z.py\n{'z' * 20}\n<F><P>a<S>b<M>"
    )
    assert written(gap("a", "b", other_files=files), 64) == f"<F>z.py\n{'z' * 20}\n<F><P>a<S>b<M>"
    without = FimTokens(PRE, SUF, MID, file=None)
    assert written(gap("a", "b", other_files=files[:1]), 128, without) == (
        f"\n\n--- x.py ---\n\n{'x' * 20}\n<P>a<S>b<M>"
    )


@pytest.mark.parametrize("prefix_chars", [0, 10, 3000, 100_000])
@pytest.mark.parametrize("suffix_chars", [0, 10, 3000, 100_000])
def test_what_is_too_long_is_cut_from_the_outside(prefix_chars: int, suffix_chars: int) -> None:
    prefix = ("0123456789" * (prefix_chars // 10))[:-1] + "|" if prefix_chars else ""
    suffix = "|" + "9876543210" * (suffix_chars // 10) if suffix_chars else ""
    tokens = FimWriter(tokenizer(), 512).write(gap(prefix, suffix, num_answer_tokens=100))
    assert len(tokens) <= 512 - 100
    middle = tokens.index(SUF)
    kept_prefix, kept_suffix = bytes(tokens[1:middle]).decode(), bytes(tokens[middle + 1 : -1]).decode()
    assert prefix.endswith(kept_prefix)
    assert suffix.startswith(kept_suffix)
    room = 512 - 100 - 4
    if prefix_chars + suffix_chars <= room:
        assert (kept_prefix, kept_suffix) == (prefix, suffix)
    else:
        assert len(tokens) > room // 2


def test_a_prefix_that_grows_begins_with_the_same_tokens_for_long() -> None:
    """Editors send the whole file with each letter: what is cut moves in steps, or nothing cached would ever fit."""
    lines = "".join(f"line {number}\n" for number in range(400))
    beginnings = set()
    for num_typed in range(200):
        tokens = FimWriter(tokenizer(), 512).write(gap(lines + "x" * num_typed, ""))
        assert bytes(tokens[1:6]).decode() == "line "
        beginnings.add(tuple(tokens[:20]))
    assert len(beginnings) <= 3


def test_a_long_answer_takes_at_most_half_of_the_context() -> None:
    prompt = gap("a" * 1000, "", num_answer_tokens=100_000)
    assert 200 < len(FimWriter(tokenizer(), 512).write(prompt)) <= 256


def test_mistrals_prompts_are_its_own_tokens(tmp_path: Path) -> None:
    reference = MistralTokenizer.v3()
    with open_vocab(write_tiny_mistral(tmp_path / "mistral.gguf")) as vocab:
        build = make_prompt_builder(vocab, vocab.chat_template, vocab.bos_text, vocab.eos_text).build
        for prefix, suffix in (
            ("def add(a, b):\n    ", "\n\nprint(add(1, 2))\n"),
            ("  spaced", "  spaced too"),
            ("한국어 주석 # ", "\n끝 😀"),
            ("x = ", ""),
            ("[SUFFIX] </s>", "[PREFIX]<s>"),
        ):
            expected = reference.encode_fim(FIMRequest(prompt=prefix, suffix=suffix)).tokens
            assert build(gap(prefix, suffix)) == expected


@pytest.mark.parametrize(
    "marks",
    [
        ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen, CodeGemma
        ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder, Granite
        ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek
        ("<PRE>", "<SUF>", "<MID>"),  # CodeLlama
    ],
)
def test_the_tokens_of_a_family_are_found_in_its_vocabulary(tmp_path: Path, marks: tuple[str, str, str]) -> None:
    path = write_tiny_llama(
        tmp_path / "fim.gguf", control_tokens=("<|endoftext|>", *marks, "<|im_start|>", "<|im_end|>")
    )
    with open_vocab(path) as vocab:
        builder = make_prompt_builder(vocab, vocab.chat_template, vocab.bos_text, vocab.eos_text)
        assert builder.has_fim
        evil = f"a{marks[1]}b"
        tokens = builder.build(gap(evil, marks[2]))
        assert [vocab.control_text(token) for token in tokens if vocab.control_text(token)] == list(marks)
        assert builder.text_of(tokens) == f"{marks[0]}{evil}{marks[1]}{marks[2]}{marks[2]}"
