"""The parts of a split model are found however people have named and placed them."""

from pathlib import Path

import pytest

from bdchat.engine.gguf.header import GGUFError, read_header, split_files
from tests.gguf_files import write_split


def reason_for(path: Path) -> str:
    with pytest.raises(GGUFError) as caught:
        read_header(path)
    return caught.value.reason


@pytest.mark.parametrize(
    "pattern", ["big-{:05}-of-{:05}.gguf", "BIG-{:05}-OF-{:05}.GGUF", "모델 (1)-{:05}-of-{:05}.Gguf"]
)
def test_the_suffix_may_be_in_any_case(tmp_path: Path, pattern: str) -> None:
    parts = write_split(tmp_path, pattern=pattern, count=3)
    assert read_header(parts[0]).files == split_files(parts[0]) == parts


def test_one_model_is_not_anothers_part(tmp_path: Path) -> None:
    parts = write_split(tmp_path, pattern="a-{:05}-of-{:05}.gguf")
    write_split(tmp_path, pattern="b-{:05}-of-{:05}.gguf")
    (tmp_path / "a-00002-of-00003.gguf").touch()
    (tmp_path / "a-00002-of-00002.GGUF").touch()  # beside a .gguf of the same number
    assert read_header(parts[0]).files == parts


def test_a_link_stands_for_its_model(tmp_path: Path) -> None:
    """One link to the first part, wherever the parts are; or a link for each, to files with other names."""
    parts = write_split(tmp_path / "store")
    (tmp_path / "model.gguf").symlink_to(parts[0])
    assert read_header(tmp_path / "model.gguf").files == parts
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for part in parts:
        part.rename(blob := part.with_name(f"sha256-{part.name[4:9]}"))
        (snapshot / part.name).symlink_to(blob)
    linked = tuple(snapshot / part.name for part in parts)
    assert read_header(linked[0]).files == split_files(linked[0]) == linked


def test_missing_parts_are_named(tmp_path: Path) -> None:
    parts = write_split(tmp_path, count=6)
    assert reason_for(parts[2]) == "is a later part of a model in 6 parts; name the one that ends in -00001-of-00006"
    parts[1].unlink()
    assert reason_for(parts[0]) == "its part big-00002-of-00006.gguf is missing"
    parts[0].unlink()
    assert reason_for(parts[5]).startswith("2 of its 6 parts are missing: big-00001-of-00006.gguf, big-00002-of")
    renamed = parts[2].rename(tmp_path / "third.gguf")
    assert "not named …-00001-of-00006.gguf" in reason_for(renamed)


def test_parts_that_changed_places_are_no_model(tmp_path: Path) -> None:
    parts = write_split(tmp_path, count=3)
    parts[1].rename(tmp_path / "aside")
    parts[2].rename(parts[1])
    (tmp_path / "aside").rename(parts[2])
    assert reason_for(parts[0]) == "its part big-00002-of-00003.gguf holds another part than its name says"


def test_a_whole_model_may_be_named_like_a_part(tmp_path: Path) -> None:
    whole = write_split(tmp_path, count=1)[0].rename(tmp_path / "big-00001-of-00002.gguf")
    assert split_files(whole) == (whole,)
