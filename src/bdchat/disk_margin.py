"""What every file of ours leaves free of the disk: asked before a file grows, whoever writes it. Any thread, no state.

The database keeps room for deleting (store/sql/room.py); a copy, an upload or a saved state that took the last byte
would leave its log and other programs none.
"""

import shutil
from pathlib import Path

MOST_BYTES = 32 << 20
SHARE = 8  # of a small disk: not more than one part in so many
MARGIN = 4  # a fourth of what is kept for deleting stays free beside it


def kept_bytes(folder: Path) -> int:
    """For deleting, on the disk of `folder`."""
    return min(MOST_BYTES, shutil.disk_usage(folder).total // SHARE)


def margin_bytes(folder: Path) -> int:
    """What writes that grow leave free."""
    return kept_bytes(folder) // MARGIN


def has_room(folder: Path, num_bytes: int) -> bool:
    """For a file in `folder` that is to grow by so much. Raises OSError."""
    return shutil.disk_usage(folder).free - num_bytes >= margin_bytes(folder)
