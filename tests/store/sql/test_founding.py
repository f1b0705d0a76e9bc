"""Who gets an empty database, and who is asked first."""

import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from bdchat.settings import StoreSettings
from bdchat.store.accounts import users
from bdchat.store.errors import StoreDamaged, StoreFull, StoreMissing, StoreUnavailable
from bdchat.store.sql.database import FILE_NAME, LOCK_NAME, Database
from tests.small_disk import MIB, fill, small_disk

pytestmark = pytest.mark.anyio


def add_user(db: Session) -> None:
    users.create_first(db, username="kim", password_hash="-", role="admin")


def has_users(db: Session) -> bool:
    return users.has_any(db)


async def has_admin(data_dir: Path, *, begins_anew: bool = False) -> bool:
    async with Database(StoreSettings(), data_dir, begins_anew=begins_anew) as database:
        return await database.read(has_users)


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def log_of(data_dir: Path) -> Path:
    return data_dir / f"{FILE_NAME}-wal"


def contents(data_dir: Path, pattern: str) -> set[bytes]:
    return {path.read_bytes() for path in data_dir.glob(pattern)}


@pytest.fixture
async def used_dir(tmp_path: Path) -> Path:
    async with Database(StoreSettings(), tmp_path) as database:
        await database.write(add_user)
    return tmp_path


async def test_an_empty_file_is_damage_and_stays(used_dir: Path) -> None:
    """It was silently replaced, and whoever opened the page first was the admin."""
    path = used_dir / FILE_NAME
    path.write_bytes(b"")
    with pytest.raises(StoreDamaged, match=r"it is empty.*bdchat restore FILE.*--begin-anew"):
        await Database(StoreSettings(), used_dir).open()
    assert path.read_bytes() == b""


async def test_an_empty_file_is_damage_in_a_new_directory_too(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(StoreDamaged):
        await Database(StoreSettings(), tmp_path).open()


async def test_a_database_that_has_gone_is_not_replaced_by_itself(used_dir: Path) -> None:
    (used_dir / FILE_NAME).unlink()
    with pytest.raises(StoreMissing, match=r"is missing.*bdchat restore FILE.*--begin-anew"):
        await Database(StoreSettings(), used_dir).open()
    assert not (used_dir / FILE_NAME).exists()


@pytest.mark.parametrize(
    "trace",
    [
        "bdchat.db-open",
        "bdchat.db-wal",
        "bdchat.db.before-restore-20261130-120000",
        "backups/bdchat-20261130-120000.db",
        "cache/kv/0123.kv",
    ],
)
async def test_what_an_older_server_left_is_a_trace_too(tmp_path: Path, trace: str) -> None:
    (tmp_path / trace).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / trace).write_bytes(b"x")
    with pytest.raises(StoreMissing):
        await Database(StoreSettings(), tmp_path).open()


async def test_models_settings_and_the_lock_are_no_earlier_life(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small.gguf").write_bytes(b"GGUF")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "calibration.json").write_text("{}")
    (tmp_path / "bdchat.toml").write_text("")
    (tmp_path / LOCK_NAME).touch()
    assert not await has_admin(tmp_path)


async def test_a_first_start_that_was_killed_half_way_is_made_again(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).touch()
    (tmp_path / f"{FILE_NAME}-new").write_bytes(b"SQLite format 3\x00 half")
    (tmp_path / f"{FILE_NAME}-new-wal").write_bytes(b"half")
    assert not await has_admin(tmp_path)
    assert not contents(tmp_path, "*-new*")


async def test_to_begin_anew_keeps_what_was_there_and_its_log(used_dir: Path) -> None:
    (used_dir / FILE_NAME).write_bytes(b"no database")
    log_of(used_dir).write_bytes(b"the last commits")
    assert not await has_admin(used_dir, begins_anew=True)
    assert contents(used_dir, f"{FILE_NAME}.before-anew-*") == {b"no database", b"the last commits"}


async def test_to_begin_anew_plays_no_left_over_log_into_the_new_database(used_dir: Path) -> None:
    async with Database(StoreSettings(), used_dir) as database:
        await database.write(lambda db: users.create_user(db, username="lee", password_hash="-", role="admin"))
        log = log_of(used_dir).read_bytes()
    (used_dir / FILE_NAME).unlink()
    log_of(used_dir).write_bytes(log)
    assert not await has_admin(used_dir, begins_anew=True)
    assert contents(used_dir, f"{FILE_NAME}.before-anew-*-wal") == {log}


async def test_to_begin_anew_touches_no_sound_database(used_dir: Path) -> None:
    assert await has_admin(used_dir, begins_anew=True)
    assert not contents(used_dir, "*before-anew*")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_IOERR_READ, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_SHMSIZE, StoreFull),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailable),
        (sqlite3.SQLITE_BUSY, StoreUnavailable),
        (sqlite3.SQLITE_PERM, StoreUnavailable),
    ],
)
async def test_a_disk_that_is_full_or_fails_is_never_called_damage(
    used_dir: Path, code: int, expected: type[Exception]
) -> None:
    def failing(path: Path) -> Engine:
        def connect() -> sqlite3.Connection:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = code
            raise error

        return create_engine("sqlite://", creator=connect)

    with pytest.raises(expected) as caught:
        await Database(StoreSettings(), used_dir, open_writer=failing).open()
    assert not isinstance(caught.value, StoreDamaged)
    assert "aside" not in str(caught.value)


async def test_a_first_start_on_a_full_disk_says_so_and_leaves_nothing_that_hinders_the_next(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=4 * MIB) as disk:
        filler = fill(disk, but_bytes=64 * 1024)
        with pytest.raises(StoreFull):
            await Database(StoreSettings(), disk).open()
        filler.unlink()
        assert not await has_admin(disk)


async def test_a_read_only_data_directory_is_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=12 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            await database.write(add_user)
        make_read_only(disk)
        with pytest.raises(StoreUnavailable, match="is read-only") as caught:
            await Database(StoreSettings(), disk).open()
    assert str(disk) in str(caught.value)
    assert not isinstance(caught.value, StoreDamaged)


async def test_a_data_directory_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"cannot be used: (Not a directory|File exists)"):
        await Database(StoreSettings(), tmp_path / "file").open()
