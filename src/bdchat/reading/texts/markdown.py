"""Markdown: its headings, tables, lists and code as blocks. Its text stays as it was written, but for comments."""

import re
from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import BlockKind, PageText
from bdchat.reading.texts.decoding import read_text

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE_OF_TABLE = re.compile(r"[ \t]*+\|?+[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?+[ \t]*+")
_LIST = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_CELL_END = re.compile(r"(?<!\\)\|")


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    text, num_comments = _COMMENT.subn("", read_text(data, bounds))
    bounds.note("comments_ignored", num_comments)
    yield from flowed(markdown_blocks(text))


def markdown_blocks(text: str) -> Iterator[FlowBlock]:
    lines = text.split("\n")
    waiting: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        fence, heading = _FENCE.match(line), _HEADING.match(line)
        follows = lines[at + 1] if at + 1 < len(lines) else ""
        if fence or (at == 0 and line == "---"):
            yield from _paragraph(waiting)
            waiting = []
            end = _end_of_code(lines, at, fence[1] if fence else "---")
            if code := "\n".join(lines[at + 1 : end]).strip("\n"):
                yield FlowBlock("code", code)
            at = end + 1
        elif heading:
            yield from _paragraph(waiting)
            waiting = []
            if text := _without_closing(line[heading.end() :].strip()):
                yield FlowBlock("heading", text, len(heading[1]))
            at += 1
        elif "|" in line and "-" in follows and _RULE_OF_TABLE.fullmatch(follows) and not waiting:
            end = at + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            yield FlowBlock("table", "\n".join(_row(each) for each in (line, *lines[at + 2 : end])))
            at = end
        elif len(waiting) == 1 and not _LIST.match(waiting[0]) and (under := _UNDERLINE.fullmatch(line)):
            yield FlowBlock("heading", waiting[0].strip(), 1 if under[1].startswith("=") else 2)
            waiting = []
            at += 1
        else:
            if line.strip():
                waiting.append(line.rstrip())
            else:
                yield from _paragraph(waiting)
                waiting = []
            at += 1
    yield from _paragraph(waiting)


def _without_closing(heading: str) -> str:
    """Of "Heading ##" the heading; "C#" stays."""
    text = heading.rstrip("#")
    return text.rstrip() if not text or text.endswith((" ", "\t")) else heading


def _paragraph(lines: list[str]) -> Iterator[FlowBlock]:
    if lines:
        kind: BlockKind = "list" if _LIST.match(lines[0]) else "paragraph"
        yield FlowBlock(kind, "\n".join(lines))


def _end_of_code(lines: list[str], start: int, fence: str) -> int:
    for at in range(start + 1, len(lines)):
        if lines[at].strip().startswith(fence) and not lines[at].strip().strip(fence[0]):
            return at
    return len(lines)


def _row(line: str) -> str:
    cells = _CELL_END.split(line.strip().removeprefix("|").removesuffix("|"))
    return " | ".join(cell.strip() for cell in cells)
