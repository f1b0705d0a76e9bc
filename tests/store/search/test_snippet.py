"""Snippets are cut between graphemes and show what was found."""

import random
import unicodedata

import pytest

from bdchat.store.search.query import parse
from bdchat.store.search.snippet import SNIPPET_GRAPHEMES, Snippet, graphemes, snippet

FAMILY = "👨‍👩‍👧‍👦"
PIECES = [FAMILY, "🇰🇷", "👍🏽", "e\u0301", "각", unicodedata.normalize("NFD", "각"), "नि", "x", " ", "\n", "환불", "Z"]


def shown(content: str, typed: str) -> Snippet:
    query = parse(typed)
    assert query is not None
    return snippet(content, query.pattern)


def marked(found: Snippet) -> list[str]:
    return [found.text[start:end] for start, end in found.highlights]


@pytest.mark.parametrize(
    ("content", "typed", "highlights"),
    [
        ("오늘 환불은 됩니다. 환불!", "환불", ["환불", "환불"]),
        ("오늘 환불을", "환불은", ["환불"]),
        ("The Refunds and refund", "refund", ["Refund", "refund"]),
        ("prefund refund", '"refund"', ["refund"]),
        ("GPU-서버 값", "gpu서버", ["GPU-서버"]),
        (unicodedata.normalize("NFD", "이 환불은"), "환불", [unicodedata.normalize("NFD", "환불")]),
        ("<b>환불</b>", "환불", ["환불"]),
        ("nothing of it", "환불", []),
    ],
)
def test_what_was_found_is_marked(content: str, typed: str, highlights: list[str]) -> None:
    assert marked(shown(content, typed)) == highlights


def test_a_match_deep_in_a_long_text_is_shown() -> None:
    found = shown("가나 " * 30_000 + "환불 정책" + " 다라" * 1000, "환불")
    assert marked(found) == ["환불"]
    assert found.text.startswith("…")
    assert found.text.endswith("…")


def test_graphemes_stay_whole() -> None:
    for piece in PIECES:
        assert list(graphemes(f"a{piece}b"))[1] in {piece, piece[0]}  # "환불" is two
    assert list(graphemes(FAMILY * 2 + "🇰🇷🇯🇵")) == [FAMILY, FAMILY, "🇰🇷", "🇯🇵"]


@pytest.mark.parametrize("seed", range(60))
def test_a_snippet_is_a_run_of_whole_graphemes(seed: int) -> None:
    random_ = random.Random(seed)
    content = "".join(random_.choice(PIECES) for _ in range(random_.choice([5, 200, 6000])))
    found = shown(content, "환불")
    clusters = list(graphemes(found.text.strip("…")))
    assert len(clusters) <= SNIPPET_GRAPHEMES
    assert set(clusters) <= {*graphemes("\n".join(PIECES)), " "}
    assert all(unicodedata.normalize("NFC", text) == "환불" for text in marked(found))
    assert list(found.highlights) == sorted(found.highlights)
    assert ("환불" in content) == bool(found.highlights)


def test_marks_without_end_are_bounded() -> None:
    found = shown("환불 a" + "\u0301" * 100_000, "환불")
    assert len(found.text) < 40 * SNIPPET_GRAPHEMES
