"""`bdchat backup` and `bdchat restore` as a person sees them: one sentence, and the next step."""

import asyncio
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bdchat.cli import app
from bdchat.settings import StoreSettings
from bdchat.store.sql.database import Database


def make_database(folder: Path) -> None:
    async def make() -> None:
        async with Database(StoreSettings(), folder):
            pass

    asyncio.run(make())


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_there_and_back(tmp_path: Path) -> None:
    make_database(tmp_path / "data")
    target = tmp_path / "backup.db"
    code, said = run("backup", target, "--data-dir", tmp_path / "data")
    assert (code, said.count("\n")) == (0, 1)
    assert f"bdchat restore {target}" in said
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    code, said = run("backup", target, "--data-dir", tmp_path / "data")
    assert code == 1
    assert "--force" in said
    assert run("backup", target, "--force", "--data-dir", tmp_path / "data")[0] == 0
    code, said = run("restore", target, "--data-dir", tmp_path / "data")
    assert code == 0
    assert "0 users, 0 messages" in said
    undo = said.partition("to undo: bdchat ")[2].split()
    assert run(*undo, "--data-dir", tmp_path / "data")[0] == 0


def test_what_does_not_work_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_database(tmp_path / "data")
    (tmp_path / "text").write_text("no backup")
    for arguments, named in [
        (("backup", tmp_path / "x.db", "--data-dir", tmp_path / "empty"), "no database"),
        (("backup", tmp_path / "no" / "x.db", "--data-dir", tmp_path / "data"), "not a folder"),
        (("restore", tmp_path / "nowhere", "--data-dir", tmp_path / "data"), "no file"),
        (("restore", tmp_path / "text", "--data-dir", tmp_path / "data"), "not a SQLite database"),
        (("restore", tmp_path / "data", "--data-dir", tmp_path / "data"), "no file"),
    ]:
        code, said = run(*arguments)
        assert (code, said.count("\n")) == (1, 1), said
        assert named in said
    monkeypatch.setenv("BDCHAT_STORE__URL", "postgresql://kim:secret@db/bdchat")
    code, said = run("backup", tmp_path / "x.db", "--data-dir", tmp_path / "data")
    assert (code, said.count("\n")) == (1, 1)
    assert "pg_dump" in said
    assert "secret" not in said
