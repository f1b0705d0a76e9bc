"""A page → the units that passages are made of: headings, sentences, lines of code, rows of tables, each with what
stands before it and how good a place for a cut that is."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from bdchat.reading.passages.headings import HeadingPath
from bdchat.reading.passages.sentences import sentences
from bdchat.reading.passages.sizes import num_tokens, weight
from bdchat.reading.pieces import BlockKind, PageText, TextBlock

MAX_UNIT = 200  # tokens; a longer sentence or row is cut where it hurts least
MAX_HEADER = 100  # tokens of a table's header that is told with its later rows

# How good a cut in front of a unit is.
BEHIND_HEADING, WITHIN, SENTENCE, ROW, BLOCK, HEADING = range(6)

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"[^\n]+")
_SOFT = re.compile(r"(?<=[,;:،、，；|])\s")


class Unit(NamedTuple):
    """`header`: what a passage that begins here has to be told of its table."""

    start: int
    end: int
    tokens: float
    border: int
    heading: str
    header: str = ""
    is_prose: bool = False
    is_heading: bool = False


def units(page: PageText, headings: HeadingPath) -> Iterator[Unit]:
    """Together they hold all of the page's text but white space, in order. Moves `headings` on."""
    is_behind_heading = False
    for block in _blocks(page):
        if block.kind == "heading":
            headings.enter(block.level, page.text[block.start : block.end])
        header = _header(page.text, block) if block.kind == "table" else ""
        border = HEADING if block.kind == "heading" else BLOCK
        is_first_line = True
        for line_start, line_end in _lines(page.text, block):
            for start, end in _pieces(page.text, line_start, line_end):
                if start > line_start:
                    border = WITHIN
                yield Unit(
                    start,
                    end,
                    num_tokens(page.text[start:end]),
                    BEHIND_HEADING if is_behind_heading else border,
                    headings.text,
                    "" if is_first_line and start == line_start else header,
                    is_prose=block.kind in ("paragraph", "list", "note"),
                    is_heading=block.kind == "heading",
                )
                is_behind_heading = block.kind == "heading"
            border = SENTENCE if block.kind in ("paragraph", "note", "heading") else ROW
            is_first_line = False


def _blocks(page: PageText) -> Iterator[TextBlock]:
    """The page's blocks in order, none within another, and paragraphs for what lies between them."""
    at = 0
    for block in sorted(page.blocks, key=lambda block: (block.start, -block.end)):
        start, end = max(block.start, at), min(block.end, len(page.text))
        if start >= end:
            continue
        yield from _paragraphs(page.text, at, start)
        yield TextBlock(block.kind, start, end, block.level)
        at = end
    yield from _paragraphs(page.text, at, len(page.text))


def _paragraphs(text: str, start: int, end: int) -> Iterator[TextBlock]:
    for match in _BLANK_LINE.finditer(text, start, end):
        if text[start : match.start()].strip():
            yield TextBlock("paragraph", start, match.start())
        start = match.end()
    if text[start:end].strip():
        yield TextBlock("paragraph", start, end)


_BY_LINE: tuple[BlockKind, ...] = ("list", "table", "code")


def _lines(text: str, block: TextBlock) -> Iterator[tuple[int, int]]:
    if block.kind not in _BY_LINE:
        yield from sentences(text, block.start, block.end)
        return
    for match in _LINE.finditer(text, block.start, block.end):
        line = match[0]
        if line.strip():
            left = len(line) - len(line.lstrip())
            yield match.start() + left, match.start() + len(line.rstrip())


def _header(text: str, table: TextBlock) -> str:
    first = next(_lines(text, table), None)
    if first is None:
        return ""
    return text[first[0] : _cut_within(text, *first, MAX_HEADER)].rstrip(" |\t")


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A unit as it is, or pieces of it of MAX_UNIT tokens at most."""
    while start < end:
        cut = _cut_within(text, start, end, MAX_UNIT)
        stop = cut
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        yield start, stop
        start = cut
        while start < end and text[start].isspace():
            start += 1


def _cut_within(text: str, start: int, end: int, limit: float) -> int:
    """How far from `start` a piece of at most `limit` tokens goes: to `end`, a line's end, a comma, a space, a word's
    end; within a word only if it is longer than `limit`, and then not within a syllable."""
    tokens = 0.0
    furthest = start
    while furthest < end:
        tokens += weight(text[furthest])
        if tokens > limit:
            break
        furthest += 1
    if furthest == end:
        return end
    furthest = max(furthest, start + 1)
    earliest = start + (furthest - start) // 2
    line_end = text.rfind("\n", earliest, furthest)
    if line_end > start:
        return line_end
    soft = [match.start() for match in _SOFT.finditer(text, earliest, furthest)]
    if soft:
        return soft[-1]
    for at in range(furthest, start, -1):
        if text[at].isspace():
            return at
    for at in range(furthest, start, -1):
        if not _is_within_word(text, at):
            return at
    at = furthest
    while at > max(start + 1, furthest - 64) and is_within_character(text, at):
        at -= 1
    return furthest if is_within_character(text, at) else at


def _is_within_word(text: str, at: int) -> bool:
    left, right = text[at - 1], text[at]
    if (left.isdigit() and right in ".,:") or (left in ".,:" and right.isdigit()):
        return True
    return (_is_of_word(left) and _is_of_word(right)) or is_within_character(text, at)


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def is_within_character(text: str, at: int) -> bool:
    """Whether text[at] makes one sign with what stands before it: a mark, a syllable's rest, a joined emoji."""
    left, right = text[at - 1], text[at]
    is_jamo = "\u1160" <= right <= "\u11ff" and "\u1100" <= left <= "\u11ff"
    return is_jamo or "\u200d" in (left, right) or unicodedata.category(right)[0] == "M"
