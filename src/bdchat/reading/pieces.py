"""What reading a file gives: pages of text with the places of their lines, passages, and why a file cannot be read.

A page is what is shown at once: a PDF's page, a slide, a sheet, a chapter, some thousand characters of a text.
Character spans are half-open, count code points of the page's text, and start at 0.
"""

from typing import Literal

import msgspec

BlockKind = Literal["heading", "paragraph", "list", "table", "code", "note"]


class TextBlock(msgspec.Struct, frozen=True):
    """A part of a page's text. `level`: of a heading, 1 to 6. A table has a row per line, its cells between " | ", its
    header first; a note is a footnote or a speaker's note."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


class LineBox(msgspec.Struct, frozen=True, array_like=True):
    """Where text stands on a drawn page: points (1/72 inch) from the top left corner, the page turned as shown."""

    start: int
    end: int
    left: float
    top: float
    right: float
    bottom: float


class PageText(msgspec.Struct, frozen=True):
    """`number`: from 1. `label`: a sheet's, slide's or chapter's name. `width`, `height`: points; 0 where nothing is
    drawn. `boxes`: one for each line of a drawn page. `is_scanned`: a picture without text."""

    number: int
    text: str
    label: str = ""
    blocks: tuple[TextBlock, ...] = ()
    width: float = 0.0
    height: float = 0.0
    boxes: tuple[LineBox, ...] = ()
    is_scanned: bool = False


class PassageDraft(msgspec.Struct, frozen=True):
    """A stretch of one page, to be found and quoted. `heading`: the headings above it, "Chapter > Section". `header`:
    of a table that it shows rows of without their header. `num_tokens`: about."""

    page: int
    start: int
    end: int
    heading: str = ""
    header: str = ""
    num_tokens: int = 0


class FileOpened(msgspec.Struct, frozen=True, tag="opened"):
    """The first frame of a file whose format is known: "pdf", "docx", …. It comes again, before the first page, where
    `num_pages` is known then."""

    format: str
    media_type: str
    num_pages: int | None = None


class PageRead(msgspec.Struct, frozen=True, tag="page"):
    page: PageText
    passages: tuple[PassageDraft, ...]


class FileFinished(msgspec.Struct, frozen=True, tag="finished"):
    """The last frame of a file that was read. `notes`: what was left out, as codes with numbers: "macros_ignored",
    "embedded_files_ignored", "pages_scanned"."""

    num_pages: int
    notes: dict[str, int] = {}


class FileRefused(msgspec.Struct, frozen=True, tag="refused"):
    """The last frame of a file that was not read to its end. `code`: a reason of reasons.py, which has its English
    sentence; the page has both languages'. `page`: where, 0 before the first."""

    code: str
    detail: str = ""
    page: int = 0


Frame = FileOpened | PageRead | FileFinished | FileRefused
