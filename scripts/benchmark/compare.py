"""Runs the loads on the contenders, interleaved. Owns the order of things and the files of bench-results/.

Every measurement has a server of its own, started for it and ended after it. Servers left running side by side would
share memory, page cache and a waiting thread or two, and each would carry its earlier loads' cells, which cost time in
every step; a fresh start costs seconds and leaves nothing to argue about. The order is A B A B at each level, so that
what the machine does meanwhile meets both.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from . import counters
from .prompts import Shape
from .servers import Contender, Running, started
from .workloads import Figures, Workload

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    server: str
    workload: str
    level: int
    repeat: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Job:
    """One workload, its levels, and who takes part in it."""

    workload: Workload
    levels: tuple[int, ...]
    contenders: tuple[Contender, ...]


@dataclass(slots=True)
class Comparison:
    repeats: int
    seed: int
    logs: Path
    log: Log
    api_key: str | None = None
    runs: list[Run] = field(default_factory=list)

    async def run(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            for level in job.levels:
                for repeat in range(self.repeats):
                    for contender in job.contenders:
                        await self._measure(job.workload, contender, level, repeat)

    async def _measure(self, workload: Workload, contender: Contender, level: int, repeat: int) -> None:
        seed = self.seed * 1000 + repeat
        async with started(contender, self.logs, api_key=self.api_key) as running:
            shape = await Shape.measure(running.client, random.Random(f"warm-up {seed}"))  # noqa: S311
            figures = await observed(workload, running, shape, level, seed)
        figures["start_s"] = running.start_s
        self.runs.append(Run(contender.name, workload.name, level, repeat, figures))
        self.log(
            f"{workload.name} {level} · repeat {repeat + 1} · {contender.name}: {headline(workload.name, figures)}"
        )


async def observed(workload: Workload, running: Running, shape: Shape, level: int, seed: int) -> Figures:
    """The workload's own figures, and what the server and this client spent on it."""
    tree = running.tree
    before = await counters.read(running.client)
    server_cpu = tree.cpu_seconds() if tree else 0.0
    client_cpu, load, began = time.process_time(), os.getloadavg()[0], time.perf_counter()
    figures = await workload.measure(running.client, shape, level, seed)
    wall_s = time.perf_counter() - began
    figures["client_cpu_s"] = time.process_time() - client_cpu
    figures["client_cpu_us_per_event"] = figures["client_cpu_s"] * 1e6 / max(1, figures.get("num_events", 0))
    figures["load_average"] = load
    if tree is not None:
        figures["cpu_s"] = tree.cpu_seconds() - server_cpu
        figures["cpu_share"] = figures["cpu_s"] / (wall_s * (psutil.cpu_count() or 1))
        figures["peak_memory_mb"] = tree.peak_memory_bytes() / 1e6
    figures |= counters.between(before, await counters.read(running.client))
    return figures


HEADLINES = {
    "streams": (
        "tokens_per_s",
        "ttft_p50_ms",
        "ttft_p95_ms",
        "gap_p50_ms",
        "gap_p95_ms",
        "gap_max_ms",
        "outside_share",
    ),
    "sessions": ("evaluated_ratio", "prompt_tokens_evaluated", "least_possible", "later_ttft_p50_ms"),
    "oversubscribed": ("evaluated_ratio", "held_over_cells", "later_ttft_p50_ms", "wall_s"),
    "prefix": ("evaluated_ratio", "prompt_tokens_evaluated", "least_possible", "ttft_p50_ms"),
    "intrusion": ("largest_gap_s", "ttft_s", "median_gap_s"),
    "flood": ("ttft_ratio", "ttft_p50_ms", "idle_ttft_p50_ms", "throughput_ratio", "tokens_per_s"),
}


def headline(workload: str, figures: Figures) -> str:
    shown = [f"{name} {figures[name]:.4g}" for name in HEADLINES.get(workload, ()) if name in figures]
    return ", ".join(shown)
