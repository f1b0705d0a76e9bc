"""What was found out about a model's weights on this machine, and the encoding that was made, in the cache folder.

One folder for each model file, library, CPU and bound: a verdict, and beside it the weights where they were encoded
anew. A verdict comes last and whole, so that a folder with one can be trusted. Any process; deleting is always safe.
"""

import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.cursor import GGUFError
from bdchat.engine.gguf.header import read_header
from bdchat.engine.host import cpu_name
from bdchat.engine.weights.verdict import Verdict
from bdchat.private_files import make_folder, write_private

log = logging.getLogger(__name__)

FORMAT = 2
FOLDER = "weights"
WEIGHTS_FILE, VERDICT_FILE, PARTIAL_SUFFIX = "weights.gguf", "verdict.json", ".part"


class WeightsFolder:
    """Of one model file."""

    def __init__(self, cache_dir: Path, model_path: Path, key: str) -> None:
        self.key = key
        self.model_path = model_path
        self._root = cache_dir / FOLDER
        self.folder = self._root / key

    @classmethod
    def of(
        cls, cache_dir: Path, model_path: Path, *, file: str, library: str, may_use_extra_bufts: bool, max_kl: float
    ) -> Self:
        """`file` and `library` identify the model's content and the shared objects that compute."""
        parts = (FORMAT, file, library, cpu_name(), may_use_extra_bufts, max_kl)
        key = hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:20]
        return cls(cache_dir, model_path, key)

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS_FILE

    @property
    def partial(self) -> Path:
        """Where the weights are written, before a verdict says that they may be used."""
        return self.folder / (WEIGHTS_FILE + PARTIAL_SUFFIX)

    def verdict(self) -> Verdict | None:
        """None: nothing is known yet, or what is there cannot be trusted."""
        found = _read(self.folder / VERDICT_FILE)
        if found is None or found.key != self.key:
            return None
        if found.is_encoded and not _is_whole(self.weights, found.num_bytes):
            return None
        with contextlib.suppress(OSError):
            os.utime(self.folder / VERDICT_FILE)  # the least recently used goes first
        return found

    def keep(self, verdict: Verdict) -> None:
        """With the weights at `partial` when it says so. Raises OSError."""
        make_folder(self.folder)
        if verdict.is_encoded:
            _sync(self.partial)
            self.partial.replace(self.weights)
        else:
            self.drop_weights()
        new = self.folder / (VERDICT_FILE + PARTIAL_SUFFIX)
        write_private(new, msgspec.json.format(msgspec.json.encode(verdict), indent=1))
        _sync(new)
        new.replace(self.folder / VERDICT_FILE)

    def drop_weights(self) -> None:
        for path in (self.partial, self.weights):
            path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Deletes all that is known of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_room(self, wanted_bytes: int, limit_bytes: int) -> bool:
        """Deletes the least recently used encodings of other models until this one fits. False: it never does."""
        if wanted_bytes > limit_bytes:
            return False
        entries = sorted(_entries(self._root), key=lambda entry: entry[0])
        others = [(folder, size) for _, folder, size in entries if folder != self.folder]
        total = sum(size for _, size in others)
        for folder, size in others:
            if total + wanted_bytes <= limit_bytes:
                break
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
        return True


def forget_model(cache_dir: Path, paths: Sequence[Path]) -> int:
    """Deletes what was made of these files, also of files of the same place before; how many folders."""
    gone = {str(path.absolute()) for path in paths} | {str(path.resolve()) for path in paths}
    return _forget(cache_dir, lambda verdict: verdict.model_path in gone)


def forget_missing(cache_dir: Path) -> int:
    """Deletes what belongs to files that are no longer there, and what was never finished."""
    return _forget(cache_dir, lambda verdict: not Path(verdict.model_path).exists())


def verdicts(cache_dir: Path) -> list[Verdict]:
    """All that are known, the newest first."""
    found = sorted(_entries(cache_dir / FOLDER), reverse=True, key=lambda entry: entry[0])
    return [verdict for _, folder, _ in found if (verdict := _read(folder / VERDICT_FILE)) is not None]


def checked_weights(folder: WeightsFolder) -> None:
    """The encoded file is read again as any other is before native code sees it. Raises ModelLoadFailed."""
    try:
        read_header(folder.partial)
    except GGUFError as error:
        raise ModelLoadFailed(folder.model_path.name, f"the new encoding {error.reason}") from error


def _forget(cache_dir: Path, is_gone: Callable[[Verdict], bool]) -> int:
    num_removed = 0
    for _, folder, _ in _entries(cache_dir / FOLDER):
        verdict = _read(folder / VERDICT_FILE)
        if verdict is not None and is_gone(verdict):
            shutil.rmtree(folder, ignore_errors=True)
            num_removed += 1
    return num_removed


def _entries(root: Path) -> Iterator[tuple[float, Path, int]]:
    """(last used, folder, bytes)"""
    try:
        folders = [path for path in root.iterdir() if path.is_dir()]
    except OSError:
        return
    for folder in folders:
        try:
            sizes = [path.stat().st_size for path in folder.iterdir()]
            used = folder / VERDICT_FILE
            yield (used.stat() if used.exists() else folder.stat()).st_mtime, folder, sum(sizes)
        except OSError:
            continue  # deleted meanwhile


def _read(path: Path) -> Verdict | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Verdict)
    except (OSError, msgspec.DecodeError):
        return None


def _is_whole(path: Path, num_bytes: int) -> bool:
    try:
        return path.stat().st_size == num_bytes
    except OSError:
        return False


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
