"""The JSON files of a ZIP, or a file that is one itself; with bounds on what a ZIP may claim to be. Runs in a thread.

Names inside are never paths here: they are shown, and tell JSON from the rest. What is unpacked is counted while it
comes, since sizes in a ZIP are claims. What lies in it twice, or over something else, is a bomb: each byte of a ZIP
belongs to one file at most.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from bdchat.store.transfer.allowance import Allowance
from bdchat.store.transfer.mending import Readable
from bdchat.store.transfer.reasons import Refused

MAX_FILES = 20_000  # chats and pictures; each costs half a kilobyte to know of
MAX_DIRECTORY_BYTES = 8 * 1024 * 1024
MAX_RATIO = 200  # JSON shrinks to a fifteenth, repeated JSON to a hundredth
RATIO_FROM_BYTES = 1024 * 1024  # below, a file's ratio tells little; the allowance counts them together
MAX_NAME_CHARS = 100
ATTACHED = re.compile(r"documents/([0-9a-f]{64})/([^/\\]{1,255})", re.DOTALL)
_SUFFIXES = (".json", ".jsonl", ".ndjson")
_END = b"PK\x05\x06"
_END_BYTES = 22
_ENTRY = b"PK\x01\x02"
_MAX_COMMENT_BYTES = 65_535
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_LOCAL = struct.Struct("<4s2xHH8xIIHH")  # signature, flags, method, sizes packed and unpacked, of name and of extra
_LOCAL_SIGNATURE = b"PK\x03\x04"
_IS_ENCRYPTED = 1 << 0
_HAS_SIZES_BEHIND = 1 << 3  # the sizes in the local header may then be 0
_SIZE_IN_EXTRA = 0xFFFFFFFF
FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, OSError)


class BadArchive(Refused):
    """Why nothing is read of it."""


class BadFile(Refused):
    """Why nothing (more) is read of a file in it. The others may be good."""


@dataclass(frozen=True, slots=True)
class JSONFile:
    name: str  # "" for the file itself
    content: Readable


def looks_like_zip(source: IO[bytes]) -> bool:
    source.seek(0)
    return source.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def json_files(source: IO[bytes], allowance: Allowance) -> Iterator[JSONFile]:
    """One after the other: read each before the next. Raises BadArchive; reading raises BadFile and what the allowance
    does."""
    if not looks_like_zip(source):
        source.seek(0)
        yield JSONFile("", _Whole(source, allowance))
        return
    with _opened(source) as (archive, infos):
        for info in _in_order(infos):
            yield JSONFile(shown_name(info.filename), _Member(archive, info, allowance))


def attached_files(source: IO[bytes]) -> Generator[tuple[str, str, IO[bytes]]]:
    """(SHA-256 as it says, name, content) of the files beside the chats of an export of ours, one after the other. They
    are stored as they are: nothing is unpacked. Raises BadArchive; reading raises what zipfile does (FAULTS)."""
    if not looks_like_zip(source):
        return
    with _opened(source) as (archive, infos):
        for info in infos:
            found = ATTACHED.fullmatch(info.filename)
            if found and info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & _IS_ENCRYPTED:
                with archive.open(info) as content:
                    yield found[1], found[2], content


@contextmanager
def _opened(source: IO[bytes]) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """With its files in the order of their places. Raises BadArchive."""
    directory_at = _checked_directory(source)
    try:
        archive = zipfile.ZipFile(source)
    except (*FAULTS, NotImplementedError) as error:
        raise BadArchive("zip_damaged") from error
    with archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        _check_places(source, infos, directory_at)
        yield archive, infos


def _in_order(infos: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """As they lie in it; but Jan's thread.json, which has the title, before the messages.jsonl beside it. What macOS
    puts beside each file is none of them."""
    found = [info for info in infos if info.filename.lower().endswith(_SUFFIXES) and not _is_passed_over(info.filename)]
    places = {info.filename: place for place, info in enumerate(found)}

    def place(info: zipfile.ZipInfo) -> float:
        folder, _, name = info.filename.rpartition("/")
        messages = places.get(f"{folder}/messages.jsonl" if folder else "messages.jsonl")
        own = places[info.filename]
        return min(own, messages - 0.5) if name == "thread.json" and messages is not None else own

    return sorted(found, key=place)


def _is_passed_over(path: str) -> bool:
    if ATTACHED.fullmatch(path):  # somebody's own file, whatever is in it
        return True
    return path.startswith("__MACOSX/") or path.rpartition("/")[2].startswith("._")


def shown_name(path: str) -> str:
    """The last part of a path in a ZIP, fit to be shown."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return "".join(char if char.isprintable() else "\ufffd" for char in name)[:MAX_NAME_CHARS]


