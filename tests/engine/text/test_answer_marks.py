"""Where an answer ends by what the template writes around it, and whether it begins inside a thought."""

from pathlib import Path

import pytest

from bdchat.engine.llama.tokenizer import open_vocab
from bdchat.engine.request import ChatMessage, ChatPrompt
from bdchat.engine.text.answer_marks import AnswerMarks, Surroundings, answer_marks, closing_of_open_thought
from bdchat.engine.text.chat_template import CHATML, ChatTemplate
from bdchat.engine.text.prompt import make_prompt_builder
from tests.tiny_models import write_tiny_llama

TOKENS = {"</s>": 2, "<|im_start|>": 3, "<|im_end|>": 4, "<|fin|>": 5, "<|user|>": 6}
ENDS = frozenset({2, 4})


def marks(
    trailer: str, *, header: str = "A: ", is_made_up: bool = False, tokens: dict[str, int] = TOKENS
) -> AnswerMarks:
    around = Surroundings(generation_prompt="A: ", header=header, trailer=trailer)
    return answer_marks(around, tokens, ENDS, is_made_up=is_made_up)


@pytest.mark.parametrize(
    ("trailer", "texts", "token_ids"),
    [
        ("<|im_end|>\n<|im_start|>user\n", (), set()),  # llama.cpp knows it
        ("</s>\n<|user|>\n", (), set()),
        ("<|end|>\n<|you|>\n", ("<|end|>", "<|you|>"), set()),  # text to this vocabulary
        ("<|fin|>\n<|user|>\n", (), {5, 6}),  # control tokens that llama.cpp takes for no ends
        ("<|fin|>\n<|you|>", ("<|you|>",), {5}),
        ("<|end|></s><|you|>", ("<|end|>",), set()),  # behind an end comes nothing more
        (" [/A] [B] ", ("[/A]", "[B]"), set()),
        ("\n\n### Instruction:\n", ("\n### Instruction:",), set()),  # no mark at all: the words that announce
        ("\n\nUser: ", ("\nUser:",), set()),
        ("\n\n", (), set()),
        ("", (), set()),
    ],
)
def test_what_the_template_writes_behind_an_answer_ends_one(
    trailer: str, texts: tuple[str, ...], token_ids: set[int]
) -> None:
    assert marks(trailer) == AnswerMarks(texts, frozenset(token_ids))


def test_of_a_made_up_template_every_mark_ends_the_answer() -> None:
    trailer = "<|im_end|>\n<|im_start|>user\n"
    assert marks(trailer, is_made_up=True) == AnswerMarks((), frozenset({3}))
    assert marks(trailer, is_made_up=True, tokens={}) == AnswerMarks(("<|im_end|>", "<|im_start|>"))
    assert marks(trailer, is_made_up=True, tokens={"<|im_end|>": 4}) == AnswerMarks(("<|im_start|>",))


def test_tokens_that_a_model_writes_within_its_answer_do_not_end_it() -> None:
    """gpt-oss: the model writes the channel's name itself, and closes every channel with the same token."""
    assert marks("<|fin|><|user|>", header="A: <channel>final<message>") == AnswerMarks()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_model_without_a_template_stops_at_the_marks_it_was_given(tmp_path: Path, is_known: bool) -> None:
    """The vocabulary of a base model has no `<|im_end|>`; another's has."""
    names = ("<|endoftext|>", "<|im_start|>", "<|im_end|>") if is_known else ("<|endoftext|>",)
    path = write_tiny_llama(tmp_path / "base.gguf", chat_template=None, control_tokens=names)
    with open_vocab(path) as tokenizer:
        found = make_prompt_builder(tokenizer, tokenizer.chat_template, "", "").answer_marks()
        start = [token for token in range(tokenizer.n_vocab) if tokenizer.control_text(token) == "<|im_start|>"]
    assert found == AnswerMarks(() if is_known else ("<|im_end|>", "<|im_start|>"), frozenset(start))


def test_a_template_s_own_token_ends_the_answer_where_no_key_names_it(tmp_path: Path) -> None:
    template = CHATML.replace("<|im_end|>", "<|fin|>")
    names = ("<|endoftext|>", "<|fin|>", "<|im_end|>")
    with open_vocab(write_tiny_llama(tmp_path / "m.gguf", chat_template=template, control_tokens=names)) as tokenizer:
        found = make_prompt_builder(tokenizer, tokenizer.chat_template, "", "").answer_marks()
        assert [tokenizer.control_text(token) for token in found.token_ids] == ["<|fin|>"]
        assert found.texts == ("<|im_start|>",)


@pytest.mark.parametrize(
    ("prompt", "closing"),
    [
        ("<|assistant|><think>\n", "</think>"),
        ("<|assistant|><think>", "</think>"),
        ("A<seed:think>", "</seed:think>"),
        ("A[THINK]", "[/THINK]"),
        ("A<thinking>\n\n", "</thinking>"),
        ("A◁think▷", "◁/think▷"),
        ("A<think:open>", "</think:open>"),
        ("A<|START_THINKING|>", "<|END_THINKING|>"),
        ("A<|START_THINKING|><|END_THINKING|>", ""),
        ("A<think>\n\n</think>\n\n", ""),
        ("</think>", ""),
        ("use <think> tags. <|assistant|>", ""),
        ("<|assistant|>\n", ""),
        ("", ""),
    ],
)
def test_a_thought_that_a_prompt_opens_is_known_by_its_end(prompt: str, closing: str) -> None:
    assert closing_of_open_thought(prompt) == closing


def test_a_thought_that_the_template_opens_is_closed_on_request() -> None:
    question = (ChatMessage(role="user", content="Why?"),)
    for opening, end in (("<think>\n", "<think>\n\n</think>\n\n"), ("<think>", "<think>\n\n</think>\n\n"), ("", "")):
        template = ChatTemplate(CHATML.replace("assistant\\n", "assistant\\n" + opening.replace("\n", "\\n")), "", "")
        plain, closed = (
            template.render(ChatPrompt(messages=question, closes_thought=closes))[-1].text for closes in (False, True)
        )
        assert plain.endswith("<|im_start|>assistant\n" + opening)
        assert closed.endswith("<|im_start|>assistant\n" + end)
