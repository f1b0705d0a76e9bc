"""A text without marks: paragraphs between blank lines, and the headings that Korean and English books number."""

import re
from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import PageText
from bdchat.reading.texts.decoding import read_text

MAX_HEADING_CHARACTERS = 80
_BLANK_LINES = re.compile(r"\n[ \t\u3000]*\n\s*")
_LEVELS = {"편": 1, "부": 1, "part": 1, "장": 2, "chapter": 2, "절": 3, "section": 3, "관": 4}
_NUMBERED = re.compile(
    r"(?:제\s?[\d一二三四五六七八九十]{1,4}\s?(편|부|장|절|관)|(part|chapter|section)\s+(?:\d{1,3}|[ivxlc]{1,7}))"
    r"(?=[\s.:(\[]|$)",
    re.IGNORECASE,
)


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    yield from flowed(_blocks(read_text(data, bounds)))


def numbered_heading_level(line: str) -> int:
    """0: it is none."""
    match = _NUMBERED.match(line) if len(line) <= MAX_HEADING_CHARACTERS else None
    if match is None or line.endswith((".", ",", "다", "요")):  # a sentence that begins with a chapter's number
        return 0
    return _LEVELS[(match[1] or match[2]).lower()]


def _blocks(text: str) -> Iterator[FlowBlock]:
    for paragraph in _BLANK_LINES.split(text):
        lines = paragraph.rstrip().strip("\n").split("\n")
        while lines and (level := numbered_heading_level(lines[0].strip())):
            yield FlowBlock("heading", lines.pop(0).strip(), level)
        if rest := "\n".join(lines):
            yield FlowBlock("paragraph", rest)
