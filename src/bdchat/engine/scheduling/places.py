"""Who runs, in which sequence of the cells, and who waits for a place. Loop thread only; decides nothing.

A sequence is in one of the two at a time, from its arrival to its end. What ends leaves its cells as cache; what gives
way keeps its state, and comes back with it.
"""

from collections.abc import Callable, Iterator

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.lookup import Claim
from bdchat.engine.kv.swap.space import PausedState
from bdchat.engine.kv.swap.swapping import Swapping
from bdchat.engine.scheduling.fairness.rank import Ranking
from bdchat.engine.scheduling.fairness.waiting import WaitingLine
from bdchat.engine.scheduling.sequence import Sequence


class Places:
    """Owned by the scheduler. Invariant: a sequence has a seq id exactly while it is in `running`."""

    def __init__(self, kv_cache: KVCache, ranking: Ranking, *, num_places: int, clock: Callable[[], float]) -> None:
        self._kv_cache = kv_cache
        self._swapping = Swapping(kv_cache)
        self._clock = clock
        self._num_places = num_places
        self.running: list[Sequence] = []
        self.waiting = WaitingLine(ranking)

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
        self.waiting.give_place(sequence, self._clock())
        self.running.append(sequence)
        sequence.paused_state = None
        sequence.seq_id = claim.seq_id
        sequence.num_computed_tokens = sequence.num_computed_at_entry = claim.num_cached_tokens
        sequence.go_on(self._clock())

    def give_way(self, sequence: Sequence) -> None:
        """Back to the line, with all that it has computed."""
        assert sequence.seq_id is not None
        self.running.remove(sequence)
        sequence.paused_state = self._swapping.out(sequence.seq_id, tag=sequence.request.cache_tag)
        sequence.seq_id = None
        sequence.pause(self._clock())
        self.waiting.put_back(sequence)

    def state_back(self, paused: PausedState) -> Claim | None:
        """A seq id with the state of who gave way, for `enter`. None: not now."""
        return self._swapping.back(paused)

    def leave(self, sequence: Sequence, *, keep: bool) -> None:
        """It has ended. `keep`: its cells may be trusted."""
        if sequence.seq_id is not None:
            self.running.remove(sequence)
            self._kv_cache.release(sequence.seq_id, keep=keep, tag=sequence.request.cache_tag)
            sequence.seq_id = None
        else:
            self.waiting.remove(sequence)
            if sequence.paused_state is not None:
                self._swapping.let_go(sequence.paused_state, keep=keep)
                sequence.paused_state = None
        if self.is_empty:
            self._kv_cache.check()
