"""A disk of a few MiB for tests: a tmpfs of its own, full when one wants it. Only root may mount; others skip."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 1 << 20


@contextlib.contextmanager
def small_disk(folder: Path, *, num_bytes: int) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={num_bytes},mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def fill(folder: Path, *, but_bytes: int = 0) -> Path:
    """A file that takes all the room but `but_bytes`; deleting it gives the room back."""
    filler = folder / "filler"
    with filler.open("ab") as file:
        num_bytes = free_bytes(folder) - but_bytes
        if num_bytes > 0:
            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), num_bytes)
    return filler
