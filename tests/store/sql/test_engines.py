"""How connections are opened."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from bdchat.store.sql.engines import sqlite_writer


def _nowhere() -> str:
    raise FileNotFoundError(2, "No usable temporary directory found")


def _temporary_folder(path: Path) -> str | None:
    engine = sqlite_writer(path)
    with contextlib.closing(engine.raw_connection()) as connection:
        found = connection.cursor().execute("PRAGMA temp_store_directory").fetchone()
    engine.dispose()
    return None if found is None else str(found[0])


def test_large_sorts_lie_beside_the_database_where_nothing_else_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only root an index failed with SQLITE_IOERR_GETTEMPPATH, told as a full disk."""
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    assert _temporary_folder(folder / "a.db") is None
    monkeypatch.setattr(tempfile, "gettempdir", _nowhere)
    try:
        assert _temporary_folder(folder / "b.db") == str(folder)
    finally:
        with contextlib.closing(sqlite_writer(tmp_path / "c.db").raw_connection()) as connection:
            connection.cursor().execute("PRAGMA temp_store_directory=''")
