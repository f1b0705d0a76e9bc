"""What keeping a prefix is worth: chance of reuse × cost of reading it again ÷ room, by which every tier evicts. Pure;
times by the scheduler's clock.

GreedyDual-Size (Cao and Irani 1997) with frequencies: each tier has an inflation value L. What is used has L added to
its worth from then on, and what is evicted raises L to the worth it had: so what nobody uses any more is passed, sooner
or later, by what was worth less. Uses count the less the older they are.
"""

import math
from collections.abc import Callable

HALF_LIFE_S = 600.0  # of a use: after ten minutes it says half as much of the next one
# A newcomer takes the place of what is worth clearly less: of many that are asked for in turn and do not all fit, those
# that are there stay and are found again; taking each other's place, none would be. Of equals one that was not used for
# 193 s is worth so much less.
MARGIN = 1.25

RecomputeMs = Callable[[int, int], float]  # of a prompt's tokens from … to


def tokens_alone(begin: int, end: int) -> float:
    """Where nothing is known of times."""
    return float(end - begin)


class Uses:
    """How often something was asked for."""

    __slots__ = ("_at", "_num")

    def __init__(self, now: float, num: float = 1.0) -> None:
        self._at = now
        self._num = num

    def note(self, now: float) -> None:
        self._num = self.at(now) + 1.0
        self._at = now

    def at(self, now: float) -> float:
        return self._num * math.exp2(-max(0.0, now - self._at) / HALF_LIFE_S)


class TierWorth:
    """Of one tier's items, ints of its owner's. `saved_ms`: what having one saves when it is asked for. `room`: in
    whatever the tier is short of."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._inflation = 0.0
        self._uses: dict[int, Uses] = {}
        self._floors: dict[int, float] = {}

    def enter(self, item: int, uses: Uses) -> None:
        self._uses[item] = uses
        self._floors[item] = self._inflation

    def leave(self, item: int) -> None:
        del self._uses[item], self._floors[item]

    def use(self, item: int) -> None:
        self._uses[item].note(self.clock())
        self._floors[item] = self._inflation

    def uses(self, item: int) -> Uses:
        return self._uses[item]

    def of(self, item: int, saved_ms: float, room: float, *, others: float = 0.0) -> float:
        """`others`: uses of what else would want it."""
        return self._floors[item] + (self._uses[item].at(self.clock()) + others) * saved_ms / max(room, 1.0)

    def of_new(self, uses: Uses, saved_ms: float, room: float) -> float:
        return self._inflation + uses.at(self.clock()) * saved_ms / max(room, 1.0)

    def note_evicted(self, worth: float) -> None:
        self._inflation = max(self._inflation, worth)
