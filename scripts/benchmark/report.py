"""Figures → a table on the console, a JSON file and a plot. Knows no server."""

import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .bars import Bar, levels_of, spread, throughput_ratios
from .compare import Run
from .figures import Spread, geometric_mean

SHOWN: Mapping[str, tuple[str, ...]] = {
    "streams": (
        "tokens_per_s",
        "ttft_p50_ms",
        "ttft_p95_ms",
        "ttft_max_ms",
        "gap_p50_ms",
        "gap_p95_ms",
        "gap_max_ms",
        "prompt_tokens_evaluated",
        "prompt_tokens_cached",
        "cpu_s",
        "peak_memory_mb",
        "client_cpu_us_per_event",
        "outside_share",
    ),
    "sessions": (
        "evaluated_ratio",
        "prompt_tokens_evaluated",
        "prompt_tokens_cached",
        "least_possible",
        "turns_retokenised",
        *(f"ttft_turn_{turn}_p50_ms" for turn in range(1, 7)),
        "later_ttft_p50_ms",
        "later_ttft_p95_ms",
        "tokens_per_s",
        "cpu_s",
        "peak_memory_mb",
    ),
    "prefix": (
        "evaluated_ratio",
        "prompt_tokens_evaluated",
        "prompt_tokens_cached",
        "least_possible",
        "ttft_p50_ms",
        "ttft_max_ms",
        "tokens_per_s",
        "cpu_s",
        "peak_memory_mb",
    ),
    "oversubscribed": (
        "evaluated_ratio",
        "prompt_tokens_evaluated",
        "least_possible",
        "held_over_cells",
        "turns_retokenised",
        "ttft_turn_1_p50_ms",
        "later_ttft_p50_ms",
        "later_ttft_p95_ms",
        "tokens_per_s",
        "wall_s",
        "cpu_s",
        "peak_memory_mb",
    ),
    "flood": (
        "idle_ttft_p50_ms",
        "ttft_p50_ms",
        "ttft_p95_ms",
        "ttft_max_ms",
        "ttft_ratio",
        "alone_tokens_per_s",
        "tokens_per_s",
        "throughput_ratio",
        "gap_p95_ms",
        "gap_max_ms",
        "cpu_s",
    ),
    "intrusion": ("largest_gap_s", "median_gap_s", "calm_gap_s", "ttft_s", "cpu_s", "peak_memory_mb"),
}


def show(console: Console, runs: Sequence[Run]) -> None:
    """min / median / max of the repeats, servers side by side."""
    for workload, figures in SHOWN.items():
        servers = list(dict.fromkeys(run.server for run in runs if run.workload == workload))
        for level in levels_of(runs, workload):
            table = Table(title=f"{workload} {level}", title_justify="left")
            table.add_column("min / median / max")
            for server in servers:
                table.add_column(server, justify="right")
            for figure in figures:
                table.add_row(figure, *(_cell(spread(runs, server, workload, level, figure)) for server in servers))
            console.print(table)


def show_ratios(console: Console, runs: Sequence[Run], ours: str, peers: Sequence[str]) -> None:
    ratios = throughput_ratios(runs, ours, peers)
    if not ratios:
        return
    table = Table(title="throughput against the peer's best flags at each level", title_justify="left")
    for heading in ("streams", "ours tok/s", "theirs tok/s", "ratio", "their flags"):
        table.add_column(heading, justify="right")
    for each in ratios:
        row = (str(each.level), _cell(each.ours), _cell(each.best), f"{each.ratio:.3f}", each.best_name)
        table.add_row(*row)
    table.add_row("geometric mean", "", "", f"{geometric_mean(each.ratio for each in ratios):.3f}", "")
    console.print(table)


def _cell(value: Spread) -> str:
    if value.low == value.high or value.median != value.median:  # the same, or NaN
        return _number(value.median)
    return " / ".join(_number(part) for part in (value.low, value.median, value.high))


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124  # NaN: this server does not tell
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def machine(root: Path) -> dict[str, object]:
    """What the figures hold for."""
    commit = subprocess.run(  # noqa: S603
        ["git", "-C", str(root), "describe", "--always", "--dirty"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "commit": commit.stdout.strip(),
        "load_average": os.getloadavg(),
    }


def _known(figures: Mapping[str, float]) -> dict[str, float | None]:
    """NaN is no JSON: what was not measured is null."""
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def write_json(path: Path, runs: Sequence[Run], bars: Sequence[Bar], facts: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [asdict(run) | {"figures": _known(run.figures)} for run in runs]
    content = {**facts, "runs": shown, "bars": [asdict(bar) for bar in bars]}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
