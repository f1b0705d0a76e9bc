"""Verdicts and encodings on disk: trusted only when whole, bounded, gone with their model."""

import os
from pathlib import Path

import pytest

from bdchat.engine.weights.cache import WeightsFolder, forget_missing, forget_model, verdicts
from bdchat.engine.weights.verdict import Verdict


def folder_of(cache_dir: Path, model: Path, **how: object) -> WeightsFolder:
    parts = {"file": "content", "library": "lib", "may_use_extra_bufts": True, "max_kl": 0.006}
    return WeightsFolder.of(cache_dir, model, **(parts | how))  # type: ignore[arg-type]


def keep(folder: WeightsFolder, num_bytes: int = 0) -> Verdict:
    """With weights of so many bytes; 0: it stays with the file."""
    if num_bytes:
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.partial.write_bytes(bytes(num_bytes))
    verdict = Verdict(
        key=folder.key,
        model_path=str(folder.model_path),
        is_encoded=num_bytes > 0,
        uses_extra_bufts=True,
        reason="",
        num_bytes=num_bytes,
    )
    folder.keep(verdict)
    return verdict


def test_a_verdict_is_found_again_and_only_for_what_it_was_made_for(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    kept = keep(folder_of(tmp_path, model), 100)
    assert folder_of(tmp_path, model).verdict() == kept
    others = ({"file": "x"}, {"library": "x"}, {"may_use_extra_bufts": False}, {"max_kl": 0.1})
    for how in others:
        assert folder_of(tmp_path, model, **how).verdict() is None


@pytest.mark.parametrize("damage", ["shorter", "gone", "nonsense", "other key"])
def test_what_is_not_whole_is_not_trusted(tmp_path: Path, damage: str) -> None:
    folder = folder_of(tmp_path, tmp_path / "m.gguf")
    keep(folder, 100)
    verdict = folder.folder / "verdict.json"
    if damage == "shorter":
        folder.weights.write_bytes(bytes(99))
    elif damage == "gone":
        folder.weights.unlink()
    elif damage == "nonsense":
        verdict.write_bytes(b"{")
    else:
        verdict.write_text(verdict.read_text().replace(folder.key, "0" * 20))
    assert folder.verdict() is None


def test_a_half_written_encoding_is_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, tmp_path / "m.gguf")
    folder.folder.mkdir(parents=True)
    folder.partial.write_bytes(bytes(100))
    assert folder.verdict() is None
    keep(folder)  # it stays with the file after all
    assert not folder.partial.exists()


def test_the_least_recently_used_gives_way(tmp_path: Path) -> None:
    old, used, new = (folder_of(tmp_path, tmp_path / name, file=name) for name in ("old", "used", "new"))
    for age, folder in ((300, old), (400, used)):
        keep(folder, 10_000)
        os.utime(folder.folder / "verdict.json", (0, 0) if folder is old else (1, 1))
        assert age
    assert used.verdict() is not None  # reading it is a use
    assert new.make_room(10_000, limit_bytes=25_000)
    assert (old.verdict(), used.verdict() is not None) == (None, True)
    assert not new.make_room(30_000, limit_bytes=25_000)
    assert used.verdict() is not None  # nothing is deleted for what fits never


def test_an_encoding_goes_with_its_model(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.gguf", tmp_path / "other.gguf"
    other.touch()
    keep(folder_of(tmp_path, mine), 10)
    keep(folder_of(tmp_path, other, file="other"), 10)
    assert len(verdicts(tmp_path)) == 2
    assert forget_model(tmp_path, [mine]) == 1
    assert [verdict.model_path for verdict in verdicts(tmp_path)] == [str(other)]
    other.unlink()
    assert forget_missing(tmp_path) == 1
    assert verdicts(tmp_path) == []
