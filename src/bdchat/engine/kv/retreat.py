"""Idle sequences leave the cells, so that their memory goes back: the last used ones to RAM, within a bound; the others
to the disk where they may, or for good. Loop thread only.

One sequence at a time: somebody may ask meanwhile, and would wait for no more than one state's copy.
"""

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.checkpoints import RAM_SHARE
from bdchat.engine.model_runner import ModelRunner


class Retreat:
    """Law: what `step` leaves in cells and RAM takes `keep_bytes` at most, or is the last used sequence alone.
    Pins are not counted: their share of RAM bounds them."""

    def __init__(self, cache: KVCache, runner: ModelRunner) -> None:
        self._cache = cache
        self._runner = runner

    def step(self, keep_bytes: int, *, moves: bool = True) -> bool:
        """False: nothing more can leave. With 0 nothing stays, in RAM neither. `moves`: what is kept goes to RAM; where
        there is too little of that, a copy would be more of it for a moment."""
        sizes = {seq_id: self._runner.state_bytes(seq_id) for seq_id in self._cache.idle_ids}
        num_kept_bytes = 0
        for seq_id in reversed(self._cache.idle_ids):
            is_last_used = num_kept_bytes == 0 and keep_bytes > 0
            if num_kept_bytes + sizes[seq_id] > keep_bytes and not is_last_used:
                self._cache.leave(seq_id, to_ram=False)
                return True
            num_kept_bytes += sizes[seq_id]
        snapshots = self._cache.snapshots
        num_loose_bytes, room = snapshots.num_loose_bytes, max(0, keep_bytes - num_kept_bytes)
        has_last_used = snapshots.num_loose == 1 and num_kept_bytes == 0 and keep_bytes > 0
        if snapshots.num_loose and num_loose_bytes > room and not has_last_used:
            snapshots.drop_one()
            return True
        if self._cache.checkpoints.trim(keep_bytes // RAM_SHARE):
            return True
        for seq_id, num_bytes in sizes.items() if moves else ():
            if num_bytes <= snapshots.max_bytes - (snapshots.num_bytes - num_loose_bytes):
                self._cache.leave(seq_id, to_ram=True)
                return True
        return False
