"""About how many tokens a second a model will write here: from its weights, and from models that were measured here.

Writing a token reads the weights once, so the time of a step grows with their bytes. How fast this machine's kernels
read them is in the calibrations that engine processes leave in the cache folder (llama/measurement.py). Any thread;
reads files.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import msgspec


class MeasuredStep(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a calibration file."""

    machine: str
    step_bytes: int
    step_ms: float


class Speeds:
    def __init__(self, steps: Iterable[MeasuredStep] = ()) -> None:
        """Of one machine. Of several measurements of one size the fastest counts: others' work only adds time."""
        fastest: dict[int, float] = {}
        for step in steps:
            if step.step_bytes > 0 and step.step_ms > 0:
                fastest[step.step_bytes] = min(step.step_ms, fastest.get(step.step_bytes, step.step_ms))
        self._points = sorted(fastest.items())  # (bytes, ms)

    @classmethod
    def of(cls, cache_dir: Path, machine: str) -> Self:
        """`machine`: host.machine_identity. What cannot be read was written by another version."""
        return cls(
            step for step in map(_read, cache_dir.glob("calibration-*.json")) if step and step.machine == machine
        )

    def tokens_per_s(self, step_bytes: int) -> float | None:
        """None: no model was measured here yet."""
        if not self._points or step_bytes <= 0:
            return None
        return 1000 / _step_ms(self._points, step_bytes)


def _step_ms(points: Sequence[tuple[int, float]], step_bytes: int) -> float:
    """The bytes that are read per millisecond change slowly with the size: between two measured sizes they are told by
    the logarithm of the size, beyond them they are the nearest one's."""
    smaller = max((point for point in points if point[0] <= step_bytes), default=points[0])
    larger = min((point for point in points if point[0] >= step_bytes), default=points[-1])
    (low_bytes, low_ms), (high_bytes, high_ms) = min(smaller, larger), max(smaller, larger)
    low_rate, high_rate = low_bytes / low_ms, high_bytes / high_ms
    if low_bytes == high_bytes or not low_bytes < step_bytes < high_bytes:
        rate = high_rate if step_bytes >= high_bytes else low_rate
    else:
        share = math.log(step_bytes / low_bytes) / math.log(high_bytes / low_bytes)
        rate = low_rate + share * (high_rate - low_rate)
    return step_bytes / rate


def _read(path: Path) -> MeasuredStep | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=MeasuredStep)
    except (OSError, msgspec.DecodeError):
        return None
