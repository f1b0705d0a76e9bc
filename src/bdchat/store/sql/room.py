"""Reserve of disk space for deletions: SQLite writes before it frees. At start, then writer thread only.

What a deletion changes goes into the log first, and the log into the file; on a full disk neither had room, and a log
that cannot go into the file stays for ever and holds what would free the disk. So close to the disk's end:

- The file's blocks are there before a write is done: it is made as long as the transaction wants it, so that the log
  can always go into it. SQLite takes a file that is longer than its head says (as with SQLITE_FCNTL_CHUNK_SIZE).
- The log's blocks are there before they are written, and stay while the database is open: it is begun anew, never cut.
- A file beside the database, the reserve, holds room for what a deletion adds to the file (the search index grows
  before it shrinks). It is handed over byte by byte, never let go of at large: others would take it.

Who else writes leaves a margin free (disk_margin.py). A write that makes the database larger must leave the reserve
whole; one that leaves it no larger, or less in the books (books.py), or that inserts nothing and leaves the books as
they are (a chat is hidden, a text leaves the index) may use it. It is measured in the write's own transaction, not
declared by whoever writes.
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

from bdchat.disk_margin import kept_bytes, margin_bytes
from bdchat.private_files import FILE_MODE
from bdchat.store.errors import StoreFull, no_room
from bdchat.store.sql.reserved_log import ReservedLog

log = logging.getLogger(__name__)

RESERVE_NAME = "bdchat.db-reserve"
LOG_SHARE = 2  # reserves: a slice of a deletion that lets the index merge its parts writes many pages
NEAR = 64  # reserves: with more free than that a write is not measured
CLOSE = 4  # with less the log goes into the file after each commit
NUM_VACUUMED_PAGES = 64  # 256 KiB in a step, and some of it again in the log
MOST_STEPS = 16  # after one commit; others wait
LEAST_FREE_BYTES = 64 * 1024  # left for other programs, and for small files of ours
TELL_EVERY_S = 60.0
SMALL_PAGES, LEAST_PAGES = 16, 2  # a login, a line of the audit log; a page that a longer row splits


class Size(NamedTuple):
    """Of the database, as a transaction sees it."""

    num_used_pages: int
    num_kept_bytes: int  # by the books: a deletion lets the index grow before it shrinks


class DiskRoom:
    """Owns the reserve of the database at `path`, and the blocks of its log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = path.with_name(RESERVE_NAME)
        self._num_bytes = kept_bytes(path.parent)
        self._held_bytes = self._reserve.stat().st_size if self._reserve.exists() else 0
        self._log = ReservedLog(Path(f"{path}-wal"), LOG_SHARE * self._num_bytes)
        self._file: int | None = None  # while it is open: closing it lets go of SQLite's locks on it
        self._is_near = self._is_close = False  # to the end of the disk
        self._tell_at_s = 0.0

    def let_go(self) -> None:
        """Before the database is opened: its log and its side files are made then."""
        if self._held_bytes and _free_bytes(self._path) < self._num_bytes:
            self._resize(0)

    @property
    def is_short(self) -> bool:
        """Close to the disk's end, or the reserve is not whole: what can wait must not write."""
        return self._is_close or self._held_bytes < self._num_bytes

    def look(self) -> None:
        """Before each transaction."""
        with contextlib.suppress(OSError):
            free = _free_bytes(self._path)
            self._is_near = free < NEAR * self._num_bytes
            self._is_close = free < CLOSE * self._num_bytes
        self._log.num_new_pages = 0

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
        has_grown = num_pages > 0 and num_kept_bytes >= 0 and (num_kept_bytes > 0 or has_inserted)
        is_small = num_pages <= SMALL_PAGES
        if has_grown:
            self._log.num_new_pages += num_pages
            free_pages = _pragma(connection, "freelist_count") * _pragma(connection, "page_size")
            left = _free_bytes(self._path) + self._held_bytes + free_pages - self._log.num_missing_bytes
            share = 4 if num_pages <= LEAST_PAGES else 2 if is_small else 1
            if left < self._num_bytes // share + (0 if is_small else margin_bytes(self._path.parent)):
                raise StoreFull("the disk is full but for the room to delete in")
        try:
            self._lengthen_file(connection, may_use_reserve=is_small or not has_grown)
        except OSError as error:
            raise no_room(error) or error from error

    def make(self, writer: Engine) -> None:
        """After a transaction. Close to the disk's end: the log goes into the file, and free pages back to the disk;
        then the log and the reserve are as large as they should be, or as there is room for."""
        if self._is_near and (self._is_close or not self._log.is_reserved):
            connection = writer.raw_connection()
            try:
                driver = connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                with contextlib.suppress(sqlite3.Error):  # the disk itself failed, or another program reads
                    self._give_back(driver)
            finally:
                connection.close()
        with contextlib.suppress(OSError):
            if self._is_near:
                self._log.reserve(spare_bytes=_free_bytes(self._path) + self._held_bytes)
        with contextlib.suppress(OSError):
            self._take()

    def close(self) -> None:
        """After the database was closed, which deletes its log: what opening takes is kept."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        with contextlib.suppress(OSError):
            self._take()

    def _lengthen_file(self, connection: Connection, *, may_use_reserve: bool) -> None:
        """Raises OSError."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        length = os.fstat(self._file).st_size
        num_bytes = _pragma(connection, "page_size") * _pragma(connection, "page_count") - length
        if num_bytes <= 0:
            return
        try:
            os.posix_fallocate(self._file, length, num_bytes)
        except OSError:
            if not may_use_reserve or not self._held_bytes:
                raise
            self._resize(max(0, self._held_bytes - num_bytes))
            os.posix_fallocate(self._file, length, num_bytes)

    def _give_back(self, driver: sqlite3.Connection) -> None:
        self._log.fold(driver)
        for _ in range(MOST_STEPS):
            (num_free,) = driver.execute("PRAGMA freelist_count").fetchone()
            if not num_free or self._log.is_half_full or self._has_plenty():
                break
            driver.execute("BEGIN IMMEDIATE")
            try:
                for _ in range(min(num_free, NUM_VACUUMED_PAGES)):
                    driver.execute("PRAGMA incremental_vacuum(1)")  # the driver stops after the first of several
                driver.execute("COMMIT")
            finally:
                if driver.in_transaction:
                    driver.execute("ROLLBACK")
            self._log.fold(driver)

    def _has_plenty(self) -> bool:
        return _free_bytes(self._path) + self._held_bytes >= 2 * self._num_bytes

    def _take(self) -> None:
        num_bytes = min(self._num_bytes, self._held_bytes + _free_bytes(self._path) - LEAST_FREE_BYTES)
        if num_bytes <= self._held_bytes:
            return
        self._resize(num_bytes)
        if num_bytes < self._num_bytes and time.monotonic() >= self._tell_at_s:
            self._tell_at_s = time.monotonic() + TELL_EVERY_S
            log.warning("the disk is nearly full: what makes the database larger is refused until there is room")

    def _resize(self, num_bytes: int) -> None:
        fd = os.open(self._reserve, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE)
        try:
            if num_bytes < self._held_bytes:
                os.ftruncate(fd, num_bytes)
            else:
                os.posix_fallocate(fd, 0, num_bytes)  # really there, not only a length
        finally:
            os.close(fd)
        self._held_bytes = num_bytes


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path.parent).free
