"""States of sequences that gave way to others and will go on: where each is, and what moving it took. Loop thread only.

Such a state is worth more than any cache: somebody waits for what follows it. It stays in its cells while nobody needs
them, then goes to RAM, where it has its room before all other snapshots; then to the disk, where its tag allows it. Who
has nothing left is computed again. Only the sequence's own state comes back, whole and bit for bit.
"""

from collections.abc import Callable

from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.kv.lookup import MIN_SNAPSHOT_TOKENS
from bdchat.engine.kv.snapshots import RamSnapshots
from bdchat.engine.kv.worth.tier_worth import RecomputeMs
from bdchat.engine.model_runner import ModelRunner

SMOOTHING = 0.2  # weight of the newest observation
# What copying takes is only known from copying: one that was slow by chance must not be believed for ever.
FORGETTING = 0.9  # of the believed time, each time that it forbids a copy


class PausedState:
    """Of one sequence: in its cells (`seq_id`), in RAM (`state`), or nowhere (then others' prefixes may serve it)."""

    __slots__ = ("seq_id", "state", "tag", "tokens")

    def __init__(self, seq_id: int, tokens: list[int], tag: str) -> None:
        self.seq_id: int | None = seq_id
        self.state: bytes | None = None
        self.tokens = tokens
        self.tag = tag

    @property
    def is_kept(self) -> bool:
        return self.seq_id is not None or self.state is not None


class SwapTotals:
    """Since the process began, under the names that EngineMetrics gives them."""

    def __init__(self) -> None:
        self.num_swaps_out = 0
        self.num_swaps_out_to_disk = 0
        self.num_swaps_in = 0
        self.num_swaps_recomputed = 0
        self.swap_seconds = 0.0


class SwapSpace:
    """Owned by KVCache. Invariant: what it reserves of the RAM tier is what its states take there."""

    def __init__(
        self,
        runner: ModelRunner,
        snapshots: RamSnapshots,
        disk: DiskSnapshots | None,
        *,
        recompute_ms: RecomputeMs,
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._snapshots = snapshots
        self._disk = disk
        self._recompute_ms = recompute_ms
        self._clock = clock
        self._ms_per_byte: float | None = None  # out of the cells; back it is about the same
        self._resident: dict[int, PausedState] = {}  # by seq id; who gave way first is first
        self.totals = SwapTotals()

    @property
    def seq_ids(self) -> tuple[int, ...]:
        """Of the states that are in their cells."""
        return tuple(self._resident)

    def keep(self, seq_id: int, tokens: list[int], *, tag: str) -> PausedState:
        paused = PausedState(seq_id, tokens, tag)
        self._resident[seq_id] = paused
        return paused

    def take_resident(self, paused: PausedState) -> int:
        """Its sequence id, which holds its cells."""
        assert paused.seq_id is not None
        del self._resident[paused.seq_id]
        seq_id, paused.seq_id = paused.seq_id, None
        return seq_id

    def move_one_out(self, num_private: Callable[[int], int]) -> int | None:
        """A state leaves its cells, which are to be cleared then: to RAM, to the disk, or for good. Of those that share
        not all of their cells (`num_private`) it is the one who comes back last, for it gave way first. None: there is
        none."""
        seq_id = next((i for i in self._resident if num_private(i) > 0), next(iter(self._resident), None))
        if seq_id is not None:
            self._move_out(seq_id, self._resident[seq_id])
        return seq_id

    def _move_out(self, seq_id: int, paused: PausedState) -> None:
        num_bytes = self._runner.state_bytes(seq_id)
        may_copy = len(paused.tokens) >= MIN_SNAPSHOT_TOKENS and self._pays_to_copy(len(paused.tokens), num_bytes)
        if may_copy and self._snapshots.reserve(num_bytes):
            paused.state = self._save(seq_id)
            self._snapshots.unreserve(num_bytes - len(paused.state))
            self.totals.num_swaps_out += 1
        elif may_copy and self._to_disk(seq_id, paused):
            self.totals.num_swaps_out += 1
            self.totals.num_swaps_out_to_disk += 1
        else:
            self.totals.num_swaps_recomputed += 1
        self.take_resident(paused)

    def load(self, seq_id: int, paused: PausedState) -> bool:
        """From RAM into an empty sequence; its room there is free again. False: refused, and then it is lost."""
        state = self.take_state(paused)
        began = self._clock()
        is_loaded = self._runner.load(seq_id, state)
        self.totals.swap_seconds += self._clock() - began
        self.totals.num_swaps_in += is_loaded
        self.totals.num_swaps_recomputed += not is_loaded
        return is_loaded

    def take_state(self, paused: PausedState) -> bytes:
        state, paused.state = paused.state, None
        assert state is not None
        self._snapshots.unreserve(len(state))
        return state

    def _save(self, seq_id: int) -> bytes:
        began = self._clock()
        state = self._runner.save(seq_id)
        seconds = self._clock() - began
        self.totals.swap_seconds += seconds
        ms_per_byte = 1000 * seconds / max(1, len(state))
        known = self._ms_per_byte if self._ms_per_byte is not None else ms_per_byte
        self._ms_per_byte = known + SMOOTHING * (ms_per_byte - known)
        return state

    def _to_disk(self, seq_id: int, paused: PausedState) -> bool:
        if self._disk is None or not paused.tag:
            return False
        return self._disk.holds(paused.tokens) or self._disk.put(paused.tokens, self._save(seq_id), tag=paused.tag)

    def _pays_to_copy(self, num_tokens: int, num_bytes: int) -> bool:
        """Out and back takes less than reading the tokens again."""
        if self._ms_per_byte is None:
            return True
        pays = 2 * self._ms_per_byte * num_bytes < self._recompute_ms(0, num_tokens)
        if not pays:
            self._ms_per_byte *= FORGETTING
        return pays
