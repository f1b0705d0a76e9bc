"""Citation marks in an answer: [1], [1][2], [1, 2]; not those in code, links, footnotes and check lists. Pure.

Spans are half-open and count code points of the answer's text.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

MAX_DIGITS = 5  # a chat has no more passages
MAX_IN_ONE = 32  # numbers in one pair of brackets

_MARK = re.compile(
    rf"(?P<open>[\[［【])\s*(?P<numbers>\d{{1,{MAX_DIGITS}}}(?:\s*[,，、;]\s*\d{{1,{MAX_DIGITS}}})*)\s*[\]］】]"
)
_NUMBER = re.compile(r"\d+")
_FENCE = re.compile(r"^(?:[ \t]{0,3}|[ \t>*+\-\d.]*?)(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_TICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Mark:
    """One number of a mark. Those of one pair of brackets share them out: the first has the opening one, the last the
    closing one, so that a mark that is drawn anew for each covers the whole."""

    number: int
    start: int
    end: int


def marks_in(text: str, known: Collection[int]) -> list[Mark]:
    """In the order of the text. `known`: the numbers that there are; others are the answer's own brackets."""
    if not known or not any(opening in text for opening in "[［【"):
        return []
    code = _code_spans(text)
    return [mark for match in _MARK.finditer(text) if _is_mark(text, match, code) for mark in _of(match, known)]


def _of(match: re.Match[str], known: Collection[int]) -> Iterator[Mark]:
    numbers = list(_NUMBER.finditer(match.string, match.start("numbers"), match.end("numbers")))
    if len(numbers) > MAX_IN_ONE or any(int(number[0]) not in known for number in numbers):
        return  # [1, 99] of a vector
    at = match.start()
    for index, number in enumerate(numbers):
        end = match.end() if index == len(numbers) - 1 else number.end()
        yield Mark(int(number[0]), at, end)
        at = end


def _is_mark(text: str, match: re.Match[str], code: list[tuple[int, int]]) -> bool:
    if any(start < match.end() and match.start() < end for start, end in code):
        return False
    if match["open"] != "[":
        return True
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    if before in ("\\", "!") or after == "(":
        return False  # escaped, a picture, a link
    starts_line = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
    return not (after == ":" and starts_line)  # a link's target


def _code_spans(text: str) -> list[tuple[int, int]]:
    if "`" not in text and "~~~" not in text:
        return []
    blocks = list(_blocks(text))
    return [*blocks, *_inline(text, blocks)]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Fenced code, to the end where nothing closes it: it is being written."""
    opened: tuple[int, str] | None = None
    for fence in _FENCE.finditer(text):
        run, info = fence[1], fence[2]
        if opened is None:
            if run[0] == "~" or "`" not in info:
                opened = fence.start(), run
        elif run[0] == opened[1][0] and len(run) >= len(opened[1]) and not info.strip():
            yield opened[0], fence.end()
            opened = None
    if opened is not None:
        yield opened[0], len(text)


def _inline(text: str, blocks: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Between two runs of as many ticks, within a paragraph."""
    at = 0
    for start, end in [*blocks, (len(text), len(text))]:
        for paragraph in re.finditer(r"(?:[^\n]|\n(?![ \t]*\n))+", text[at:start]):
            runs = [(at + paragraph.start() + run.start(), len(run[0])) for run in _TICKS.finditer(paragraph[0])]
            closing: dict[int, list[int]] = {}
            for place, length in reversed(runs):
                closing.setdefault(length, []).append(place)
            past = 0
            for place, length in runs:
                places = closing[length]
                while places and places[-1] <= max(place, past - 1):
                    places.pop()
                if place >= past and places:
                    past = places[-1] + length
                    yield place, past
        at = end
