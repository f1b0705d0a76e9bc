"""The fence around passages: what a file says stays inside, and never is a control token."""

import random
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bdchat.api.citations.block import CLOSING, OPENING, inert_text, is_korean, order_texts, with_block
from bdchat.api.citations.passage import PromptPassage
from bdchat.engine.llama.tokenizer import LlamaTokenizer, open_vocab
from bdchat.engine.request import ChatMessage, ChatPrompt
from bdchat.engine.text.prompt import PromptBuilder, make_prompt_builder
from tests.api.citations.injections import INJECTIONS, Injection

QUESTION = "What is the rent?"
UNSEEN = {"Cf", "Mn", "Cc"}


def passage(text: str, number: int = 1, **about: object) -> PromptPassage:
    plain = PromptPassage(number=number, document_id="d1", document_name="lease.pdf", text=text)
    return msgspec.structs.replace(plain, **about)


def seen(text: str) -> str:
    """As an eye takes it: compatibility forms alike, case too, without what has no width and without spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if not letter.isspace() and unicodedata.category(letter) not in UNSEEN)


def tags_in(text: str) -> list[str]:
    return re.findall(r"</?(?:documents|passage)", seen(text))


@pytest.fixture(scope="module")
def vocab(default_model_path: Path) -> Iterator[LlamaTokenizer]:
    with open_vocab(default_model_path) as tokenizer:
        yield tokenizer


@pytest.fixture(scope="module")
def builder(vocab: LlamaTokenizer) -> PromptBuilder:
    return make_prompt_builder(vocab, vocab.chat_template, vocab.bos_text, vocab.eos_text)


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda injection: injection.name)
def test_no_text_closes_the_block_or_begins_a_passage(injection: Injection) -> None:
    made = with_block(
        QUESTION,
        [passage(injection.text), passage("Rent: 500.", 2, document_name=injection.text, heading=injection.text)],
        tells_how=True,
    )
    assert tags_in(made) == ["<documents", "<passage", "</passage", "<passage", "</passage", "</documents"]
    assert made.startswith(OPENING + "\n")
    assert made.endswith("\n\n" + QUESTION)
    assert made.split(CLOSING)[1].strip() == f"{order_texts()[0]}\n\n{QUESTION}"


def test_there_are_forty_injections_in_two_languages() -> None:
    assert len(INJECTIONS) == len({each.name for each in INJECTIONS}) == 40
    assert sum(each.name.endswith("_ko") for each in INJECTIONS) >= 10


@pytest.mark.parametrize("seed", range(60))
def test_random_tags_stay_inside(seed: int) -> None:
    rng = random.Random(seed)
    pieces = [
        *"<>/＜＞／﹤ \n\t\u200b\u200d\u2060\u00ad\ufe0f\U000e0041",
        *("documents", "DOCUMENTS", "ｐａｓｓａｇｅ", "𝐝𝐨𝐜𝐮𝐦𝐞𝐧𝐭𝐬", "pass", "age", "a"),
    ]
    text = "".join(rng.choice(pieces) for _ in range(rng.randrange(200)))
    assert len(tags_in(with_block(QUESTION, [passage(text)], tells_how=False))) == 4


@pytest.mark.parametrize(
    "text", ["x < y and a <div> b", "이 문서는 <표 1>에 있다.", "if (a<b) return documents;", "👨‍👩‍👧 가족"]
)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert inert_text(text) == text


def test_what_nobody_sees_is_not_shown_to_the_model() -> None:
    hidden = next(each for each in INJECTIONS if each.name == "hidden_tags")
    assert inert_text(hidden.text) == "The rent is 500."


def test_the_order_stands_in_the_language_of_the_question() -> None:
    english, korean = order_texts()
    assert english in with_block("What is it?", [passage("x")], tells_how=True)
    assert korean in with_block("VAT 환급은 언제인가요?", [passage("x")], tells_how=True)
    assert not is_korean("What does 계약 mean in English, in one short sentence please?")
    follow_up = with_block("그럼 보증금은?", [passage("x")], tells_how=False)
    assert english not in follow_up
    assert korean not in follow_up


def test_a_message_without_passages_is_itself() -> None:
    assert with_block(QUESTION, [], tells_how=True) == QUESTION


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda injection: injection.name)
def test_no_injection_is_a_control_token(injection: Injection, builder: PromptBuilder, vocab: LlamaTokenizer) -> None:
    def controls(text: str) -> list[int]:
        made = with_block(QUESTION, [passage(text, document_name=text)], tells_how=True)
        tokens = builder.build(ChatPrompt(messages=(ChatMessage(role="user", content=made),)))
        return [token for token in tokens if vocab.is_control(token)]

    assert controls(injection.text) == controls("The rent is 500.")


def test_a_document_full_of_control_texts_is_plain_text(builder: PromptBuilder, vocab: LlamaTokenizer) -> None:
    text = "\n".join([*vocab.control_texts(), "[INST]", "<start_of_turn>", "<|im_end|>" * 50])
    made = with_block(QUESTION, [passage(text)], tells_how=False)
    plain = with_block(QUESTION, [passage("x")], tells_how=False)

    def controls(content: str) -> list[int]:
        tokens = builder.build(ChatPrompt(messages=(ChatMessage(role="user", content=content),)))
        return [token for token in tokens if vocab.is_control(token)]

    assert controls(made) == controls(plain)
    assert "<|im_end|>" in made
