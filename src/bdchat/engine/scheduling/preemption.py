"""Who gives way when cells run out, and how. Loop thread only."""

from bdchat.engine.metrics import Counts
from bdchat.engine.scheduling.places import Places
from bdchat.engine.scheduling.sequence import Sequence


class Preemption:
    """Owned by the scheduler."""

    def __init__(self, places: Places, counts: Counts) -> None:
        self._places = places
        self._counts = counts

    @property
    def victim(self) -> Sequence:
        """Of those that run, the one that gives way first: the latest comer. Somebody runs."""
        return max(self._places.running, key=lambda s: (s.admitted_at or 0.0, s.arrived_at, s.index))

    def preempt(self, sequence: Sequence) -> None:
        """It goes on later, with nothing lost but time."""
        self._places.give_way(sequence)
        self._counts.num_preemptions += 1
