"""How far the cells of a spreadsheet reach, before a parser makes room for all between the first and the last.

Two cells in opposite corners of a sheet are 16 billion. Walks through the XML with bounds, which counts what it
inflates.
"""

import re

from bdchat.reading.bounds import Unreadable
from bdchat.reading.formats.archive import Archive
from bdchat.reading.formats.xml import Element, attribute, local, parts_of

MAX_CELLS = 8_000_000  # of one sheet, empty ones between others included: 200 MB while it is read
_SHEET = re.compile(r"xl/worksheets/[^/]{1,200}\.xml")
_PLACE = re.compile(r"([A-Za-z]{1,4})(\d{1,9})")
_CONTENT = "content.xml"  # OpenDocument's


def check_extent(archive: Archive) -> None:
    """Raises Unreadable. Inflates every entry once, so that a bomb is told from a large sheet."""
    for name in archive.names:
        if name.startswith("xl/worksheets/") and _SHEET.fullmatch(name):
            _check_sheet(archive, name)
        elif name == _CONTENT:
            _check_tables(archive)
        elif name.endswith((".xml", ".bin", ".rels")):
            for _ in archive.chunks(name):
                pass


def _check_sheet(archive: Archive, name: str) -> None:
    num_rows = num_columns = row = 0
    for part in parts_of(archive, name, "sheetData"):
        said = attribute(part, "r")
        row = int(said) if said.isdecimal() and len(said) < 10 else row + 1
        column = 0
        for cell in part:
            place = _PLACE.fullmatch(attribute(cell, "r"))
            column = _column(place[1]) if place else column + 1
            row = max(row, int(place[2])) if place else row
        num_columns = max(num_columns, column)
        num_rows = max(num_rows, row)
        _check(num_rows, num_columns)


def _check_tables(archive: Archive) -> None:
    table: Element | None = None
    num_rows = num_columns = 0
    for part in parts_of(archive, _CONTENT, "table"):
        if part.getparent() is not table:
            table, num_rows, num_columns = part.getparent(), 0, 0
        if local(part) != "table-row":
            continue
        width = is_filled = 0
        for cell in part:
            width += _repeated(cell, "number-columns-repeated")
            if len(cell) or attribute(cell, "value-type"):
                num_columns = max(num_columns, width)
                is_filled = 1
        num_rows += _repeated(part, "number-rows-repeated")
        if is_filled:
            _check(num_rows, num_columns)


def _repeated(element: Element, name: str) -> int:
    said = attribute(element, name)
    return int(said) if said.isdecimal() and len(said) < 10 else 1


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def _check(num_rows: int, num_columns: int) -> None:
    if num_rows * num_columns > MAX_CELLS:
        raise Unreadable("too_much_text", f"a sheet of {num_rows} rows and {num_columns} columns")
