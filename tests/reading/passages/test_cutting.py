"""Passages of made pages: what they hold, how long they are and where they end."""

import itertools
import random
import unicodedata

import pytest

from bdchat.reading.passages.cutting import FULL, MAX_JOINED, MAX_PASSAGE, passages
from bdchat.reading.passages.headings import HeadingPath
from bdchat.reading.passages.sizes import num_tokens
from bdchat.reading.passages.units import is_within_character
from bdchat.reading.pieces import BlockKind, PageText, PassageDraft, TextBlock

KOREAN = "환불은 물건을 받은 날부터 이레 안에 신청할 수 있습니다."
ENGLISH = "You may ask for a refund within seven days of delivery."


def page_of(*parts: tuple[BlockKind, str], number: int = 1) -> PageText:
    """Blocks with a blank line between them. A heading's level is the number of its "#"s."""
    text, blocks = "", []
    for kind, part in parts:
        level = len(part) - len(part.lstrip("#")) if kind == "heading" else 0
        said = part[level:].strip() if kind == "heading" else part
        blocks.append(TextBlock(kind, len(text), len(text) + len(said), level))
        text += said + "\n\n"
    return PageText(number, text, blocks=tuple(blocks))


def texts(page: PageText, drafts: list[PassageDraft]) -> list[str]:
    return [page.text[draft.start : draft.end] for draft in drafts]


def test_long_prose_becomes_passages_of_350_to_450_tokens_that_end_with_a_sentence() -> None:
    page = page_of(("paragraph", " ".join(f"{number}번째로, {KOREAN} {ENGLISH}" for number in range(200))))
    drafts = passages(page, HeadingPath())
    assert len(drafts) > 10
    for draft, text in zip(drafts, texts(page, drafts), strict=True):
        assert text.endswith(".")
        assert draft.num_tokens == round(num_tokens(text))
    assert all(FULL <= draft.num_tokens <= MAX_PASSAGE for draft in drafts[:-1])


def test_passages_of_prose_overlap_by_one_sentence() -> None:
    sentences = [f"{number}번째 문장은 " + KOREAN for number in range(100)]
    page = page_of(("paragraph", " ".join(sentences)))
    drafts = passages(page, HeadingPath())
    for before, after in itertools.pairwise(drafts):
        assert page.text[after.start : before.end] in sentences


def test_a_heading_begins_a_passage_and_is_told_with_it() -> None:
    page = page_of(
        ("heading", "# 환불"),
        ("paragraph", " ".join([KOREAN] * 12)),
        ("heading", "## Exceptions"),
        ("paragraph", " ".join([ENGLISH] * 16)),
    )
    drafts = passages(page, HeadingPath())
    assert [draft.heading for draft in drafts] == ["환불", "환불 > Exceptions"]
    assert [text.splitlines()[0] for text in texts(page, drafts)] == ["환불", "Exceptions"]


def test_short_sections_share_a_passage() -> None:
    page = page_of(*[part for n in range(3) for part in (("heading", f"# Q{n}"), ("paragraph", ENGLISH))])
    assert len(passages(page, HeadingPath())) == 1


def test_headings_are_carried_from_page_to_page() -> None:
    headings = HeadingPath()
    passages(page_of(("heading", "# Chapter"), ("heading", "## Section"), ("paragraph", ENGLISH)), headings)
    (second,) = passages(page_of(("paragraph", ENGLISH), number=2), headings)
    (third,) = passages(page_of(("heading", "## Other"), ("paragraph", ENGLISH), number=3), headings)
    assert (second.heading, second.page) == ("Chapter > Section", 2)
    assert third.heading == "Chapter > Other"


def test_no_passage_ends_with_a_heading() -> None:
    parts: list[tuple[BlockKind, str]] = []
    for number in range(60):
        parts.append(("heading", f"### Part {number}"))
        parts.append(("paragraph", " ".join([ENGLISH] * (number % 7 + 1))))
    page = page_of(*parts)
    for text in texts(page, passages(page, HeadingPath())):
        assert not text.splitlines()[-1].startswith("Part")


def test_rows_of_a_long_table_are_told_its_header() -> None:
    header = "품목 | 가격 | 재고"
    rows = [header, *(f"물건 {number} | {number * 100} | {number}" for number in range(200))]
    page = page_of(("table", "\n".join(rows)))
    drafts = passages(page, HeadingPath())
    assert drafts[0].header == ""
    assert {draft.header for draft in drafts[1:]} == {header}
    lines = [line for text in texts(page, drafts) for line in text.splitlines()]
    assert lines == rows  # each row whole, in one passage
    assert all(draft.num_tokens <= MAX_PASSAGE for draft in drafts)


