"""Word's .docx: headings, paragraphs, lists, tables by rows, footnotes and endnotes.

Headers, footers and comments are left out, and so is what was deleted while changes were tracked. A document has no
pages of its own: where they end is decided by who prints it.
"""

from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds
from bdchat.reading.formats.archive import Archive
from bdchat.reading.formats.xml import Element, attribute, child, descendants, local, parts_of, root_of, within
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import BlockKind, PageText

_DELETED = {"del", "moveFrom", "Fallback", "rPr", "pPr", "instrText", "delText"}
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_MAX_STYLES_ABOVE = 20  # of a style that is based on another; a circle ends there
_NOTES = {"footnoteReference": "word/footnotes.xml", "endnoteReference": "word/endnotes.xml"}


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    yield from flowed(_WordDocument(Archive(data, bounds)).blocks())


class _WordDocument:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._levels = _style_levels(archive)
        self._notes = {kind: _notes(archive, name) for kind, name in _NOTES.items()}
        self._num_notes = 0

    def blocks(self) -> Iterator[FlowBlock]:
        for part in parts_of(self._archive, "word/document.xml", "body"):
            yield from self._of(part)

    def _of(self, part: Element) -> Iterator[FlowBlock]:
        """Of a paragraph, a table, or what holds some."""
        name = local(part)
        if name == "p":
            yield from self._paragraph(part)
        elif name == "tbl":
            yield from self._table(part)
        elif name not in _DELETED and name != "sectPr":
            for each in part:
                yield from self._of(each)

    def _paragraph(self, paragraph: Element) -> Iterator[FlowBlock]:
        inline = _Inline()
        inline.add(paragraph)
        kind, level = self._kind(paragraph)
        text, notes = self._with_marks(inline)
        if text.strip():
            text = text.strip("\n")
            yield FlowBlock(kind, f"- {text.strip()}" if kind == "list" else text, level)
        yield from notes
        for box in inline.boxes:
            for each in box:
                yield from self._of(each)

    def _table(self, table: Element) -> Iterator[FlowBlock]:
        rows: list[str] = []
        notes: list[FlowBlock] = []
        for row in _through(table, "tr"):
            if within(row, "trPr", "del") is not None:
                continue
            cells = []
            for cell in _through(row, "tc"):
                blocks = [block for part in cell for block in self._of(part)]
                cells.append(" ".join(" ".join(block.text.split()) for block in blocks if block.kind != "note"))
                notes += [block for block in blocks if block.kind == "note"]
            rows.append(" | ".join(cells))
        if any(row.strip(" |") for row in rows):
            yield FlowBlock("table", "\n".join(rows))
        yield from notes

    def _with_marks(self, inline: "_Inline") -> tuple[str, list[FlowBlock]]:
        """Notes are counted anew, as their ids count others too."""
        marks, notes = [], []
        for kind, note_id in inline.notes:
            self._num_notes += 1
            marks.append(f"[^{self._num_notes}]")
            notes.append(FlowBlock("note", f"[^{self._num_notes}] {self._notes[kind].get(note_id, '')}".rstrip()))
        pieces = iter(marks)
        return "".join(next(pieces) if part is None else part for part in inline.parts), notes

    def _kind(self, paragraph: Element) -> tuple[BlockKind, int]:
        properties = child(paragraph, "pPr")
        if properties is None:
            return "paragraph", 0
        style = child(properties, "pStyle")
        level = _outline_level(properties) or (self._levels.get(attribute(style, "val"), 0) if style is not None else 0)
        if level:
            return "heading", level
        return ("list" if child(properties, "numPr") is not None else "paragraph"), 0


class _Inline:
    """The text of a paragraph; None in `parts` where a note is referred to. `boxes`: drawn at the paragraph."""

    def __init__(self) -> None:
        self.parts: list[str | None] = []
        self.notes: list[tuple[str, str]] = []
        self.boxes: list[Element] = []

    def add(self, element: Element) -> None:
        for each in element:
            name = local(each)
            if name == "t":
                self.parts.append(each.text or "")
            elif name in _SIGNS:
                self.parts.append(_SIGNS[name])
            elif name in _NOTES:
                self.parts.append(None)
                self.notes.append((name, attribute(each, "id")))
            elif name == "txbxContent":
                self.boxes.append(each)
            elif name not in _DELETED:
                self.add(each)


def _through(element: Element, name: str) -> Iterator[Element]:
    """Children of that name, also where a content control or an insertion lies between."""
    for each in element:
        if local(each) == name:
            yield each
        elif local(each) in {"sdt", "sdtContent", "ins", "customXml", "moveTo"}:
            yield from _through(each, name)


def _outline_level(properties: Element | None) -> int:
    level = child(properties, "outlineLvl") if properties is not None else None
    value = attribute(level, "val") if level is not None else ""
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else 0


def _style_levels(archive: Archive) -> dict[str, int]:
    """Style → level of the headings that have it."""
    if "word/styles.xml" not in archive.names:
        return {}
    own: dict[str, int] = {}
    based_on: dict[str, str] = {}
    for style in descendants(root_of(archive, "word/styles.xml"), "style"):
        style_id = attribute(style, "styleId")
        name = child(style, "name")
        said = attribute(name, "val").lower() if name is not None else ""
        level = _outline_level(child(style, "pPr"))
        if not level and said.startswith("heading ") and said[8:].isdecimal():
            level = int(said[8:10])
        own[style_id] = level or (1 if said == "title" else 0)
        base = child(style, "basedOn")
        based_on[style_id] = attribute(base, "val") if base is not None else ""
    levels = {}
    for style_id in own:
        at = style_id
        for _ in range(_MAX_STYLES_ABOVE):
            if own.get(at, 0) or not at:
                break
            at = based_on.get(at, "")
        levels[style_id] = min(own.get(at, 0), 6)
    return levels


def _notes(archive: Archive, name: str) -> dict[str, str]:
    if name not in archive.names:
        return {}
    notes = {}
    for note in root_of(archive, name):
        if attribute(note, "type") in {"separator", "continuationSeparator", "continuationNotice"}:
            continue
        texts = []
        for paragraph in descendants(note, "p"):
            inline = _Inline()
            inline.add(paragraph)
            texts.append("".join(part or "" for part in inline.parts))
        notes[attribute(note, "id")] = " ".join(" ".join(texts).split())
    return notes
