"""The bars that a comparison must clear, computed from its runs. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .compare import Run
from .figures import Spread, geometric_mean

MIN_GEOMETRIC_MEAN = 1.0
MIN_RATIO = 0.93
MAX_OUTSIDE_SHARE = 0.03
OUTSIDE_LEVEL = 16
MAX_PREFIX_RATIO = 1.15
MAX_SESSIONS_RATIO = 1.05
MAX_GAP_RATIO = 1 / 5
MAX_TTFT_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Bar:
    number: int
    text: str
    passed: bool

    def line(self) -> str:
        return f"{'PASS' if self.passed else 'FAIL'}  bar {self.number}: {self.text}"


@dataclass(frozen=True, slots=True)
class LevelRatio:
    level: int
    ours: Spread
    best: Spread
    best_name: str

    @property
    def ratio(self) -> float:
        return self.ours.median / self.best.median


def spread(runs: Sequence[Run], server: str, workload: str, level: int, figure: str) -> Spread:
    return Spread.of(
        run.figures.get(figure, math.nan)
        for run in runs
        if run.server == server and run.workload == workload and run.level == level
    )


def levels_of(runs: Sequence[Run], workload: str) -> list[int]:
    return sorted({run.level for run in runs if run.workload == workload})


def throughput_ratios(runs: Sequence[Run], ours: str, peers: Sequence[str]) -> list[LevelRatio]:
    """Per level, ours against the peer's best set of flags at that level, by the medians of the repeats."""
    found = []
    for level in levels_of(runs, "streams"):
        spreads = {peer: spread(runs, peer, "streams", level, "tokens_per_s") for peer in peers}
        known = {peer: value for peer, value in spreads.items() if not math.isnan(value.median)}
        if known:
            best = max(known, key=lambda peer: known[peer].median)
            own = spread(runs, ours, "streams", level, "tokens_per_s")
            found.append(LevelRatio(level, own, known[best], best))
    return found


def bars(runs: Sequence[Run], ours: str, peers: Sequence[str]) -> list[Bar]:
    """Those for which the runs hold what is needed. peers[0] is the peer at its defaults."""
    found = []
    workloads = {run.workload for run in runs}
    if "streams" in workloads:
        found += _streams(runs, ours, peers)
    if "prefix" in workloads:
        ratio = _median(runs, ours, "prefix", "evaluated_ratio")
        text = f"evaluated {ratio:.3f} × (one prefix + tails), ≤ {MAX_PREFIX_RATIO} wanted"
        found.append(Bar(3, text + _theirs(runs, peers, "prefix", "evaluated_ratio"), ratio <= MAX_PREFIX_RATIO))
    if "sessions" in workloads:
        found += _sessions(runs, ours, peers)
    if "intrusion" in workloads and peers:
        found += _intrusion(runs, ours, peers[0])
    return found


def _streams(runs: Sequence[Run], ours: str, peers: Sequence[str]) -> list[Bar]:
    found = []
    ratios = throughput_ratios(runs, ours, peers)
    if ratios:
        mean = geometric_mean(each.ratio for each in ratios)
        worst = min(ratios, key=lambda each: each.ratio)
        text = f"throughput, geometric mean {mean:.3f} (≥ {MIN_GEOMETRIC_MEAN}), "
        text += f"lowest {worst.ratio:.3f} at {worst.level} (≥ {MIN_RATIO}): "
        text += ", ".join(f"{each.level}: {each.ours.median:.1f}/{each.best.median:.1f}" for each in ratios)
        found.append(Bar(2, text, mean >= MIN_GEOMETRIC_MEAN and worst.ratio >= MIN_RATIO))
    share = spread(runs, ours, "streams", OUTSIDE_LEVEL, "outside_share").median
    if not math.isnan(share):
        text = f"outside llama_decode {share:.2%} of engine time at {OUTSIDE_LEVEL} streams (≤ {MAX_OUTSIDE_SHARE:.0%})"
        found.append(Bar(2, text, share <= MAX_OUTSIDE_SHARE))
    return found


def _sessions(runs: Sequence[Run], ours: str, peers: Sequence[str]) -> list[Bar]:
    ratio = _median(runs, ours, "sessions", "evaluated_ratio")
    text = f"evaluated {ratio:.3f} × the least possible, ≤ {MAX_SESSIONS_RATIO} wanted"
    found = [Bar(4, text + _theirs(runs, peers, "sessions", "evaluated_ratio"), ratio <= MAX_SESSIONS_RATIO)]
    if peers:
        own = _median(runs, ours, "sessions", "later_ttft_p50_ms")
        theirs = _median(runs, peers[0], "sessions", "later_ttft_p50_ms")
        text = f"TTFT p50 of later turns {own:.0f} ms, {peers[0]} {theirs:.0f} ms"
        found.append(Bar(4, text, own < theirs))
    return found


def _intrusion(runs: Sequence[Run], ours: str, peer: str) -> list[Bar]:
    gap, ttft = (_median(runs, ours, "intrusion", name) for name in ("largest_gap_s", "ttft_s"))
    peer_gap, peer_ttft = (_median(runs, peer, "intrusion", name) for name in ("largest_gap_s", "ttft_s"))
    text = f"largest gap {gap:.3f} s, {peer} {peer_gap:.3f} s: {gap / peer_gap:.3f} (≤ {MAX_GAP_RATIO:.1f})"
    return [
        Bar(5, text, gap / peer_gap <= MAX_GAP_RATIO),
        Bar(
            5,
            f"its own TTFT {ttft:.2f} s, {peer} {peer_ttft:.2f} s: {ttft / peer_ttft:.2f} (≤ {MAX_TTFT_RATIO})",
            ttft / peer_ttft <= MAX_TTFT_RATIO,
        ),
    ]


def _median(runs: Sequence[Run], server: str, workload: str, figure: str) -> float:
    level = levels_of(runs, workload)[0]
    return spread(runs, server, workload, level, figure).median


def _theirs(runs: Sequence[Run], peers: Sequence[str], workload: str, figure: str) -> str:
    value = _median(runs, peers[0], workload, figure) if peers else math.nan
    return "" if math.isnan(value) else f"; {peers[0]} {value:.3f}"
