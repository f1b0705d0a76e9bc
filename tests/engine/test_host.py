"""What this machine has, as a cgroup tells it."""

from pathlib import Path

import pytest

from bdchat.engine import host

GIB = 1024**3


def test_files_that_a_cgroup_has_merely_cached_are_free_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that has read its model for a day would else have none."""
    monkeypatch.setattr(host, "_CGROUP", tmp_path)
    monkeypatch.setattr("psutil.virtual_memory", type("Memory", (), {"available": 16 * GIB}))
    (tmp_path / "memory.max").write_text(f"{4 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{4 * GIB - 100}\n")
    assert host.free_memory_bytes() == 100
    (tmp_path / "memory.stat").write_text(
        f"anon {GIB}\nactive_file {2 * GIB}\ninactive_file {GIB}\nfile_mapped {GIB}\nfile_dirty 10\n"
    )
    assert host.free_memory_bytes() == 2 * GIB + 90
    (tmp_path / "memory.stat").write_text("nonsense\n")
    assert host.free_memory_bytes() == 100
