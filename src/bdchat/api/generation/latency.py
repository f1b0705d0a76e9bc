"""Histograms of time to first token and between tokens, cheap enough to be observed per token. Event loop only.

metrics.py shows it to Prometheus; nothing here knows Prometheus, whose own histograms cost several times more.
"""

from bisect import bisect_left
from collections.abc import Iterator

from bdchat.engine.request import Finished

TTFT_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0)
INTER_TOKEN_BOUNDS_S = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0)
LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Histogram:
    """Counts per bucket; the last bucket is everything above the last bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.total = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """(upper bound as Prometheus writes it, number of values up to it)"""
        so_far = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self._counts, strict=True):
            so_far += count
            yield bound, so_far


class LatencyMeter:
    def __init__(self) -> None:
        self.ttft = Histogram(TTFT_BOUNDS_S)
        self.inter_token = Histogram(INTER_TOKEN_BOUNDS_S)
        self.loop_lag = Histogram(LAG_BOUNDS_S)
        self.num_finished: dict[str, int] = {}  # choices, by finish reason

    def finished(self, event: Finished) -> None:
        reason = event.reason.value
        self.num_finished[reason] = self.num_finished.get(reason, 0) + 1
