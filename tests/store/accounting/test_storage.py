"""What is stored is counted, by table and by account; room inside the file is given back."""

import pytest
from sqlmodel import Session, delete

from bdchat.store.accounting import storage
from bdchat.store.accounting.books import ROW_BYTES
from bdchat.store.sql.database import Database
from bdchat.store.tables import ServerState
from tests.store.chat_rows import make_user, talk

pytestmark = pytest.mark.anyio


async def test_rows_and_bytes_are_counted(database: Database) -> None:
    def fill(db: Session) -> None:
        talk(db, make_user(db, "kim"), "환불", "ok")
        talk(db, make_user(db, "lee"), "a")
        make_user(db, "silent")

    await database.write(fill)
    size = await database.read(storage.size)
    assert size.num_bytes > 0
    assert {name: size.num_rows[name] for name in ("user", "chat_session", "message")} == {
        "user": 3,
        "chat_session": 2,
        "message": 3,
    }
    accounts = await database.read(lambda db: storage.largest_accounts(db, limit=10))
    assert [(row.username, row.num_messages) for row in accounts] == [("kim", 2), ("lee", 1), ("silent", 0)]
    kim, lee, silent = (row.num_bytes for row in accounts)
    assert silent == ROW_BYTES + len("silentSilent{}")
    assert lee - ROW_BYTES - len("leeLee{}") > 3 * ROW_BYTES + 1  # the chat, the message, what finds it
    assert kim - lee > 2 * ROW_BYTES + 7
    assert len(await database.read(lambda db: storage.largest_accounts(db, limit=1))) == 1


async def test_the_database_says_its_version(database: Database) -> None:
    version = await database.read(storage.version)
    kind, _, number = version.partition(" ")
    assert kind == {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database.dialect]
    assert number[0].isdigit()


@pytest.mark.parametrize(
    ("version", "is_warned_of"),
    [("SQLite 3.40.1", True), ("SQLite 3.51.2", True), ("SQLite 3.51.3", False), ("PostgreSQL 15.8", False)],
)
def test_the_version_that_can_damage_a_file_is_warned_of(version: str, is_warned_of: bool) -> None:
    assert (storage.warning(version) is not None) is is_warned_of


async def test_free_pages_are_given_back_in_batches(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL does it by itself")

    def fill(db: Session) -> None:
        db.add(ServerState(name="large", value={"text": "x" * 400_000}))

    def empty(db: Session) -> None:
        db.exec(delete(ServerState))

    await database.write(fill)
    await database.write(empty)
    before = await database.read(storage.size)
    assert before.num_free_bytes
    first = await database.write(lambda db: storage.shrink(db, num_pages=10))
    assert first == before.num_free_bytes // 4096 - 10
    while await database.write(lambda db: storage.shrink(db, num_pages=50)):
        pass
    after = await database.read(storage.size)
    assert after.num_free_bytes == 0
    assert after.num_bytes == before.num_bytes - before.num_free_bytes
