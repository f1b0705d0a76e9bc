"""What a chat is called until it has a title, and what its forks are called."""

import pytest

from bdchat.store.chats.first_words import MAX_GRAPHEMES, MAX_TITLE_CHARS, first_words, name_of, numbered
from bdchat.store.search.snippet import graphemes


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
        ("words " + "x" * 5_000_000, "words " + "x" * 34 + "…"),
    ],
)
def test_the_first_words_are_cut_between_words_or_whole_characters(question: str, title: str) -> None:
    assert first_words(question) == title
    assert len(list(graphemes(title.rstrip("…")))) <= MAX_GRAPHEMES


def test_a_fork_has_the_next_number_that_is_free() -> None:
    assert numbered("여우", []) == "여우 (2)"
    assert numbered("여우", ["여우", "여우 (2)", "여우 (9)"]) == "여우 (10)"
    assert name_of("여우 (10)") == "여우"
    assert name_of("여우 (열)") == "여우 (열)"
    assert len(numbered("x" * MAX_TITLE_CHARS, [])) == MAX_TITLE_CHARS
