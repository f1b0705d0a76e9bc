"""Opens and closes the database: SQLite in the data directory, or PostgreSQL by URL. One writer.

Event loop outside, threads inside: `write` and `read` take a function of a Session and run it in a thread of theirs.
All writes of a process go through one thread and one connection, which alone checkpoints (before SQLite 3.51.3 two
that do can corrupt a WAL, sqlite.org/wal.html#walresetbug). Writes that wait together share one commit: a commit
is an fsync, 4 ms on a common disk, and nothing is acknowledged before it. Long jobs come in slices, which give way.
"""

import asyncio
import fcntl
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, TypeVar

from sqlalchemy import Engine, event
from sqlmodel import Session

from bdchat.private_files import FILE_MODE, make_folder, opener
from bdchat.settings import NAME_ONE, StoreSettings
from bdchat.store.accounting.quotas import INFO_KEY, Quotas
from bdchat.store.db import Db
from bdchat.store.errors import StoreDamaged, StoreFull, StoreLocked, StoreUnavailable, no_room
from bdchat.store.sql.bell import BELL_KEY, Bell
from bdchat.store.sql.driver_errors import full_at, named_errors
from bdchat.store.sql.engines import postgres_engine, sqlite_reader, sqlite_writer
from bdchat.store.sql.founding import FOUNDED_MARK, OPEN_MARK, found, require_no_earlier_life, set_aside
from bdchat.store.sql.group_commit import GroupCommit, Job
from bdchat.store.sql.room import DiskRoom
from bdchat.store.sql.schema import check_header, check_sound, require_head, revision_of, upgrade
from bdchat.store.sql.upkeep import Upkeep
from bdchat.store.sql.write_queue import WriteQueue

log = logging.getLogger(__name__)

FILE_NAME = "bdchat.db"
LOCK_NAME = "server.lock"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Open:
    """What exists only while the database is open."""

    writer: Engine
    reader: Engine
    readers: ThreadPoolExecutor
    thread: threading.Thread
    lock: IO[bytes]
    mark: Path | None
    room: DiskRoom | None


