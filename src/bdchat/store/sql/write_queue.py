"""The queue for the one writer. Any thread; knows neither work nor database.

What somebody waits for goes first, as many as wait together. A slice of a long job goes when nobody waits, or when
enough others went before it: under any load a long job ends. Slices share a turn only while they are small.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_GROUP = 64  # in one turn
MAX_SLICE_BYTES = 256 * 1024  # of texts and terms that the slices of one turn write: 10 to 30 ms
MAX_TURNS_BEFORE_A_SLICE = 8

Job = TypeVar("Job")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Job]):
    job: Job
    slice_bytes: int | None  # None: it is no slice


class WriteQueue(Generic[Job]):
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Waiting[Job]] = deque()
        self._slices: deque[Waiting[Job]] = deque()
        self._num_turns = 0  # that jobs took while a slice waited
        self._is_closed = False

    @property
    def is_empty(self) -> bool:
        return not self._jobs and not self._slices

    @property
    def is_awaited(self) -> bool:
        """Somebody waits for a job, or for the end."""
        return bool(self._jobs) or self._is_closed

    def put(self, job: Job) -> None:
        self._put(self._jobs, Waiting(job, None))

    def put_slice(self, job: Job, num_bytes: int) -> None:
        self._put(self._slices, Waiting(job, num_bytes))

    def put_back(self, turn: Sequence[Waiting[Job]]) -> None:
        """What was taken and did not begin: it is first again."""
        with self._changed:
            for waiting in reversed(turn):
                (self._jobs if waiting.slice_bytes is None else self._slices).appendleft(waiting)

    def close(self) -> None:
        """What is there already is still taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self, *, max_jobs: int = MAX_GROUP) -> list[Waiting[Job]]:
        """The next turn, waiting for one; nothing: closed, and all was taken."""
        with self._changed:
            while self.is_empty and not self._is_closed:
                self._changed.wait()
            if self._slices and (not self._jobs or self._num_turns >= MAX_TURNS_BEFORE_A_SLICE):
                self._num_turns = 0
                return self._take_slices(max_jobs)
            if self._slices:
                self._num_turns += 1
            return [self._jobs.popleft() for _ in range(min(max_jobs, len(self._jobs)))]

    def _put(self, queue: deque[Waiting[Job]], waiting: Waiting[Job]) -> None:
        with self._changed:
            queue.append(waiting)
            self._changed.notify()

    def _take_slices(self, max_jobs: int) -> list[Waiting[Job]]:
        taken: list[Waiting[Job]] = []
        num_bytes = 0
        while self._slices and len(taken) < max_jobs:
            num_bytes += self._slices[0].slice_bytes or 0
            if taken and num_bytes > MAX_SLICE_BYTES:
                break
            taken.append(self._slices.popleft())
        return taken
