"""The JSON files of a ZIP, or a file that is one itself; with bounds on what a ZIP may claim to be. Runs in a thread.

Names inside are never paths here: they are shown, and tell JSON from the rest. What is unpacked is counted while it
comes, since sizes in a ZIP are claims.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from bdchat.store.transfer.json_items import Readable
from bdchat.store.transfer.reasons import Refused

MAX_FILES = 20_000  # chats and pictures; each costs half a kilobyte to know of
MAX_DIRECTORY_BYTES = 8 * 1024 * 1024
MAX_RATIO = 200  # JSON shrinks to a fifteenth, repeated JSON to a hundredth
RATIO_FROM_BYTES = 1024 * 1024  # below, any ratio is harmless
MAX_NAME_CHARS = 100
_END = b"PK\x05\x06"
_END_BYTES = 22
_MAX_COMMENT_BYTES = 65_535
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20


class BadArchive(Refused):
    """Why nothing (more) is read of it."""


@dataclass(frozen=True, slots=True)
class JSONFile:
    name: str  # "" for the file itself
    content: Readable


def looks_like_zip(source: IO[bytes]) -> bool:
    source.seek(0)
    return source.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def json_files(source: IO[bytes], *, max_bytes: int) -> Iterator[JSONFile]:
    """One after the other: read each before the next. `max_bytes`: of all that is unpacked. Raises BadArchive, also
    while a file is being read."""
    if not looks_like_zip(source):
        source.seek(0)
        yield JSONFile("", source)
        return
    _check_directory(source)
    budget = _Budget(max_bytes)
    with _bad_archives(), zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_FILES:
            raise BadArchive("zip_too_many_files", num=MAX_FILES)
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.filename.lower().endswith(".json"):
                if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # LZMA asks for gigabytes
                    raise NotImplementedError
                with archive.open(info) as content:
                    yield JSONFile(shown_name(info.filename), _Counted(content, info, budget))


def shown_name(path: str) -> str:
    """The last part of a path in a ZIP, fit to be shown."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return "".join(char if char.isprintable() else "\ufffd" for char in name)[:MAX_NAME_CHARS]


@dataclass(slots=True)
class _Budget:
    num_left_bytes: int


class _Counted:
    """Reads of one file in the ZIP."""

    def __init__(self, content: IO[bytes], info: zipfile.ZipInfo, budget: _Budget) -> None:
        self._content = content
        self._num_left_bytes = max(RATIO_FROM_BYTES, info.compress_size * MAX_RATIO)
        self._budget = budget

    def read(self, num_bytes: int, /) -> bytes:
        with _bad_archives():
            data = self._content.read(num_bytes)
        self._num_left_bytes -= len(data)
        self._budget.num_left_bytes -= len(data)
        if self._num_left_bytes < 0:
            raise BadArchive("zip_bomb", num=MAX_RATIO)
        if self._budget.num_left_bytes < 0:
            raise BadArchive("zip_too_large")
        return data


@contextmanager
def _bad_archives() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise BadArchive("zip_unknown_packing") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise BadArchive("zip_encrypted") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        raise BadArchive("zip_damaged") from error


def _check_directory(source: IO[bytes]) -> None:
    """zipfile reads the whole list of files before it can be asked how long that is. A list that needs the format for
    giants (ZIP64) is refused: no file within our bounds does."""
    num_bytes = source.seek(0, 2)
    source.seek(max(0, num_bytes - _END_BYTES - _MAX_COMMENT_BYTES - _ZIP64_LOCATOR_BYTES))
    tail = source.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise BadArchive("zip_damaged")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    has_zip64 = tail[max(0, at - _ZIP64_LOCATOR_BYTES) :].startswith(_ZIP64_LOCATOR)
    if directory_bytes > MAX_DIRECTORY_BYTES or has_zip64:
        raise BadArchive("zip_too_many_files", num=MAX_FILES)
