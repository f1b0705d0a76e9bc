"""The ledger's law: what was reported done is what another connection reads, whatever fails in whichever statement."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from bdchat.settings import StoreSettings
from bdchat.store import tables
from bdchat.store.errors import Conflict, StoreBusy, StoreError, StoreFull, StoreUnavailable
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.engines import sqlite_writer
from tests.patience import PATIENCE_S
from tests.postgres import Postgres
from tests.small_disk import MIB, fill, small_disk

pytestmark = pytest.mark.anyio

Work = Callable[[Session], Any]
GROUP = 5
CODES = {
    "FULL": (sqlite3.SQLITE_FULL, StoreFull),
    "IOERR": (sqlite3.SQLITE_IOERR_WRITE, StoreFull),
    "NOMEM": (sqlite3.SQLITE_NOMEM, StoreUnavailable),
    "BUSY": (sqlite3.SQLITE_BUSY, StoreBusy),
    "INTERRUPT": (sqlite3.SQLITE_INTERRUPT, StoreUnavailable),
}


class FaultyWriter:
    """SQLite's writer whose `fails_at`-th statement, counted from when it was armed, fails as SQLite itself would."""

    def __init__(self) -> None:
        self.num_statements = 0
        self._fails_at: int | None = None
        self._error: Callable[[], Exception] = Exception
        self._ends_transaction = True

    def arm(self, fails_at: int, error: Callable[[], Exception], *, ends_transaction: bool) -> None:
        self.num_statements = 0
        self._fails_at, self._error, self._ends_transaction = fails_at, error, ends_transaction

    def disarm(self) -> None:
        self._fails_at = None

    def __call__(self, path: Path) -> Engine:
        engine = sqlite_writer(path)
        event.listen(engine, "before_cursor_execute", self._count)
        return engine

    def _count(self, connection: Any, cursor: sqlite3.Cursor, *_: object) -> None:
        self.num_statements += 1
        if self.num_statements - 1 == self._fails_at:
            if self._ends_transaction:
                cursor.connection.rollback()  # SQLite has done so when these errors come
            raise self._error()


def sqlite_error(code: int) -> Exception:
    if code == sqlite3.SQLITE_NOMEM:
        return MemoryError()  # as the sqlite3 module has it
    error = sqlite3.OperationalError("injected")
    error.sqlite_errorcode = code
    return error


def inserting(name: str, num_bytes: int = 0) -> Work:
    return lambda db: db.add(tables.ServerState(name=name, value={"text": "x" * num_bytes}))


async def in_one_group(
    database: Database, works: dict[str, Work], *, arm: Callable[[], None] = lambda: None
) -> dict[str, BaseException | None]:
    """What became of each. The writer is held up until all of them wait; then the next transaction is theirs."""
    is_held, may_go = threading.Event(), threading.Event()

    def hold(_: Session) -> None:
        is_held.set()
        may_go.wait(PATIENCE_S)
        arm()

    holding = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(is_held.wait)
    writes = [asyncio.create_task(database.write(work)) for work in works.values()]
    await asyncio.sleep(0)  # all have run up to their wait
    may_go.set()
    await holding
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    return {
        name: outcome if isinstance(outcome, BaseException) else None
        for name, outcome in zip(works, outcomes, strict=True)
    }


def stored(data_dir: Path) -> set[str]:
    connection = sqlite3.connect(f"file:{data_dir / FILE_NAME}?mode=ro", uri=True)
    try:
        return {name for (name,) in connection.execute("SELECT name FROM server_state")}
    finally:
        connection.close()


def done(outcomes: dict[str, BaseException | None]) -> set[str]:
    return {name for name, failure in outcomes.items() if failure is None}


