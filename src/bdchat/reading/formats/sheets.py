"""Spreadsheets (.xlsx, .xlsb, .xls, .ods): a page for each sheet, long ones in groups of rows, each with the first row
that has text, which mostly is the header. Values as they are shown last; formulas and macros are not run."""

import datetime
from collections.abc import Iterator, Sequence
from typing import IO, NoReturn

import python_calamine
from python_calamine import CalamineSheet, CalamineWorkbook

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.formats.archive import Archive
from bdchat.reading.formats.compound import DAMAGE, open_compound
from bdchat.reading.formats.sheet_extent import check_extent
from bdchat.reading.paging import PAGE_CHARACTERS, FlowBlock, one_page
from bdchat.reading.pieces import PageText

_MAX_HEADER_CHARACTERS = 1000
_MAX_CELL_CHARACTERS = 32_767  # Excel's own limit
_ZIP = b"PK"
# Of an .xls: records of two bytes' kind and two bytes' length.
_FILE_PASSWORD, _END_OF_GLOBALS = b"\x2f\0", 0x0A
_MAX_START_BYTES = 4096  # the password's record is the second or third


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    is_archive = data.read(2) == _ZIP
    data.seek(0)
    if is_archive:
        check_extent(Archive(data, bounds))
    else:
        _check_password(data)
    data.seek(0)
    number = 1
    for sheet in _sheets(data, bounds):
        for rows in _groups(sheet, bounds):
            yield one_page(number, [FlowBlock("table", "\n".join(rows))], label=sheet.name)
            number += 1


def _check_password(data: IO[bytes]) -> None:
    """The parser says no more of a locked .xls than that it is damaged."""
    with open_compound(data) as file:
        name = next((name for name in ("Workbook", "Book") if file.exists(name)), None)
        if name is None:
            raise Unreadable("damaged", "it has no workbook")
        try:
            start = file.openstream(name).read(_MAX_START_BYTES)
        except DAMAGE as error:
            raise Unreadable("damaged", f"{name}: {type(error).__name__}") from error
    at = 0
    while at + 4 <= len(start) and start[at] != _END_OF_GLOBALS:
        if start[at : at + 2] == _FILE_PASSWORD:
            raise Unreadable("encrypted")
        at += 4 + int.from_bytes(start[at + 2 : at + 4], "little")


def _sheets(data: IO[bytes], bounds: Bounds) -> Iterator[CalamineSheet]:
    try:
        book = CalamineWorkbook.from_filelike(data)
        for name in book.sheet_names:
            try:
                sheet = book.get_sheet_by_name(name)
            except python_calamine.WorksheetNotFound:  # a chart sheet
                continue
            yield sheet
    except Unreadable:
        raise
    except BaseException as error:
        _refuse(error)


def _refuse(error: BaseException) -> NoReturn:
    """A panic of the Rust code is a BaseException of a type that nothing exports."""
    if isinstance(error, python_calamine.PasswordError):
        raise Unreadable("encrypted") from error
    if isinstance(error, MemoryError | KeyboardInterrupt | SystemExit | GeneratorExit):
        raise error
    raise Unreadable("damaged", type(error).__name__) from error


def _groups(sheet: CalamineSheet, bounds: Bounds) -> Iterator[list[str]]:
    """Rows of up to a page, as text; in each group but the first the header before them."""
    header: str | None = None
    group: list[str] = []
    num_characters = 0
    for cells in sheet.iter_rows():
        row = _row(cells)
        if not row:
            continue
        bounds.text(len(row))
        if header is None:
            header = row[:_MAX_HEADER_CHARACTERS].rstrip(" |")
        elif num_characters + len(row) > PAGE_CHARACTERS and len(group) > 1:
            yield group
            group, num_characters = [header], len(header)
        group.append(row)
        num_characters += len(row) + 1
    if group:
        yield group


def _row(cells: Sequence[object]) -> str:
    told = [_cell(value) for value in cells]
    while told and not told[-1]:
        told.pop()
    return " | ".join(told) if any(told) else ""


def _cell(value: object) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime.datetime():
            is_day = (value.hour, value.minute, value.second) == (0, 0, 0)
            return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case str():
            return " ".join(value[:_MAX_CELL_CHARACTERS].split())
        case _:
            return str(value)
