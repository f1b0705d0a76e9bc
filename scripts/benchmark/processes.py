"""CPU seconds and memory of a server's process tree, and its end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

KIB = 1024


class ProcessTree:
    """A process and its descendants, looked up afresh at each question: engine children come and go."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self._root, *self._root.children(recursive=True)]
        return []

    def cpu_seconds(self) -> float:
        """User and system time of the living, and of the dead that were waited for."""
        total = 0.0
        for process in self._living():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def root_cpu_seconds(self) -> float:
        """Of the process alone, without its children, and of its living threads: as the scheduler counts it, in
        nanoseconds. What psutil reads is counted in timer ticks, and wrong by half for who wakes up with them."""
        tasks = Path(f"/proc/{self._root.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text("ascii").split()[0]) for task in tasks) / 1e9

    def peak_memory_bytes(self) -> int:
        """Sum of each process's peak resident size; pages that two of them share count twice."""
        return sum(_peak_bytes(process) for process in self._living())

    def memory_bytes(self) -> int:
        total = 0
        for process in self._living():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def proportional_bytes(self) -> int:
        """Resident, each page divided by the number of processes that have it. Linux."""
        return sum(_proportional_bytes(process) for process in self._living())

    def largest_child(self) -> psutil.Process | None:
        """The descendant with the most resident memory: the one that holds the model."""
        sizes = {}
        for process in self.processes()[1:]:
            with contextlib.suppress(psutil.Error):
                sizes[process] = process.memory_info().rss
        return max(sizes, key=lambda process: sizes[process], default=None)

    def kill(self) -> None:
        for process in reversed(self.processes()):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _living(self) -> Iterator[psutil.Process]:
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    yield process


def _peak_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * KIB
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)  # no peak outside Linux
    return 0


def _proportional_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * KIB
    return 0
