"""Limits on what reading a file of chats may cost, in proportion to the file: processor time, and unpacked bytes of a
ZIP. Spent in the thread that reads; `stop` from any.

A few MB of ZIP unpack to gigabytes of `{},{},…`, which no bound on a file, a chat or a string forbids. So what is
unpacked without becoming a chat is counted over all files, and a chat makes good what it weighs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bdchat.settings import MIB
from bdchat.store.transfer.reasons import Refused

MAX_UNPACKED = 4  # times what an import may hold
CPU_SCALE_BYTES = 4 * MIB  # of a file have as much again: 7.5 s a MiB, of which JSON needs 0.15 and a ZIP of it 1.8
BARREN_BASE_BYTES = 32 * MIB  # what other files an export has, and the largest chat before it is one
BARREN_RATIO = 16  # times the file: JSON shrinks to a fifteenth
ENTRY_BYTES = 32  # what is no chat counts as so much more: `{},` costs as much time as 35 bytes of a chat
CHAT_BYTES_PER_WEIGHT = 3  # a letter weighs two bytes, as an escape it has six


class Exhausted(Refused):
    """Why the rest of a file is not read."""


class Stopped(Exception):
    """Nobody wants the rest."""


class Allowance:
    """`num_bytes`: of the file; `max_bytes`: of any; `cpu_s`: of the smallest."""

    def __init__(
        self, num_bytes: int, *, max_bytes: int, cpu_s: float, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self.num_left_bytes = max_bytes * MAX_UNPACKED
        self._max_barren_bytes = BARREN_BASE_BYTES + BARREN_RATIO * num_bytes
        self._num_barren_bytes = 0
        self._cpu_s = cpu_s * (1 + num_bytes / CPU_SCALE_BYTES)
        self._used_s = 0.0
        self._clock = clock
        self._since_s = 0.0
        self._is_stopped = False

    def stop(self) -> None:
        self._is_stopped = True

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around work of one thread; each time it may be another."""
        self._since_s = self._clock()
        try:
            yield
        finally:
            self._used_s += self._clock() - self._since_s

    def check(self) -> None:
        """While working. Raises Exhausted, Stopped."""
        if self._is_stopped:
            raise Stopped
        if self._used_s + self._clock() - self._since_s > self._cpu_s:
            raise Exhausted("too_much_work", num_s=round(self._cpu_s))

    def unpack(self, num_bytes: int) -> None:
        """Raises Exhausted."""
        self.num_left_bytes -= num_bytes
        if self.num_left_bytes < 0:
            raise Exhausted("zip_too_large")
        self._pass_over(num_bytes)

    def found_no_chat(self) -> None:
        """Raises Exhausted; never for what was not packed: an entry has two bytes at least."""
        self._pass_over(ENTRY_BYTES)

    def found_chat(self, weight_bytes: int) -> None:
        """`weight_bytes`: as objects."""
        self._num_barren_bytes = max(0, self._num_barren_bytes - CHAT_BYTES_PER_WEIGHT * weight_bytes)

    def _pass_over(self, num_bytes: int) -> None:
        self._num_barren_bytes += num_bytes
        if self._num_barren_bytes > self._max_barren_bytes:
            raise Exhausted("zip_barren", num_mib=self._max_barren_bytes // MIB)
