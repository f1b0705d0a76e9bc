"""Laws of what is done between turns: no write does it, and nobody who waits waits for it."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from bdchat.settings import StoreSettings
from bdchat.store.accounts import users
from bdchat.store.chats import messages, sessions
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.engines import sqlite_writer
from bdchat.store.sql.upkeep import MIN_SEGMENTS, MOST_TURNS_BEFORE_A_STEP, OPTIONS, Upkeep

NUM_SENDS = 100
MOST_CHANGES = 30  # rows that a short message changes, of the index's own tables too

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Of a database that is closed."""
    async with Database(StoreSettings(), tmp_path):
        pass
    return tmp_path / FILE_NAME


@pytest.fixture
async def writer(path: Path) -> AsyncGenerator[Engine]:
    engine = sqlite_writer(path)
    yield engine
    engine.dispose()


def fill(writer: Engine, num_segments: int, *, seed: int = 1) -> None:
    """Each commit makes one, of words that hardly come again: `upkeep` has not been told."""
    rng = random.Random(seed)
    for number in range(num_segments):
        terms = " ".join(f"w{rng.randrange(1_000_000)}" for _ in range(4000))
        with writer.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO search_entry (entry_id, session_id, message_id, role, at_ms, terms)"
                " VALUES (?, 's', NULL, 'user', 0, ?)",
                (seed * 1000 + number, terms),
            )


def num_segments(writer: Engine) -> int:
    with writer.begin() as connection:
        query = "SELECT count(DISTINCT segid) FROM search_index_idx"
        return int(connection.exec_driver_sql(query).scalar_one())


def turn(upkeep: Upkeep, *, is_awaited: bool = False) -> None:
    upkeep.after_turn(num_jobs=1, num_bytes=0, is_awaited=lambda: is_awaited)


def nobody() -> bool:
    return False


@pytest.fixture
def unkept(writer: Engine) -> Engine:
    """Its rows refer to no chat."""
    with writer.connect() as connection:
        assert connection.connection.driver_connection is not None
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    return writer


async def test_no_write_pays_for_what_earlier_ones_left(tmp_path: Path) -> None:
    """FTS5 merged its index in every sixteenth send and, after long texts, the size of the index in one of them."""
    async with Database(StoreSettings(), tmp_path) as database:
        user = await database.write(lambda db: users.create_user(db, username="a", password_hash=""))
        session = await database.write(lambda db: sessions.create(db, user.user_id))

        def send(db: Session) -> int:
            driver = db.connection().connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            before = driver.total_changes
            with db.begin_nested():  # the index is written when a savepoint ends
                messages.append(
                    db,
                    sessions.get_readable(db, user.user_id, session.session_id)[0],
                    parent_id=None,
                    role="user",
                    content="word " * 200,
                    author_id=user.user_id,
                )
            return driver.total_changes - before

        changes = [await database.write(send) for _ in range(NUM_SENDS)]
    assert max(changes) <= MOST_CHANGES
    assert max(changes) - min(changes) <= 4


async def test_segments_stay_few_however_many_commits_make_them(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path) as database:
        user = await database.write(lambda db: users.create_user(db, username="a", password_hash=""))
        for number in range(NUM_SENDS):
            title = f"title {number}"
            await database.write(lambda db, title=title: sessions.create(db, user.user_id, title=title))  # type: ignore[misc]
    writer = sqlite_writer(tmp_path / FILE_NAME)
    try:
        assert num_segments(writer) <= 3 * MIN_SEGMENTS
    finally:
        writer.dispose()


async def test_the_index_leaves_its_upkeep_to_us_once(unkept: Engine, tmp_path: Path) -> None:
    with unkept.begin() as connection:
        options: dict[str, int] = dict(connection.exec_driver_sql("SELECT k, v FROM search_index_config").fetchall())
        version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
        before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    Upkeep(unkept).begin()
    with unkept.begin() as connection:
        assert connection.exec_driver_sql("SELECT total_changes()").scalar_one() == before
        assert connection.exec_driver_sql("PRAGMA schema_version").scalar_one() == version
    assert {name: options[name] for name in OPTIONS} == OPTIONS


async def test_merging_is_in_small_steps_and_finds_everything_again(unkept: Engine) -> None:
    fill(unkept, 3 * MIN_SEGMENTS)
    upkeep = Upkeep(unkept)
    turn(upkeep)
    assert num_segments(unkept) < MIN_SEGMENTS
    assert upkeep.num_steps > 10
    with unkept.begin() as connection:
        connection.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('integrity-check')")


async def test_who_waits_goes_first_and_not_for_ever(unkept: Engine) -> None:
    fill(unkept, 3 * MIN_SEGMENTS)
    upkeep = Upkeep(unkept)
    for _ in range(MOST_TURNS_BEFORE_A_STEP):
        turn(upkeep, is_awaited=True)
    assert upkeep.num_steps == 0
    turn(upkeep, is_awaited=True)
    assert upkeep.num_steps == 1  # one, and they go on


async def test_who_comes_waits_for_one_step(unkept: Engine) -> None:
    fill(unkept, 3 * MIN_SEGMENTS)
    upkeep = Upkeep(unkept)
    upkeep.after_turn(num_jobs=1, num_bytes=0, is_awaited=lambda: upkeep.num_steps >= 3)
    assert upkeep.num_steps == 3


async def test_the_log_is_folded_before_a_commit_must_do_it(unkept: Engine) -> None:
    upkeep = Upkeep(unkept)
    turn(upkeep)
    for _ in range(100):
        turn(upkeep)
    assert upkeep.num_checkpoints == 2
    upkeep.after_turn(num_jobs=1, num_bytes=2 << 20, is_awaited=nobody)
    assert upkeep.num_checkpoints == 3


async def test_a_full_disk_ends_a_step_and_no_more(unkept: Engine) -> None:
    fill(unkept, 2 * MIN_SEGMENTS)
    with unkept.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        (num_pages,) = driver.execute("PRAGMA page_count").fetchone()
        driver.execute(f"PRAGMA max_page_count={num_pages}").fetchone()
    before = num_segments(unkept)
    upkeep = Upkeep(unkept)
    turn(upkeep)
    assert (num_segments(unkept), upkeep.is_due) == (before, False)
    with unkept.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        connection.exec_driver_sql("DELETE FROM search_entry")


async def test_a_commit_after_a_step_is_on_the_disk_again(unkept: Engine) -> None:
    fill(unkept, 2 * MIN_SEGMENTS)
    turn(Upkeep(unkept))
    with unkept.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL


async def test_closing_does_not_wait_for_it(tmp_path: Path) -> None:
    database = Database(StoreSettings(), tmp_path)
    await database.open()
    await asyncio.gather(*(database.write(lambda db: None) for _ in range(20)))
    await database.aclose()
    assert not (tmp_path / f"{FILE_NAME}-wal").exists()
