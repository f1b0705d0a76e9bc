"""Which idle sequence leaves its cells first. Loop thread only; decides, moves nothing."""

from collections.abc import Callable

from bdchat.engine.kv.prefix_tree import PrefixTree
from bdchat.engine.kv.worth.tier_worth import RecomputeMs, TierWorth, Uses
from bdchat.engine.model_runner import KVLayout, ModelRunner

MIN_BEGINNING_TOKENS = 64  # below this cells are not worth a sequence id of their own


class CellEviction:
    """Owned by KVCache; knows of live sequences too, for they will be idle."""

    def __init__(
        self, runner: ModelRunner, tree: PrefixTree, recompute_ms: RecomputeMs, clock: Callable[[], float]
    ) -> None:
        self._is_unified = runner.layout is KVLayout.UNIFIED
        self._tree = tree
        self._recompute_ms = recompute_ms
        self._clock = clock
        self._tier = TierWorth(clock)
        self._known: set[int] = set()
        self._shared: dict[int, int] = {}  # seq id → tokens that another began with

    def new(self) -> Uses:
        return Uses(self._clock())

    def copied(self, uses: Uses) -> Uses:
        now = self._clock()
        return Uses(now, uses.at(now))

    def used(self, seq_id: int) -> Uses:
        """What it has been used, and now once more."""
        uses = self.copied(self._tier.uses(seq_id))
        uses.note(self._clock())
        return uses

    def uses(self, seq_id: int) -> Uses:
        return self._tier.uses(seq_id)

    def enter(self, seq_id: int, uses: Uses) -> None:
        self._tier.enter(seq_id, uses)
        self._known.add(seq_id)

    def leave(self, seq_id: int) -> None:
        if seq_id in self._known:
            self._known.remove(seq_id)
            self._tier.leave(seq_id)
        self._shared.pop(seq_id, None)

    def note_shared(self, donor: int, seq_id: int, num_tokens: int) -> None:
        for each in (donor, seq_id):
            self._shared[each] = max(num_tokens, self._shared.get(each, 0))

    def worth(self, seq_id: int) -> tuple[bool, float]:
        """The least goes first: what frees no cell is the last one. In one pool a cell of it, of a stream all."""
        num_private, length = self._tree.num_private(seq_id), self._tree.length(seq_id)
        saved_ms = self._recompute_ms(length - num_private, length)
        return num_private == 0, self._tier.of(seq_id, saved_ms, num_private if self._is_unified else 1.0)

    def note_evicted(self, seq_id: int) -> None:
        self._tier.note_evicted(self.worth(seq_id)[1])

    def beginning_of(self, seq_id: int) -> int:
        """The first tokens that others began with, when it is the only one that still has them; 0: it goes whole."""
        num_shared, length = self._shared.get(seq_id, 0), self._tree.length(seq_id)
        is_long_enough = MIN_BEGINNING_TOKENS <= num_shared <= length - MIN_BEGINNING_TOKENS
        is_the_last = self._tree.num_private(seq_id) > length - num_shared
        return num_shared if self._is_unified and is_long_enough and is_the_last else 0
