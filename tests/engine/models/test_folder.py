"""A models folder as people fill it: what is listed, under which names. No file is read."""

import os
from pathlib import Path

import pytest

from bdchat.engine.models.folder import MAX_DEPTH, model_files


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def listed(folder: Path, catalog_names: dict[str, str] | None = None) -> dict[str, str]:
    """Name → where it lies."""
    return {file.name: file.path.relative_to(folder).as_posix() for file in model_files(folder, catalog_names or {})}


def test_a_suffix_may_be_in_any_case_and_a_name_in_any_script(tmp_path: Path) -> None:
    """A file TINY.GGUF was not seen, and nobody said so."""
    names = [
        "TINY.GGUF",
        "a.gguf",
        "Mixed.Gguf",
        "모델 (사본) [v2], 100%.gguf",
        "-dash.gguf",
        "a+b&c='d'.gguf",
        "v1.5.gguf",
    ]
    fill(tmp_path, *names, "notes.txt", "a.gguf.part", ".hidden.gguf", "._a.gguf", "gguf")
    assert listed(tmp_path) == {name[: -len(".gguf")]: name for name in names}


def test_a_name_that_is_not_one_line_of_text_is_listed_as_one(tmp_path: Path) -> None:
    fill(tmp_path, "two\nlines.gguf")
    (tmp_path / os.fsdecode(b"latin-\xe9.gguf")).touch()
    assert sorted(listed(tmp_path)) == ["latin- ", "two lines"]


@pytest.mark.parametrize(
    "place",
    [
        "bartowski/Llama-3.2-1B-Instruct-GGUF",  # LM Studio
        "models--owner--repo/snapshots/0123abc",  # huggingface_hub
        "models--owner--repo/snapshots/0123abc/Q4_K_M",
        "mine.gguf",  # a folder called like a file
    ],
)
def test_folders_are_looked_into(tmp_path: Path, place: str) -> None:
    fill(tmp_path, f"{place}/model.gguf", ".partial/part.gguf", ".records/a.gguf")
    assert listed(tmp_path) == {"model": f"{place}/model.gguf"}
    (file,) = model_files(tmp_path, {})
    assert file.aliases == ("model.gguf", f"{place}/model", f"{place}/model.gguf")


def test_two_files_are_never_called_the_same(tmp_path: Path) -> None:
    fill(tmp_path, "a/m.gguf", "b/m.gguf", "m.gguf", "m.GGUF", "b/deep/m.gguf", "catalog's.gguf", "short.gguf")
    assert listed(tmp_path, {"catalog's.gguf": "short"}) == {
        "m": "m.gguf",
        "m.GGUF": "m.GGUF",
        "a/m": "a/m.gguf",
        "b/m": "b/m.gguf",
        "b/deep/m": "b/deep/m.gguf",
        "short": "catalog's.gguf",
        "short.gguf": "short.gguf",
    }
    for file in model_files(tmp_path, {}):
        for alias in file.aliases:
            others = [other for other in model_files(tmp_path, {}) if other.path != file.path]
            assert all(alias not in other.names for other in others), alias


def test_of_a_split_model_the_lowest_part_is_listed(tmp_path: Path) -> None:
    """One without its first part was not seen at all."""
    fill(tmp_path, "x/Big-00002-of-00003.GGUF", "x/Big-00001-of-00003.GGUF", "x/Big-00003-of-00003.GGUF")
    fill(tmp_path, "lone-00002-of-00002.gguf")
    assert listed(tmp_path) == {
        "lone-00002-of-00002": "lone-00002-of-00002.gguf",
        "Big-00001-of-00003": "x/Big-00001-of-00003.GGUF",
    }
    assert "Big" in next(file.aliases for file in model_files(tmp_path, {}) if file.name.startswith("Big"))


def test_links_are_followed_each_folder_once(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    fill(folder, "own.gguf")
    fill(elsewhere, "publisher/other.gguf", "blob")
    (folder / "lmstudio").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere / "publisher")
    (folder / "linked.gguf").symlink_to(elsewhere / "blob")
    (folder / "dangling.gguf").symlink_to("nowhere")
    (elsewhere / "publisher" / "round").symlink_to(folder)
    (folder / "self.gguf").symlink_to("self.gguf")
    assert listed(folder) == {
        "dangling": "dangling.gguf",
        "linked": "linked.gguf",
        "other": "again/other.gguf",
        "own": "own.gguf",
        "self": "self.gguf",
    }


def test_the_depth_is_bounded(tmp_path: Path) -> None:
    fill(tmp_path, "/".join("d" * MAX_DEPTH) + "/near.gguf", "/".join("d" * (MAX_DEPTH + 1)) + "/far.gguf")
    assert list(listed(tmp_path)) == ["near"]


def test_a_folder_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    assert model_files(tmp_path / "absent", {}) == ()
    fill(tmp_path, "own.gguf", "shut/secret.gguf")
    (tmp_path / "shut").chmod(0)
    try:
        assert "own" in listed(tmp_path)  # root sees the other one too
    finally:
        (tmp_path / "shut").chmod(0o700)
