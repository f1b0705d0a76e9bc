"""Backup of the database to one file, and restoration from it. SQLite only; PostgreSQL has pg_dump. Any thread, no
state.

A copy is read through a connection that can neither write nor checkpoint, so it may be made while a server writes:
it shows one moment, the last commit before it began. Nothing that is there is ever overwritten unless told.
"""

import contextlib
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bdchat.disk_margin import has_room
from bdchat.private_files import make_folder
from bdchat.store.errors import Conflict, NotFound, StoreDamaged, StoreFull, StoreUnavailable, no_room
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import FILE_NAME, LOCK_NAME, lock_file
from bdchat.store.sql.driver_errors import at_path, full_at, is_damage
from bdchat.store.sql.engines import sqlite_writer
from bdchat.store.sql.founding import OPEN_MARK, SIDE_FILES, free_name, set_aside, sync_folder
from bdchat.store.sql.schema import check_header, upgrade

NUM_PAGES = 256  # copied in a step: 1 MiB, then the disk is looked at
UNWRITTEN_BYTES = 2 << 20  # of the copy, that SQLite still holds in memory
BUSY_TIMEOUT_S = 5.0
NUMBERS_PER_MS = 16  # of passages; far more than are ever made in one


@dataclass(frozen=True, slots=True)
class Restored:
    former: Path | None  # what was there before, kept; None: nothing was
    num_users: int
    num_messages: int


def back_up(source: Path, target: Path, *, replaces: bool = False) -> int:
    """Copies the database at `source` into `target` and reads the copy through. Returns its bytes.

    Raises NotFound (no database), Conflict (`target` exists), StoreDamaged (`source` is), StoreFull, StoreUnavailable
    (the folder cannot be written to). On any failure `target` is as it was."""
    if not source.is_file():
        raise NotFound("database", str(source))
    if not replaces and os.path.lexists(target):
        raise _exists(target)
    if target.is_dir():
        raise StoreUnavailable(f"{target} is a folder: name a file in it")
    if not source.stat().st_size:  # SQLite takes it for an empty database, and a good backup would be replaced
        raise StoreDamaged(str(source), "it is empty")
    with _named_failures(source):
        _require_room(source.stat().st_size, target.parent)
        with _scratch_beside(target) as scratch:
            _copy(source, scratch)
            _require_sound(scratch, of=source)
            num_bytes = scratch.stat().st_size
            _put_in_place(scratch, target, replaces=replaces)
    return num_bytes


def restore(source: Path, data_dir: Path) -> Restored:
    """Puts the backup `source` in the place of the database of `data_dir`, its schema brought up to date; the former
    one stays beside it. No server may run.

    Raises NotFound, StoreLocked, StoreDamaged, StoreTooNew, StoreFull, StoreUnavailable; then nothing has changed."""
    if not source.is_file() or not stat.S_ISREG(source.stat().st_mode):
        raise NotFound("backup", str(source))
    with _sound_backup(), _named_failures(source), _locked(data_dir):
        check_header(source)
        _require_room(source.stat().st_size, data_dir)
        path = data_dir / FILE_NAME
        with _scratch_beside(path) as scratch:
            _copy(source, scratch)
            _require_sound(scratch, of=source)
            _require_ours(scratch, of=source)
            _upgrade(scratch)
            _number_anew(scratch)
            num_users, num_messages = _counts(scratch)
            former = _set_aside(path)
            os.replace(scratch, path)
            sync_folder(data_dir)
        (data_dir / OPEN_MARK).unlink(missing_ok=True)  # what is here now has been read through
    return Restored(former, num_users, num_messages)


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    make_folder(data_dir)
    with lock_file(data_dir / LOCK_NAME):
        yield


@contextlib.contextmanager
def _sound_backup() -> Iterator[None]:
    """What is damaged is what was to be restored: other advice than for the database that is served."""
    try:
        yield
    except StoreDamaged as error:
        raise StoreDamaged(error.path, error.reason, is_backup=True) from error


