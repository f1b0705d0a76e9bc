"""Blocks of text become pages: a drawn page, slide or chapter is one; a text without pages is cut into some."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bdchat.reading.pieces import BlockKind, PageText, TextBlock

PAGE_CHARACTERS = 6000  # a screen or three
BLOCK_GAP = "\n\n"
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’)\]]*\s")


@dataclass(frozen=True, slots=True)
class FlowBlock:
    """As TextBlock, with its text in place of a span. `text`: not blank."""

    kind: BlockKind
    text: str
    level: int = 0


def one_page(number: int, blocks: Iterable[FlowBlock], *, label: str = "") -> PageText:
    parts: list[str] = []
    spans: list[TextBlock] = []
    position = 0
    for block in blocks:
        if parts:
            position += len(BLOCK_GAP)
        parts.append(block.text)
        spans.append(TextBlock(block.kind, position, position + len(block.text), block.level))
        position += len(block.text)
    return PageText(number, BLOCK_GAP.join(parts), label, tuple(spans))


def flowed(blocks: Iterable[FlowBlock], *, label: str = "", first_number: int = 1) -> Iterator[PageText]:
    """Pages of up to PAGE_CHARACTERS. A heading that stands in the second half of a page begins the next one."""
    waiting: list[FlowBlock] = []
    num_characters = 0
    number = first_number
    for block in blocks:
        for piece in _pieces(block):
            is_full = num_characters + len(piece.text) > PAGE_CHARACTERS
            if waiting and (is_full or (piece.kind == "heading" and num_characters > PAGE_CHARACTERS // 2)):
                kept = _without_last_headings(waiting)
                yield one_page(number, waiting[:kept], label=label)
                number += 1
                waiting = waiting[kept:]
                num_characters = sum(len(each.text) for each in waiting)
            waiting.append(piece)
            num_characters += len(piece.text)
    if waiting:
        yield one_page(number, waiting, label=label)


def _without_last_headings(blocks: list[FlowBlock]) -> int:
    """How many of them stay: a heading goes with what follows it."""
    number = len(blocks)
    while number and blocks[number - 1].kind == "heading":
        number -= 1
    return number or len(blocks)


def _pieces(block: FlowBlock) -> Iterator[FlowBlock]:
    if len(block.text) <= PAGE_CHARACTERS:
        yield block
    elif block.kind == "table":
        yield from (replace(block, text=text) for text in _rows_in_pieces(block.text))
    else:
        yield from (replace(block, text=text) for text in _in_pieces(block.text))


def _rows_in_pieces(text: str) -> Iterator[str]:
    """Each has the header. A row that is longer than a page is cut as a paragraph is."""
    header, *rows = text.split("\n")
    header = header[: PAGE_CHARACTERS // 4]
    room = PAGE_CHARACTERS - len(header)
    lines: list[str] = [header]
    num_characters = 0
    for row in rows:
        for part in _in_pieces(row, room) if len(row) > room else (row,):
            if num_characters and num_characters + len(part) > room:
                yield "\n".join(lines)
                lines, num_characters = [header], 0
            lines.append(part)
            num_characters += len(part) + 1
    yield "\n".join(lines)


def _in_pieces(text: str, length: int = PAGE_CHARACTERS) -> Iterator[str]:
    """Cut behind a line, else a sentence, else a word, in the second half of each piece."""
    start = 0
    while len(text) - start > length:
        end = _cut(text, start, start + length)
        if piece := text[start:end].strip("\n"):
            yield piece
        start = end
    if piece := text[start:].strip("\n"):
        yield piece


def _cut(text: str, start: int, end: int) -> int:
    middle = (start + end) // 2
    line = text.rfind("\n", middle, end)
    if line >= 0:
        return line + 1
    sentences = [match.end() for match in _SENTENCE_END.finditer(text, middle, end)]
    if sentences:
        return sentences[-1]
    space = text.rfind(" ", middle, end)
    return space + 1 if space >= 0 else end
