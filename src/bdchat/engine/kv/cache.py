"""Seq ids and cells: claim, extend, release, evict. Loop thread only; knows tokens and cells, never text or requests.

A sequence id is free (no cells), live (claimed by a running sequence), idle (released; its cells stay as cache until
somebody needs them) or paused (it gave way and goes on: its cells are the last to go, and swap/space.py says where to).
Released content is reused in the cheapest legal way: taken over in place, shared or copied from a donor that may itself
be running, or restored from a snapshot in RAM or on disk. The ledger is a PrefixTree that mirrors llama.cpp's cells
exactly; llama.cpp itself is asked after every copy and restore how much it really holds.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

from bdchat.engine.kv.checkpoints import RAM_SHARE, Checkpoint, Checkpoints
from bdchat.engine.kv.disk import DiskSnapshot, DiskSnapshots
from bdchat.engine.kv.lookup import MIN_SNAPSHOT_TOKENS, Claim, PrefixLookup, PrefixSource, Reach, Tier
from bdchat.engine.kv.pinned import PinnedStates
from bdchat.engine.kv.prefix_index import key_of
from bdchat.engine.kv.prefix_tree import PrefixTree
from bdchat.engine.kv.snapshots import RamSnapshots, Snapshot
from bdchat.engine.kv.swap.space import PausedState, SwapSpace
from bdchat.engine.kv.worth.cell_eviction import CellEviction
from bdchat.engine.kv.worth.keeping import Keeping
from bdchat.engine.kv.worth.tier_worth import RecomputeMs, Uses, tokens_alone
from bdchat.engine.model_runner import KVLayout, ModelRunner

# A donor's own tail of up to so many tokens is not worth a second sequence id: the donor is taken over.
MIN_TAIL_TOKENS = 32


class KVCache:
    """Invariants: num_cells <= runner.num_cells; live, idle, paused and free ids are disjoint and complete; what the
    tree says a sequence holds is what llama.cpp holds."""

    def __init__(
        self,
        runner: ModelRunner,
        *,
        ram_cache_bytes: int = 0,
        disk: DiskSnapshots | None = None,
        recompute_ms: RecomputeMs = tokens_alone,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._tree = PrefixTree()
        self._live: set[int] = set()
        self._idle: OrderedDict[int, None] = OrderedDict()  # least recently used first
        self._free: set[int] = set(range(runner.num_sequences))
        self._tags: dict[int, str] = {}  # idle seq id → whose stored conversation it holds
        self.disk = disk
        self.snapshots = RamSnapshots(
            ram_cache_bytes, on_drop=self._move_to_disk, recompute_ms=recompute_ms, clock=clock
        )
        self.swap = SwapSpace(runner, self.snapshots, disk, recompute_ms=recompute_ms, clock=clock)
        self._eviction = CellEviction(runner, self._tree, recompute_ms, clock)
        self._keeping = Keeping(runner, self._tree, self.snapshots, disk, self._eviction, tags=self._tags)
        self.checkpoints = Checkpoints(ram_cache_bytes // RAM_SHARE if runner.needs_checkpoints else 0)
        self._lookup = PrefixLookup(
            runner, self._tree, self.snapshots, disk, self.checkpoints, idle=self._idle, recompute_ms=recompute_ms
        )
        self.pinned = PinnedStates(self.snapshots, disk, self._state_of_exactly)
        self.num_evictions = 0
        self.num_resident_bytes = 0  # of all cells, when last measured; 0 where it is not known
        self.measure()

    @property
    def num_cells(self) -> int:
        return self._tree.num_cells

    @property
    def num_idle_cells(self) -> int:
        return self.num_cells - self._tree.num_cells_of(self._live)

    @property
    def num_disk_bytes(self) -> int:
        return self.disk.num_bytes if self.disk is not None else 0

    @property
    def num_available_cells(self) -> int:
        """Free cells plus those that eviction would free. Each live sequence of a stream has its own, so there it is
        simply what the unclaimed streams hold."""
        return self.num_available_without(frozenset())

    def num_available_without(self, seq_ids: AbstractSet[int]) -> int:
        """As many as if these live sequences were not."""
        live = self._live - seq_ids
        if self._runner.layout is KVLayout.STREAMS:
            return (self._runner.num_sequences - len(live)) * self._runner.info.n_ctx
        return self._runner.num_cells - self._tree.num_cells_of(live)

    def measure(self) -> None:
        self.num_resident_bytes = self._runner.resident_bytes() or 0

    def length(self, seq_id: int) -> int:
        return self._tree.length(seq_id)

    def holdings(self) -> list[tuple[int, int, int]]:
        """(seq id, cells it uses, of those the ones that are its alone) of every sequence that holds any."""
        return [(i, self._tree.length(i), self._tree.num_private(i)) for i in self._held_ids()]

    def reach(self, tokens: Sequence[int]) -> Reach:
        """What of a prompt is where; nothing is claimed."""
        return self._lookup.reach(tokens)

    def spelled_as_cached(self, tokens: list[int]) -> list[int]:
        """The same text, in the tokens of the cached sequence that agrees with it furthest (realignment.py)."""
        return self._lookup.spelled_as_cached(tokens)

    def num_reusable(self, tokens: Sequence[int] | bytes) -> int:
        """How many tokens a claim of `tokens` would not have to compute right now. Who asks often, of many, gives
        prompt_key(tokens) instead."""
        return self._lookup.best_source(tokens if isinstance(tokens, bytes) else prompt_key(tokens)).num_tokens

    def num_shared_with_live(self, key: bytes, *, without: AbstractSet[int] = frozenset()) -> int:
        """Leading tokens of a prompt_key whose cells a live sequence, none of `without`, holds anyway: sharing them
        takes no cell."""
        found = self._tree.common_prefixes(key)
        return max((num for seq_id, num in found.items() if seq_id in self._live - without), default=0)

    def claim(self, tokens: Sequence[int], *, key: bytes | None = None, reuse: bool = True) -> Claim | None:
        """A live seq id that holds the longest legal prefix of tokens[:-1] (the last token must be computed: it yields
        the logits). None: every id is live. `key`: their prompt_key, where it is known."""
        if not self._free and not self._idle and not self._move_out_one():
            return None
        source = self._lookup.best_source(key or prompt_key(tokens)) if reuse else PrefixSource()
        uses = self._keeping.uses_after(source)
        if source.seq_id is not None and self._can_take_over(source):
            return self._take_over(source.seq_id, source, uses)
        seq_id = self._choose_id(donor=source.seq_id)
        if seq_id == source.seq_id:
            return self._take_over(seq_id, source, uses)
        if seq_id in self._idle:
            self._evict(seq_id)
        num_tokens, tier = self._fill(seq_id, source, tokens)
        self._free.discard(seq_id)
        self._live.add(seq_id)
        self._eviction.enter(seq_id, uses)
        if source.seq_id is not None and num_tokens and source.seq_id in self._idle:
            self._touch_or_drop(source.seq_id, num_tokens)
        return Claim(seq_id, num_tokens, tier)

    def extend(self, seq_id: int, tokens: Sequence[int]) -> None:
        """The runner has decoded these tokens into the sequence."""
        assert seq_id in self._live
        self._tree.extend(seq_id, tokens)
        assert self._tree.num_cells <= self._runner.num_cells

    def cut(self, seq_id: int) -> int:
        """Takes from the runner what it has decoded into the sequence beyond extend(): a guess that was wrong. Returns
        how many tokens the sequence holds now: none when the runner could not."""
        if not self._runner.truncate(seq_id, self._tree.length(seq_id)):
            self._tree.truncate(seq_id, 0)
        return self._tree.length(seq_id)

    def checkpoint(self, seq_id: int, *, tag: str = "") -> None:
        """Keeps what others, or itself later, can be taken back to its present end by. `tag`: as of release()."""
        tokens = self._tree.tokens(seq_id)
        if not self.checkpoints.has(tokens):
            self.checkpoints.keep(tokens, self._runner.checkpoint(seq_id), tag=tag)

    def release(self, seq_id: int, *, keep: bool = True, tag: str = "") -> None:
        """The sequence is done, stopped or preempted: its cells stay as cache, or are cleared. With a tag it may also
        go to disk."""
        self._live.remove(seq_id)
        if keep and self._tree.length(seq_id) > 0:
            self._idle[seq_id] = None
            self._tags[seq_id] = tag
        else:
            self._clear(seq_id)

    def pause(self, seq_id: int, *, tag: str = "") -> PausedState:
        """The sequence gives way and will go on (swap/swapping.py)."""
        self._live.remove(seq_id)
        return self.swap.keep(seq_id, self._tree.tokens(seq_id), tag=tag)

    def go_on(self, paused: PausedState) -> int:
        """It never left its cells: the seq id is live again."""
        seq_id = self.swap.take_resident(paused)
        self._live.add(seq_id)
        return seq_id

    def save_one(self) -> bool:
        """Writes a pin or a tagged conversation to the disk, the most worth first, unless nearly all of it is there.
        False: there is nothing left to do."""
        if self.disk is None:
            return False
        return self.disk.is_busy or self.pinned.save_one() or self._keeping.most_worth_to_disk(self._idle)

    def forget(self, tag: str) -> None:
        """What is kept of a conversation that was deleted, in every tier. What runs goes on."""
        for seq_id in [i for i in self._idle if self._tags[i] == tag]:
            del self._idle[seq_id]
            self._clear(seq_id)
        self.snapshots.forget(tag)
        self.checkpoints.forget(tag)
        if self.disk is not None:
            self.disk.forget(tag)

    def _state_of_exactly(self, tokens: list[int]) -> bytes | None:
        """Of an idle sequence that holds them and nothing else."""
        found = self._tree.common_prefixes(tokens)
        same = (i for i in self._idle if found.get(i) == len(tokens) == self._tree.length(i))
        return next((self._runner.save(seq_id) for seq_id in same), None)

    def make_room(self, num_cells: int) -> bool:
        """Evicts idle sequences, the least worth first, then paused ones, until num_cells more fit. False: too few."""
        if self._runner.layout is KVLayout.STREAMS:
            return True
        while self._tree.num_cells + num_cells > self._runner.num_cells:
            if not self.evict_one():
                return False
        return True

    def evict_one(self) -> bool:
        """Frees the idle sequence that is worth least, of those that really free a cell, saving it to RAM; where that
        has no room, down to a beginning that several shared; without one, a paused sequence. False: none."""
        if not self._idle:
            return self._move_out_one()
        victim = min(self._idle, key=self._eviction.worth)
        self._eviction.note_evicted(victim)
        num_kept = self._eviction.beginning_of(victim) if self.snapshots.max_bytes == 0 else 0
        if num_kept and self._runner.can_cut(victim, num_kept):
            self._keeping.to_ram(victim)  # or to the disk
            self._tags[victim] = ""  # what it is cut to is nobody's
            self.num_evictions += 1
            self._cut_back(victim, num_kept, None)
        else:
            self._evict(victim)
        return True

    @property
    def idle_ids(self) -> tuple[int, ...]:
        """Least recently used first."""
        return tuple(self._idle)

    def leave(self, seq_id: int, *, to_ram: bool) -> None:
        """An idle sequence gives up its cells: to RAM, or to the disk where it has a tag, or for good."""
        assert seq_id in self._idle
        if not to_ram:
            self._keeping.to_disk(seq_id, min_new=MIN_SNAPSHOT_TOKENS)
        self._evict(seq_id, saves=to_ram)

    def check(self) -> None:
        """Asserts the invariants. Called when the engine goes idle."""
        self._tree.check()
        assert self._tree.num_cells <= self._runner.num_cells
        ids = (*self._held_ids(), *self._free)
        assert sorted(ids) == list(range(self._runner.num_sequences))
        for seq_id in ids:
            assert self._runner.num_resident(seq_id) == self._tree.length(seq_id), seq_id

    def _held_ids(self) -> tuple[int, ...]:
        return (*self._live, *self._idle, *self.swap.seq_ids)

    def _move_out_one(self) -> bool:
        """A paused sequence leaves its cells. False: none has any."""
        seq_id = self.swap.move_one_out(self._tree.num_private)
        if seq_id is None:
            return False
        self._clear(seq_id)
        self.num_evictions += 1
        return True

    def _can_take_over(self, source: PrefixSource) -> bool:
        assert source.seq_id is not None
        if source.seq_id not in self._idle:
            return False
        tail = self._tree.length(source.seq_id) - source.num_tokens
        if tail > MIN_TAIL_TOKENS and (self._free or len(self._idle) > 1):
            return False  # another branch would lose its cache: copy instead
        if self._runner.layout is KVLayout.UNIFIED:
            return True
        groups = count_groups(self._live | {source.seq_id})
        return groups <= min(count_groups(self._live | {i}) for i in (*self._free, *self._idle))

    def _take_over(self, seq_id: int, source: PrefixSource, uses: Uses) -> Claim:
        if self._tree.length(seq_id) - source.num_tokens > MIN_TAIL_TOKENS:
            self._keeping.to_ram(seq_id)
        del self._idle[seq_id]
        self._live.add(seq_id)
        self._eviction.enter(seq_id, uses)
        num_tokens = self._cut_back(seq_id, source.num_tokens, source.checkpoint)
        return Claim(seq_id, num_tokens, Tier.RESIDENT if num_tokens else Tier.NONE)

    def _choose_id(self, *, donor: int | None) -> int:
        """The id to use: one that keeps the live ids contiguous where that matters (streams), free before idle, the
        idle one that is worth least first, the donor last."""
        by_worth = sorted(self._idle, key=self._eviction.worth)
        order = {seq_id: place for place, seq_id in enumerate(by_worth)}
        unified = self._runner.layout is KVLayout.UNIFIED

        def cost(seq_id: int) -> tuple[int, bool, int, int]:
            groups = 0 if unified else count_groups(self._live | {seq_id})
            return (groups, seq_id == donor, order.get(seq_id, -1), seq_id)

        return min((*self._free, *self._idle), key=cost)

    def _fill(self, seq_id: int, source: PrefixSource, tokens: Sequence[int]) -> tuple[int, Tier]:
        """Brings the source's prefix into the empty id. (0, NONE) when llama.cpp refuses."""
        if source.num_tokens == 0:
            return 0, Tier.NONE
        donor, checkpoint = source.seq_id, source.checkpoint
        if donor is not None:
            num_copied = self._tree.length(donor) if checkpoint is not None else source.num_tokens
            if not self._runner.copy_prefix(donor, seq_id, num_copied):
                return 0, Tier.NONE
            self._record_copy(donor, seq_id, num_copied)
            num_tokens = self._cut_back(seq_id, source.num_tokens, checkpoint)
            return num_tokens, Tier.RESIDENT if num_tokens else Tier.NONE
        if source.snapshot is not None:
            return self._restore(seq_id, source.snapshot, source)
        assert checkpoint is not None
        has_room = self.make_room(source.num_tokens)
        if not has_room or not self._runner.roll_back(seq_id, source.num_tokens, checkpoint.state):
            return 0, Tier.NONE
        self.checkpoints.touch(checkpoint)
        self._tree.extend(seq_id, tokens[: source.num_tokens])
        return source.num_tokens, Tier.RAM

    def _cut_back(self, seq_id: int, num_tokens: int, checkpoint: Checkpoint | None) -> int:
        """To its first num_tokens. Returns how many it holds then: none where the runner could not."""
        if num_tokens < self._tree.length(seq_id):
            if checkpoint is None:
                is_cut = self._runner.truncate(seq_id, num_tokens)
            else:
                self.checkpoints.touch(checkpoint)
                is_cut = self._runner.roll_back(seq_id, num_tokens, checkpoint.state)
            self._tree.truncate(seq_id, num_tokens if is_cut else 0)
        return self._tree.length(seq_id)

    def _record_copy(self, donor: int, seq_id: int, num_tokens: int) -> None:
        self._eviction.note_shared(donor, seq_id, num_tokens)
        if self._runner.layout is KVLayout.UNIFIED:
            self._tree.share(donor, seq_id, num_tokens)
        else:
            self._tree.extend(seq_id, self._tree.tokens(donor)[:num_tokens])

    def _restore(self, seq_id: int, snapshot: Snapshot | DiskSnapshot, source: PrefixSource) -> tuple[int, Tier]:
        state = self._state_of(snapshot)  # before what makes room for it may drive it off the disk
        if state is None or not self.make_room(len(snapshot.tokens)) or not self._runner.load(seq_id, state):
            return 0, Tier.NONE
        tier = Tier.RAM if isinstance(snapshot, Snapshot) else Tier.DISK
        self._tree.extend(seq_id, snapshot.tokens)
        num_tokens = self._cut_back(seq_id, source.num_tokens, source.checkpoint)
        return num_tokens, tier if num_tokens else Tier.NONE

    def _state_of(self, snapshot: Snapshot | DiskSnapshot) -> bytes | None:
        if isinstance(snapshot, Snapshot):
            return snapshot.state
        return self.disk.read(snapshot) if self.disk is not None else None

    def _touch_or_drop(self, donor: int, num_tokens: int) -> None:
        """A donor that the new sequence covers whole is only a second copy; any other was just useful."""
        if num_tokens >= self._tree.length(donor):
            del self._idle[donor]
            self._clear(donor)
        else:
            self._idle.move_to_end(donor)

    def _evict(self, seq_id: int, *, saves: bool = True) -> None:
        if saves:
            self._keeping.to_ram(seq_id)
            self._keeping.beginning_to_ram(seq_id)
        del self._idle[seq_id]
        self._clear(seq_id)
        self.num_evictions += 1

    def _move_to_disk(self, snapshot: Snapshot) -> None:
        self._keeping.move_to_disk(snapshot, min_new=MIN_SNAPSHOT_TOKENS)

    def _clear(self, seq_id: int) -> None:
        self._tags.pop(seq_id, None)
        self._eviction.leave(seq_id)
        self._runner.truncate(seq_id, 0)
        self._tree.remove(seq_id)
        self._free.add(seq_id)


def count_groups(seq_ids: Iterable[int]) -> int:
    """Runs of neighbouring ids. llama.cpp's stream layout computes each run as a pass of its own."""
    ids = sorted(seq_ids)
    return sum(1 for place, seq_id in enumerate(ids) if place == 0 or ids[place - 1] != seq_id - 1)


def prompt_key(tokens: Sequence[int]) -> bytes:
    """Of what a claim may find: the last token must be computed, it yields the logits."""
    return key_of(tokens[:-1])
