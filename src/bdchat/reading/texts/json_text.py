"""JSON, a value a line where it came in one, its escaped letters as letters; a notebook as its cells."""

import json
import re
from collections.abc import Iterator
from typing import IO

import msgspec

from bdchat.reading.bounds import Bounds
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import PageText
from bdchat.reading.texts.code import code_pages
from bdchat.reading.texts.decoding import read_text
from bdchat.reading.texts.markdown import markdown_blocks

_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_MAX_LINE = 400  # one that is longer was not made to be read


class NotebookCell(msgspec.Struct):
    cell_type: str
    source: str | list[str] = ""


class Notebook(msgspec.Struct):
    nbformat: int
    cells: list[NotebookCell]


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    text = read_text(data, bounds)
    try:
        notebook = msgspec.json.decode(text.encode(), type=Notebook)
    except (msgspec.MsgspecError, RecursionError):
        yield from code_pages(_ESCAPED.sub(_letters, _indented(text)))
    else:
        yield from flowed(_cells(notebook))


def _indented(text: str) -> str:
    """Its numbers and strings stay as they were written. What is no JSON stays as it is."""
    if max(map(len, text.split("\n"))) <= _MAX_LINE:
        return text
    try:
        return msgspec.json.format(text, indent=1)
    except (msgspec.MsgspecError, RecursionError):
        return "\n".join(map(_indented_line, text.split("\n")))


def _indented_line(line: str) -> str:
    try:
        return msgspec.json.format(line, indent=1) if len(line) > _MAX_LINE else line
    except (msgspec.MsgspecError, RecursionError):
        return line


def _letters(match: re.Match[str]) -> str:
    """A quotation mark, a backslash and a control character stay escaped."""
    letters: str = json.loads(f'"{match[2]}"')
    is_plain = all(ord(letter) > 0x9F and not "\ud800" <= letter <= "\udfff" for letter in letters)
    return match[1] + (letters if is_plain else match[2])


def _cells(notebook: Notebook) -> Iterator[FlowBlock]:
    for cell in notebook.cells:
        source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
        if cell.cell_type == "markdown":
            yield from markdown_blocks(source)
        elif source.strip():
            yield FlowBlock("code", source.strip("\n"))
