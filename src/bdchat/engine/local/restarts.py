"""Restart policy of a dead engine process: backoff, and when to give up. Pure; the clock is handed in."""

import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bdchat.engine.errors import speaks_of_memory

MAX_SHRINKS = 6  # the first four take places, the last two the context of the only one
_BACKOFF_S = (0.1, 0.5, 2.0, 5.0)
_CRASH_SIGNALS = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGBUS, signal.SIGFPE, signal.SIGTRAP}
)


class Death(NamedTuple):
    """How an engine process ended."""

    returncode: int  # -signal when a signal ended it
    killed_because: str = ""  # the parent had to kill it, and why
    was_oom: bool = False  # the kernel's out-of-memory killer struck meanwhile
    last_words: str = ""  # the end of its stderr
    is_the_plans_fault: bool = False  # memory ended, and the next life has a smaller plan: no request is to blame

    @property
    def may_be_a_requests_fault(self) -> bool:
        """A kill from outside never is: whoever kills an engine twenty times must not get its guests refused."""
        if self.is_the_plans_fault:
            return False
        if self.killed_because or self.was_oom:
            return True
        return -self.returncode in _CRASH_SIGNALS or self.returncode > 0

    @property
    def ran_out_of_memory(self) -> bool:
        return self.was_oom or (self.returncode != 0 and not self.killed_because and speaks_of_memory(self.last_words))

    @property
    def is_unexplained_kill(self) -> bool:
        """SIGKILL that neither we nor, as far as it tells, the kernel sent: another's witness may see what ours does
        not, of a container or a machine below this one."""
        return self.returncode == -signal.SIGKILL and not self.killed_because and not self.was_oom

    @property
    def cause(self) -> str:
        if self.killed_because:
            return self.killed_because
        if self.was_oom:
            return "the system ran out of memory"
        if self.returncode < 0:
            try:
                return signal.Signals(-self.returncode).name
            except ValueError:
                return f"signal {-self.returncode}"
        return f"exit status {self.returncode}"

    @property
    def description(self) -> str:
        """One line: the cause, and what was said before faulthandler spoke (llama.cpp's assertion, an exception)."""
        lines = self.last_words.partition("Fatal Python error")[0].splitlines()
        return f"{self.cause}: {lines[-1]}" if lines else self.cause


class RestartPolicy:
    """Backoff grows with deaths without progress; more than max_deaths of them within window_s are a crash loop."""

    def __init__(self, clock: Callable[[], float], *, max_deaths: int = 5, window_s: float = 60.0) -> None:
        self._clock = clock
        self._max_deaths = max_deaths
        self._window_s = window_s
        self._deaths: deque[float] = deque()

    def note_progress(self) -> None:
        """A token was generated: this is no crash loop."""
        self._deaths.clear()

    def note_death(self) -> float | None:
        """Seconds to wait before the next start; None: give up."""
        now = self._clock()
        self._deaths.append(now)
        while self._deaths[0] < now - self._window_s:
            self._deaths.popleft()
        if len(self._deaths) > self._max_deaths:
            self._deaths.clear()
            return None
        return _BACKOFF_S[min(len(self._deaths), len(_BACKOFF_S)) - 1]


class Shrinking:
    """When memory ends, the next life gets half of the plan, a few times: never an endless loop. Who is killed without
    a word while it loads was most likely too large; in service only the second kill in a row says so."""

    def __init__(self) -> None:
        self.num_shrinks = 0
        self._num_kills = 0  # without a word, in service, in a row

    def note_progress(self) -> None:
        self._num_kills = 0

    def note_kill(self, *, was_ready: bool) -> None:
        """By nobody knows whom. If it is no want of memory, the restart policy gives up in the end."""
        self._num_kills += 1
        if not was_ready or self._num_kills > 1:
            self.shrink()

    @property
    def may_shrink(self) -> bool:
        return self.num_shrinks < MAX_SHRINKS

    def shrink(self) -> bool:
        """False: it is the smallest plan already."""
        if not self.may_shrink:
            return False
        self.num_shrinks += 1
        return True


class OOMWitness:
    """Tells a kill by the kernel for want of memory from any other SIGKILL: by the machine's count, or the group's."""

    def __init__(
        self, vmstat: Path = Path("/proc/vmstat"), events: Path = Path("/sys/fs/cgroup/memory.events")
    ) -> None:
        self._files = (vmstat, events)
        self._before = self._count()

    def saw_a_kill(self) -> bool:
        """Since the last call, or since the beginning."""
        before, self._before = self._before, self._count()
        return self._before > before

    def _count(self) -> int:
        return sum(_kills_in(file) for file in self._files)


def _kills_in(file: Path) -> int:
    try:
        lines = file.read_text("ascii").splitlines()
    except OSError:
        return 0  # not Linux, or no group of its own: then no death is blamed on memory
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
