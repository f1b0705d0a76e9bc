"""Model files on this machine: a path.

Linked when it lies on the same file system, so that it takes its room once; copied otherwise. Its checksum is recorded,
no one vouches for it.
"""

import os
from pathlib import Path

from bdchat.engine.gguf.header import GGUFError, read_header
from bdchat.engine.models.downloads import Fetched, ProgressMeter, PullFailed, link_or_copy, sha256_of


class FileSource:
    def __init__(self, path: str | Path) -> None:
        self._path = Path(os.path.expanduser(path))  # Path.expanduser raises for an unknown ~user

    @property
    def filename(self) -> str:
        return self._path.name

    def parts(self) -> tuple["FileSource", ...]:
        """Before anything is copied; also refuses pipes and devices."""
        try:
            files = read_header(self._path).files
        except GGUFError as error:
            raise PullFailed(str(self._path), error.reason, "not_a_model") from error
        return (self,) if len(files) == 1 else tuple(FileSource(file) for file in files)

    def promised_sha256(self) -> str | None:
        return None

    def fetch(self, folder: Path, meter: ProgressMeter) -> Fetched:
        partial = folder / f"{self.filename}.part"
        link_or_copy(self._path.resolve(), partial, meter)
        return Fetched(partial, sha256_of(self._path, meter))
