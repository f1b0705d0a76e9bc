"""Snapshots on disk: KV states of stored conversations in a folder, found by token prefix; they outlive the process.

Loop thread, but for the writing, which has a thread of its own. A file's head names what made the state (model,
library, layout) and lists all its tokens: a state goes back only into the same, and only as far as every token agrees.
What is torn, foreign or unreadable is deleted and counts as never kept. Nobody's conversation is written here unless
the request carried a tag: only chats that are stored anyway have one, and with the chat goes what bears its tag.
"""

import hashlib
import logging
import os
import queue
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bdchat.disk_margin import has_room
from bdchat.engine.kv.files import SUFFIX, is_of_pin, remove_tagged, tag_part
from bdchat.engine.kv.prefix_index import Parting
from bdchat.engine.kv.snapshots import PIN_SHARE, Shelf
from bdchat.engine.kv.worth.tier_worth import RecomputeMs, Uses, tokens_alone
from bdchat.private_files import make_folder, opener

log = logging.getLogger(__name__)

HEAD = struct.Struct("<8s32sIIQ")  # magic, what made it, tokens, checksum of the state, bytes of the state
MAGIC = b"bdchatkv"
MAX_TOKENS = 4_194_304  # EngineSettings.n_ctx's bound
MAX_PENDING = 2  # states that wait for the writer: a slow disk costs us a snapshot, not memory