@pytest.mark.parametrize("ends_transaction", [True, False])
@pytest.mark.parametrize("kind", CODES)
async def test_what_is_acknowledged_is_stored_whichever_statement_fails(
    tmp_path: Path, kind: str, ends_transaction: bool
) -> None:
    """A statement that met a full disk took the neighbours' writes with it, and they were told that they are stored."""
    code, expected = CODES[kind]
    writer = FaultyWriter()
    acknowledged: set[str] = set()
    num_lost = fails_at = 0
    async with Database(StoreSettings(), tmp_path, open_writer=writer) as database:
        while True:
            for number in range(6):  # a lost transaction made the groups small
                await database.write(inserting(f"{fails_at}-before{number}"))
                acknowledged.add(f"{fails_at}-before{number}")
            works = {f"{fails_at}-{number}": inserting(f"{fails_at}-{number}") for number in range(GROUP)}
            arm = partial(writer.arm, fails_at, lambda: sqlite_error(code), ends_transaction=ends_transaction)
            outcomes = await in_one_group(database, works, arm=arm)
            writer.disarm()
            failures = [failure for failure in outcomes.values() if failure is not None]
            assert all(isinstance(failure, expected) for failure in failures), failures
            num_lost += len(failures)
            acknowledged |= done(outcomes)
            assert stored(tmp_path) == acknowledged
            if writer.num_statements <= fails_at:
                break
            fails_at += 1
    assert stored(tmp_path) == acknowledged
    assert fails_at > GROUP * 3  # BEGIN, and of each SAVEPOINT, INSERT, RELEASE
    assert num_lost >= fails_at - 3


async def test_a_commit_that_fails_acknowledges_nobody(tmp_path: Path) -> None:
    def failing_to_commit(path: Path) -> Engine:
        engine = sqlite_writer(path)
        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            if fails.is_set():
                raise sqlite_error(sqlite3.SQLITE_FULL)
            commit(connection)

        engine.dialect.do_commit = do_commit  # type: ignore[method-assign,assignment]
        return engine

    fails = threading.Event()
    async with Database(StoreSettings(), tmp_path, open_writer=failing_to_commit) as database:
        await database.write(inserting("before"))
        fails.set()
        outcomes = await asyncio.gather(
            *(database.write(inserting(str(number))) for number in range(GROUP)), return_exceptions=True
        )
        assert all(isinstance(outcome, StoreFull) for outcome in outcomes)
        fails.clear()
        await database.write(inserting("after"))
        assert stored(tmp_path) == {"before", "after"}


@pytest.mark.parametrize("at", range(GROUP))
async def test_a_full_file_in_the_middle_of_a_group_leaves_the_books_straight(tmp_path: Path, at: int) -> None:
    """SQLite's own error: the file may grow no further. It undoes the whole transaction by itself."""

    def growing(db: Session) -> None:
        num_pages = db.execute(text("PRAGMA page_count")).scalar_one()
        db.execute(text(f"PRAGMA max_page_count = {num_pages + 2}"))
        try:
            inserting("big", 1 * MIB)(db)
            db.flush()
        finally:
            driver: Any = db.connection().connection.dbapi_connection
            driver.execute("PRAGMA max_page_count = 1073741823")

    async with Database(StoreSettings(), tmp_path) as database:
        works: dict[str, Work] = {str(number): inserting(str(number)) for number in range(GROUP)}
        works[str(at)] = growing
        outcomes = await in_one_group(database, works)
        assert isinstance(outcomes[str(at)], StoreFull)
        assert stored(tmp_path) == done(outcomes)
        assert all(failure is None or isinstance(failure, StoreFull) for failure in outcomes.values())
        assert {str(number) for number in range(at + 1, GROUP)} <= done(outcomes)  # these had not begun
        await database.write(inserting("after"))
        assert "after" in stored(tmp_path)


async def test_an_interrupted_write_leaves_the_books_straight(tmp_path: Path) -> None:
    def interrupted(db: Session) -> None:
        driver: Any = db.connection().connection.dbapi_connection
        driver.set_progress_handler(lambda: 1, 1)
        try:
            db.execute(
                text("INSERT INTO server_state (name, value) SELECT 'many' || value, '{}' FROM json_each('[1,2,3]')")
            )
        finally:
            driver.set_progress_handler(None, 0)

    async with Database(StoreSettings(), tmp_path) as database:
        works = {"a": inserting("a"), "b": interrupted, "c": inserting("c")}
        outcomes = await in_one_group(database, works)
        assert isinstance(outcomes["b"], StoreUnavailable)
        assert stored(tmp_path) == done(outcomes)
        assert outcomes["c"] is None


async def test_a_job_that_swallows_the_error_writes_nothing_outside_a_transaction(tmp_path: Path) -> None:
    """What it did next was a transaction of its own each: half of a write, on the disk, with nobody told."""
    writer = FaultyWriter()

    def swallowing(db: Session) -> None:
        with contextlib.suppress(MemoryError):
            db.execute(text("SELECT 1"))
        db.execute(text("INSERT INTO server_state (name, value) VALUES ('half', '{}')"))

    async with Database(StoreSettings(), tmp_path, open_writer=writer) as database:
        writer.arm(2, MemoryError, ends_transaction=True)  # BEGIN, SAVEPOINT, SELECT
        with pytest.raises(StoreUnavailable):
            await database.write(swallowing)
        assert stored(tmp_path) == set()


