"""What is kept is its owner's alone: made so, and mended without touching what is somebody else's."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bdchat.cli import app
from bdchat.private_files import Mended, make_folder, mend, opener


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    former = os.umask(0)
    yield
    os.umask(former)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def put(path: Path, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("kept")
    path.chmod(mode)
    return path


def test_every_folder_on_the_way_is_private(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b")
    assert [mode_of(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "a")
    with pytest.raises(NotADirectoryError, match=re.escape(str(tmp_path / "a"))):
        make_folder(tmp_path / "a")


def test_a_folder_behind_a_link_is_taken_and_a_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    make_folder(tmp_path / "link")
    (tmp_path / "broken").symlink_to(tmp_path / "a disk that is not mounted")
    with pytest.raises(FileNotFoundError):
        make_folder(tmp_path / "broken" / "below")


def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    with open(tmp_path / "new", "wb", opener=opener) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def test_what_an_earlier_umask_left_open_is_closed_and_counted(tmp_path: Path) -> None:
    root = tmp_path / "data"
    names = ("bdchat.db", "bdchat.db-wal", "server.lock", "cache/kv/x/y.kv", "models/m.gguf", "backups/b.db")
    ours = [put(root / name, 0o664) for name in names]
    root.chmod(0o755)
    mended = mend(root)
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    assert {mode_of(path) for path in ours} == {0o600}
    assert {mode_of(path) for path in folders} == {0o700}
    assert mended == Mended(was_root_open=True, num_inside=len(ours) + len(folders) - 1)
    assert mend(root) == Mended()


def test_what_is_not_ours_stays_as_it_is(tmp_path: Path) -> None:
    """Another's file in the directory, the target of a link, and a file that has a second name elsewhere."""
    root = tmp_path / "data"
    make_folder(root / "models")
    outside, linked, notes = put(tmp_path / "outside.gguf"), put(tmp_path / "linked.gguf"), put(root / "notes.txt")
    (root / "models" / "followed.gguf").symlink_to(outside)
    (root / "cache").symlink_to(tmp_path / "elsewhere")
    put(tmp_path / "elsewhere" / "file")
    os.link(linked, root / "models" / "linked.gguf")
    assert mend(root) == Mended()
    assert [mode_of(path) for path in (outside, linked, notes, tmp_path / "elsewhere" / "file")] == [0o644] * 4


def test_a_place_that_everybody_uses_is_told_not_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    database = put(tmp_path / "bdchat.db")
    assert mend(tmp_path) == Mended(was_root_open=True, num_inside=1, is_root_open_still=True)
    assert (mode_of(tmp_path), mode_of(database)) == (0o1777, 0o600)


def test_a_home_is_told_not_closed_and_no_home_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert mend(tmp_path) == Mended(was_root_open=True, is_root_open_still=True)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert mend(tmp_path) == Mended(was_root_open=True)
    assert mode_of(tmp_path) == 0o700


def test_a_directory_that_is_not_there_is_nothing_to_mend(tmp_path: Path) -> None:
    assert mend(tmp_path / "none") == Mended()


@pytest.mark.parametrize("command", [["user", "list"], ["models"], ["backup", "copy.db"], ["restore", "copy.db"]])
def test_every_command_closes_an_open_directory_and_says_so_in_one_line(tmp_path: Path, command: list[str]) -> None:
    root = tmp_path / "data"
    put(root / "models" / "m.gguf")
    root.chmod(0o755)
    result = CliRunner().invoke(app, [*command, "--data-dir", str(root)])
    told = [line for line in result.stderr.splitlines() if "open to other users" in line]
    assert told == [
        f"bdchat: {root} was open to other users of this machine (2 files and folders in it); it is closed now"
    ]
    assert mode_of(root / "models" / "m.gguf") == 0o600
    assert mode_of(root) == 0o700
