"""Backup files in the data directory: made, listed, read, deleted. Any thread; no state but the folder.

A name is looked up among what is there, never joined to a path. SQLite only, as store/sql/backup.py.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from bdchat.private_files import make_folder
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.sql.backup import back_up

FOLDER = "backups"
SUFFIX = ".db"


@dataclass(frozen=True, slots=True)
class Backup:
    name: str
    path: Path
    num_bytes: int
    made_at_ms: int


class Backups:
    def __init__(self, database: Path | None, data_dir: Path) -> None:
        """`database` None: it is PostgreSQL's, which makes its own."""
        self._database = database
        self._folder = data_dir / FOLDER

    def make(self) -> Backup:
        """Raises Conflict (not SQLite), StoreFull, StoreDamaged, StoreUnavailable."""
        if self._database is None:
            raise Conflict("The database is PostgreSQL's: pg_dump makes its backup.", code="postgres_backup")
        make_folder(self._folder)
        stem = time.strftime("bdchat-%Y%m%d-%H%M%S")
        names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
        path = next(path for name in names if not (path := self._folder / f"{name}{SUFFIX}").exists())
        back_up(self._database, path)
        return _described(path)

    def list(self) -> tuple[Backup, ...]:
        """The newest first."""
        try:
            paths = [path for path in self._folder.iterdir() if path.suffix == SUFFIX and path.is_file()]
        except OSError:
            return ()
        return tuple(sorted((_described(path) for path in paths), key=lambda each: each.made_at_ms, reverse=True))

    def get(self, name: str) -> Backup:
        """Raises NotFound."""
        found = next((backup for backup in self.list() if backup.name == name), None)
        if found is None:
            raise NotFound("backup", name)
        return found

    def delete(self, name: str) -> None:
        """Raises NotFound."""
        self.get(name).path.unlink(missing_ok=True)


def _described(path: Path) -> Backup:
    stat = path.stat()
    return Backup(path.name, path, stat.st_size, stat.st_mtime_ns // 1_000_000)
