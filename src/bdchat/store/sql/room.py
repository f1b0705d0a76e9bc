"""Reserve of disk space for deletions: SQLite writes before it frees. At start, then writer thread only.

On a full disk nothing could be deleted either: what a deletion changes goes into the log first, and the log into the
file. So a file beside the database holds some room for that; it is let go of for a transaction when little else is
left, and taken again behind it. What keeps it: a write that makes the database larger must leave that much, also when
its log has gone into the file; one that leaves it no larger, or less in the books (books.py), or that inserts nothing
and leaves the books as they are (a chat is hidden, a text leaves the index) may use it up. It is measured in the
write's own transaction, not declared by whoever writes.
"""

import contextlib
import logging
import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from bdchat.private_files import FILE_MODE
from bdchat.store.errors import StoreFull

log = logging.getLogger(__name__)

RESERVE_NAME = "bdchat.db-reserve"
MOST_BYTES = 32 << 20  # a message is 8 MiB at most; deleting it writes it once over, its index, and both into the file
SHARE = 8  # of a small disk: not more than one part in so many
NEAR = 64  # reserves: with more free than that a write is not measured
NUM_VACUUMED_PAGES = 64  # 256 KiB in a step, and as much of the log
MOST_STEPS = 16  # after one commit; others wait
LEAST_FREE_BYTES = 64 * 1024  # left for other programs, and for small files of ours
TELL_EVERY_S = 60.0
SMALL_PAGES, LEAST_PAGES = 16, 2  # a login, a line of the audit log; a page that a longer row splits
LOG_BYTES = 64 * 1024  # of a log below which emptying it gives nothing worth a moment


class Size(NamedTuple):
    """Of the database, as a transaction sees it."""

    num_used_pages: int
    num_kept_bytes: int  # by the books: a deletion lets the index grow before it shrinks


class DiskRoom:
    """Owns the reserve of the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = path.with_name(RESERVE_NAME)
        self._num_bytes = min(MOST_BYTES, shutil.disk_usage(path.parent).total // SHARE)
        self._held_bytes = self._reserve.stat().st_size if self._reserve.exists() else 0
        self._is_near = False  # the end of the disk
        self._tell_at_s = 0.0

    def look(self) -> None:
        """Before each transaction, and before the database is opened: lets go of the reserve when it may be needed."""
        with contextlib.suppress(OSError):
            free = _free_bytes(self._path)
            self._is_near = free < NEAR * self._num_bytes
            if self._held_bytes and free < self._num_bytes:
                self._held_bytes = 0
                self._reserve.unlink(missing_ok=True)

    def measure(self, connection: Connection) -> Size | None:
        """Inside the transaction. None: the disk's end is far."""
        if not self._is_near:
            return None
        num_used_pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
        kept = connection.exec_driver_sql("SELECT COALESCE(SUM(num_bytes), 0) FROM storage_book").scalar_one()
        return Size(num_used_pages, int(kept))

    def require_room(self, connection: Connection, before: Size | None, *, has_inserted: bool) -> None:
        """After a write, before its savepoint is released. Raises StoreFull."""
        after = self.measure(connection)
        if before is None or after is None:
            return
        num_pages = after.num_used_pages - before.num_used_pages
        num_kept_bytes = after.num_kept_bytes - before.num_kept_bytes
        if num_pages <= 0 or num_kept_bytes < 0 or (num_kept_bytes == 0 and not has_inserted):
            return
        page_bytes = _pragma(connection, "page_size")
        for_file = max(0, page_bytes * _pragma(connection, "page_count") - self._path.stat().st_size)
        for_log = max(for_file, page_bytes * num_pages)
        left = _free_bytes(self._path) + self._held_bytes - for_file - for_log
        share = 4 if num_pages <= LEAST_PAGES else 2 if num_pages <= SMALL_PAGES else 1
        if left < self._num_bytes // share:
            raise StoreFull("the disk is full but for the room to delete in")

    def make(self, writer: Engine) -> None:
        """After a transaction. Near the disk's end: empties the log, gives free pages back to the disk, and takes the
        reserve again, or what there is of it, before another program does."""
        if self._held_bytes == self._num_bytes:
            return
        if self._is_near:
            connection = writer.raw_connection()
            try:
                driver = connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                with contextlib.suppress(sqlite3.Error):  # no room even for that, or somebody reads
                    _give_back(driver, Path(f"{self._path}-wal"))
            finally:
                connection.close()
        with contextlib.suppress(OSError):
            self._take()

    def _take(self) -> None:
        num_bytes = min(self._num_bytes, self._held_bytes + _free_bytes(self._path) - LEAST_FREE_BYTES)
        if num_bytes <= self._held_bytes:
            return
        fd = os.open(self._reserve, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE)
        try:
            os.posix_fallocate(fd, 0, num_bytes)  # really there, not only a length
        finally:
            os.close(fd)
        self._held_bytes = num_bytes
        if num_bytes < self._num_bytes and time.monotonic() >= self._tell_at_s:
            self._tell_at_s = time.monotonic() + TELL_EVERY_S
            log.warning("the disk is nearly full: what makes the database larger is refused until there is room")


def _give_back(driver: sqlite3.Connection, wal: Path) -> None:
    (timeout_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout=0")  # a reader of hours, a backup, must not hold the writer up
    try:
        for _ in range(MOST_STEPS):
            if wal.exists() and wal.stat().st_size > LOG_BYTES:
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            (num_free,) = driver.execute("PRAGMA freelist_count").fetchone()
            if not num_free:
                break
            driver.execute("BEGIN IMMEDIATE")
            for _ in range(min(num_free, NUM_VACUUMED_PAGES)):
                driver.execute("PRAGMA incremental_vacuum(1)")  # the driver stops after the first of several
            driver.execute("COMMIT")
    finally:
        if driver.in_transaction:
            driver.execute("ROLLBACK")
        driver.execute(f"PRAGMA busy_timeout={timeout_ms}")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path.parent).free
