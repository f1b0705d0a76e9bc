"""Writes office files with the programs' own libraries, and by hand what these cannot write."""

import struct
from io import BytesIO
from zipfile import ZipFile

import docx
import pptx
import xlsxwriter
from pptx.util import Inches

from tests.reading.compound_files import compound_file
from tests.reading.hwp_files import archive

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx_file() -> bytes:
    document = docx.Document()
    document.add_heading("환불 규정", level=1)
    document.add_paragraph("You may ask for a refund.")
    document.add_heading("Exceptions", level=2)
    document.add_paragraph("opened goods", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, [("품목", "기한"), ("옷", "7일")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.sections[0].header.paragraphs[0].text = "Page header"
    packed = BytesIO()
    document.save(packed)
    return packed.getvalue()


def word_body(body: str, **others: str) -> bytes:
    """A .docx of this body alone."""
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return archive({"word/document.xml": document.encode(), **{name: text.encode() for name, text in others.items()}})


def pptx_file(num_slides: int = 2) -> bytes:
    deck = pptx.Presentation()
    for number in range(1, num_slides + 1):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"슬라이드 {number}"
        slide.placeholders[1].text = f"첫째 {number}\nsecond"
        table = slide.shapes.add_table(2, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table
        for at, text in enumerate(("품목", "기한", "옷", "7일")):
            table.cell(at // 2, at % 2).text = text
        slide.notes_slide.notes_text_frame.text = "Say this slowly."
    packed = BytesIO()
    deck.save(packed)
    return packed.getvalue()


def xlsx_file(sheets: dict[str, list[list[object]]]) -> bytes:
    packed = BytesIO()
    with xlsxwriter.Workbook(packed, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return packed.getvalue()


def xlsx_cells(cells: str) -> bytes:
    """A sheet of these cells, as XML."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with ZipFile(BytesIO(xlsx_file({"A": [["x"]]}))) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries["xl/worksheets/sheet1.xml"] = f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>".encode()
    return archive(entries)


def ods_file(table: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>{table}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = b'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return archive(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": manifest,
        }
    )


def ods_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def xls_workbook(rows: list[list[str]]) -> bytes:
    """The stream of a BIFF8 workbook with one sheet."""

    def part(code: int, data: bytes) -> bytes:
        return struct.pack("<HH", code, len(data)) + data

    begin = part(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + part(0x0042, struct.pack("<H", 1200))
    name = struct.pack("<BB", 3, 0) + "표1 "[:3].encode("ascii", "replace")
    sheet_at = len(begin) + 4 + 6 + len(name) + 4
    body = begin + part(0x0085, struct.pack("<IBB", sheet_at, 0, 0) + name) + part(0x000A, b"")
    body += part(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    body += part(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            body += part(0x0204, struct.pack("<HHHHB", at, column, 0, len(text), 1) + text.encode("utf-16-le"))
    return body + part(0x000A, b"")


def xls_file(rows: list[list[str]], *, cycle: bool = False) -> bytes:
    return compound_file({"Workbook": xls_workbook(rows)}, cycle_in="Workbook" if cycle else None)


def epub_file(
    chapters: dict[str, str], *, spine: list[str] | None = None, others: dict[str, str] | None = None
) -> bytes:
    """`chapters`: name → body. `spine`: names, where not each once."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in chapters)
    refs = "".join(f'<itemref idref="{name}"/>' for name in (spine if spine is not None else chapters))
    entries = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
        "OEBPS/book.opf": f"<package><manifest>{items}</manifest><spine>{refs}</spine></package>",
        **{
            f"OEBPS/{name}.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
            for name, body in chapters.items()
        },
        **(others or {}),
    }
    return archive({name: text.encode() for name, text in entries.items()})
