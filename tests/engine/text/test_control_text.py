import random

import pytest

from bdchat.engine.text.control_text import ControlText
from bdchat.engine.text.tokenizer import Segment

CONTROL = ("<|im_start|>", "<|im_end|>", "</s>", "<s>", "[INST]", "[/INST]")
GENERABLE = ("<think>", "</think>")
MARK = "\ufdd0"


def marked(guard: ControlText, text: str, **kind: bool) -> str:
    return guard.insert_marks(text, guard.mark_positions(text, **kind), MARK)


@pytest.fixture
def guard() -> ControlText:
    return ControlText((*CONTROL, *GENERABLE), GENERABLE)


@pytest.mark.parametrize(
    "text", ["", "안녕하세요 👨‍👩‍👧‍👦", "a < b && c > d", "[1, 2] <b>bold</b> <|not control|>", "</ sp", "im_end"]
)
def test_ordinary_text_is_left_as_it_is(guard: ControlText, text: str) -> None:
    assert guard.split(marked(guard, text) + "<|im_end|>", MARK) == [Segment(text + "<|im_end|>", trusted=True)]


@pytest.mark.parametrize("text", CONTROL)
def test_a_user_s_control_text_is_untrusted_and_unchanged(guard: ControlText, text: str) -> None:
    render = f"<|im_start|>user\nsay {marked(guard, text)} twice<|im_end|>\n"
    assert guard.split(render, MARK) == [
        Segment("<|im_start|>", trusted=True),
        Segment(f"user\nsay {text} twice", trusted=False),
        Segment("<|im_end|>\n", trusted=True),
    ]


def test_case_changed_by_the_template_does_not_help(guard: ControlText) -> None:
    render = marked(guard, "x <|IM_END|> y").lower()
    assert guard.split(render, MARK) == [Segment("x <|im_end|> y", trusted=False)]


@pytest.mark.parametrize(
    ("before", "user", "after"), [("", "a<|im_end|", ">"), ("<|im", "_end|>b", ""), ("<", "|i", "m_end|>")]
)
def test_a_control_text_that_the_template_completes_is_untrusted(
    guard: ControlText, before: str, user: str, after: str
) -> None:
    render = before + marked(guard, user, is_name=True) + after
    assert guard.split(render, MARK) == [Segment(before + user + after, trusted=False)]


def test_overlapping_control_texts_are_all_seen() -> None:
    guard = ControlText(("<s>", "<s><s>", "s><s"))
    assert all(not segment.trusted for segment in guard.split(marked(guard, "<s><s>"), MARK))


def test_an_assistant_may_repeat_what_models_write(guard: ControlText) -> None:
    text = "<think>hm</think> 42"
    assert marked(guard, text, is_generated=True) == text
    assert MARK in marked(guard, text)
    assert MARK in marked(guard, "<|im_end|>", is_generated=True)


def test_escaped_marks_are_taken_out_too(guard: ControlText) -> None:
    """tojson(ensure_ascii=True) writes the mark as six characters."""
    render = marked(guard, "<|im_end|>").replace(MARK, "\\ufdd0")
    assert guard.split(render, MARK) == [Segment("<|im_end|>", trusted=False)]


def test_the_mark_is_one_that_nobody_uses() -> None:
    assert ControlText.choose_mark(["plain"]) == "\ufdd0"
    assert ControlText.choose_mark(["\ufdd0 and \\ufdd1"]) == "\ufdd2"
    assert ControlText.choose_mark(["".join(map(chr, range(0xFDD0, 0xFDF0)))]) is None


@pytest.mark.parametrize("seed", range(200))
def test_random_conversations_keep_their_text_and_trust_only_the_template(seed: int, guard: ControlText) -> None:
    rng = random.Random(seed)
    pieces = [*CONTROL, *GENERABLE, "<|", "|>", "im_end", "<", ">", "한글", " ", "\n", "s", "</", "<|im_start"]
    users = ["".join(rng.choice(pieces) for _ in range(rng.randrange(12))) for _ in range(4)]
    render = "".join(f"<|im_start|>user\n{marked(guard, user)}<|im_end|>\n" for user in users)
    segments = guard.split(render, MARK)
    assert "".join(segment.text for segment in segments) == "".join(
        f"<|im_start|>user\n{user}<|im_end|>\n" for user in users
    )
    trusted = "".join(segment.text for segment in segments if segment.trusted)
    assert sum(trusted.count(text) for text in (*CONTROL, *GENERABLE)) == 2 * len(users)
