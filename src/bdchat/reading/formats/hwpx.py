"""Hancom's .hwpx (OWPML): paragraphs, headings by their outline level, tables by rows, footnotes and endnotes, text in
drawn boxes, equations as they are written. Headers, footers, hidden comments and deleted text are left out."""

import re
from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.formats.archive import Archive
from bdchat.reading.formats.xml import Element, attribute, child, descendants, local, parts_of, root_of
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import BlockKind, PageText

_SIGNS = {"lineBreak": "\n", "tab": "\t", "nbSpace": "\u00a0", "fwSpace": " ", "hyphen": "-"}
_LEFT_OUT = {"header", "footer", "hiddenComment", "parameters", "secPr", "linesegarray", "shapeComment"}
_NOTES = {"footNote", "endNote"}
_SECTION = re.compile(r"Contents/section(\d{1,6})\.xml")
_NUMBERED = {"PICTURE", "TABLE", "EQUATION"}  # numbers of pages and notes are told otherwise or not at all
_LISTS = {"NUMBER", "BULLET"}


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    archive = Archive(data, bounds)
    manifest = "META-INF/manifest.xml"
    if manifest in archive.names and any(True for _ in descendants(root_of(archive, manifest), "encryption-data")):
        raise Unreadable("encrypted")
    yield from flowed(_HwpxDocument(archive).blocks())


def _sections(archive: Archive) -> list[str]:
    found = [match for name in archive.names if (match := _SECTION.fullmatch(name))]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


class _HwpxDocument:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kinds = _paragraph_kinds(archive)
        self._num_notes = 0

    def blocks(self) -> Iterator[FlowBlock]:
        for name in _sections(self._archive):
            for part in parts_of(self._archive, name, "sec"):
                if local(part) == "p":
                    yield from self._paragraph(part)

    def _paragraph(self, paragraph: Element) -> Iterator[FlowBlock]:
        """A table within it parts its text in two."""
        kind, level = self._kinds.get(attribute(paragraph, "paraPrIDRef"), ("paragraph", 0))
        text = ""
        notes: list[FlowBlock] = []
        for piece in self._pieces(paragraph):
            if isinstance(piece, str):
                text += piece
            elif local(piece) in _NOTES:
                self._num_notes += 1
                mark = f"[^{self._num_notes}]"
                text += mark
                notes.append(FlowBlock("note", f"{mark} {self._told(piece)}".rstrip()))
            elif apart := list(self._table(piece) if local(piece) == "tbl" else self._paragraphs(piece)):
                yield from _with_text(kind, text, level)
                yield from notes
                yield from apart
                text, notes = "", []
        yield from _with_text(kind, text, level)
        yield from notes

    def _pieces(self, element: Element) -> Iterator[str | Element]:
        """Text, and elements that stand apart from it: tables, notes, boxes."""
        for each in element:
            name = local(each)
            if name == "t":
                yield _text(each)
            elif name in {"tbl", "subList"} or name in _NOTES:
                yield each
            elif name == "equation":
                script = child(each, "script")
                yield script.text or "" if script is not None else ""
            elif name == "autoNum":
                yield attribute(each, "num") if attribute(each, "numType") in _NUMBERED else ""
            elif name in {"dutmal", "compose"}:
                main = child(each, "mainText")
                yield main.text or "" if main is not None else attribute(each, "composeText")
            elif name not in _LEFT_OUT:
                yield from self._pieces(each)

    def _paragraphs(self, element: Element) -> Iterator[FlowBlock]:
        for each in element:
            if local(each) == "p":
                yield from self._paragraph(each)
            elif local(each) not in _LEFT_OUT:
                yield from self._paragraphs(each)

    def _told(self, element: Element) -> str:
        return " ".join(" ".join(block.text for block in self._paragraphs(element)).split())

    def _table(self, table: Element) -> Iterator[FlowBlock]:
        rows: list[str] = []
        notes: list[FlowBlock] = []
        for row in table:
            if local(row) == "caption":
                yield from self._paragraphs(row)
            if local(row) != "tr":
                continue
            cells = []
            for cell in row:
                if local(cell) == "tc":
                    blocks = list(self._paragraphs(cell))
                    cells.append(" ".join(" ".join(block.text.split()) for block in blocks if block.kind != "note"))
                    notes += [block for block in blocks if block.kind == "note"]
            rows.append(" | ".join(cells))
        if any(row.strip(" |") for row in rows):
            yield FlowBlock("table", "\n".join(rows))
        yield from notes


def _with_text(kind: BlockKind, text: str, level: int) -> Iterator[FlowBlock]:
    if text.strip():
        yield FlowBlock(kind, f"- {text.strip()}" if kind == "list" else text.strip("\n"), level)


def _text(element: Element) -> str:
    """Of hp:t, whose text lies between marks; not what a tracked change has deleted."""
    parts = [element.text or ""]
    num_deletions = 0
    for each in element:
        name = local(each)
        num_deletions += (name == "deleteBegin") - (name == "deleteEnd")
        parts.append(_SIGNS.get(name, ""))
        if num_deletions <= 0:
            parts.append(each.tail or "")
    return "".join(parts)


def _paragraph_kinds(archive: Archive) -> dict[str, tuple[BlockKind, int]]:
    """Id of a paragraph's properties → what such a paragraph is, with its level."""
    header = "Contents/header.xml"
    if header not in archive.names:
        return {}
    kinds: dict[str, tuple[BlockKind, int]] = {}
    for properties in descendants(root_of(archive, header), "paraPr"):
        heading = next(descendants(properties, "heading"), None)
        if heading is None:
            continue
        said = attribute(heading, "type")
        level = attribute(heading, "level")
        if said == "OUTLINE":
            kinds[attribute(properties, "id")] = "heading", min(int(level) + 1 if level.isdecimal() else 1, 6)
        elif said in _LISTS:
            kinds[attribute(properties, "id")] = "list", 0
    return kinds
