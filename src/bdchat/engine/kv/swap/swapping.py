"""How a sequence gives way to others and comes back as it was. Loop thread only.

Between the two its state is a PausedState, which the cache drops last of all (space.py). What comes back are the
sequence's own cells, never others' of the same tokens: so it also serves who must not share.
"""

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.lookup import Claim, Tier
from bdchat.engine.kv.swap.space import PausedState


class Swapping:
    """Owned by the scheduler's places."""

    def __init__(self, cache: KVCache) -> None:
        self._cache = cache

    def out(self, seq_id: int, *, tag: str = "") -> PausedState | None:
        """Of a live sequence. None: it has computed nothing."""
        if self._cache.length(seq_id) == 0:
            self._cache.release(seq_id)
            return None
        return self._cache.pause(seq_id, tag=tag)

    def back(self, paused: PausedState) -> Claim | None:
        """A live seq id with its state, which is kept; with nothing when llama.cpp refused it. None: every id is live,
        or the cells do not suffice."""
        cache, num_tokens = self._cache, len(paused.tokens)
        if paused.seq_id is not None:
            return Claim(cache.go_on(paused), num_tokens, Tier.RESIDENT)
        if not cache.make_room(num_tokens):
            return None
        empty = cache.claim((), reuse=False)
        if empty is None or not cache.swap.load(empty.seq_id, paused):
            return empty
        cache.extend(empty.seq_id, paused.tokens)
        return Claim(empty.seq_id, num_tokens, Tier.RAM)

    def let_go(self, paused: PausedState, *, keep: bool) -> None:
        """It has ended while it was paused: what it leaves is cache like any other's, or nothing."""
        cache = self._cache
        if paused.seq_id is not None:
            cache.release(cache.go_on(paused), keep=keep, tag=paused.tag)
        elif paused.state is not None:
            state = cache.swap.take_state(paused)
            if keep:
                cache.snapshots.put(paused.tokens, state, tag=paused.tag)
