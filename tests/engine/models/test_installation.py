"""A models folder that several users of one machine share: one fills it, the others read."""

import os
import stat
from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed
from tests.engine.pulling import SMALL, catalog_at, entry_for, ignore, installed_files, sha256


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "there" / "small.gguf"
    path.parent.mkdir()
    path.write_bytes(SMALL)
    return path


def _cannot_write(path: object, mode: int) -> bool:
    return not mode & os.W_OK


def test_what_lies_in_a_folder_that_can_only_be_read_is_pulled_already(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock and the record of a pull could not be written, so that its model was refused though it was there."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "small.gguf").write_bytes(SMALL)
    (models / ".partial").touch()  # in the way of what a pull writes first
    (models / ".records").touch()
    monkeypatch.setattr("os.access", _cannot_write)
    catalog = catalog_at(tmp_path, None, entry_for(str(source), "small.gguf", sha256(SMALL)))
    assert catalog.pull("tiny", ignore).path == models / "small.gguf"


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o755, 0o644), (0o750, 0o640), (0o700, 0o600)])
def test_a_model_is_for_those_who_may_read_its_folder(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, folder_mode: int, file_mode: int
) -> None:
    """By the umask of a server it was its puller's alone, also in a folder made for everybody."""
    models = tmp_path / "models"
    models.mkdir(mode=0o700)
    models.chmod(folder_mode)
    monkeypatch.setattr("os.link", _other_disk)
    former = os.umask(0o077)
    try:
        pulled = catalog_at(tmp_path, None, entry_for(str(source), "small.gguf", sha256(SMALL))).pull("tiny", ignore)
    finally:
        os.umask(former)
    assert stat.S_IMODE(pulled.path.stat().st_mode) == file_mode


def _other_disk(*_: object, **__: object) -> None:
    raise OSError(18, "Invalid cross-device link")


def test_a_file_that_is_somebodys_own_keeps_its_mode(tmp_path: Path, source: Path) -> None:
    source.chmod(0o600)
    (tmp_path / "models").mkdir()
    (tmp_path / "models").chmod(0o755)
    catalog_at(tmp_path, None, entry_for(str(source), "small.gguf", sha256(SMALL))).pull("tiny", ignore)
    assert installed_files(tmp_path) == ["small.gguf"]
    assert stat.S_IMODE(source.stat().st_mode) == 0o600


def test_a_models_folder_that_cannot_be_read_is_the_reason_that_nothing_is_found(tmp_path: Path) -> None:
    assert catalog_at(tmp_path).folder_problem is None
    (tmp_path / "models").touch()
    for find in (catalog_at(tmp_path).find, catalog_at(tmp_path).resolve):
        with pytest.raises(ModelLoadFailed, match="models cannot be read: Not a directory"):
            find("tiny")
