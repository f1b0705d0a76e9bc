"""The ZIP archive that an office file is: its entries by name, inflated within bounds. No entry becomes a file and no
name a path; an archive within it stays closed."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable

MAX_ENTRIES = 20_000
_CHUNK_BYTES = 1 << 16
_MACROS = ("vbaproject.bin", "vbadata.xml", "xl/macrosheets/")
_EMBEDDED = ("/embeddings/", "/activex/", "bindata/ole")
_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, RuntimeError)


class Archive:
    """Counts the bytes that it inflates, and notes macros and embedded files, which nothing opens."""

    def __init__(self, data: IO[bytes], bounds: Bounds) -> None:
        """Raises Unreadable."""
        self._bounds = bounds
        try:
            self._zip = zipfile.ZipFile(data)
        except _DAMAGE as error:
            raise Unreadable("damaged", "its list of files cannot be read") from error
        self.names = set(self._zip.namelist())
        if len(self.names) > MAX_ENTRIES:
            raise Unreadable("damaged", f"an archive of {len(self.names)} files")
        lowered = [name.lower() for name in self.names]
        bounds.note("macros_ignored", sum(name.startswith(_MACROS) or name.endswith(_MACROS) for name in lowered))
        bounds.note("embedded_files_ignored", sum(any(part in name for part in _EMBEDDED) for name in lowered))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Of an entry, inflated and counted. Raises Unreadable: it is missing, damaged, encrypted or too large."""
        try:
            entry = self._zip.getinfo(name)
        except KeyError:
            raise Unreadable("damaged", f"{name[:80]} is missing") from None
        if entry.flag_bits & 1:
            raise Unreadable("encrypted")
        try:
            with self._zip.open(entry) as inflated:
                while chunk := inflated.read(_CHUNK_BYTES):
                    self._bounds.unpacked(len(chunk))
                    yield chunk
        except _DAMAGE as error:
            raise Unreadable("damaged", f"{name[:80]} cannot be unpacked") from error

    def read(self, name: str) -> bytes:
        return b"".join(self.chunks(name))


def beside(name: str, target: str) -> str:
    """The entry that `target` means in the entry `name`; one outside the archive is the name of none."""
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
