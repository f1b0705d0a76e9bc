"""Writes .hwp and .hwpx files from one description, byte by byte."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZipFile

from tests.reading.compound_files import compound_file


@dataclass(frozen=True)
class Note:
    text: str


@dataclass(frozen=True)
class Table:
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Paragraph:
    """`level`: of a heading, from 1; 0 of plain text. `parts`: text, notes and tables in their order."""

    parts: tuple[str | Note | Table, ...]
    level: int = 0


# --- hwpx -------------------------------------------------------------------------------------------------------------

_NS = 'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph" xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section"'
_HEAD_NS = 'xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head"'


def hwpx_file(paragraphs: list[Paragraph], **others: bytes) -> bytes:
    body = "".join(map(_paragraph, paragraphs))
    section = (
        f'<?xml version="1.0" encoding="UTF-8"?><hs:sec {_NS}><hp:p paraPrIDRef="0"><hp:run><hp:secPr/><hp:ctrl>'
        f"<hp:header><hp:subList><hp:p><hp:run><hp:t>머리말</hp:t></hp:run></hp:p></hp:subList></hp:header></hp:ctrl>"
        f"</hp:run></hp:p>{body}</hs:sec>"
    )
    levels = "".join(
        f'<hh:paraPr id="{level}"><hh:heading type="{"OUTLINE" if level else "NONE"}" level="{max(level - 1, 0)}"/>'
        "</hh:paraPr>"
        for level in range(8)
    )
    return archive(
        {
            "mimetype": b"application/hwp+zip",
            "Contents/header.xml": f"<hh:head {_HEAD_NS}>{levels}</hh:head>".encode(),
            "Contents/section0.xml": section.encode(),
            **others,
        }
    )


def archive(entries: dict[str, bytes], compression: int = 8) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return packed.getvalue()


def _paragraph(paragraph: Paragraph) -> str:
    runs = "".join(f"<hp:run>{_part(part)}</hp:run>" for part in paragraph.parts)
    return f'<hp:p paraPrIDRef="{paragraph.level}">{runs}</hp:p>'


def _part(part: str | Note | Table) -> str:
    match part:
        case Note(text):
            told = _paragraph(Paragraph((text,)))
            return f"<hp:ctrl><hp:footNote><hp:subList>{told}</hp:subList></hp:footNote></hp:ctrl>"
        case Table(rows, caption):
            cells = "".join("<hp:tr>" + "".join(map(_cell, row)) + "</hp:tr>" for row in rows)
            told = f"<hp:caption><hp:subList>{_paragraph(Paragraph((caption,)))}</hp:subList></hp:caption>"
            return f"<hp:tbl>{told if caption else ''}{cells}</hp:tbl>"
        case str():
            told = escape(part).replace("\n", "<hp:lineBreak/>").replace("\t", "<hp:tab/>")
            return f"<hp:t>{told}</hp:t>"


def _cell(text: str) -> str:
    return f"<hp:tc><hp:subList>{_paragraph(Paragraph((text,)))}</hp:subList></hp:tc>"


# --- hwp --------------------------------------------------------------------------------------------------------------

_FLAGS_AT = 36


def hwp_file(
    paragraphs: list[Paragraph],
    *,
    flags: int = 1,
    section: bytes | None = None,
    cycle_in: str | None = None,
    others: dict[str, bytes] | None = None,
) -> bytes:
    """`flags`: of its header, 1 = compressed. `section`: records in place of the paragraphs'."""
    header = b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05010100, flags)
    shapes = b"".join(record(25, 0, _shape(level)) for level in range(8))
    records = b"".join(_records(paragraph, 0) for paragraph in paragraphs) if section is None else section
    packed = deflated if flags & 1 else bytes
    streams = {
        "FileHeader": header.ljust(256, b"\0"),
        "DocInfo": packed(shapes),
        "BodyText/Section0": packed(records),
        **(others or {}),
    }
    return compound_file(streams, cycle_in=cycle_in)


def deflated(content: bytes) -> bytes:
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compress.compress(content) + compress.flush()


def record(tag: int, level: int, data: bytes) -> bytes:
    if len(data) < 0xFFF:
        return struct.pack("<I", tag | level << 10 | len(data) << 20) + data
    return struct.pack("<II", tag | level << 10 | 0xFFF << 20, len(data)) + data


def _shape(level: int) -> bytes:
    properties = (1 << 23 | level - 1 << 25) if level else 0
    return struct.pack("<I", properties).ljust(54, b"\0")


def _records(paragraph: Paragraph, depth: int) -> bytes:
    """A paragraph's header, its text, and a record for each control that the text names."""
    text, controls = b"", b""
    for part in paragraph.parts:
        match part:
            case Note(note):
                text += _control_character(17, b"  nf")
                controls += record(71, depth + 1, b"  nf".ljust(16, b"\0"))
                controls += record(72, depth + 2, bytes(8)) + _records(Paragraph((note,)), depth + 2)
            case Table(rows, caption):
                text += _control_character(11, b" lbt")
                controls += record(71, depth + 1, b" lbt".ljust(46, b"\0"))
                if caption:
                    controls += record(72, depth + 2, bytes(22)) + _records(Paragraph((caption,)), depth + 2)
                controls += _table(rows, depth + 2)
            case str():
                tab = struct.pack("<8H", 9, 0, 0, 0, 0, 0, 0, 9)
                text += b"\n\0".join(
                    tab.join(piece.encode("utf-16-le") for piece in line.split("\t")) for line in part.split("\n")
                )
    text += b"\r\0"
    header = struct.pack("<IIHBB", len(text) // 2, 0, paragraph.level, 0, 0).ljust(22, b"\0")
    return record(66, depth, header) + record(67, depth + 1, text) + controls


def _control_character(code: int, control: bytes) -> bytes:
    return struct.pack("<H", code) + control + bytes(8) + struct.pack("<H", code)


def _table(rows: tuple[tuple[str, ...], ...], depth: int) -> bytes:
    told = record(77, depth, struct.pack("<IHH", 0, len(rows), len(rows[0])).ljust(30, b"\0"))
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            place = struct.pack("<HHI4H", 1, 0, 0, column, row, 1, 1).ljust(46, b"\0")
            told += record(72, depth, place) + _records(Paragraph((text,)), depth)
    return told
