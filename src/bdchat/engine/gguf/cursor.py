"""Reads an untrusted file forward, within bounds: the byte level of header.py.

Owned by one caller on one thread. Uses pread on windows and not mmap: a file that shrinks under a mapping kills the
process (SIGBUS), here it is an error. Knows lengths and bytes, nothing of what a key means.
"""

import os
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

WINDOW_BYTES = 1 << 20
TEXT_BUDGET_BYTES = 16 << 20  # all keys, names and kept strings of one header together; real ones stay under 1 MiB
MAX_ARRAY_STRINGS = 1 << 22  # of one header; the largest vocabularies have 0.3 M tokens and 0.6 M merges

NEWER = "a newer version of bdchat may know it"

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class GGUFError(Exception):
    """The file is not a GGUF that can be trusted to native code. `reason` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def open_regular(path: Path) -> Iterator[int]:
    """A read-only descriptor of a regular file; symbolic links are followed. Never blocks, whatever lies there."""
    try:
        resolved = path.resolve()
        _require_regular(os.stat(resolved, follow_symlinks=False).st_mode)
        fd = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the name; RuntimeError: a link loop
        raise GGUFError(f"cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    try:
        _require_regular(os.fstat(fd).st_mode)  # again: the name may mean another file by now
        yield fd
    finally:
        os.close(fd)


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise GGUFError("is a directory, not a model file")
    if not stat.S_ISREG(mode):
        raise GGUFError("is not a regular file")


class Cursor:
    """A position in a file of `size` bytes. Every method raises GGUFError instead of leaving the file."""

    def __init__(self, fd: int) -> None:
        self.size = os.fstat(fd).st_size
        self.pos = 0
        self._fd = fd
        self._window = b""
        self._base = 0
        self._text_budget = TEXT_BUDGET_BYTES
        self._string_budget = MAX_ARRAY_STRINGS

    def take(self, count: int) -> bytes:
        self._fill(count)
        start = self.pos - self._base
        self.pos += count
        return self._window[start : start + count]

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.take(layout.size))

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])

    def text(self, max_bytes: int, what: str) -> bytes:
        """A string whose bytes are kept. Raises when it is longer than max_bytes or the header keeps too much."""
        length = self.u64()
        if length > max_bytes:
            raise GGUFError(f"{what} is {length} bytes long, at most {max_bytes} are allowed")
        self._text_budget -= length
        if self._text_budget < 0:
            raise GGUFError(f"the header holds more than {TEXT_BUDGET_BYTES >> 20} MiB of names and texts")
        return self.take(length)

    def peek_u64(self) -> int:
        self._fill(8)
        return int(_U64.unpack_from(self._window, self.pos - self._base)[0])

    def skip(self, count: int) -> None:
        self._require(count)
        self.pos += count

    def skip_strings(self, count: int) -> None:
        """Walks `count` strings by their lengths; their bytes are only read where the window already holds them."""
        self._string_budget -= count
        if self._string_budget < 0:
            raise GGUFError(f"the header's lists hold more than {MAX_ARRAY_STRINGS} strings")
        unpack = _U64.unpack_from
        pos, window, base = self.pos, self._window, self._base
        last = base + len(window) - 8
        for _ in range(count):
            if pos > last:
                self.pos = pos
                self._fill(8)
                window, base = self._window, self._base
                last = base + len(window) - 8
            pos += 8 + unpack(window, pos - base)[0]
        self.pos = pos
        self._require(0)

    def skip_distinct_strings(
        self, count: int, max_bytes: int, what: str, *, among: Iterable[bytes] = ()
    ) -> frozenset[bytes]:
        """Walks `count` strings and refuses two equal ones; empty ones may repeat. Keeps hashes, not strings (they are
        keyed by this process: nobody can aim at a collision). Which of `among` there are."""
        self._string_budget -= count
        self._require(8 * count)
        hashes: set[int] = set()
        num_empty = 0
        unpack = _U64.unpack_from
        pos, window, base = self.pos, b"", self.pos  # locals, and no call per string: a quarter of a million of them
        for _ in range(count):
            length = unpack(window, pos - base)[0] if pos + 8 <= base + len(window) else self._peek_at(pos)
            end = pos + 8 + length
            if length > max_bytes:
                raise GGUFError(f"{what} is {length} bytes long, at most {max_bytes} are allowed")
            if end > base + len(window):
                self.pos = pos
                self._fill(8 + length)
                window, base = self._window, self._base
            if length:
                hashes.add(hash(window[pos + 8 - base : end - base]))
            else:
                num_empty += 1
            pos = end
        self.pos = pos
        if len(hashes) + num_empty != count:
            raise GGUFError(f"{what} occurs twice")
        return frozenset(each for each in among if hash(each) in hashes)

    def _peek_at(self, pos: int) -> int:
        self.pos = pos
        return self.peek_u64()

    def _require(self, count: int) -> None:
        if count > self.size - self.pos:
            raise GGUFError("ends inside its header: the file is truncated or a length in it is wrong")

    def _fill(self, count: int) -> None:
        """Makes the window hold the next `count` bytes (callers bound it)."""
        self._require(count)
        if self._base <= self.pos and self.pos + count <= self._base + len(self._window):
            return
        try:
            window = os.pread(self._fd, max(count, WINDOW_BYTES), self.pos)
        except OSError as error:
            raise GGUFError(f"cannot be read: {error.strerror}") from error
        if len(window) < count:
            raise GGUFError("became shorter while it was read")
        self._window, self._base = window, self.pos


def printable(text: str | bytes) -> str:
    """One short line without control characters: a file's name for itself must not steer a terminal or a log."""
    line = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return "".join(_visible(line))[:200]


def _visible(line: str) -> Iterator[str]:
    for character in line:
        yield character if character.isprintable() else " "
