"""The one writer, the readers, the lock, the migrations."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import Session, SQLModel, select

from bdchat.settings import StoreSettings
from bdchat.store import tables
from bdchat.store.errors import Conflict, StoreDamaged, StoreLocked, StoreTooNew, StoreUnavailable
from bdchat.store.sql.database import Database

pytestmark = pytest.mark.anyio


def state(name: str) -> tables.ServerState:
    return tables.ServerState(name=name, value={"n": 1})


def names(db: Session) -> list[str]:
    return sorted(row.name for row in db.exec(select(tables.ServerState)))


async def test_what_was_written_is_read(database: Database) -> None:
    await database.write(lambda db: db.add(state("a")))
    assert await database.read(names) == ["a"]


async def test_a_work_that_raises_undoes_itself_and_no_neighbour(database: Database) -> None:
    def broken(db: Session) -> None:
        db.add(state("broken"))
        db.flush()
        raise RuntimeError("on purpose")

    jobs = [database.write(lambda db, i=i: db.add(state(f"good{i}"))) for i in range(3)]  # type: ignore[misc]
    outcomes = await asyncio.gather(jobs[0], database.write(broken), *jobs[1:], return_exceptions=True)
    assert isinstance(outcomes[1], RuntimeError)
    assert await database.read(names) == ["good0", "good1", "good2"]


async def test_a_broken_constraint_is_a_conflict(database: Database) -> None:
    await database.write(lambda db: db.add(state("once")))
    with pytest.raises(Conflict):
        await database.write(lambda db: db.add(state("once")))


async def test_the_migrations_make_the_tables(database: Database) -> None:
    def differences(db: Session) -> object:
        context = MigrationContext.configure(db.connection(), opts={"include_object": _is_ours})
        return compare_metadata(context, SQLModel.metadata)

    assert await database.read(differences) == []


def _is_ours(item: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    return not (kind in {"table", "index"} and (name or "").startswith("search_index"))


async def test_a_reader_cannot_write(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL's readers share its pool")

    def write(db: Session) -> None:
        db.add(state("no"))
        db.flush()

    with pytest.raises(StoreUnavailable):
        await database.read(write)


async def test_one_server_owns_a_data_directory(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path):
        with pytest.raises(StoreLocked, match="in use by another"):
            await Database(StoreSettings(), tmp_path).open()
    async with Database(StoreSettings(), tmp_path):
        pass


@pytest.mark.parametrize("damage", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "bdchat.db"
    path.write_bytes(damage)
    with pytest.raises(StoreDamaged, match="restore"):
        await Database(StoreSettings(), tmp_path).open()
    assert path.read_bytes() == damage


async def test_a_later_schema_is_refused(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path):
        pass
    with sqlite3.connect(tmp_path / "bdchat.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreTooNew, match="newer bdchat"):
        await Database(StoreSettings(), tmp_path).open()


async def test_writes_that_wait_together_share_commits(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path) as database:
        num_before = database.num_statements
        await asyncio.gather(*(database.write(lambda db, i=i: db.add(state(str(i)))) for i in range(100)))  # type: ignore[misc]
        assert len(await database.read(names)) == 100
        assert database.num_statements - num_before < 100 * 4


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    database = Database(StoreSettings(), tmp_path)
    with pytest.raises(StoreUnavailable):
        await database.read(names)
