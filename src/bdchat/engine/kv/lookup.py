"""Which kept prefix serves a prompt best, in every tier. Loop thread only; claims nothing, changes nothing."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from bdchat.engine.kv.checkpoints import Checkpoint, Checkpoints
from bdchat.engine.kv.disk import DiskSnapshot, DiskSnapshots
from bdchat.engine.kv.prefix_index import TOKEN_BYTES, key_of
from bdchat.engine.kv.prefix_tree import PrefixTree
from bdchat.engine.kv.realignment import respelled
from bdchat.engine.kv.snapshots import RamSnapshots, Snapshot
from bdchat.engine.kv.worth.tier_worth import RecomputeMs, tokens_alone
from bdchat.engine.model_runner import ModelRunner

# A state that saves more tokens than this is brought back whatever they cost, one that saves fewer where they cost more
# than bringing it back does: a large model reads 32 tokens in a second.
MIN_SNAPSHOT_TOKENS = 32
MIN_DISK_TOKENS = 64
# Measured: 5 ms for 30 MB and 16 ms for 65 MB from RAM; 12 to 28 ms more for the 30 MB from disk (cached or not).
RAM_MS, RAM_MS_PER_MB = 1.0, 0.25
DISK_MS, DISK_MS_PER_MB = 10.0, 1.0
MAX_SPELLINGS = 16  # compared with a prompt byte by byte, those that agree furthest


@dataclass(frozen=True, slots=True)
class Reach:
    """How many leading tokens of a prompt each tier has; a tier's number counts what a warmer one has too."""

    num_resident: int
    num_in_ram: int
    num_on_disk: int


@dataclass(frozen=True, slots=True)
class PrefixSource:
    """Where a claim's prefix comes from. `seq_id`, `snapshot` or, where that is enough, `checkpoint` alone is set when
    num_tokens > 0. `checkpoint`: what the sequence or snapshot, brought whole, is then taken back to."""

    num_tokens: int = 0
    seq_id: int | None = None
    snapshot: Snapshot | DiskSnapshot | None = None
    checkpoint: Checkpoint | None = None


class Tier(StrEnum):
    NONE = "none"
    RESIDENT = "resident"
    RAM = "ram"
    DISK = "disk"


@dataclass(frozen=True, slots=True)
class Claim:
    seq_id: int
    num_cached_tokens: int
    tier: Tier


