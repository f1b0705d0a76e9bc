"""What a scheduler does with a cache, in one call."""

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.model_runner import Slice
from tests.fakes import FakeRunner


def compute(cache: KVCache, runner: FakeRunner, tokens: list[int]) -> int:
    """Claims a place and computes what of the tokens is not cached; the sequence's id."""
    claim = cache.claim([*tokens, -1])
    assert claim is not None
    rest = tokens[claim.num_cached_tokens :]
    if rest:
        assert cache.make_room(len(rest))
        runner.decode([Slice(claim.seq_id, claim.num_cached_tokens, rest, 0)])
    cache.extend(claim.seq_id, rest)
    return claim.seq_id
