"""On a full disk: what is there can be deleted, what would need room is refused, and nobody has to restart anything."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from bdchat.settings import StoreSettings
from bdchat.store import retention
from bdchat.store.accounts import users
from bdchat.store.chats import messages, sessions
from bdchat.store.errors import StoreFull
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.room import RESERVE_NAME
from bdchat.store.tables import ChatSession
from tests.small_disk import MIB, fill, free_bytes, small_disk

pytestmark = pytest.mark.anyio

KIM = "kim"


def add_kim(db: Session) -> str:
    return users.create_first(db, username=KIM, password_hash="-", role="admin").user_id


def say(db: Session, user_id: str, num_bytes: int) -> str:
    session = sessions.create(db, user_id, title="a chat")
    text_of_it = " ".join(f"word{number}" for number in range(num_bytes // 8))
    messages.append(db, session, parent_id=None, role="user", content=text_of_it, author_id=user_id)
    return session.session_id


async def fill_with_chats(database: Database, user_id: str, *, num_bytes: int) -> list[str]:
    """Until the store says that it is full."""
    made: list[str] = []
    while len(made) < 2000:
        try:
            made.append(await database.write(lambda db: say(db, user_id, num_bytes)))
        except StoreFull:
            return made
    pytest.fail("the disk never was full")


def session_ids(db: Session) -> set[str]:
    return set(db.exec(select(ChatSession.session_id)))


async def delete_softly(database: Database, user_id: str, session_id: str) -> None:
    def delete(db: Session) -> None:
        sessions.delete(db, sessions.get_owned(db, user_id, session_id))

    await database.write(delete)


def integrity(disk: Path) -> str:
    connection = sqlite3.connect(disk / FILE_NAME)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def reserve_of(disk: Path) -> Path:
    return disk / RESERVE_NAME


@pytest.mark.parametrize("num_bytes", [25_000, 50_000])
async def test_deleting_works_on_a_full_disk_and_makes_room_for_writing(tmp_path: Path, num_bytes: int) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            fill(disk, but_bytes=6 * MIB)
            made = await fill_with_chats(database, user_id, num_bytes=num_bytes)
            assert await database.read(session_ids) == set(made)
            fill(disk)  # what is left, some other program takes
            for session_id in made[1:]:
                await delete_softly(database, user_id, session_id)
                await retention.erase_chat(database, session_id)
            kept = set(made[:1])
            assert await database.read(session_ids) == kept
            assert len(made) > 3
            new = {await database.write(lambda db: say(db, user_id, 20_000))}
            assert await database.read(session_ids) == kept | new
        assert integrity(disk) == "ok"


async def test_everything_can_be_deleted_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            fill(disk, but_bytes=5 * MIB)
            await fill_with_chats(database, user_id, num_bytes=40_000)
            fill(disk)
            await retention.erase_user(database, user_id)
            assert await database.read(session_ids) == set()
            await database.write(add_kim)
            assert free_bytes(disk) > MIB  # given back to the disk
        assert integrity(disk) == "ok"


async def test_a_disk_that_another_program_fills_and_empties_needs_no_restart(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            first = await database.write(lambda db: say(db, user_id, 50_000))
            assert reserve_of(disk).stat().st_size == 2 * MIB
            filler = fill(disk)
            for _ in range(3):
                with pytest.raises(StoreFull):
                    await database.write(lambda db: say(db, user_id, 200_000))
            await delete_softly(database, user_id, first)
            filler.unlink()
            await database.write(lambda db: say(db, user_id, 200_000))
            assert reserve_of(disk).stat().st_size == 2 * MIB


async def test_a_deletion_needs_no_room_that_another_program_can_take_while_it_runs(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            fill(disk, but_bytes=5 * MIB)
            made = await fill_with_chats(database, user_id, num_bytes=40_000)

            def delete(db: Session, session_id: str) -> None:
                fill(disk)
                sessions.delete(db, sessions.get_owned(db, user_id, session_id))

            for session_id in made:
                await database.write(lambda db, name=session_id: delete(db, name))  # type: ignore[misc]
                await retention.erase_chat(database, session_id)
            assert await database.read(session_ids) == set()
        assert integrity(disk) == "ok"


async def test_what_the_log_holds_can_always_go_into_the_file(tmp_path: Path) -> None:
    """Its blocks are there before the write is done, although most of it is in the log still."""
    with small_disk(tmp_path / "disk", num_bytes=32 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            for _ in range(10):
                await database.write(lambda db: say(db, user_id, 50_000))
                num_pages = await database.read(lambda db: db.execute(text("PRAGMA page_count")).scalar_one())
                assert (disk / FILE_NAME).stat().st_blocks * 512 >= num_pages * 4096


async def test_the_logs_blocks_are_there_from_the_start_and_stay(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            wal = disk / f"{FILE_NAME}-wal"
            user_id = await database.write(add_kim)
            num_bytes = wal.stat().st_blocks * 512
            assert num_bytes == 4 * MIB
            for session_id in await fill_with_chats(database, user_id, num_bytes=50_000):
                await delete_softly(database, user_id, session_id)
                await retention.erase_chat(database, session_id)
                assert wal.stat().st_blocks * 512 >= num_bytes
        assert not wal.exists()
        assert reserve_of(disk).stat().st_size == 2 * MIB  # for the next start


async def test_a_killed_servers_reserved_log_is_read_as_far_as_it_was_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=32 * MIB) as disk:
        killed = tmp_path / "killed"
        killed.mkdir()
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            made = await database.write(lambda db: say(db, user_id, 50_000))
            for name in (FILE_NAME, f"{FILE_NAME}-wal"):
                (killed / name).write_bytes((disk / name).read_bytes())
        async with Database(StoreSettings(), killed) as database:
            assert await database.read(session_ids) == {made}
        assert integrity(killed) == "ok"


async def test_what_one_does_in_order_to_delete_works_on_a_full_disk(tmp_path: Path) -> None:
    """To sign in, to be written into the audit log: a page or two."""
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            await fill_with_chats(database, user_id, num_bytes=20_000)
            for number in range(20):
                await database.write(
                    lambda db, n=number: db.execute(  # type: ignore[misc]
                        text("INSERT INTO server_state (name, value) VALUES (:name, '{}')"), {"name": f"n{n}"}
                    )
                )


async def test_a_database_opens_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(add_kim)
            made = await fill_with_chats(database, user_id, num_bytes=20_000)
        fill(disk)
        async with Database(StoreSettings(), disk) as database:
            await delete_softly(database, user_id, made[0])
            await retention.erase_chat(database, made[0])
            assert await database.read(session_ids) == set(made[1:])


async def test_a_disk_with_plenty_of_room_is_not_measured(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path) as database:
        await database.write(add_kim)
        before = database.num_statements
        await database.write(lambda db: None)
        assert database.num_statements - before == 1  # BEGIN