def test_lines_of_code_stay_whole() -> None:
    lines = [f"    total_{number} = compute({number}, scale=2.5)" for number in range(150)]
    page = page_of(("code", "\n".join(lines)))
    found = [line.strip() for text in texts(page, passages(page, HeadingPath())) for line in text.splitlines()]
    assert found == [line.strip() for line in lines]


def test_a_short_last_piece_is_joined_or_shared_out() -> None:
    for num_sentences in range(15, 40):
        page = page_of(("paragraph", " ".join([KOREAN] * num_sentences)))
        drafts = passages(page, HeadingPath())
        assert all(100 <= draft.num_tokens <= MAX_JOINED for draft in drafts)


@pytest.mark.parametrize("line", ["가" * 100_000, "word " * 20_000, "a" * 100_000, "語。" * 50_000, "👨‍👩‍👧" * 20_000])
def test_a_line_of_100_000_characters_is_cut(line: str) -> None:
    page = PageText(1, line)
    drafts = passages(page, HeadingPath())
    check_bounds(page, drafts)
    assert len(drafts) > 50
    assert not any(is_within_character(line, draft.start) for draft in drafts[1:])


def test_an_empty_page_has_no_passage() -> None:
    assert passages(PageText(1, " \n\n "), HeadingPath()) == []


def check_cover(page: PageText, drafts: list[PassageDraft]) -> None:
    """Nothing but white space is left out, nothing goes beyond its bounds, and no cut tears a word or a sign."""
    at = 0
    for draft in drafts:
        assert 0 <= draft.start < draft.end <= len(page.text)
        assert draft.start <= at or not page.text[at : draft.start].strip()
        assert draft.end > at
        assert draft.num_tokens <= MAX_JOINED + 1
        for place in (draft.start, draft.end):
            if 0 < place < len(page.text):
                assert not is_within_character(page.text, place)
                check_word(page.text, place)
        at = draft.end
    assert not page.text[at:].strip()


def check_word(text: str, place: int) -> None:
    if text[place - 1].isalnum() and text[place].isalnum():
        left = next((at for at in range(place, 0, -1) if not text[at - 1].isalnum()), 0)
        right = next((at for at in range(place, len(text)) if not text[at].isalnum()), len(text))
        assert num_tokens(text[left:right]) > 100 or "." in text[left:right]


ALPHABET = [
    *("환불", "규정은", "있습니다.", "Refund", "policy", "3.14", "1,000", "e.g.", "U.S.", '"인용. 문장"', "(괄호. 안)"),
    *(
        " ",
        " ",
        " ",
        "\n",
        "\n\n",
        " | ",
        "다.",
        "요?",
        "。",
        "漢字",
        "カナ",
        "\u200b",
        "\ufeff",
        "é",
        "e\u0301",
        "👨‍👩‍👧",
    ),
    *(unicodedata.normalize("NFD", "한글"), "\x00", "x" * 300, "=" * 90, "\t", "…", "”", "“", "！", "ﷺ"),
]
KINDS: list[BlockKind] = ["heading", "paragraph", "list", "table", "code", "note"]


@pytest.mark.parametrize("seed", range(60))
def test_random_pages_are_covered_bounded_and_cut_the_same_way_twice(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choices(ALPHABET, k=rng.choice([1, 10, 300, 2000])))
    blocks = []
    for _ in range(rng.randrange(12)):
        start, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 20)))
        blocks.append(TextBlock(rng.choice(KINDS), start, end, rng.randrange(8)))
    page = PageText(1, text, blocks=tuple(blocks))
    drafts = passages(page, HeadingPath())
    check_bounds(page, drafts)
    assert drafts == passages(page, HeadingPath())


def check_bounds(page: PageText, drafts: list[PassageDraft]) -> None:
    at = 0
    for draft in drafts:
        assert 0 <= draft.start < draft.end <= len(page.text)
        assert not page.text[at : draft.start].strip() if draft.start > at else draft.end > at
        assert draft.num_tokens <= MAX_JOINED + 1
        assert len(draft.heading) < 600
        at = draft.end
    assert not page.text[at:].strip()


@pytest.mark.parametrize("seed", range(20))
def test_random_prose_is_never_cut_within_a_word(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choices([part for part in ALPHABET if len(part) < 90], k=2000))
    page = PageText(1, text)
    check_cover(page, passages(page, HeadingPath()))
