"""Laws of backups: one sound private file of one moment, nothing overwritten, and the way back keeps what was there."""

import sqlite3
import stat
from pathlib import Path

import pytest

from bdchat.settings import StoreSettings
from bdchat.store import tables
from bdchat.store.errors import (
    Conflict,
    NotFound,
    StoreDamaged,
    StoreFull,
    StoreLocked,
    StoreTooNew,
    StoreUnavailable,
)
from bdchat.store.sql.backup import back_up, restore
from bdchat.store.sql.database import Database
from tests.small_disk import MIB, fill, small_disk

pytestmark = pytest.mark.anyio


def user(name: str) -> tables.User:
    return tables.User(user_id=name, username=name, username_key=name, password_hash="x", created_at_ms=1)


def names_in(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [name for (name,) in connection.execute('SELECT username FROM "user" ORDER BY username')]
    finally:
        connection.close()


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def filled(folder: Path, *names: str) -> Path:
    async with Database(StoreSettings(), folder) as database:
        for name in names:
            await database.write(lambda db, name=name: db.add(user(name)))  # type: ignore[misc]
    return folder / "bdchat.db"


async def test_a_backup_of_a_running_server_holds_everything_that_was_committed(tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    async with Database(StoreSettings(), tmp_path / "data") as database:
        await database.write(lambda db: db.add(user("kim")))
        wal = tmp_path / "data" / "bdchat.db-wal"
        num_wal_bytes = wal.stat().st_size
        num_bytes = back_up(tmp_path / "data" / "bdchat.db", target)
        assert wal.stat().st_size == num_wal_bytes > 0  # nothing was checkpointed by us
        await database.write(lambda db: db.add(user("lee")))
    assert names_in(target) == ["kim"]
    assert num_bytes == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert files_in(tmp_path) == ["backup.db", "data"]


async def test_a_backup_of_a_killed_server_has_its_last_commits(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    async with Database(StoreSettings(), tmp_path / "data") as database:
        await database.write(lambda db: db.add(user("kim")))
        for name in ("bdchat.db", "bdchat.db-wal"):
            (tmp_path / "killed" / name).write_bytes((tmp_path / "data" / name).read_bytes())
    back_up(tmp_path / "killed" / "bdchat.db", tmp_path / "backup.db")
    assert names_in(tmp_path / "backup.db") == ["kim"]


async def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    source, target = await filled(tmp_path / "data", "kim"), tmp_path / "backup.db"
    target.write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        back_up(source, target)
    assert target.read_text() == "precious"
    back_up(source, target, replaces=True)
    assert names_in(target) == ["kim"]


async def test_what_cannot_be_backed_up_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        back_up(tmp_path / "bdchat.db", tmp_path / "backup.db")
    source = await filled(tmp_path / "data", "kim")
    with pytest.raises(StoreUnavailable):
        back_up(source, tmp_path / "no such folder" / "backup.db")
    content = bytearray(source.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    source.write_bytes(content)
    with pytest.raises(StoreDamaged):
        back_up(source, tmp_path / "backup.db")
    assert files_in(tmp_path) == ["data"]


async def test_a_copy_leaves_room_on_the_disk_for_others(tmp_path: Path) -> None:
    source = await filled(tmp_path / "data", "kim")
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        filler = fill(disk, but_bytes=source.stat().st_size + MIB // 4)  # it would fit
        with pytest.raises(StoreFull):
            back_up(source, disk / "copy.db")
        assert files_in(disk) == [filler.name]
        filler.unlink()
        back_up(source, disk / "copy.db")
        assert names_in(disk / "copy.db") == ["kim"]


async def test_a_restored_database_serves_and_the_former_one_stays(tmp_path: Path) -> None:
    source = await filled(tmp_path / "data", "kim")
    backup = tmp_path / "backup.db"
    back_up(source, backup)
    await filled(tmp_path / "data", "lee")
    restored = restore(backup, tmp_path / "data")
    assert (restored.num_users, restored.num_messages) == (1, 0)
    assert names_in(source) == ["kim"]
    assert restored.former is not None
    assert names_in(restored.former) == ["kim", "lee"]
    assert names_in(backup) == ["kim"]
    await filled(tmp_path / "data", "park")  # it opens, and is written to
    assert names_in(source) == ["kim", "park"]
    assert restore(restored.former, tmp_path / "data").num_users == 2  # the way back


async def test_a_restore_into_a_new_directory_has_nothing_to_keep(tmp_path: Path) -> None:
    back_up(await filled(tmp_path / "data", "kim"), tmp_path / "backup.db")
    assert restore(tmp_path / "backup.db", tmp_path / "new").former is None
    assert names_in(tmp_path / "new" / "bdchat.db") == ["kim"]


async def test_a_damaged_database_is_kept_with_its_log(tmp_path: Path) -> None:
    back_up(await filled(tmp_path / "data", "kim"), tmp_path / "backup.db")
    (tmp_path / "data" / "bdchat.db").write_bytes(b"no database any more")
    (tmp_path / "data" / "bdchat.db-wal").write_bytes(b"its log")
    restored = restore(tmp_path / "backup.db", tmp_path / "data")
    assert restored.former is not None
    assert restored.former.read_bytes() == b"no database any more"
    assert restored.former.with_name(f"{restored.former.name}-wal").read_bytes() == b"its log"
    assert names_in(tmp_path / "data" / "bdchat.db") == ["kim"]


async def test_no_restore_under_a_running_server(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path / "data") as database:
        await database.write(lambda db: db.add(user("kim")))
        back_up(tmp_path / "data" / "bdchat.db", tmp_path / "backup.db")
        with pytest.raises(StoreLocked, match="stop it"):
            restore(tmp_path / "backup.db", tmp_path / "data")


async def test_what_is_no_backup_changes_nothing(tmp_path: Path) -> None:
    source = await filled(tmp_path / "data", "kim")
    content = source.read_bytes()
    (tmp_path / "text.db").write_text("not a database at all")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    back_up(source, tmp_path / "later.db")
    with sqlite3.connect(tmp_path / "later.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    (tmp_path / "cut.db").write_bytes(content[: len(content) // 2])
    cases = {"text.db": StoreDamaged, "other.db": StoreUnavailable, "later.db": StoreTooNew, "cut.db": StoreDamaged}
    for name, error in cases.items():
        with pytest.raises(error):
            restore(tmp_path / name, tmp_path / "data")
    with pytest.raises(NotFound):
        restore(tmp_path / "nowhere.db", tmp_path / "data")
    assert source.read_bytes() == content
    assert not [name for name in files_in(tmp_path / "data") if ".part" in name or "before" in name]