@contextlib.contextmanager
def _named_failures(source: Path) -> Iterator[None]:
    """What the disk or SQLite says, in the store's words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(error, source) from error
    except OSError as error:
        full = no_room(error)
        where = Path(error.filename).parent if isinstance(error.filename, str) else source.parent
        raise (full and full_at(full, where)) or StoreUnavailable(
            f"{error.filename}: {error.strerror or error}"
        ) from error


def _copy(source: Path, target: Path) -> None:
    """In one read transaction: whole, of one moment, and without a writer having to wait. Ends when what is still to
    come has no room any more: others write at once."""
    try:
        with _source_reader(source) as reading, contextlib.closing(_plain(target)) as writing:
            reading.execute("BEGIN")
            (page_bytes,) = reading.execute("PRAGMA page_size").fetchone()
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment

            def require_room(_: int, num_left: int, __: int) -> None:
                _require_room(page_bytes * num_left + UNWRITTEN_BYTES, target.parent)

            reading.backup(writing, pages=NUM_PAGES, progress=require_room)
            writing.execute("PRAGMA journal_mode=DELETE")  # one file, wherever it is carried
    except sqlite3.Error as error:
        raise _named(error, source) from error
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _require_sound(path: Path, *, of: Path) -> None:
    try:
        with contextlib.closing(_reader(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise _named(error, of) from error
    if found != ("ok",):
        raise StoreDamaged(str(of), str(found[0])[:200] if found else "it cannot be read")


def _require_ours(path: Path, *, of: Path) -> None:
    with contextlib.closing(_reader(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names >= {"alembic_version", "user", "chat_session", "message"}:
        raise StoreUnavailable(f"{of} is a SQLite database, but not bdchat's")


def _upgrade(path: Path) -> None:
    engine = sqlite_writer(path)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
    _fold(path)


def _number_anew(path: Path) -> None:
    """Passages that are made from now on have no number that others had after the backup was made: the index of vectors
    knows passages by their numbers alone, and lies beside the database or on another server."""
    with contextlib.closing(_plain(path)) as connection:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'passage'")
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('passage', ?)", (NUMBERS_PER_MS * now_ms(),)
        )


def _counts(path: Path) -> tuple[int, int]:
    with contextlib.closing(_reader(path)) as connection:
        counts = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in ("user", "message")]  # noqa: S608  # our own words
    return counts[0], counts[1]


def _set_aside(path: Path) -> Path | None:
    """Gives the database a second name, under which it stays. Its own name is never without a file."""
    if not path.exists():
        set_aside(path, because="restore")  # a log that was left alone would be played into what comes
        return None
    former = free_name(path, "restore")
    with contextlib.suppress(sqlite3.Error, StoreDamaged):  # its log then stays a file of its own, beside it
        check_header(path)  # SQLite would delete the log of what it cannot read
        _fold(path)
    for ending in SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{ending}", f"{former}{ending}")
    try:
        os.link(path, former)
    except OSError:  # a file system without hard links
        os.rename(path, former)
    return former


def _fold(path: Path) -> None:
    """The write-ahead log goes into the file. Only with the directory's lock held, or on a file that is ours alone."""
    with contextlib.closing(_plain(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _reader(path: Path) -> sqlite3.Connection:
    """Never checkpoints, never writes (sqlite.org/wal.html#walresetbug)."""
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


@contextlib.contextmanager
def _source_reader(path: Path) -> Iterator[sqlite3.Connection]:
    """SQLite makes a file beside the database even for reading: on a full or a read-only disk, whence one wants to save
    it most, it cannot. Where the log is empty and no server may write, it is read without one."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(contextlib.closing(_reader(path)))
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            log = path.with_name(f"{path.name}-wal")
            if is_damage(error) or (log.exists() and log.stat().st_size) or not _shut_out_servers(path, stack):
                raise
            immutable = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
            connection = stack.enter_context(
                contextlib.closing(sqlite3.connect(immutable, uri=True, isolation_level=None))
            )
        yield connection


def _shut_out_servers(path: Path, stack: contextlib.ExitStack) -> bool:
    """Until `stack` ends. False: one runs."""
    lock = path.with_name(LOCK_NAME)
    if not lock.exists():
        return True
    held = stack.enter_context(lock.open("rb"))
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _plain(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)


@contextlib.contextmanager
def _scratch_beside(target: Path) -> Iterator[Path]:
    """A new empty file that only we may read, in the folder of `target`; gone in the end unless it was moved."""
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        scratch.unlink(missing_ok=True)
        os.close(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        full = no_room(error)
        reason = f"{target.parent}: {error.strerror or error}"
        raise (full and full_at(full, target.parent)) or StoreUnavailable(reason) from error
    try:
        yield scratch
    finally:
        for ending in ("", "-journal", *SIDE_FILES):
            Path(f"{scratch}{ending}").unlink(missing_ok=True)


def _put_in_place(scratch: Path, target: Path, *, replaces: bool) -> None:
    if replaces:
        os.replace(scratch, target)
    else:
        try:
            os.link(scratch, target)  # unlike rename it fails when somebody was quicker
        except FileExistsError as error:
            raise _exists(target) from error
        except OSError:  # a file system without hard links
            os.rename(scratch, target)
    sync_folder(target.parent)


def _exists(target: Path) -> Conflict:
    return Conflict(f"{target} exists already; it was left as it is.")


def _require_room(num_bytes: int, folder: Path) -> None:
    if not folder.is_dir():
        raise StoreUnavailable(f"{folder} is not a folder")
    if not has_room(folder, num_bytes):
        raise StoreFull(f"{num_bytes / 1e6:.1f} MB are needed, and the disk of {folder} has no room for them")


def _named(error: sqlite3.Error, source: Path) -> Exception:
    """What the driver says, in the store's words."""
    if is_damage(error):
        return StoreDamaged(str(source), str(error))
    return at_path(error, source) or StoreUnavailable(f"{source}: {error}")
