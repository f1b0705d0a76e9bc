"""The bars that a comparison must clear, computed from its runs. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bdchat.settings import EngineSettings

from .compare import Run
from .figures import Spread, geometric_mean

MIN_GEOMETRIC_MEAN = 1.05
MIN_RATIO = 0.98
FULL_LEVEL = 16
MAX_OUTSIDE_SHARE = 0.025
MAX_GAP_P95_MS = EngineSettings().max_gap_ms
MAX_GAP_MS = 400.0
MAX_STREAMS_TTFT_RATIO = 0.5  # p95, to the peer's best
MAX_PREFIX_RATIO = 1.15
MAX_SESSIONS_RATIO = 1.05
MAX_OVERSUBSCRIBED_RATIO = 1.10
MAX_LATER_TTFT_RATIO = 0.3
MAX_INTRUSION_GAP_S = 2 * EngineSettings().max_gap_ms / 1000
MAX_INTRUSION_GAP_RATIO = 1 / 20
MAX_INTRUSION_TTFT_RATIO = 1.25
MAX_FLOOD_TTFT_RATIO = 2.0  # to the idle server
MAX_FLOOD_PEER_RATIO = 1 / 10
MIN_FLOOD_THROUGHPUT = 0.97


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
    if "oversubscribed" in workloads:
        found += _oversubscribed(runs, ours)
    if "intrusion" in workloads:
        found += _intrusion(runs, ours, peers)
    if "flood" in workloads:
        found += _flood(runs, ours)
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
    if FULL_LEVEL in levels_of(runs, "streams"):
        found += _full(runs, ours, peers)
    return found


def _full(runs: Sequence[Run], ours: str, peers: Sequence[str]) -> list[Bar]:
    """What a reader among many sees."""
    found = []
    p95, largest, ttft = (
        spread(runs, ours, "streams", FULL_LEVEL, name) for name in ("gap_p95_ms", "gap_max_ms", "ttft_p95_ms")
    )
    if not math.isnan(p95.median):
        text = f"gap between tokens at {FULL_LEVEL} streams: p95 {_three(p95)} ms (≤ {MAX_GAP_P95_MS:.0f}), largest "
        text += f"{_three(largest)} ms (≤ {MAX_GAP_MS:.0f})"
        found.append(Bar(2, text, p95.median <= MAX_GAP_P95_MS and largest.median <= MAX_GAP_MS))
    best, name = _best(runs, peers, "streams", FULL_LEVEL, "ttft_p95_ms")
    if name:
        ratio = ttft.median / best
        text = f"TTFT p95 at {FULL_LEVEL} streams {ttft.median:.0f} ms, {name} {best:.0f} ms: {ratio:.2f}"
        found.append(Bar(2, f"{text} (≤ {MAX_STREAMS_TTFT_RATIO})", ratio <= MAX_STREAMS_TTFT_RATIO))
    share = spread(runs, ours, "streams", FULL_LEVEL, "outside_share").median
    if not math.isnan(share):
        text = f"outside llama_decode {share:.2%} of engine time at {FULL_LEVEL} streams (≤ {MAX_OUTSIDE_SHARE:.1%})"
        found.append(Bar(8, text, share <= MAX_OUTSIDE_SHARE))
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


def _oversubscribed(runs: Sequence[Run], ours: str) -> list[Bar]:
    level = levels_of(runs, "oversubscribed")[0]
    ratio, ttft = (
        spread(runs, ours, "oversubscribed", level, name) for name in ("evaluated_ratio", "later_ttft_p50_ms")
    )
    text = f"more chats than cells: evaluated {_three(ratio, 3)} × the least possible (≤ {MAX_OVERSUBSCRIBED_RATIO})"
    found = [Bar(4, text, ratio.median <= MAX_OVERSUBSCRIBED_RATIO)]
    best, name = _best(runs, _others(runs, ours, "oversubscribed"), "oversubscribed", level, "later_ttft_p50_ms")
    if name:
        share = ttft.median / best
        text = f"TTFT p50 of later turns {ttft.median:.0f} ms, {name} {best:.0f} ms: {share:.2f}"
        found.append(Bar(4, f"{text} (≤ {MAX_LATER_TTFT_RATIO})", share <= MAX_LATER_TTFT_RATIO))
    return found


def _intrusion(runs: Sequence[Run], ours: str, peers: Sequence[str]) -> list[Bar]:
    gap, ttft = (_median(runs, ours, "intrusion", name) for name in ("largest_gap_s", "ttft_s"))
    found = [Bar(3, f"largest gap {gap:.3f} s (≤ {MAX_INTRUSION_GAP_S})", gap <= MAX_INTRUSION_GAP_S)]
    if not peers:
        return found
    peer = peers[0]
    peer_gap, peer_ttft = (_median(runs, peer, "intrusion", name) for name in ("largest_gap_s", "ttft_s"))
    ratio, most = gap / peer_gap, MAX_INTRUSION_GAP_RATIO
    found.append(Bar(3, f"largest gap {gap:.3f} s, {peer} {peer_gap:.3f} s: {ratio:.3f} (≤ {most})", ratio <= most))
    ratio, most = ttft / peer_ttft, MAX_INTRUSION_TTFT_RATIO
    found.append(Bar(3, f"its own TTFT {ttft:.2f} s, {peer} {peer_ttft:.2f} s: {ratio:.2f} (≤ {most})", ratio <= most))
    return found


def _flood(runs: Sequence[Run], ours: str) -> list[Bar]:
    level = levels_of(runs, "flood")[0]
    ttft, ratio, throughput = (
        spread(runs, ours, "flood", level, name) for name in ("ttft_p50_ms", "ttft_ratio", "throughput_ratio")
    )
    text = f"one who waits behind {level} batch requests: TTFT {_three(ratio, 2)} × idle (≤ {MAX_FLOOD_TTFT_RATIO:.0f})"
    found = [Bar(1, text, ratio.median <= MAX_FLOOD_TTFT_RATIO)]
    best, name = _best(runs, _others(runs, ours, "flood"), "flood", level, "ttft_p50_ms")
    if name:
        share = ttft.median / best
        text = f"its TTFT {ttft.median:.0f} ms, {name} {best:.0f} ms: {share:.3f} (≤ {MAX_FLOOD_PEER_RATIO})"
        found.append(Bar(1, text, share <= MAX_FLOOD_PEER_RATIO))
    text = f"throughput with them over without: {_three(throughput, 3)} (≥ {MIN_FLOOD_THROUGHPUT})"
    return [*found, Bar(1, text, throughput.median >= MIN_FLOOD_THROUGHPUT)]


def _others(runs: Sequence[Run], ours: str, workload: str) -> list[str]:
    """Loads that meet the peer with flags of their own: all that took part."""
    return list(dict.fromkeys(run.server for run in runs if run.workload == workload and run.server != ours))


def _best(
    runs: Sequence[Run], peers: Sequence[str], workload: str, level: int, figure: str
) -> tuple[float, str | None]:
    """The lowest median among the peer's sets of flags, and whose it is; (NaN, None) where none was measured."""
    medians = {peer: spread(runs, peer, workload, level, figure).median for peer in peers}
    known = {peer: median for peer, median in medians.items() if not math.isnan(median)}
    if not known:
        return math.nan, None
    name = min(known, key=lambda peer: known[peer])
    return known[name], name


def _three(value: Spread, digits: int = 0) -> str:
    return " / ".join(f"{part:.{digits}f}" for part in (value.low, value.median, value.high))


def _median(runs: Sequence[Run], server: str, workload: str, figure: str) -> float:
    level = levels_of(runs, workload)[0]
    return spread(runs, server, workload, level, figure).median


def _theirs(runs: Sequence[Run], peers: Sequence[str], workload: str, figure: str) -> str:
    value = _median(runs, peers[0], workload, figure) if peers else math.nan
    return "" if math.isnan(value) else f"; {peers[0]} {value:.3f}"