class _Whole:
    """Reads of a file that is no ZIP."""

    def __init__(self, source: IO[bytes], allowance: Allowance) -> None:
        self._source = source
        self._allowance = allowance

    def read(self, num_bytes: int, /) -> bytes:
        self._allowance.check()
        return self._source.read(num_bytes)


class _Member:
    """Reads of one file in the ZIP."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> None:
        self._archive = archive
        self._info = info
        self._content: IO[bytes] | None = None
        self._num_left_bytes = max(RATIO_FROM_BYTES, info.compress_size * MAX_RATIO)
        self._allowance = allowance

    def read(self, num_bytes: int, /) -> bytes:
        self._allowance.check()
        with _bad_files():
            data = self._opened().read(num_bytes)
        self._allowance.unpack(len(data))
        self._num_left_bytes -= len(data)
        if self._num_left_bytes < 0:
            raise BadFile("zip_bomb", num=MAX_RATIO)
        return data

    def _opened(self) -> IO[bytes]:
        if self._content is None:
            if self._info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # LZMA asks for gigabytes
                raise NotImplementedError
            self._content = self._archive.open(self._info)
        return self._content


@contextmanager
def _bad_files() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise BadFile("zip_unknown_packing") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise BadFile("zip_encrypted") from error
    except FAULTS as error:
        raise BadFile("zip_damaged") from error


def _checked_directory(source: IO[bytes]) -> int:
    """Where the list of files begins. zipfile reads all of it before it can be asked how long that is. A list that
    needs the format for giants (ZIP64) is refused: no file within our bounds does."""
    num_bytes = source.seek(0, 2)
    tail_at = max(0, num_bytes - _END_BYTES - _MAX_COMMENT_BYTES - _ZIP64_LOCATOR_BYTES)
    source.seek(tail_at)
    tail = source.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise BadArchive("zip_damaged")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    has_zip64 = tail[max(0, at - _ZIP64_LOCATOR_BYTES) :].startswith(_ZIP64_LOCATOR)
    if directory_bytes > MAX_DIRECTORY_BYTES or has_zip64:
        raise BadArchive("zip_too_many_files", num=MAX_FILES)
    directory_at = tail_at + at - directory_bytes
    if directory_at < 0:
        raise BadArchive("zip_damaged")
    source.seek(directory_at)
    if source.read(directory_bytes).count(_ENTRY) > MAX_FILES:
        raise BadArchive("zip_too_many_files", num=MAX_FILES)
    return directory_at


def _check_places(source: IO[bytes], infos: list[zipfile.ZipInfo], directory_at: int) -> None:
    """`infos`: in the order of their places. Each file ends before the next begins and says the same of itself as the
    list does: readers that believe one or the other see the same."""
    end = 0
    for info in infos:
        if info.header_offset < end:
            raise BadArchive("zip_overlaps")
        source.seek(info.header_offset)
        header = source.read(_LOCAL.size)
        if len(header) < _LOCAL.size:
            raise BadArchive("zip_damaged")
        signature, flags, method, packed_bytes, unpacked_bytes, name_bytes, extra_bytes = _LOCAL.unpack(header)
        sizes = ((packed_bytes, info.compress_size), (unpacked_bytes, info.file_size))
        is_as_listed = flags & _HAS_SIZES_BEHIND or all(own in {listed, _SIZE_IN_EXTRA} for own, listed in sizes)
        is_same_kind = method == info.compress_type and not (flags ^ info.flag_bits) & _IS_ENCRYPTED
        if signature != _LOCAL_SIGNATURE or not is_as_listed or not is_same_kind:
            raise BadArchive("zip_damaged")
        end = info.header_offset + _LOCAL.size + name_bytes + extra_bytes + info.compress_size
    if end > directory_at:
        raise BadArchive("zip_overlaps")
