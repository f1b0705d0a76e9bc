"""Histograms of time to first token and between tokens, cheap enough to be observed per token, and of what answers
waited for. Event loop only.

metrics.py shows it to Prometheus; nothing here knows Prometheus, whose own histograms cost several times more.
"""

from bisect import bisect_left
from collections.abc import Iterator

from bdchat.engine.request import Finished, Priority

TTFT_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0)
INTER_TOKEN_BOUNDS_S = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0)
LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)

FORETOLD_BOUNDS = (0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 2.0, 4.0)
LEAST_FORETOLD_S = 0.5  # a shorter wait is over before anybody has read how long it will be


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
        self.queue_wait = {priority: Histogram(TTFT_BOUNDS_S) for priority in Priority}
        self.foretold = Histogram(FORETOLD_BOUNDS)  # what a request was first told of the time left ÷ what it took
        self.saved_s = 0.0  # reading that the cache saved; only grows
        self.paused_s = 0.0

    def finished(self, event: Finished, priority: Priority) -> None:
        reason, timings = event.reason.value, event.timings
        self.num_finished[reason] = self.num_finished.get(reason, 0) + 1
        self.queue_wait[priority].observe(timings.queue_ms / 1000)
        self.saved_s += max(0.0, timings.saved_ms) / 1000
        self.paused_s += timings.swapped_ms / 1000

    def came_true(self, *, foretold_s: float, real_s: float) -> None:
        if real_s >= LEAST_FORETOLD_S:
            self.foretold.observe(foretold_s / real_s)
