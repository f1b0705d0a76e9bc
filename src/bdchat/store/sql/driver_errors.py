"""The driver's errors as the store's: by SQLite's result code or PostgreSQL's SQLSTATE, never by words. No state."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, PendingRollbackError

from bdchat.disk_margin import kept_bytes, margin_bytes
from bdchat.store.errors import Conflict, StoreBusy, StoreError, StoreFull, StoreReadOnly, StoreUnavailable

# sqlite.org/rescode.html. An I/O error in writing is a disk or a quota that is full, or one that fails: only ENOSPC of
# write() has a code of its own.
_FULL_IN_WRITING = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
        sqlite3.SQLITE_IOERR_SHMMAP,
        sqlite3.SQLITE_IOERR_GETTEMPPATH,
    }
)
_UNOPENABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNAVAILABLE = {
    sqlite3.SQLITE_IOERR: "the disk failed in reading; nothing was changed: copy the data directory to another disk",
    sqlite3.SQLITE_NOMEM: "out of memory",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
    sqlite3.SQLITE_CANTOPEN: "a file of the database cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the database is damaged",
    sqlite3.SQLITE_NOTADB: "the database is damaged",
    sqlite3.SQLITE_PROTOCOL: "the database is locked by another program",
    sqlite3.SQLITE_PERM: "a file of the database may not be opened",
    sqlite3.SQLITE_AUTH: "a file of the database may not be opened",
}
DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES_FULL = frozenset({"53100", "25006"})  # disk_full, read_only_sql_transaction
_SQLSTATES_BUSY = frozenset({"40001", "40P01", "55P03"})  # serialization_failure, deadlock_detected, lock_not_available
_SQLSTATE_CLASSES_UNAVAILABLE = frozenset({"08", "53", "57", "58", "XX"})  # connection, resources, operator, system


@contextlib.contextmanager
def named_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        named = named_error(error)
        if named is error:
            raise
        raise named from error


def named_error(error: Exception) -> Exception:
    """`error` itself when it is none of the database's, or a fault of ours."""
    if isinstance(error, MemoryError):  # SQLite's NOMEM comes as Python's
        return StoreUnavailable("out of memory")
    if isinstance(error, IntegrityError):
        return Conflict("It stands against what is stored already.")
    if isinstance(error, PendingRollbackError):  # the connection was lost earlier in this transaction
        return StoreUnavailable("the database does not answer")
    if isinstance(error, DBAPIError):
        return _of_driver(error) or error
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error) or error
    return error


def is_damage(error: BaseException) -> bool:
    code = sqlite_code(error)
    return code is not None and code & 0xFF in DAMAGE


def at_path(error: BaseException, path: Path) -> StoreError | None:
    """The same for who knows the file, and may look which of its files stands in the way, and how full its disk is.
    None: it is none of the database's errors, or damage, of which the caller knows more."""
    named = named_error(error) if isinstance(error, Exception) else error
    code = sqlite_code(error)
    if code is not None and code & 0xFF in _UNOPENABLE:
        return StoreUnavailable(f"{path} cannot be opened: {_unopenable(path)}. Nothing is damaged")
    if isinstance(named, StoreFull):
        return full_at(named, path.parent)
    return named if isinstance(named, StoreError) and not is_damage(error) else None


def full_at(error: StoreFull, folder: Path) -> StoreFull:
    """Says how much is free there, and how much should be; a disk with room is not full, and fails."""
    if isinstance(error, StoreReadOnly):
        return StoreReadOnly(str(folder))
    there = next(each for each in (folder, *folder.parents) if each.exists())  # it may be what could not be made
    free = shutil.disk_usage(there).free
    wanted = kept_bytes(there) + margin_bytes(there)
    if free < wanted:
        return StoreFull(f"the disk of {folder} is full, {_mb(free)} are free and {_mb(wanted)} should be")
    if not error.may_be_failing:
        return error
    return StoreFull(f"the disk of {folder} fails in writing, with {_mb(free)} free", may_be_failing=True)


def _unopenable(path: Path) -> str:
    for each in (path, *(path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal"))):
        if os.path.lexists(each) and not each.is_file():
            return f"{each.name} is no file"
        if each.exists() and not os.access(each, os.R_OK | os.W_OK):
            return f"{each.name} is not this user's to read and write"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"{path.parent} is not this user's to write in"
    return "one of its files cannot be made there"


def _mb(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB"


def sqlite_code(error: BaseException | None) -> int | None:
    """The extended result code. None: it is no error of SQLite's own."""
    if isinstance(error, DBAPIError):
        error = error.orig
    code = getattr(error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else None


def _of_driver(error: DBAPIError) -> StoreError | None:
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if state in _SQLSTATES_FULL:
        return StoreFull("the disk is full") if state == "53100" else StoreReadOnly("the database")
    if state in _SQLSTATES_BUSY:
        return StoreBusy()
    is_lost = error.connection_invalidated or (state is None and isinstance(error, OperationalError | InterfaceError))
    if is_lost or (state is not None and state[:2] in _SQLSTATE_CLASSES_UNAVAILABLE):
        return StoreUnavailable("the database does not answer")
    return None


def _of_sqlite(error: sqlite3.Error) -> StoreError | None:
    code = sqlite_code(error)
    if code is None:
        return None
    if code & 0xFF == sqlite3.SQLITE_READONLY:
        return StoreReadOnly("the database")
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return StoreFull("the disk is full")
    if code in _FULL_IN_WRITING:
        return StoreFull("the disk is full, or it fails", may_be_failing=True)
    if code & 0xFF in _BUSY:
        return StoreBusy()
    reason = _UNAVAILABLE.get(code & 0xFF)
    return StoreUnavailable(reason) if reason is not None else None
