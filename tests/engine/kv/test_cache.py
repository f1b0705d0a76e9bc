"""The laws of the KV cache, against FakeRunner's explicit cells."""

import random

import pytest

from bdchat.engine.kv.cache import KVCache, count_groups
from bdchat.engine.kv.lookup import Tier
from bdchat.engine.model_runner import KVLayout, MemoryClass, Slice
from tests.fakes import FakeRunner


def compute(cache: KVCache, runner: FakeRunner, tokens: list[int]) -> int:
    """Claims and computes all tokens but the last; returns the seq id."""
    claim = cache.claim(tokens)
    assert claim is not None
    rest = tokens[claim.num_cached_tokens : -1]
    if rest:
        assert cache.make_room(len(rest))
        runner.decode([Slice(claim.seq_id, claim.num_cached_tokens, rest, 0)])
        cache.extend(claim.seq_id, rest)
    assert runner.tokens(claim.seq_id) == tokens[:-1]
    return claim.seq_id


@pytest.mark.parametrize("layout", list(KVLayout))
def test_released_cells_serve_the_next_turn(layout: KVLayout) -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=4, n_batch=200, layout=layout)
    cache = KVCache(runner)
    turn = list(range(50))
    cache.release(compute(cache, runner, turn))
    claim = cache.claim([*turn, 7, 8, 9])
    assert claim is not None
    assert claim.num_cached_tokens == 49
    assert claim.tier is Tier.RESIDENT
    cache.check()


@pytest.mark.parametrize("layout", list(KVLayout))
def test_a_running_sequence_is_a_donor(layout: KVLayout) -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=4, n_batch=200, layout=layout)
    cache = KVCache(runner)
    first = compute(cache, runner, list(range(60)))
    claim = cache.claim([*range(40), 100, 101])
    assert claim is not None
    assert claim.seq_id != first
    assert claim.num_cached_tokens == 40
    assert runner.tokens(claim.seq_id) == list(range(40))
    assert cache.num_cells == (59 if layout is KVLayout.UNIFIED else 99)
    cache.check()


def test_the_last_token_is_always_computed() -> None:
    runner = FakeRunner(n_ctx=200, n_batch=200)
    cache = KVCache(runner)
    cache.release(compute(cache, runner, [*range(50), 1]))
    claim = cache.claim(list(range(50)))
    assert claim is not None
    assert claim.num_cached_tokens == 49


def test_a_branch_leaves_the_other_branch_cached() -> None:
    runner = FakeRunner(n_ctx=600, num_sequences=4, n_batch=600)
    cache = KVCache(runner)
    long = list(range(150))
    cache.release(compute(cache, runner, long))
    branch = [*range(80), 999, 998]
    cache.release(compute(cache, runner, branch))
    assert cache.num_reusable(long) == 149
    assert cache.num_reusable(branch) == 81


@pytest.mark.parametrize("layout", list(KVLayout))
def test_an_evicted_sequence_comes_back_from_ram(layout: KVLayout) -> None:
    runner = FakeRunner(n_ctx=100, num_sequences=1, n_batch=200, layout=layout)
    cache = KVCache(runner, ram_cache_bytes=10_000)
    first = list(range(80))
    cache.release(compute(cache, runner, first))
    cache.release(compute(cache, runner, list(range(1000, 1070))))
    assert cache.num_evictions == 1
    claim = cache.claim(first)
    assert claim is not None
    assert (claim.num_cached_tokens, claim.tier) == (79, Tier.RAM)
    assert runner.tokens(claim.seq_id) == first[:79]
    cache.check()


def test_without_room_in_ram_an_evicted_sequence_is_gone() -> None:
    runner = FakeRunner(n_ctx=100, num_sequences=1, n_batch=200)
    cache = KVCache(runner, ram_cache_bytes=10)
    cache.release(compute(cache, runner, list(range(80))))
    cache.release(compute(cache, runner, list(range(1000, 1070))))
    assert cache.num_reusable(list(range(80))) == 0
    assert len(cache.snapshots) == 0


def test_live_ids_stay_contiguous_in_streams() -> None:
    runner = FakeRunner(n_ctx=100, num_sequences=6, n_batch=200, layout=KVLayout.STREAMS)
    cache = KVCache(runner)
    claims = [compute(cache, runner, [i * 100 + j for j in range(40)]) for i in range(6)]
    for seq_id in claims:
        cache.release(seq_id)
    # The second and the fifth chat go on: they must end up side by side, wherever their cache lies.
    live = [compute(cache, runner, [i * 100 + j for j in range(40)] + [7]) for i in (1, 4)]
    assert count_groups(live) == 1
    cache.check()


def test_a_recurrent_state_is_reused_whole_or_not_at_all() -> None:
    runner = FakeRunner(n_ctx=200, n_batch=200, memory_class=MemoryClass.RECURRENT)
    cache = KVCache(runner)
    cache.release(compute(cache, runner, list(range(50))))
    assert cache.num_reusable(list(range(30))) == 0
    assert cache.num_reusable([*range(49), 5, 6]) == 49


def test_count_groups() -> None:
    assert count_groups([]) == 0
    assert count_groups([3, 1, 2]) == 1
    assert count_groups([0, 2, 5]) == 3


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("seed", range(60))
def test_the_ledger_mirrors_the_cells(seed: int, layout: KVLayout) -> None:
    """Random claims, extensions, releases and evictions: what the tree says is what the runner holds, cell for cell."""
    rng = random.Random(seed)
    runner = FakeRunner(n_ctx=90, num_sequences=4, num_ids=5, num_cells=None, n_batch=200, layout=layout)
    cache = KVCache(runner, ram_cache_bytes=rng.choice([0, 2000]))
    live: dict[int, list[int]] = {}
    for _ in range(80):
        if rng.random() < 0.5:
            tokens = [rng.randrange(2) for _ in range(rng.randrange(2, 40))]
            base = rng.choice([*live.values(), []])
            tokens = [*base[: rng.randrange(len(base) + 1)], *tokens][:60]
            claim = cache.claim(tokens, reuse=rng.random() < 0.9)
            if claim is None:
                continue
            rest = tokens[claim.num_cached_tokens : -1]
            if cache.make_room(len(rest)):
                if rest:
                    runner.decode([Slice(claim.seq_id, claim.num_cached_tokens, rest, 0)])
                cache.extend(claim.seq_id, rest)
                live[claim.seq_id] = tokens[:-1]
            else:
                cache.release(claim.seq_id, keep=rng.random() < 0.5)
        elif live:
            seq_id = rng.choice(list(live))
            assert runner.tokens(seq_id) == live.pop(seq_id)
            cache.release(seq_id, keep=rng.random() < 0.8)
        else:
            cache.evict_one()
        cache.check()
        assert cache.num_cells == runner.num_used_cells
        assert cache.num_cells <= runner.num_cells
