"""One picture of a comparison: throughput over streams, and a bar chart for each other load. Needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from .bars import levels_of, spread
from .compare import Run

mpl.use("Agg")  # writes files, opens no window

PANELS = (
    ("streams", "tokens_per_s", "tokens/s over streams"),
    ("streams", "ttft_p50_ms", "TTFT p50 over streams, ms"),
    ("sessions", "evaluated_ratio", "12 × 6 turns: evaluated ÷ least possible"),
    ("sessions", "later_ttft_p50_ms", "12 × 6 turns: TTFT p50 of later turns, ms"),
    ("prefix", "evaluated_ratio", "8 at once: evaluated ÷ least possible"),
    ("intrusion", "largest_gap_s", "3,000 tokens arrive: largest gap, s"),
)


def write_plot(path: Path, runs: Sequence[Run]) -> None:
    from matplotlib import pyplot  # after the choice of "Agg"

    measured = {run.workload for run in runs}
    panels = [panel for panel in PANELS if panel[0] in measured]
    if not panels:
        return
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(6.4 * columns, 3.4 * rows), squeeze=False)
    for axes, (workload, name, title) in zip(grid.flat, panels, strict=False):
        _draw(axes, runs, workload, name)
        axes.set_title(title, fontsize=10)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _draw(axes: Axes, runs: Sequence[Run], workload: str, name: str) -> None:
    servers = list(dict.fromkeys(run.server for run in runs if run.workload == workload))
    levels = levels_of(runs, workload)
    for place, server in enumerate(servers):
        spreads = [spread(runs, server, workload, level, name) for level in levels]
        medians = [value.median for value in spreads]
        errors = [
            [value.median - value.low for value in spreads],
            [value.high - value.median for value in spreads],
        ]
        if len(levels) > 1:
            axes.errorbar(levels, medians, yerr=errors, marker="o", capsize=3, label=server)
        else:
            axes.bar([place], medians, yerr=errors, capsize=3, label=server)
            axes.set_xticks([])
    if len(levels) > 1:
        axes.set_xscale("log", base=2)
        axes.set_xticks(levels, [str(level) for level in levels])
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
