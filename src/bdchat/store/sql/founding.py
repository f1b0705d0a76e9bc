"""Creates a data directory's first database, after checking that it may. At start, with the directory's lock held.

A database appears under its name only when its first commit is on the disk: so an empty file of that name is damage,
never a beginning, and a start that was killed half-way is simply made again. Whoever opens the page of an empty
database makes the admin: where there was one it is not replaced unless the operator says so (`--begin-anew`).
"""

import os
import time
from pathlib import Path

from bdchat.private_files import FILE_MODE
from bdchat.store.errors import StoreMissing
from bdchat.store.sql.engines import sqlite_writer
from bdchat.store.sql.schema import upgrade

SIDE_FILES = ("-wal", "-shm")
OPEN_MARK = "bdchat.db-open"  # there while a server runs; left behind = it did not end in order
FOUNDED_MARK = "bdchat.db-founded"  # there since this directory has had a database
_TRACES = (  # what only a server with a database leaves; models, settings and the lock are there before
    OPEN_MARK,
    FOUNDED_MARK,
    "bdchat.db-wal",
    "bdchat.db.before-*",
    "backups/*.db",
    "cache/kv/*",
)


def require_no_earlier_life(path: Path) -> None:
    """Raises StoreMissing: `path` is not there, and should be."""
    for pattern in _TRACES:
        trace = next(path.parent.glob(pattern), None)
        if trace is not None:
            raise StoreMissing(str(path), str(trace.relative_to(path.parent)))


def found(path: Path) -> None:
    """A database without a user, under `path` once it is whole. Raises StoreUnavailable's kinds, OSError."""
    new = path.with_name(f"{path.name}-new")
    for ending in ("", "-journal", *SIDE_FILES):
        Path(f"{new}{ending}").unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))  # its side files take its mode
    writer = sqlite_writer(new)
    try:
        upgrade(writer)
    finally:
        writer.dispose()  # the log goes into the file
    os.rename(new, path)
    sync_folder(path.parent)


def set_aside(path: Path, *, because: str) -> Path | None:
    """Gives `path` another name, and its log, in which the last commits may be. None: nothing was there."""
    former = free_name(path, because)
    names = [ending for ending in ("", *SIDE_FILES) if os.path.lexists(f"{path}{ending}")]
    for ending in names:
        os.rename(f"{path}{ending}", f"{former}{ending}")
    sync_folder(path.parent)
    return former if names else None


def free_name(path: Path, because: str) -> Path:
    stem = f"{path.name}.before-{because}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(
        path.with_name(name)
        for name in names
        if not any(os.path.lexists(path.with_name(f"{name}{ending}")) for ending in ("", *SIDE_FILES))
    )


def sync_folder(folder: Path) -> None:
    """A new name outlives a power cut only when its folder was synchronised."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
