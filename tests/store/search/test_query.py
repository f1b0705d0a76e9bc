"""What is typed becomes quoted terms, whatever it is."""

import random
import re
import sqlite3

import pytest

from bdchat.store.search.hangul import fold
from bdchat.store.search.query import parse

SIGNS = "\"'*()[]{}:^-+&|!<>\\;%_~`,.@#$= \t\n\x00“”「」/?"
WORDS = [
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "환불",
    "환",
    "은",
    "gpu",
    "東京",
    "é",
    "ㅋㅋ",
    "terms",
    "\ue000",
    "👨‍👩‍👧",
    "\ud83d",
]


def fts5(typed: str) -> str:
    query = parse(typed)
    return query.for_fts5() if query else ""


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("환불은", '"환불"'),
        ("환불정책", '"환불 불정 정책"'),
        ("환", '"환" *'),
        ("GPU서버", '"gpu 서버"'),
        ("red blu", '"red" AND "blu" *'),
        ('"red blu"', '"red blu"'),
        ('"환불 정책" x', '"환불 불 정책" AND "x" *'),
        ('unclosed "quote here', '"unclosed" AND "quote here"'),
        ("2026년", '"2026 년" *'),
        ("환불 환불", '"환불"'),
    ],
)
def test_a_query_is_phrases_of_quoted_terms(typed: str, asked: str) -> None:
    assert fts5(typed) == asked


@pytest.mark.parametrize("typed", ["", "   ", '"""', "***", "-", "👍", "\x00"])
def test_signs_alone_ask_for_nothing(typed: str) -> None:
    assert parse(typed) is None


@pytest.mark.parametrize("seed", range(300))
def test_no_syntax_gets_in(seed: int) -> None:
    random_ = random.Random(seed)
    typed = "".join(random_.choice([*SIGNS, *WORDS]) for _ in range(random_.randrange(1, 40)))
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE i USING fts5(terms, tokenize='ascii')")
        query = parse(typed, is_loose=bool(seed % 2))
        if query is not None:
            asked = query.for_fts5()
            assert re.fullmatch(r'"[^"]*"( \*)?( AND "[^"]*"( \*)?)*', asked)
            connection.execute("SELECT rowid FROM i WHERE i MATCH ?", [asked]).fetchall()
            assert re.fullmatch(r"'[^' ]*'(:\*)?( & '[^' ]*'(:\*)?)*", query.for_tsquery())
            query.pattern.search(fold(typed))
    connection.close()


def test_neighbours_are_asked_of_phrases_only() -> None:
    query = parse('서버실 gpu "red car"')
    assert query is not None
    assert query.neighbours == ["% 서버 버실 %", "% red car %"]
