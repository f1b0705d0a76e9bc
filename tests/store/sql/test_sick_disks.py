"""A disk that is full, read-only or failing, and files that cannot be opened: each door tells its own cause and safe
advice. Once a full disk was called a damaged database, with the advice to move it aside."""

import asyncio
import contextlib
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bdchat.backup_console import BackupFailed, back_up_to, restore_from
from bdchat.settings import Settings
from bdchat.store.errors import StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.driver_errors import at_path, full_at, named_error
from bdchat.store.sql.founding import found
from bdchat.user_console import UserRefused, listing
from tests.small_disk import MIB, fill, small_disk

FAR_TOO_MUCH = ("begin-anew", "restore", "move it", "delete")  # advice that throws chats away


def serve(settings: Settings, _: Path) -> str:
    async def opened() -> str:
        async with Database(settings.store, settings.data_dir):
            return "opened"

    return asyncio.run(opened())


def users(settings: Settings, _: Path) -> str:
    return listing(settings)


def back_up(settings: Settings, elsewhere: Path) -> str:
    return back_up_to(settings, elsewhere / "saved.db", replaces=True)


def restore(settings: Settings, elsewhere: Path) -> str:
    backup = elsewhere / "backup.db"
    found(backup)
    return restore_from(settings, backup)


DOORS = (serve, users, back_up, restore)
WRITING = (serve, users, restore)
Door = Callable[[Settings, Path], str]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", num_bytes=80 * MIB) as folder:
        found(folder / FILE_NAME)
        yield folder


def said_by(door: Door, data_dir: Path, elsewhere: Path) -> str:
    """Why it did not work, in one line."""
    with pytest.raises((StoreError, UserRefused, BackupFailed)) as refused:
        door(Settings(data_dir=data_dir), elsewhere)
    said = str(refused.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("door", WRITING)
def test_a_full_disk_is_no_damage(disk: Path, tmp_path: Path, door: Door) -> None:
    fill(disk)
    said = said_by(door, disk, tmp_path)
    assert said.startswith("nothing can be written: ")
    assert said.endswith(". Nothing is damaged: free some of it, and try again")
    assert str(disk) in said
    assert "MB" in said
    assert not any(word in said for word in FAR_TOO_MUCH)


@pytest.mark.parametrize("door", WRITING)
def test_a_read_only_disk_is_neither_full_nor_damaged(disk: Path, tmp_path: Path, door: Door) -> None:
    with read_only(disk):
        said = said_by(door, disk, tmp_path)
    assert f"{disk} is read-only. Nothing is damaged" in said
    assert "full" not in said
    assert not any(word in said for word in FAR_TOO_MUCH)


def test_a_full_or_read_only_disk_can_still_be_saved_elsewhere(disk: Path, tmp_path: Path) -> None:
    """SQLite wants a file beside the database even for reading: when it was needed most, there was no backup."""
    fill(disk)
    assert "holds everything" in back_up(Settings(data_dir=disk), tmp_path)
    with read_only(disk):
        assert "holds everything" in back_up(Settings(data_dir=disk), tmp_path)
    assert sqlite3.connect(tmp_path / "saved.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_is_not_yet_in_the_file_is_never_left_out_of_a_backup(disk: Path, tmp_path: Path) -> None:
    (disk / f"{FILE_NAME}-wal").write_bytes(b"commits")
    with read_only(disk):
        assert "cannot be opened" in said_by(back_up, disk, tmp_path)
    assert not (tmp_path / "saved.db").exists()


@pytest.mark.parametrize("door", [serve, users, back_up])
def test_a_file_that_stands_in_the_way_is_named(tmp_path: Path, door: Door) -> None:
    found(tmp_path / FILE_NAME)
    (tmp_path / f"{FILE_NAME}-wal").mkdir()
    said = said_by(door, tmp_path, tmp_path)
    assert said == f"{tmp_path / FILE_NAME} cannot be opened: {FILE_NAME}-wal is no file. Nothing is damaged"


@pytest.mark.parametrize("door", [serve, users, back_up])
@pytest.mark.parametrize("content", [b"garbage" * 5000, b""])
def test_damage_is_told_as_damage_and_both_ways_on_keep_the_file(tmp_path: Path, door: Door, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    said = said_by(door, tmp_path, tmp_path)
    assert f"{tmp_path / FILE_NAME} is damaged" in said
    assert "both keep it beside" in said
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_damaged_backup_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    """`bdchat restore` of a torn backup said that an empty database could be made."""
    found(tmp_path / FILE_NAME)
    backup = tmp_path / "backup.db"
    backup.write_bytes(b"torn")
    with pytest.raises(BackupFailed) as refused:
        restore_from(Settings(data_dir=tmp_path), backup)
    assert str(refused.value) == (
        f"the backup {backup} is damaged (not a SQLite database): nothing was changed; take another one"
    )


@pytest.mark.parametrize(
    ("code", "kind", "named"),
    [
        (sqlite3.SQLITE_FULL, StoreFull, "the disk is full"),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreReadOnly, "read-only"),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFull, "fails in writing"),
        (sqlite3.SQLITE_IOERR_READ, StoreUnavailable, "failed in reading"),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailable, "cannot be opened"),
        (sqlite3.SQLITE_CORRUPT, type(None), "None"),
        (sqlite3.SQLITE_NOTADB, type(None), "None"),
    ],
)
def test_each_of_sqlites_codes_has_its_own_cause(tmp_path: Path, code: int, kind: type, named: str) -> None:
    told = at_path(driver_error(code), tmp_path / FILE_NAME)
    assert type(told) is kind
    assert named in str(told)
    assert "begin-anew" not in str(told)


def test_a_failing_disk_promises_nothing_and_no_path_is_told_to_strangers(tmp_path: Path) -> None:
    told = str(at_path(driver_error(sqlite3.SQLITE_IOERR_FSYNC), tmp_path / FILE_NAME))
    assert "Nothing is damaged" not in told
    assert "copy the data directory to another disk first" in told
    for code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN):
        assert "/" not in str(named_error(driver_error(code)))


def driver_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    return error


@contextlib.contextmanager
def read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_what_could_not_be_made_is_measured_where_it_would_stand(tmp_path: Path) -> None:
    error = StoreFull("full")
    assert full_at(error, tmp_path / "not" / "there") is error  # there is room
