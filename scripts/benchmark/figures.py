"""Percentiles, spreads and ratios. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], q: float) -> float:
    """Linear interpolation between the two nearest ranks, q in 0…100. NaN when there are no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    rank = (len(ordered) - 1) * q / 100
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def geometric_mean(values: Iterable[float]) -> float:
    """NaN when there are no values or one is not above zero."""
    items = list(values)
    if not items or any(not value > 0 for value in items):
        return math.nan
    return math.exp(math.fsum(math.log(value) for value in items) / len(items))


@dataclass(frozen=True, slots=True)
class Spread:
    """What repeats of one measurement gave."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        known = [value for value in values if not math.isnan(value)]
        if not known:
            return cls(math.nan, math.nan, math.nan)
        return cls(min(known), percentile(known, 50), max(known))


def quantiles(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """{"NAME_p50_ms", "NAME_p95_ms", "NAME_max_ms"}."""
    return {
        f"{name}_p50_ms": percentile(seconds, 50) * 1000,
        f"{name}_p95_ms": percentile(seconds, 95) * 1000,
        f"{name}_max_ms": (max(seconds) if seconds else math.nan) * 1000,
    }