class Database:
    """Made closed; `open` before anything else and `aclose` in the end, or `async with`. Owns its threads."""

    def __init__(
        self,
        settings: StoreSettings,
        data_dir: Path,
        *,
        begins_anew: bool = False,
        open_writer: Callable[[Path], Engine] = sqlite_writer,
    ) -> None:
        """`begins_anew`: an empty database where the former is missing or damaged; a sound one is opened all the same.
        `open_writer`: how SQLite's file is opened for writing."""
        self.dialect = "sqlite" if settings.url is None else "postgresql"
        self.num_statements = 0  # for tests that count queries; approximate under threads
        self.index_bell = Bell()  # rung when a text waits to be indexed
        self._settings = settings
        self._quotas = Quotas(settings.user_quota_bytes, guest_bytes=settings.guest_quota_bytes)
        self._data_dir = data_dir
        self._begins_anew = begins_anew
        self._open_writer = open_writer
        self._open: _Open | None = None
        self._jobs: WriteQueue[Job] = WriteQueue()

    @property
    def is_open(self) -> bool:
        return self._open is not None

    @property
    def path(self) -> Path | None:
        """SQLite's file."""
        return self._data_dir / FILE_NAME if self.dialect == "sqlite" else None

    async def open(self) -> None:
        """Locks the directory, checks the file, migrates. Raises StoreUnavailable's kinds. Again: does nothing."""
        if self._open is None:
            self._open = await asyncio.to_thread(self._begin)

    def _begin(self) -> "_Open":
        try:
            make_folder(self._data_dir)
            lock = lock_file(self._data_dir / LOCK_NAME)
            try:
                room = DiskRoom(self.path) if self.path is not None else None
                if room is not None:
                    room.let_go()
                writer, reader, mark = self._engines()
                if room is not None:
                    room.look()
                    room.make(writer)
            except BaseException:
                lock.close()
                raise
        except StoreFull as error:
            told = full_at(error, self._data_dir) if self.path is not None else error  # else another machine's disk
            if told is error:
                raise
            raise told from error
        except OSError as error:
            full = no_room(error)
            raise (full and full_at(full, self._data_dir)) or StoreUnavailable(self._why_unusable(error)) from error
        for engine in {writer, reader}:
            event.listen(engine, "before_cursor_execute", self._count)
        threads = ThreadPoolExecutor(self._settings.num_readers, thread_name_prefix="store-read")
        thread = threading.Thread(target=self._run, args=(writer, room), name="store-write", daemon=True)
        thread.start()
        return _Open(writer, reader, threads, thread, lock, mark, room)

    def _why_unusable(self, error: OSError) -> str:
        """One line, with the file in it that is in the way: a start as root leaves files that only root may open."""
        path = Path(error.filename) if isinstance(error.filename, str) else self._data_dir
        within = f"{path.name}: " if path.parent == self._data_dir else ""
        verb = "used" if os.path.exists(self._data_dir) else "made"
        reason = error.strerror or error
        return f"the data directory {self._data_dir} cannot be {verb}: {within}{reason}; {NAME_ONE}"

    def _engines(self) -> tuple[Engine, Engine, Path | None]:
        num_readers = self._settings.num_readers
        if self._settings.url is not None:
            engine = postgres_engine(self._settings.url.get_secret_value(), pool_size=num_readers + 1)
            try:
                upgrade(engine)
            except BaseException:
                engine.dispose()
                raise
            return engine, engine, None
        path, mark = self._data_dir / FILE_NAME, self._data_dir / OPEN_MARK
        if not path.exists():
            self._found(path)
        try:
            writer = self._sound_writer(path, was_open=mark.exists())
        except StoreDamaged:
            if not self._begins_anew:
                raise
            self._found(path)
            writer = self._sound_writer(path, was_open=False)
        path.chmod(FILE_MODE)  # its side files take its mode; `close_umask` made it so from the first byte
        for each in (mark, self._data_dir / FOUNDED_MARK):
            each.touch(mode=FILE_MODE)
        return writer, sqlite_reader(path, num_connections=num_readers), mark

    def _found(self, path: Path) -> None:
        """An empty database; what stands in its way is kept beside. Raises StoreMissing unless told to begin anew."""
        if not self._begins_anew:
            require_no_earlier_life(path)
        former = set_aside(path, because="anew")
        if former is not None:
            log.warning("beginning anew; what was there is kept as %s", former.name)
        found(path)

    def _sound_writer(self, path: Path, *, was_open: bool) -> Engine:
        check_header(path)
        writer = self._open_writer(path)
        try:
            check_sound(writer, path, thoroughly=was_open)
            upgrade(writer)
            Upkeep(writer).begin()
        except BaseException:
            writer.dispose()
            raise
        return writer

    async def write(self, work: Callable[[Db], Result]) -> Result:
        """Runs `work` in a transaction, once; returns when it is on the disk. What it raises undoes it alone. A broken
        constraint is a Conflict. Cancelling the wait does not undo the work. Raises StoreFull, StoreBusy and
        StoreUnavailable, also for a neighbour's sake when that took the transaction with it (group_commit.py)."""
        if self._open is None:
            raise StoreUnavailable("the store is closed")
        done: Future[Result] = Future()
        self._jobs.put(Job(work, done))
        return await asyncio.wrap_future(done)

    async def write_slice(self, work: Callable[[Db], Result], *, num_bytes: int = 0) -> Result:
        """As `write`, for a part of a long job, or for what nobody waits for: others go first. `num_bytes`: of the text
        that it writes or removes. A caller who has more awaits this before sending the next."""
        if self._open is None:
            raise StoreUnavailable("the store is closed")
        done: Future[Result] = Future()
        self._jobs.put_slice(Job(work, done), num_bytes)
        return await asyncio.wrap_future(done)

    async def read(self, work: Callable[[Db], Result]) -> Result:
        """Runs `work` on a connection that cannot write. It sees what was committed when its first query began."""
        if self._open is None:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._open.readers, _read, self._open.reader, work)

    async def aclose(self) -> None:
        """Ends after the writes that were begun."""
        opened, self._open = self._open, None
        if opened is None:
            return
        self._jobs.close()
        await asyncio.to_thread(opened.thread.join)
        await asyncio.to_thread(opened.readers.shutdown)
        opened.reader.dispose()
        opened.writer.dispose()  # last: SQLite then folds the WAL into the file
        if opened.room is not None:
            opened.room.close()
        if opened.mark is not None:
            opened.mark.unlink(missing_ok=True)
        opened.lock.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # --- the writer thread --------------------------------------------------------------------------------------------

    def _run(self, writer: Engine, room: DiskRoom | None) -> None:
        group_commit = GroupCommit(writer, {INFO_KEY: self._quotas, BELL_KEY: self.index_bell}, room)
        upkeep = Upkeep(writer)
        while turn := self._jobs.take(max_jobs=group_commit.max_group):
            unbegun = group_commit.run([waiting.job for waiting in turn])
            self._jobs.put_back(turn[len(turn) - len(unbegun) :])  # what a lost transaction left
            if room is not None and not room.is_short:
                upkeep.after_turn(
                    num_jobs=len(turn) - len(unbegun),
                    num_bytes=sum(waiting.slice_bytes or 0 for waiting in turn),
                    is_awaited=lambda: self._jobs.is_awaited,
                )

    def _count(self, *_: object) -> None:
        self.num_statements += 1


def _read(reader: Engine, work: Callable[[Db], Result]) -> Result:
    with named_errors(), Session(reader, expire_on_commit=False) as session:
        return work(session)


def read_beside(path: Path, work: Callable[[Db], Result]) -> Result:
    """Of SQLite's file while another process serves it: reads what was committed, and never writes or checkpoints.
    Raises StoreUnavailable's kinds."""
    reader = sqlite_reader(path, num_connections=1)
    try:
        require_head(reader)
        return _read(reader, work)
    finally:
        reader.dispose()


def examine_file(path: Path) -> str | None:
    """The schema's revision in SQLite's file, beside whoever serves it. Raises StoreUnavailable's kinds, OSError."""
    check_header(path)
    reader = sqlite_reader(path, num_connections=1)
    try:
        check_sound(reader, path, thoroughly=False)
        return revision_of(reader)
    finally:
        reader.dispose()


def lock_file(path: Path) -> IO[bytes]:
    """Held until closed, by this process and no other; the kernel lets go of it however the process ends."""
    lock = open(path, "ab", opener=opener)  # noqa: SIM115  # its caller closes it
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreLocked(str(path.parent)) from error
    os.set_inheritable(lock.fileno(), False)
    return lock
