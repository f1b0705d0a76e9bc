"""The records of an .hwp: streams of the compound file, inflated within bounds, as trees of one paragraph each.

Source: Hancom, "Hwp Document File Formats 5.0", revision 1.3.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.formats.compound import DAMAGE, open_compound

PARA_HEADER, PARA_TEXT, CTRL_HEADER, LIST_HEADER, TABLE, EQUATION = 66, 67, 71, 72, 77, 88
PARA_SHAPE = 25
_COMPRESSED, _ENCRYPTED, _DISTRIBUTION, _CERTIFIED = 1 << 0, 1 << 1, 1 << 2, 1 << 8
_DRM = 1 << 4 | 1 << 10
_SIGNATURE = b"HWP Document File"
_CHUNK_BYTES = 1 << 16
_MAX_RECORD_BYTES = 1 << 25
_MAX_DEPTH = 60  # a table in a table in a table is 9
_MAX_RECORDS = 2_000_000  # of one paragraph with its tables
_SECTION = re.compile(r"Section(\d{1,6})")


@dataclass(slots=True)
class HwpRecord:
    tag: int
    data: bytes
    below: list["HwpRecord"] = field(default_factory=list)

    @property
    def control(self) -> str:
        """Four letters, stored backwards."""
        return self.data[3::-1].decode("latin-1") if len(self.data) >= 4 else ""


class HwpFile:
    def __init__(self, data: IO[bytes], bounds: Bounds) -> None:
        """Raises Unreadable."""
        self._bounds = bounds
        self._ole = open_compound(data)
        try:
            header = self._ole.openstream("FileHeader").read(256)
        except DAMAGE as error:
            raise Unreadable("damaged", f"FileHeader: {type(error).__name__}") from error
        if not header.startswith(_SIGNATURE) or len(header) < 40:
            raise Unreadable("damaged", "its header is not Hancom's")
        flags = int.from_bytes(header[36:40], "little")
        if flags & (_ENCRYPTED | _CERTIFIED | _DRM):
            raise Unreadable("encrypted")
        if flags & _DISTRIBUTION:
            raise Unreadable("encrypted", "a copy for distribution; its author can save one that may be read")
        self._is_compressed = bool(flags & _COMPRESSED)
        names = ["/".join(entry) for entry in self._ole.listdir()]
        bounds.note(
            "embedded_files_ignored", sum(name.startswith("BinData/") and name.endswith(".OLE") for name in names)
        )

    def sections(self) -> list[str]:
        found = [
            (int(match[1]), entry)
            for entry in self._ole.listdir()
            if len(entry) == 2 and entry[0] == "BodyText" and (match := _SECTION.fullmatch(entry[1]))
        ]
        return ["/".join(entry) for _, entry in sorted(found)]

    def trees(self, stream: str) -> Iterator[HwpRecord]:
        """Of a section: its paragraphs, each with what stands below it. Of DocInfo: its records."""
        above: list[HwpRecord] = []
        num_records = 0
        for tag, level, data in self._records(stream):
            if level > _MAX_DEPTH:
                raise Unreadable("damaged", "records nested too deeply")
            if level == 0 and above:
                yield above[0]
                above, num_records = [], 0
            num_records += 1
            if num_records > _MAX_RECORDS:
                raise Unreadable("damaged", "a paragraph of too many records")
            record = HwpRecord(tag, data)
            del above[min(level, len(above)) :]
            if above:
                above[-1].below.append(record)
            above.append(record)
        if above:
            yield above[0]

    def _records(self, stream: str) -> Iterator[tuple[int, int, bytes]]:
        waiting = bytearray()
        chunks = self._inflated(stream)
        while True:
            head = _filled(waiting, chunks, 4)
            if not head:
                return
            word = int.from_bytes(waiting[:4], "little")
            tag, level, num_bytes, begin = word & 0x3FF, word >> 10 & 0x3FF, word >> 20, 4
            if num_bytes == 0xFFF:
                if not _filled(waiting, chunks, 8):
                    raise Unreadable("damaged", "a record is cut off")
                num_bytes, begin = int.from_bytes(waiting[4:8], "little"), 8
            if num_bytes > _MAX_RECORD_BYTES or not _filled(waiting, chunks, begin + num_bytes):
                raise Unreadable("damaged", "a record is cut off")
            yield tag, level, bytes(waiting[begin : begin + num_bytes])
            del waiting[: begin + num_bytes]

    def _inflated(self, name: str) -> Iterator[bytes]:
        try:
            stream = self._ole.openstream(name)
            inflate = zlib.decompressobj(-15) if self._is_compressed else None
            while chunk := stream.read(_CHUNK_BYTES):
                if inflate is None:
                    self._bounds.unpacked(len(chunk))
                    yield chunk
                    continue
                while chunk and not inflate.eof:
                    piece = inflate.decompress(chunk, _CHUNK_BYTES)
                    self._bounds.unpacked(len(piece))
                    yield piece
                    chunk = inflate.unconsumed_tail
            if inflate is not None and not inflate.eof:
                yield inflate.flush(_CHUNK_BYTES)
                if not inflate.eof:
                    raise Unreadable("damaged", f"{name} is cut off")
        except (zlib.error, *DAMAGE) as error:
            raise Unreadable("damaged", f"{name}: {type(error).__name__}") from error


def _filled(waiting: bytearray, chunks: Iterator[bytes], num_bytes: int) -> bool:
    while len(waiting) < num_bytes:
        chunk = next(chunks, None)
        if chunk is None:
            return False
        waiting += chunk
    return True
