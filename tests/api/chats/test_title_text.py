"""Titles of chats: which of a model's words will do, and what is taken instead."""

import pytest

from bdchat.api.chats.title_text import MAX_FALLBACK_GRAPHEMES, first_words, title_prompt, usable_title
from bdchat.engine.request import FinishReason
from bdchat.store.search.snippet import graphemes

STOP, LENGTH = FinishReason.STOP, FinishReason.LENGTH


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Sorting a List", "Sorting a List"),
        ('"Sorting a List."', "Sorting a List"),
        ("Title: Sorting a List", "Sorting a List"),
        ('**Title:** "Sorting a List"', "Sorting a List"),
        ("The title is: Sorting a List", "Sorting a List"),
        ("# Sorting a List\n\nThis title says…", "Sorting a List"),
        ("\n  “Sorting\ta   List” ", "Sorting a List"),
        ("<think>The user wants…</think>\nSorting a List", "Sorting a List"),
        ("C++ or Rust?", "C++ or Rust?"),
        ("Sorting\u202e a\x00 List", "Sorting a List"),
    ],
)
def test_what_models_put_around_a_title_goes(said: str, title: str) -> None:
    assert usable_title(said, STOP, "How do I sort?") == title


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", STOP),
        ("   \n ", STOP),
        ('""', STOP),
        ("…", STOP),
        ("Title:", STOP),
        ("A", STOP),
        ("word " * 20, STOP),
        ("Sorting a", LENGTH),  # cut off
        ("<think>I should", LENGTH),
        ("Question: How do I sort?", STOP),
        ("Soft-Boiled Eggs", STOP),  # the example
        ("You call sorted().", STOP),  # the answer once more
    ],
)
def test_what_is_no_title(said: str, reason: FinishReason) -> None:
    assert usable_title(said, reason, "How do I sort?", "You call sorted(). It returns…") is None


def test_a_title_is_in_the_chats_language() -> None:
    korean = "파이썬에서 list를 정렬하는 방법"
    assert usable_title("제목: 「리스트 정렬 방법」", STOP, korean) == "리스트 정렬 방법"
    assert usable_title("Sorting a list", STOP, korean) is None
    assert "한국어" in title_prompt(korean, "")[0].content
    assert "한국어" not in title_prompt("How do I sort?", "")[0].content


def test_the_model_is_shown_a_bounded_beginning() -> None:
    messages = title_prompt("a\n" * 1_000_000, "b " * 1_000_000)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert len(messages[-1].content) < 1000


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("hi", "hi"),
        ("  two\n words ", "two words"),
        ("## Please help", "Please help"),
        ("```python\nprint(1)\n```\nWhat does this do?", "What does this do?"),
        ("```python\nprint(1)\n```", "python print(1) ```"),
        ("a" * 100, "a" * 40 + "…"),
        ("a" * 40, "a" * 40),
        (
            "환불은 언제까지 가능한지, 그리고 어디에 연락해야 하는지 알려 주세요",
            "환불은 언제까지 가능한지, 그리고 어디에 연락해야 하는지 알려 주세요",
        ),
        ("one two three four five six seven eight nine ten", "one two three four five six seven eight…"),
        ("👨‍👩‍👧‍👦" * 50, "👨‍👩‍👧‍👦" * 40 + "…"),
        ("\x00\u202e", ""),
    ],
)
def test_the_first_words_are_cut_between_words_or_whole_characters(question: str, title: str) -> None:
    assert first_words(question) == title
    assert len(list(graphemes(title.rstrip("…")))) <= MAX_FALLBACK_GRAPHEMES
