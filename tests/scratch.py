"""Where tests keep databases: in memory if there is room. None of them proves that a disk keeps what it was given."""

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
MIN_FREE_BYTES = 2 << 30  # each data directory reserves 32 MiB, two processes keep some at a time


def scratch_root() -> str | None:
    """For `tempfile`; None: its own."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MIN_FREE_BYTES
    return str(MEMORY) if is_roomy else None
