"""A header is read again when, and only when, one of its files changed."""

import os
from pathlib import Path

import pytest

from bdchat.engine.gguf.header import GGUFError
from bdchat.engine.models.headers import Headers
from tests.gguf_files import GGUFFile, u32, write_split


def test_an_unchanged_file_is_read_once(tmp_path: Path) -> None:
    path = GGUFFile().write(tmp_path / "m.gguf")
    headers = Headers()
    first = headers.read(path)
    assert headers.read(path) is first
    before = path.stat()
    GGUFFile().with_pairs(llama__context_length=u32(512)).write(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a copy that keeps times would
    assert headers.read(path).n_ctx_train == 512


def test_a_part_that_has_gone_is_noticed(tmp_path: Path) -> None:
    parts = write_split(tmp_path)
    headers = Headers()
    headers.read(parts[0])
    parts[1].unlink()
    with pytest.raises(GGUFError, match="is missing"):
        headers.read(parts[0])


def test_a_link_that_leads_elsewhere_is_noticed(tmp_path: Path) -> None:
    one = GGUFFile().write(tmp_path / "one.gguf")
    two = GGUFFile().with_pairs(llama__context_length=u32(512)).write(tmp_path / "two.gguf")
    link = tmp_path / "link.gguf"
    headers = Headers()
    link.symlink_to(one)
    assert headers.read(link).n_ctx_train == 256
    link.unlink()
    link.symlink_to(two)
    assert headers.read(link).n_ctx_train == 512
