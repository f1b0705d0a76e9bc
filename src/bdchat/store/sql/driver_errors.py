"""The driver's errors as the store's: by SQLite's result code or PostgreSQL's SQLSTATE, never by words. No state."""

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, PendingRollbackError

from bdchat.store.errors import Conflict, StoreBusy, StoreError, StoreFull, StoreUnavailable

# sqlite.org/rescode.html. An I/O error in writing is a disk or a quota that is full, or one that became read-only: only
# ENOSPC of write() has a code of its own.
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY})
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
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNAVAILABLE = {
    sqlite3.SQLITE_IOERR: "the disk failed",
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
        return StoreFull(str(error.orig))
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
    if code & 0xFF in _FULL or code in _FULL_IN_WRITING:
        return StoreFull(str(error))
    if code & 0xFF in _BUSY:
        return StoreBusy()
    reason = _UNAVAILABLE.get(code & 0xFF)
    return StoreUnavailable(reason) if reason is not None else None