class PrefixLookup:
    """Owned by KVCache, whose tree and tiers it reads. `idle`: the ids that nobody runs in."""

    def __init__(
        self,
        runner: ModelRunner,
        tree: PrefixTree,
        snapshots: RamSnapshots,
        disk: DiskSnapshots | None,
        checkpoints: Checkpoints,
        *,
        idle: Container[int],
        recompute_ms: RecomputeMs = tokens_alone,
    ) -> None:
        self._runner = runner
        self._tree = tree
        self._snapshots = snapshots
        self._disk = disk
        self._checkpoints = checkpoints
        self._idle = idle
        self._recompute_ms = recompute_ms

    def reach(self, tokens: Sequence[int]) -> Reach:
        """What of a prompt a claim would find where: what is too short to be brought back counts for nothing."""
        return Reach(*(source.num_tokens for source in self._best_by_tier(key_of(tokens[:-1]))))

    def spelled_as_cached(self, tokens: list[int]) -> list[int]:
        """The same text, in the tokens of the cached sequence that agrees with it furthest (realignment.py)."""
        found = respelled(tokens, self._spellings(tokens), self._runner.token_bytes)
        return found if len(found) < self._runner.info.n_ctx else tokens

    def _spellings(self, tokens: list[int]) -> list[list[int]]:
        """Of what is kept, what may spell more of the text than it has tokens in common: it parts from the prompt with
        a token whose text begins like the prompt's there, or goes furthest with it."""
        token_bytes = self._runner.token_bytes
        texts: dict[int, bytes] = {}  # of the prompt's tokens, by place

        def may_agree(place: int, token: int) -> bool:
            if not 0 < place < len(tokens):
                return False
            ours = texts.get(place) or texts.setdefault(place, token_bytes(tokens[place]))
            theirs = token_bytes(token)
            return bool(ours and theirs) and (ours.startswith(theirs) or theirs.startswith(ours))

        key = key_of(tokens)
        ways = [(where, partial(self._tree.tokens, where.item)) for where in self._tree.parting(key, may_agree)]
        for tier in (self._snapshots, self._disk):
            found = tier.parting(key, may_agree) if tier else ()
            ways += [(where, partial(list, kept.tokens)) for where, kept in found]
        ways.sort(key=lambda way: -way[0].num_tokens)
        return [spelled() for where, spelled in ways[:MAX_SPELLINGS] if where.num_tokens]

    def best_source(self, wanted: bytes) -> PrefixSource:
        """Of the tokens whose key it is."""
        return self._best_by_tier(wanted)[-1]

    def _best_by_tier(self, wanted: bytes) -> tuple[PrefixSource, PrefixSource, PrefixSource]:
        """The best of the cells; of the cells and RAM; of all."""
        resident = in_ram = self._among_residents(wanted)
        if len(self._snapshots):
            in_ram = self._better(resident, wanted, self._snapshots.best(wanted))
        if self._runner.checkpoints_stand_alone:
            alone = self._checkpoints.best(wanted, len(wanted) // TOKEN_BYTES)
            if alone is not None and alone.num_tokens > in_ram.num_tokens:
                in_ram = PrefixSource(alone.num_tokens, checkpoint=alone)
        on_disk = in_ram
        if self._disk is not None:
            on_disk = self._better(in_ram, wanted, self._disk.best(wanted))
        return resident, in_ram, on_disk

    def _among_residents(self, wanted: bytes) -> PrefixSource:
        found = self._tree.common_prefixes(wanted)
        back: dict[int, Checkpoint] = {}
        if self._runner.needs_checkpoints:
            for seq_id, num_tokens in list(found.items()):
                if self._runner.can_cut(seq_id, num_tokens):
                    continue
                del found[seq_id]
                if (checkpoint := self._checkpoints.best(wanted, num_tokens)) is not None:
                    back[seq_id] = checkpoint
                    found[seq_id] = checkpoint.num_tokens
        if not found:
            return PrefixSource()
        # Among equals prefer an idle one that would be used up whole: taking it over costs nothing.
        seq_id = max(found, key=lambda i: (found[i], i in self._idle, -self._tree.length(i)))
        return PrefixSource(found[seq_id], seq_id=seq_id, checkpoint=back.get(seq_id))

    def _better(
        self,
        best: PrefixSource,
        wanted: bytes,
        found: tuple[int, Snapshot | DiskSnapshot | None],
    ) -> PrefixSource:
        """What is kept outside the cells has to be worth bringing back."""
        num_tokens, snapshot = found
        checkpoint = None
        if snapshot is not None and self._runner.needs_checkpoints and num_tokens < len(snapshot.tokens):
            checkpoint = self._checkpoints.best(wanted, num_tokens)
            num_tokens = checkpoint.num_tokens if checkpoint is not None else 0
        if snapshot is None or not self._pays(snapshot, best.num_tokens, num_tokens):
            return best
        return PrefixSource(num_tokens, snapshot=snapshot, checkpoint=checkpoint)

    def _pays(self, snapshot: Snapshot | DiskSnapshot, num_have: int, num_tokens: int) -> bool:
        if num_tokens <= num_have:
            return False
        num_mb = snapshot.num_bytes / 1e6
        if isinstance(snapshot, Snapshot):
            enough, move_ms = MIN_SNAPSHOT_TOKENS, RAM_MS + RAM_MS_PER_MB * num_mb
        else:
            enough, move_ms = MIN_DISK_TOKENS, DISK_MS + DISK_MS_PER_MB * num_mb
        return num_tokens - num_have > enough or self._recompute_ms(num_have, num_tokens) > move_ms
