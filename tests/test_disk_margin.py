"""What grows leaves a margin of the disk free."""

from pathlib import Path

from bdchat.disk_margin import has_room, kept_bytes, margin_bytes
from tests.small_disk import MIB, fill, small_disk


def test_a_file_may_grow_down_to_the_margin_and_no_further(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as disk:
        assert (kept_bytes(disk), margin_bytes(disk)) == (2 * MIB, MIB // 2)
        fill(disk, but_bytes=MIB)
        assert has_room(disk, MIB // 2)
        assert not has_room(disk, MIB // 2 + 1)


def test_of_a_large_disk_it_is_a_bounded_part(tmp_path: Path) -> None:
    assert margin_bytes(tmp_path) <= 8 * MIB
