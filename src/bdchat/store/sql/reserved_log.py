"""The blocks of SQLite's write-ahead log, there before they are written and kept while the database is open.

SQLite begins its log anew when all of it is in the file and nobody reads from it, and writes over what is there: blocks
that the file has once, it has. What lies behind its last commit it ignores (sqlite.org/fileformat2.html#walformat), so
the file may be longer. Writer thread only.
"""

import os
import sqlite3
from pathlib import Path

FRAME_BYTES = 4096 + 24
COPIES = 2  # of a page that a write adds, in the log: with it change those that lead to it, and the search index
WAIT_MS = 1000  # for those who read from the log


class ReservedLog:
    """`num_new_pages`: what the transaction that runs has added so far; its owner counts."""

    def __init__(self, path: Path, num_bytes: int) -> None:
        self.num_new_pages = 0
        self._path = path
        self._wanted_bytes = num_bytes
        self._num_bytes = 0  # that the file has
        self._used_bytes = 0  # that the next transaction may have to go behind

    @property
    def is_reserved(self) -> bool:
        return self._num_bytes >= self._wanted_bytes

    @property
    def is_half_full(self) -> bool:
        return 2 * self._used_bytes > self._num_bytes

    @property
    def num_missing_bytes(self) -> int:
        """That the transaction which runs takes of the disk."""
        return max(0, self._used_bytes + COPIES * FRAME_BYTES * self.num_new_pages - self._num_bytes)

    def fold(self, driver: sqlite3.Connection) -> None:
        """Into the file, so that the next transaction begins it anew. Waits for readers when much of it is used.
        Raises sqlite3.Error."""
        (timeout_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
        try:
            for wait_ms in (0, WAIT_MS):
                driver.execute(f"PRAGMA busy_timeout={wait_ms}")
                is_busy, num_frames, _ = driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
                self._used_bytes = FRAME_BYTES * num_frames if is_busy else 0
                if not self.is_half_full:
                    break
        finally:
            driver.execute(f"PRAGMA busy_timeout={timeout_ms}")

    def reserve(self, *, spare_bytes: int) -> None:
        """Half of `spare_bytes` at most: as much is kept for the file. Raises OSError."""
        length = self._path.stat().st_size
        wanted = min(self._wanted_bytes, (length + spare_bytes) // 2)
        if length < wanted:
            fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.posix_fallocate(fd, 0, wanted)
            finally:
                os.close(fd)
        self._num_bytes = max(length, wanted)
