"""A program's source as it stands: pages of whole lines, named by their numbers."""

from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds
from bdchat.reading.paging import PAGE_CHARACTERS
from bdchat.reading.pieces import PageText, TextBlock
from bdchat.reading.texts.decoding import read_text


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    yield from code_pages(read_text(data, bounds))


def code_pages(text: str) -> Iterator[PageText]:
    """Cut before a line that begins something: one without indent behind a blank one, else any line."""
    lines = [part for line in text.split("\n") for part in _parts(line)]
    number, start = 1, 0
    while start < len(lines):
        end = _end(lines, start)
        body = "\n".join(lines[start:end]).rstrip()
        if body.strip():
            yield PageText(number, body, f"L{start + 1}–L{end}", (TextBlock("code", 0, len(body)),))
            number += 1
        start = end


def _parts(line: str) -> Iterator[str]:
    """A line that is longer than a page, in pieces; the numbers of those behind it are then of pieces."""
    yield line[:PAGE_CHARACTERS]
    for start in range(PAGE_CHARACTERS, len(line), PAGE_CHARACTERS):
        yield line[start : start + PAGE_CHARACTERS]


def _end(lines: list[str], start: int) -> int:
    num_characters, end, best = 0, start, 0
    while end < len(lines) and num_characters + len(lines[end]) <= PAGE_CHARACTERS:
        begins = end > start and not lines[end - 1].strip() and lines[end][:1].strip()
        if begins and num_characters > PAGE_CHARACTERS // 2:
            best = end
        num_characters += len(lines[end]) + 1
        end += 1
    return end if end == len(lines) else best or max(end, start + 1)
