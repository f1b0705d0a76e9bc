"""Titles of chats: which of a model's words will do, and what is taken instead."""

import json
from pathlib import Path

import pytest

from bdchat.api.chats.title_text import title_prompt, usable_title
from bdchat.engine.request import FinishReason

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
        ("Title:\nSorting a List", "Sorting a List"),
        ("Sure! Here is a title:\n\nSorting a List", "Sorting a List"),
        ("<title>Sorting a List</title>", "Sorting a List"),
        ("<|assistant|>Sorting a List[END]", "Sorting a List"),
        ('Sorting a "big" List', "Sorting a big List"),
        ("Sorting a 'big' List, Don't Panic", "Sorting a big List, Don't Panic"),
        ("Sorting **one** `list`", "Sorting one list"),
        ("Sorting vector<int>", "Sorting vector<int>"),
        ("<[Sorting (a List)]>", "Sorting (a List)"),
        ("What sorted() does: f()", "What sorted() does: f()"),
        ("hm, sorting\n</think>\n\nSorting a List", "Sorting a List"),
        ("hm\n[/THINK]Sorting a List", "Sorting a List"),
        ("<thinking>hm</thinking>Sorting a List", "Sorting a List"),
        ("<seed:think>hm</seed:think>Sorting a List", "Sorting a List"),
        ("analysisWe need a title.assistantfinalSorting a List", "Sorting a List"),
        ("◁think▷hm◁/think▷Sorting a List", "Sorting a List"),
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
        ("[THINK]I should", STOP),
        ("analysisUser wants a title", STOP),
        ("Okay, the user wants a title.", STOP),  # a thought that nothing marks
        ("I should sort this out", STOP),
        ("Let me think", STOP),
        ("Sure! Here is a title:", STOP),
        ("Short title", STOP),  # what it was told
        ("A short title for the question", STOP),
        ("Sorting: at most six words", STOP),
        ("정렬하기", STOP),  # another language
        ("排序列表", STOP),
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


@pytest.mark.parametrize(
    ("question", "titles", "others"),
    [
        (
            "リストを並べ替えるには？",
            ("リストの並べ替え", "並替方法", "Pythonの並べ替え"),
            ("Sorting a List", "리스트 정렬"),
        ),
        ("如何对列表排序？", ("列表排序", "Python 列表排序"), ("Sorting a List", "リストの並べ替え")),
        ("Как отсортировать список?", ("Сортировка списка",), ("Sorting a List", "列表排序")),
        ("كيف أرتب قائمة؟", ("ترتيب القائمة",), ("Sorting a List",)),
        ("12 + 30 = ?", ("Addition", "덧셈"), ()),
    ],
)
def test_letters_tell_the_chats_language(question: str, titles: tuple[str, ...], others: tuple[str, ...]) -> None:
    assert [usable_title(title, STOP, question) for title in titles] == list(titles)
    assert [usable_title(title, STOP, question) for title in others] == [None] * len(others)


def test_words_of_the_order_are_a_title_where_the_question_has_them() -> None:
    question = "How do I write a short title with the <title> tag?"
    assert usable_title("Write a Short Title", STOP, question) == "Write a Short Title"
    assert usable_title("Using the <title> Tag", STOP, question) == "Using the title Tag"
    assert usable_title("What the User Wants", STOP, "What does the user want?") == "What the User Wants"


def test_all_before_a_closing_tag_is_a_thought_and_a_thought_is_no_title() -> None:
    for case in json.loads((Path(__file__).parent / "thought-without-opening.json").read_text()):
        assert usable_title(case["said"], FinishReason(case["reason"]), case["question"]) == case["title"]


def test_the_model_is_shown_a_bounded_beginning() -> None:
    messages = title_prompt("a\n" * 1_000_000, "b " * 1_000_000)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert len(messages[-1].content) < 1000
