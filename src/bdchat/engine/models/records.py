"""What a pull verified of a file: DATA_DIR/models/.records/NAME.json. Any thread; every call reads the disk."""

from pathlib import Path
from typing import Literal

import msgspec

from bdchat.engine.models.downloads import write_atomically

Checksum = Literal["verified", "unknown", "changed"]  # changed: not the file any more that a pull put there


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull knew of a file when it put it in place."""

    source: str
    sha256: str
    revision: str | None
    bytes: int
    mtime_ns: int


class Records:
    """Of the files that lie in `models_dir` itself: that is where pulls put them."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir

    def of(self, path: Path) -> Record | None:
        if path.parent != self._models_dir:
            return None
        try:
            return msgspec.json.decode(self._path(path).read_bytes(), type=Record)
        except (OSError, msgspec.DecodeError):
            return None

    def checksum(self, path: Path) -> Checksum:
        """Raises OSError when the file has gone."""
        record = self.of(path)
        if record is None:
            return "unknown"
        stat = path.stat()
        same = (stat.st_size, stat.st_mtime_ns) == (record.bytes, record.mtime_ns)
        return "verified" if same else "changed"

    def write(self, path: Path, *, source: str, sha256: str, revision: str | None) -> None:
        stat = path.stat()
        record = Record(source=source, sha256=sha256, revision=revision, bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)
        write_atomically(self._path(path), msgspec.json.format(msgspec.json.encode(record)))

    def forget(self, path: Path) -> None:
        if path.parent == self._models_dir:
            self._path(path).unlink(missing_ok=True)

    def _path(self, path: Path) -> Path:
        return self._models_dir / ".records" / f"{path.name}.json"
