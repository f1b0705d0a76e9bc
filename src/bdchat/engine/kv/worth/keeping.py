"""What of a sequence goes to RAM and to the disk. Loop thread only; moves states, frees no cell."""

from collections.abc import Iterable, Mapping

from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.kv.lookup import MIN_DISK_TOKENS, MIN_SNAPSHOT_TOKENS, PrefixSource
from bdchat.engine.kv.prefix_tree import PrefixTree
from bdchat.engine.kv.snapshots import RamSnapshots, Snapshot
from bdchat.engine.kv.worth.cell_eviction import CellEviction
from bdchat.engine.kv.worth.tier_worth import Uses
from bdchat.engine.model_runner import ModelRunner

REWRITE_SHARE = 16  # at most 1/16 of a conversation is read again after a restart


class Keeping:
    """Owned by KVCache. `tags`: idle seq id → whose stored conversation it holds."""

    def __init__(
        self,
        runner: ModelRunner,
        tree: PrefixTree,
        snapshots: RamSnapshots,
        disk: DiskSnapshots | None,
        eviction: CellEviction,
        *,
        tags: Mapping[int, str],
    ) -> None:
        self._runner = runner
        self._tree = tree
        self._snapshots = snapshots
        self._disk = disk
        self._eviction = eviction
        self._tags = tags

    def uses_after(self, source: PrefixSource) -> Uses:
        """Of who goes on from it: what it had, and this one. Whoever only begins like it is somebody else."""
        if source.seq_id is not None and 2 * source.num_tokens > self._tree.length(source.seq_id):
            return self._eviction.used(source.seq_id)
        snapshot = source.snapshot
        if snapshot is None or 2 * source.num_tokens <= len(snapshot.tokens):
            return self._eviction.new()
        if isinstance(snapshot, Snapshot):
            self._snapshots.touch(snapshot)
            return self._eviction.copied(self._snapshots.uses(snapshot))
        return self._eviction.new()

    def to_ram(self, seq_id: int) -> None:
        """Unless too little would be lost: too short, or its cells live on in another sequence. What RAM has no room
        for, because all else there is worth more, may go to the disk."""
        if self._tree.num_private(seq_id) < MIN_SNAPSHOT_TOKENS:
            return
        tokens, uses = self._tree.tokens(seq_id), self._eviction.uses(seq_id)
        if self._snapshots.wants(tokens, self._runner.state_bytes(seq_id), uses):
            self._snapshots.put(tokens, self._runner.save(seq_id), tag=self._tags[seq_id], uses=uses)
        elif not self._snapshots.use_of(tokens):
            self.to_disk(seq_id, min_new=MIN_SNAPSHOT_TOKENS)

    def beginning_to_ram(self, seq_id: int) -> None:
        """Of a sequence that goes: what it shares with others is kept by itself. To cut back what goes anyway costs
        nothing, where it can be cut."""
        if self._runner.needs_checkpoints or self._snapshots.max_bytes == 0:
            return
        tokens = self._tree.tokens(seq_id)
        num_tokens = self._snapshots.wanted_beginning(tokens)
        if 0 < num_tokens < len(tokens) and self._runner.truncate(seq_id, num_tokens):
            self._snapshots.put_beginning(tokens[:num_tokens], self._runner.save(seq_id))

    def to_disk(self, seq_id: int, *, min_new: int = MIN_DISK_TOKENS) -> bool:
        """`min_new`: so many tokens it must have that the disk has not; fewer where it is nowhere else any more."""
        tag = self._tags[seq_id]
        if self._disk is None or not tag or not self._is_worth_a_file(tokens := self._tree.tokens(seq_id), min_new):
            return False
        return self._disk.put(tokens, self._runner.save(seq_id), tag=tag)

    def move_to_disk(self, snapshot: Snapshot, *, min_new: int = MIN_DISK_TOKENS) -> bool:
        """The same of what RAM holds, or held until now."""
        if self._disk is None or not snapshot.tag or not self._is_worth_a_file(snapshot.tokens, min_new):
            return False
        return self._disk.put(snapshot.tokens, snapshot.state, tag=snapshot.tag)

    def most_worth_to_disk(self, idle: Iterable[int]) -> bool:
        """Of the sequences, then of what is in RAM. False: nothing of them is worth a file."""
        by_worth = sorted(idle, key=self._eviction.worth, reverse=True)
        return any(self.to_disk(seq_id) for seq_id in by_worth) or any(
            self.move_to_disk(snapshot) for snapshot in self._snapshots.most_worth()
        )

    def _is_worth_a_file(self, tokens: list[int], min_new: int) -> bool:
        """A chat that grows is not written again for every few words: a state is 23 kB a token, 128 kB at 7B."""
        if self._disk is None or len(tokens) < MIN_DISK_TOKENS:
            return False
        num_kept, _ = self._disk.best(tokens)
        num_new = len(tokens) - num_kept
        return num_new >= max(min_new, len(tokens) // REWRITE_SHARE) and not self._disk.holds(tokens)
