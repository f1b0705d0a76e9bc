"""Headers of model files, each read once while its file stays as it is: a large vocabulary takes a fifth of a second.

Any thread: the worst of a race is that a header is read twice. Refusals are not kept; most are found at once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bdchat.engine.gguf.header import GGUFHeader, read_header

MAX_KEPT = 1000


class _State(NamedTuple):
    """Changes with the file, and with the file that a name leads to."""

    device: int
    inode: int
    num_bytes: int
    mtime_ns: int
    ctime_ns: int


class Headers:
    def __init__(self) -> None:
        self._kept: dict[Path, tuple[GGUFHeader, tuple[_State, ...]]] = {}

    def read(self, path: Path) -> GGUFHeader:
        """Raises GGUFError."""
        kept = self._kept.get(path)
        if kept is not None and kept[1] == _states(kept[0].files):
            return kept[0]
        header = read_header(path)
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[path] = (header, _states(header.files))
        return header


def _states(files: Sequence[Path]) -> tuple[_State, ...]:
    """() when one has gone: no header has no files."""
    try:
        stats = [file.stat() for file in files]
    except OSError:
        return ()
    return tuple(_State(s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in stats)
