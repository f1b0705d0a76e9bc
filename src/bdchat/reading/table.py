"""Each format with the module that reads it, imported in the reading process when a file is of it.

A module has `pages(data, bounds)`: `data` is the file, seekable, at its start; it yields pages and raises Unreadable.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import IO, Protocol, cast

from bdchat.reading.bounds import Bounds
from bdchat.reading.pieces import PageText

READERS = {
    "pdf": "bdchat.reading.pdf.document",
    "text": "bdchat.reading.texts.plain",
    "markdown": "bdchat.reading.texts.markdown",
    "code": "bdchat.reading.texts.code",
    "json": "bdchat.reading.texts.json_text",
    "csv": "bdchat.reading.texts.delimited",
    "html": "bdchat.reading.texts.html",
    "eml": "bdchat.reading.texts.mail",
    "docx": "bdchat.reading.formats.docx",
    "pptx": "bdchat.reading.formats.pptx",
    **dict.fromkeys(("xlsx", "xlsb", "xls", "ods"), "bdchat.reading.formats.sheets"),
    "epub": "bdchat.reading.formats.epub",
    "hwpx": "bdchat.reading.formats.hwpx",
    "hwp": "bdchat.reading.formats.hwp",
}


class ReadPages(Protocol):
    def __call__(self, data: IO[bytes], bounds: Bounds) -> Iterator[PageText]: ...


def reader_of(format_name: str) -> ReadPages | None:
    """None: nobody reads it."""
    name = READERS.get(format_name)
    return None if name is None else cast(ReadPages, import_module(name).pages)
