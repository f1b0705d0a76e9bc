"""The compound file (OLE) that office files before 2007 and .hwp are: opened once its chains of sectors are known to
end. A chain that comes back to itself would keep a parser busy for ever."""

import struct
from typing import IO

import olefile

from bdchat.reading.bounds import Unreadable

DAMAGE = (OSError, ValueError, struct.error, IndexError, KeyError, RecursionError, AttributeError, TypeError)
_SECTOR_SHIFTS = (b"\x09\0", b"\x0c\0")  # 512 and 4096 bytes
_LAST = 0xFFFFFFFA  # this and above mean no sector


def open_compound(data: IO[bytes]) -> olefile.OleFileIO:
    """Raises Unreadable."""
    sector_shift = data.read(32)[30:]
    data.seek(0)
    if sector_shift not in _SECTOR_SHIFTS:
        raise Unreadable("damaged", "a compound file with sectors of a size that none has")
    try:
        ole = olefile.OleFileIO(data)
        entries = [entry for entry in ole.direntries if entry is not None]
        _check(ole.fat, {entry.isectStart for entry in entries if not entry.is_minifat})
        if any(entry.is_minifat for entry in entries):
            ole.loadminifat()
            _check(ole.minifat, {entry.isectStart for entry in entries if entry.is_minifat})
    except DAMAGE as error:
        raise Unreadable("damaged", f"compound file: {type(error).__name__}") from error
    return ole


def _check(table: list[int], starts: set[int]) -> None:
    """Each sector is walked once."""
    ended = bytearray(len(table))
    for start in starts:
        at, chain = start, 0
        while at < len(table) and not ended[at]:
            ended[at] = 1
            at = table[at]
            chain += 1
        if at < _LAST and chain:
            raise Unreadable("damaged", "a chain of sectors has no end of its own")