async def test_a_write_that_ends_the_transaction_itself_is_no_success(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path) as database:
        works: dict[str, Work] = {
            "a": inserting("a"),
            "b": lambda db: db.execute(text("ROLLBACK")),
            "c": inserting("c"),
        }
        outcomes = await in_one_group(database, works)
        assert stored(tmp_path) == done(outcomes) == {"c"}
        assert all(isinstance(failure, StoreError) for failure in outcomes.values() if failure is not None)


@pytest.mark.parametrize("big_at", range(6))
async def test_a_big_write_on_a_nearly_full_disk_takes_no_acknowledged_neighbour_with_it(
    tmp_path: Path, big_at: int
) -> None:
    """12 MB with 2 MB free, five small writes and one of 5 MB at once: all five were acknowledged, none was stored."""
    with small_disk(tmp_path / "disk", num_bytes=12 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            fill(disk, but_bytes=2 * MIB)
            names = [f"small{number}" for number in range(5)]
            names.insert(big_at, "big")
            works = {name: inserting(name, 5 * MIB if name == "big" else 100) for name in names}
            outcomes = await in_one_group(database, works)
            assert isinstance(outcomes["big"], StoreFull)
            assert stored(disk) == done(outcomes)
            assert set(names[big_at + 1 :]) <= done(outcomes)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def postgres_names(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM server_state").fetchall()}


def raising(state: str) -> Work:
    """The server itself fails the statement with that SQLSTATE."""

    def work(db: Session) -> None:
        db.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END $$"))

    return work


def url_of(settings: StoreSettings) -> str:
    assert settings.url is not None
    return settings.url.get_secret_value()


@pytest.fixture
def postgres_settings(postgres: Postgres) -> StoreSettings:
    return StoreSettings.model_validate({"url": postgres.new_database()})


@pytest.mark.parametrize("at", range(GROUP))
async def test_a_postgres_backend_that_ends_in_the_middle_leaves_the_books_straight(
    postgres_settings: StoreSettings, tmp_path: Path, at: int
) -> None:
    url = url_of(postgres_settings)

    def cut_off(db: Session) -> None:
        pid = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        inserting(str(at))(db)
        db.flush()

    async with Database(postgres_settings, tmp_path) as database:
        works: dict[str, Work] = {str(number): inserting(str(number)) for number in range(GROUP)}
        works[str(at)] = cut_off
        outcomes = await in_one_group(database, works)
        failures = [failure for failure in outcomes.values() if failure is not None]
        assert postgres_names(url) == done(outcomes) == {str(number) for number in range(at + 1, GROUP)}
        assert all(isinstance(failure, StoreUnavailable) for failure in failures)
        await database.write(inserting("after"))
        assert "after" in postgres_names(url)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("53100", StoreFull),
        ("40001", StoreBusy),
        ("40P01", StoreBusy),
        ("53200", StoreUnavailable),
        ("57014", StoreUnavailable),
        ("23505", Conflict),
    ],
)
async def test_a_statement_that_postgres_refuses_harms_its_own_write_alone(
    postgres_settings: StoreSettings, tmp_path: Path, state: str, expected: type[Exception]
) -> None:
    async with Database(postgres_settings, tmp_path) as database:
        outcomes = await in_one_group(database, {"a": inserting("a"), "b": raising(state), "c": inserting("c")})
        assert isinstance(outcomes["b"], expected)
        assert postgres_names(url_of(postgres_settings)) == done(outcomes) == {"a", "c"}


async def test_a_postgres_transaction_that_failed_is_not_committed_as_a_success(
    postgres_settings: StoreSettings, tmp_path: Path
) -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK, and no error."""

    def spoiling(db: Session) -> None:
        driver: Any = db.connection().connection.dbapi_connection
        with pytest.raises(psycopg.Error):
            driver.execute("SELECT 1/0")

    async with Database(postgres_settings, tmp_path) as database:
        outcomes = await in_one_group(database, {"a": inserting("a"), "b": spoiling, "c": inserting("c")})
        assert postgres_names(url_of(postgres_settings)) == done(outcomes)
        assert outcomes["b"] is not None
