"""Hancom's .hwp of version 5: what hwpx.py reads of .hwpx, from records in a compound file."""

from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.formats.hwp_records import (
    CTRL_HEADER,
    EQUATION,
    LIST_HEADER,
    PARA_HEADER,
    PARA_SHAPE,
    PARA_TEXT,
    TABLE,
    HwpFile,
    HwpRecord,
)
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import BlockKind, PageText

_SIGNS = {10: "\n", 24: "-", 30: "\u00a0", 31: " "}
_TAB = 9
_SINGLE = {0, 10, 13, *range(24, 32)}  # control characters of one code unit; the others take eight
_WITH_RECORD = {1, 2, 3, 11, 12, 14, 15, 16, 17, 18, 21, 22, 23}  # each has a CTRL_HEADER, in this order
_NOTES = {"fn  ", "en  "}
_LEFT_OUT = {"head", "foot", "tcmt", "secd", "cold", "pghd", "pgnp"}
_OUTLINE, _NUMBER, _BULLET = 1, 2, 3


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    file = HwpFile(data, bounds)
    yield from flowed(_HwpDocument(file).blocks())


class _HwpDocument:
    def __init__(self, file: HwpFile) -> None:
        self._file = file
        self._kinds = [_kind(record.data) for record in _doc_info(file) if record.tag == PARA_SHAPE]
        self._num_notes = 0

    def blocks(self) -> Iterator[FlowBlock]:
        sections = self._file.sections()
        if not sections:
            raise Unreadable("damaged", "it has no BodyText")
        for stream in sections:
            for record in self._file.trees(stream):
                if record.tag == PARA_HEADER:
                    yield from self._paragraph(record)

    def _paragraph(self, paragraph: HwpRecord) -> Iterator[FlowBlock]:
        kind, level = self._kind_of(paragraph)
        controls = iter([record for record in paragraph.below if record.tag == CTRL_HEADER])
        text = ""
        notes: list[FlowBlock] = []
        for record in paragraph.below:
            if record.tag != PARA_TEXT:
                continue
            for piece in _pieces(record.data):
                control = next(controls, None) if piece is None else None
                if piece is not None:
                    text += piece
                elif control is None or control.control in _LEFT_OUT:
                    continue
                elif control.control in _NOTES:
                    self._num_notes += 1
                    mark = f"[^{self._num_notes}]"
                    text += mark
                    notes.append(FlowBlock("note", f"{mark} {_joined(self._within(control))}".rstrip()))
                elif control.control in _TOLD_INLINE:
                    text += _TOLD_INLINE[control.control](control)
                elif apart := list(self._table(control) if control.control == "tbl " else self._within(control)):
                    yield from _with_text(kind, text, level)
                    yield from notes
                    yield from apart
                    text, notes = "", []
        yield from _with_text(kind, text, level)
        yield from notes

    def _within(self, record: HwpRecord) -> Iterator[FlowBlock]:
        """The paragraphs of a note, a cell's list or a drawn box."""
        for each in record.below:
            if each.tag == PARA_HEADER:
                yield from self._paragraph(each)
            elif each.tag != CTRL_HEADER:
                yield from self._within(each)

    def _table(self, table: HwpRecord) -> Iterator[FlowBlock]:
        """What stands in front of the TABLE record is its caption."""
        begin = next((at for at, record in enumerate(table.below) if record.tag == TABLE), 0)
        for record in table.below[:begin]:
            if record.tag == PARA_HEADER:
                yield from self._paragraph(record)
        rows: dict[int, list[str]] = {}
        notes: list[FlowBlock] = []
        for row, blocks in self._cells(table.below[begin:]):
            told = " ".join(" ".join(block.text.split()) for block in blocks if block.kind != "note")
            rows.setdefault(row, []).append(told)
            notes += [block for block in blocks if block.kind == "note"]
        lines = [" | ".join(cells) for _, cells in sorted(rows.items())]
        if any(line.strip(" |") for line in lines):
            yield FlowBlock("table", "\n".join(lines))
        yield from notes

    def _cells(self, records: list[HwpRecord]) -> Iterator[tuple[int, list[FlowBlock]]]:
        """Each cell is a LIST_HEADER with its place, and its paragraphs behind it at the same level."""
        row: int | None = None
        blocks: list[FlowBlock] = []
        for record in records:
            if record.tag == LIST_HEADER:
                if row is not None:
                    yield row, blocks
                # 8 bytes of a list, then column, row, … of two bytes each
                row = int.from_bytes(record.data[10:12], "little") if len(record.data) >= 12 else None
                blocks = list(self._within(record))
            elif record.tag == PARA_HEADER and row is not None:
                blocks += self._paragraph(record)
        if row is not None:
            yield row, blocks

    def _kind_of(self, paragraph: HwpRecord) -> tuple[BlockKind, int]:
        shape = int.from_bytes(paragraph.data[8:10], "little")
        return self._kinds[shape] if shape < len(self._kinds) else ("paragraph", 0)


def _doc_info(file: HwpFile) -> Iterator[HwpRecord]:
    for tree in file.trees("DocInfo"):
        yield tree
        yield from tree.below


def _kind(shape: bytes) -> tuple[BlockKind, int]:
    properties = int.from_bytes(shape[:4], "little")
    heading = properties >> 23 & 3
    if heading == _OUTLINE:
        return "heading", min((properties >> 25 & 7) + 1, 6)
    return ("list" if heading in (_NUMBER, _BULLET) else "paragraph"), 0


def _pieces(data: bytes) -> Iterator[str | None]:
    """Text, and None for each control that has a record."""
    begin = at = 0
    num_bytes = len(data) // 2 * 2
    while at < num_bytes:
        code = data[at] | data[at + 1] << 8
        if code >= 32:
            at += 2
            continue
        if begin < at:
            yield data[begin:at].decode("utf-16-le", "replace")
        at += 2 if code in _SINGLE else 16
        begin = at
        if code in _WITH_RECORD:
            yield None
        elif sign := "\t" if code == _TAB else _SIGNS.get(code):
            yield sign
    if begin < num_bytes:
        yield data[begin:num_bytes].decode("utf-16-le", "replace")


def _equation(control: HwpRecord) -> str:
    for record in control.below:
        if record.tag == EQUATION and len(record.data) >= 6:
            length = int.from_bytes(record.data[4:6], "little")  # in code units, behind four bytes of properties
            return record.data[6 : 6 + 2 * length].decode("utf-16-le", "replace")
    return ""


def _auto_number(control: HwpRecord) -> str:
    """Of a picture, a table or an equation; those of pages and notes are told otherwise or not at all."""
    is_told = len(control.data) >= 10 and control.data[4] & 0xF in (3, 4, 5)
    return str(int.from_bytes(control.data[8:10], "little")) if is_told else ""


_TOLD_INLINE = {"eqed": _equation, "atno": _auto_number}


def _joined(blocks: Iterator[FlowBlock]) -> str:
    return " ".join(" ".join(block.text for block in blocks).split())


def _with_text(kind: BlockKind, text: str, level: int) -> Iterator[FlowBlock]:
    if text.strip():
        yield FlowBlock(kind, f"- {text.strip()}" if kind == "list" else text.strip("\n"), level)
