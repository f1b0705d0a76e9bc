"""Who runs, in which sequence of the cells, and who waits for a place. Loop thread only; decides nothing.

A sequence is in one of the two at a time, from its arrival to its end. What leaves a place leaves its cells as cache.
"""

from collections.abc import Callable, Iterator

from bdchat.engine.kv.cache import Claim, KVCache
from bdchat.engine.scheduling.fairness.waiting import WaitingLine
from bdchat.engine.scheduling.sequence import Sequence


class Places:
    """Owned by the scheduler. Invariant: a sequence has a seq id exactly while it is in `running`."""

    def __init__(self, kv_cache: KVCache, *, num_places: int, clock: Callable[[], float]) -> None:
        self._kv_cache = kv_cache
        self._clock = clock
        self._num_places = num_places
        self.running: list[Sequence] = []
        self.waiting = WaitingLine()

    @property
    def num_free(self) -> int:
        return self._num_places - len(self.running)

    @property
    def is_empty(self) -> bool:
        return not self.running and not len(self.waiting)

    def all(self) -> Iterator[Sequence]:
        """Also while they leave."""
        return iter((*self.running, *self.waiting))

    def enter(self, sequence: Sequence, claim: Claim) -> None:
        """From the line to a place."""
        self.waiting.remove(sequence)
        self.running.append(sequence)
        sequence.seq_id = claim.seq_id
        sequence.num_computed_tokens = claim.num_cached_tokens
        sequence.go_on(self._clock())

    def give_way(self, sequence: Sequence) -> None:
        """Back to the head of the line; what it computed stays as cache (or moves to RAM when evicted)."""
        self._vacate(sequence, keep=True)
        sequence.num_computed_tokens = 0
        sequence.pause(self._clock())
        self.waiting.put_first(sequence)

    def leave(self, sequence: Sequence, *, keep: bool) -> None:
        """It has ended. `keep`: its cells may be trusted."""
        if sequence in self.running:
            self._vacate(sequence, keep=keep)
        else:
            self.waiting.remove(sequence)
        if self.is_empty:
            self._kv_cache.check()

    def _vacate(self, sequence: Sequence, *, keep: bool) -> None:
        self.running.remove(sequence)
        assert sequence.seq_id is not None
        self._kv_cache.release(sequence.seq_id, keep=keep, tag=sequence.request.cache_tag)
        sequence.seq_id = None
