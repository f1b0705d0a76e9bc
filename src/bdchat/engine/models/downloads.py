"""What every download of a model shares: progress, checksum, free disk space, one pull at a time.

Runs on the caller's thread, only when someone asks for a pull. Knows files and bytes; hub_source.py and
wheel_source.py know where they come from, catalog.py decides what is pulled.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from bdchat.engine.errors import EngineError
from bdchat.private_files import make_folder, opener, write_private

CHUNK_BYTES = 1 << 20
SPARE_DISK_BYTES = 64 << 20  # left free beside the model
REPORT_EVERY_S = 0.1

Phase = Literal["wait", "download", "verify"]


PullFault = Literal[
    "other",
    "no_room",
    "no_write",
    "no_package",
    "offline",
    "offline_mode",
    "source_trouble",
    "no_checksum",
    "wrong_checksum",
    "not_a_model",
    "name_taken",
    "not_found",
    "refused",
    "interrupted",
]


class PullFailed(EngineError):
    """A model could not be fetched. Nothing was installed; `reason` is one line, `fault` the same for programs with
    words of their own: "interrupted" where some of it has come and is kept, "offline" where nothing could be asked."""

    def __init__(self, model: str, reason: str, fault: PullFault = "other") -> None:
        super().__init__(f"{model}: {reason}")
        self.model = model
        self.reason = reason
        self.fault: PullFault = fault


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_WRITE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def disk_fault(error: BaseException | None) -> PullFault | None:
    """Of the error or what it came from: the disk is full, or may not be written. None: it is not the disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return "no_room"
        if isinstance(error, OSError) and error.errno in NO_WRITE:
            return "no_write"
        error = error.__cause__ or error.__context__
    return None


@dataclass(frozen=True, slots=True)
class PullProgress:
    """`wait`: another process pulls the same model. `verify`: the checksum is computed."""

    phase: Phase
    num_bytes_done: int
    num_bytes_total: int | None
    bytes_per_s: float | None  # of this pull, so that a resumed part does not count as speed


ProgressCallback = Callable[[PullProgress], None]


class ProgressMeter:
    """Turns byte counts into PullProgress, at most every `every_s` and always at the end of a phase."""

    def __init__(
        self,
        callback: ProgressCallback,
        *,
        every_s: float = REPORT_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._callback = callback
        self._every_s = every_s
        self._clock = clock
        self._phase: Phase = "download"
        self._total: int | None = None
        self._done = self._first = 0
        self._started = self._reported = clock()

    def start(self, phase: Phase, *, done: int = 0, total: int | None = None) -> None:
        self._phase, self._total = phase, total
        self._done = self._first = done
        self._started = self._clock()
        self._report(self._started)

    def add(self, num_bytes: int) -> None:
        self.reach(self._done + num_bytes)

    def reach(self, done: int) -> None:
        self._done = done
        now = self._clock()
        if now - self._reported >= self._every_s or done == self._total:
            self._report(now)

    def _report(self, now: float) -> None:
        self._reported = now
        elapsed = now - self._started
        speed = (self._done - self._first) / elapsed if elapsed > 0 else None
        self._callback(PullProgress(self._phase, self._done, self._total, speed))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete file in the partial folder, not yet trusted."""

    path: Path
    sha256: str | None  # what its source says it must be
    revision: str | None = None  # the exact commit or version it came from


class Source(Protocol):
    @property
    def filename(self) -> str:
        """The name under which the model is kept."""

    def parts(self) -> Sequence["Source"]:
        """Of a split model the sources of all its files, the first part first; itself alone otherwise. Raises
        PullFailed."""

    def promised_sha256(self) -> str | None:
        """The checksum, if the source can tell before it sends the file. May ask it. Raises PullFailed."""

    def fetch(self, folder: Path, meter: ProgressMeter) -> Fetched:
        """Brings the file into `folder`, going on with what an interrupted pull left there. Raises PullFailed."""


def sha256_of(path: Path, meter: ProgressMeter) -> str:
    digest = hashlib.sha256()
    meter.start("verify", total=path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            meter.add(len(chunk))
    return digest.hexdigest()


def require_room(model: str, folder: Path, num_bytes: int) -> None:
    """Asked before a download starts: a full disk hurts everyone on the machine."""
    free = shutil.disk_usage(folder).free
    if num_bytes + SPARE_DISK_BYTES > free:
        gigabytes = f"{num_bytes / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free in {folder}"
        raise PullFailed(model, f"not enough room: {gigabytes}", "no_room")


def link_or_copy(source: Path, target: Path, meter: ProgressMeter) -> None:
    """A hard link where the file system allows it (no second copy on the disk), else a copy."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        size = source.stat().st_size
        require_room(source.name, target.parent, size)
        meter.start("download", total=size)
        with open(source, "rb") as reader, open(target, "wb", opener=opener) as writer:
            while chunk := reader.read(CHUNK_BYTES):
                writer.write(chunk)
                meter.add(len(chunk))


@contextmanager
def only_one(lock_path: Path, meter: ProgressMeter) -> Iterator[None]:
    """One pull of a file at a time, across processes. The lock ends with the process, however that ends."""
    with open(lock_path, "w", opener=opener) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            meter.start("wait")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def is_unlocked(lock_path: Path) -> Iterator[bool]:
    """No pull holds it; until the context is left none can begin to."""
    with open(lock_path, "a", opener=opener) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def write_atomically(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    write_private(scratch, content)
    os.replace(scratch, path)