@dataclass(frozen=True, slots=True, eq=False)
class DiskSnapshot:
    tokens: list[int]
    path: Path
    num_bytes: int

    @property
    def is_pinned(self) -> bool:
        return is_of_pin(self.path)

    @property
    def is_beginning(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Job:
    tokens: list[int]
    state: bytes
    path: Path


class DiskSnapshots:
    """`made_by`: everything that a state's meaning depends on, as text. Closed once, which waits for the writer."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        made_by: str,
        recompute_ms: RecomputeMs = tokens_alone,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_bytes = max_bytes
        self._folder = folder
        self._made_by = hashlib.sha256(made_by.encode()).digest()
        self._shelf: Shelf[DiskSnapshot] = Shelf(recompute_ms, clock)
        self._clock = clock
        self._pending: list[_Job] = []  # what the writer has still to do
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._written: queue.SimpleQueue[tuple[_Job, int | None]] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._look()

    def __len__(self) -> int:
        self._take_written()
        return len(self._shelf)

    def __iter__(self) -> Iterator[DiskSnapshot]:
        self._take_written()
        return iter(self._shelf)

    @property
    def num_bytes(self) -> int:
        return self._shelf.num_bytes

    def parting(self, key: bytes, is_wanted: Callable[[int, int], bool]) -> Iterator[tuple[Parting, DiskSnapshot]]:
        self._take_written()
        return self._shelf.parting(key, is_wanted)

    def best(self, tokens: Sequence[int] | bytes) -> tuple[int, DiskSnapshot | None]:
        """(number of leading tokens in common, snapshot); (0, None) when there is none."""
        self._take_written()
        return self._shelf.best(tokens)

    def holds(self, tokens: list[int]) -> bool:
        """Whether it is kept already, or about to be."""
        self._take_written()
        return self._shelf.covering(tokens) is not None or any(job.tokens == tokens for job in self._pending)

    @property
    def is_busy(self) -> bool:
        self._take_written()
        return len(self._pending) >= MAX_PENDING

    def put(self, tokens: list[int], state: bytes, *, tag: str) -> bool:
        """False: not kept, because it is too large, there already, or the disk is slower than we are."""
        num_bytes = HEAD.size + 4 * len(tokens) + len(state)
        if not tag or num_bytes > self.max_bytes or self.is_busy or self.holds(tokens):
            return False
        self._write_later(tokens, state, tag)
        return True

    def _write_later(self, tokens: list[int], state: bytes, tag: str) -> None:
        job = _Job(tokens, state, self._path(tokens, tag))
        self._pending.append(job)
        self._jobs.put(job)
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_all, name="kv writer", daemon=True)
            self._writer.start()

    def pin(self, tokens: list[int], state: bytes, *, tag: str) -> bool:
        """The same of what stays until forget(tag), whatever else covers it. False also where pins would take more than
        their share."""
        num_bytes = HEAD.size + 4 * len(tokens) + len(state)
        if any(job.path == self._path(tokens, tag) for job in self._pending):
            return True
        if self.is_busy or self._shelf.num_pinned_bytes + num_bytes > self.max_bytes * PIN_SHARE:
            return False
        self._write_later(tokens, state, tag)
        return True

    def pinned(self, tag: str) -> DiskSnapshot | None:
        """What pin() has kept under the tag."""
        self._take_written()
        prefix = tag_part(tag)
        return next((item for item in self._shelf if item.is_pinned and item.path.name.startswith(prefix)), None)

    def read(self, snapshot: DiskSnapshot) -> bytes | None:
        """The state; None when the file is gone or damaged, and then it is forgotten."""
        try:
            with snapshot.path.open("rb") as file:
                head = _read_head(file, self._made_by)
                if head is not None and _read_tokens(file, head.num_tokens) == snapshot.tokens:
                    state = file.read(head.num_state_bytes + 1)
                    if len(state) == head.num_state_bytes and zlib.crc32(state) == head.checksum:
                        os.utime(snapshot.path)
                        self._shelf.touch(snapshot)
                        return state
        except OSError as error:
            log.warning("a saved conversation state could not be read: %s", error)
        self._drop(snapshot)
        return None

    def forget(self, tag: str) -> None:
        """Also what the writer has not written yet."""
        self._wait_for_writer()
        remove_tagged(self._folder, tag)
        for snapshot in self._shelf:
            if not snapshot.path.exists():
                self._shelf.remove(snapshot)

    def close(self) -> None:
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
            self._writer = None

    def _path(self, tokens: list[int], tag: str) -> Path:
        name = hashlib.sha256(self._made_by + np.asarray(tokens, np.int32).tobytes()).hexdigest()[:32]
        return self._folder / f"{tag_part(tag)}-{name}{SUFFIX}"

    # --- the folder ---------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Takes in what earlier processes left, least recently used first; what cannot be used is deleted."""
        try:
            make_folder(self._folder)
            found = sorted(((path.stat().st_mtime, path) for path in self._folder.iterdir()), key=lambda item: item[0])
        except OSError as error:
            log.warning("saved conversation states are not used: %s", error)
            self.max_bytes = 0
            return
        now, wall_now = self._clock(), time.time()
        for modified_at, path in found:
            snapshot = _look_at(path, self._made_by) if path.suffix == SUFFIX else None
            if snapshot is None:
                path.unlink(missing_ok=True)
            else:
                self._shelf.add(snapshot, Uses(now - max(0.0, wall_now - modified_at)))
        self._make_room()

    def _make_room(self) -> None:
        while self._shelf.num_bytes > self.max_bytes and (least := self._shelf.least()) is not None:
            self._shelf.evict(least)
            least.path.unlink(missing_ok=True)

    def _drop(self, snapshot: DiskSnapshot) -> None:
        self._shelf.remove(snapshot)
        snapshot.path.unlink(missing_ok=True)

    # --- the writer ---------------------------------------------------------------------------------------------------

    def _take_written(self) -> None:
        while not self._written.empty():
            job, num_bytes = self._written.get_nowait()
            self._pending.remove(job)
            if num_bytes is None:
                continue
            uses = Uses(self._clock())
            for shorter in self._shelf.covered_by(job.tokens):
                uses = max(uses, self._shelf.uses(shorter), key=lambda each: each.at(self._clock()))
                self._drop(shorter)
            self._shelf.add(DiskSnapshot(job.tokens, job.path, num_bytes), uses)
            self._make_room()

    def _wait_for_writer(self) -> None:
        self.close()
        self._take_written()

    def _write_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                is_kept = has_room(self._folder, len(job.state))
                self._written.put((job, _write(job, self._made_by) if is_kept else None))
            except OSError as error:
                log.warning("a conversation state could not be saved: %s", error)
                self._written.put((job, None))


@dataclass(frozen=True, slots=True)
class _Head:
    num_tokens: int
    checksum: int
    num_state_bytes: int


def _write(job: _Job, made_by: bytes) -> int:
    """Whole or not at all, for this user alone; the bytes written. A power cut may leave zeroes: the checksum tells."""
    scratch = job.path.with_suffix(".part")
    try:
        with open(scratch, "wb", opener=opener) as file:
            file.write(HEAD.pack(MAGIC, made_by, len(job.tokens), zlib.crc32(job.state), len(job.state)))
            file.write(np.asarray(job.tokens, np.int32).tobytes())
            file.write(job.state)
            num_bytes = file.tell()
        scratch.replace(job.path)
    except OSError:
        scratch.unlink(missing_ok=True)  # half of a state: on a full disk others need the room
        raise
    return num_bytes


def _look_at(path: Path, made_by: bytes) -> DiskSnapshot | None:
    try:
        with path.open("rb") as file:
            head = _read_head(file, made_by)
            tokens = _read_tokens(file, head.num_tokens) if head else None
            num_bytes = os.fstat(file.fileno()).st_size
    except OSError:
        return None
    if head is None or tokens is None or num_bytes != HEAD.size + 4 * head.num_tokens + head.num_state_bytes:
        return None
    return DiskSnapshot(tokens, path, num_bytes)


def _read_head(file: BinaryIO, made_by: bytes) -> _Head | None:
    data = file.read(HEAD.size)
    if len(data) != HEAD.size:
        return None
    magic, theirs, num_tokens, checksum, num_state_bytes = HEAD.unpack(data)
    if magic != MAGIC or theirs != made_by or not 0 < num_tokens <= MAX_TOKENS:
        return None
    return _Head(num_tokens, checksum, num_state_bytes)


def _read_tokens(file: BinaryIO, num_tokens: int) -> list[int] | None:
    data = file.read(4 * num_tokens)
    return np.frombuffer(data, np.int32).tolist() if len(data) == 4 * num_tokens else None
