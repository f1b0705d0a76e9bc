"""What idle sequences hold goes down to a bound, the last used ones last, and nothing of it is lost that is kept."""

import random
from pathlib import Path

import pytest

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.kv.lookup import Tier
from bdchat.engine.kv.retreat import Retreat
from bdchat.engine.model_runner import KVLayout
from tests.engine.kv.computing import compute
from tests.fakes import FakeRunner

LENGTH = 50  # tokens; FakeRunner's states have four bytes a token
STATE_BYTES = 4 * LENGTH


def chat(number: int) -> list[int]:
    return [number] * LENGTH


def with_chats(
    numbers: range, *, layout: KVLayout, ram_cache_bytes: int = 10_000, disk: DiskSnapshots | None = None, tag: str = ""
) -> tuple[KVCache, FakeRunner]:
    runner = FakeRunner(n_ctx=400, num_sequences=4, n_batch=400, layout=layout)
    cache = KVCache(runner, ram_cache_bytes=ram_cache_bytes, disk=disk)
    for number in numbers:
        cache.release(compute(cache, runner, chat(number)), tag=tag)
    return cache, runner


def retreat(cache: KVCache, runner: FakeRunner, keep_bytes: int) -> None:
    while Retreat(cache, runner).step(keep_bytes):
        cache.check()
    runner.give_back()


def tier_of(cache: KVCache, runner: FakeRunner, tokens: list[int]) -> Tier:
    claim = cache.claim([*tokens, 0])
    assert claim is not None
    assert runner.tokens(claim.seq_id) == tokens[: claim.num_cached_tokens]
    cache.release(claim.seq_id, keep=False)
    return claim.tier


@pytest.mark.parametrize("layout", list(KVLayout))
def test_the_last_used_ones_go_to_ram_and_the_others_for_good(layout: KVLayout) -> None:
    cache, runner = with_chats(range(1, 5), layout=layout)
    retreat(cache, runner, 2 * STATE_BYTES + 10)
    assert cache.num_cells == 0
    assert runner.resident_bytes() == 0
    assert cache.snapshots.num_bytes == 2 * STATE_BYTES
    assert [tier_of(cache, runner, chat(number)) for number in (1, 2, 3, 4)] == [
        Tier.NONE,
        Tier.NONE,
        Tier.RAM,
        Tier.RAM,
    ]


def test_a_stored_chat_is_on_the_disk_when_it_is_nowhere_else(tmp_path: Path) -> None:
    tokens = list(range(1, 201))
    disk = DiskSnapshots(tmp_path, 10**6, made_by="m")
    cache, runner = with_chats(range(0), layout=KVLayout.STREAMS, disk=disk)
    cache.release(compute(cache, runner, tokens), tag="a chat")
    retreat(cache, runner, 0)
    disk.close()
    assert (cache.num_cells, cache.snapshots.num_bytes) == (0, 0)
    assert tier_of(cache, runner, tokens) is Tier.DISK


def test_ram_gives_way_to_what_is_in_the_cells() -> None:
    """Its oldest states go first: who was evicted is older than who was not."""
    cache, runner = with_chats(range(1, 9), layout=KVLayout.STREAMS)
    assert cache.snapshots.num_bytes == 4 * STATE_BYTES
    retreat(cache, runner, 5 * STATE_BYTES)
    assert [cache.snapshots.best(chat(number))[0] for number in range(1, 9)] == [0, 0, 0, 50, 50, 50, 50, 50]


def test_the_last_used_one_stays_also_where_it_is_larger_than_the_bound() -> None:
    cache, runner = with_chats(range(1, 3), layout=KVLayout.UNIFIED)
    retreat(cache, runner, STATE_BYTES // 2)
    assert [tier_of(cache, runner, chat(number)) for number in (1, 2)] == [Tier.NONE, Tier.RAM]


def test_what_ram_may_not_hold_stays_in_the_cells() -> None:
    cache, runner = with_chats(range(1, 4), layout=KVLayout.STREAMS, ram_cache_bytes=0)
    retreat(cache, runner, 2 * STATE_BYTES)
    assert cache.num_cells == 2 * LENGTH
    assert [tier_of(cache, runner, chat(number)) for number in (1, 3)] == [Tier.NONE, Tier.RESIDENT]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happened_before_the_bound_holds_and_running_sequences_go_on(seed: int) -> None:
    rng = random.Random(seed)
    layout = rng.choice(list(KVLayout))
    cache, runner = with_chats(range(0), layout=layout, ram_cache_bytes=rng.choice([0, 500, 10_000]))
    live: dict[int, list[int]] = {}
    for _ in range(40):
        keep_bytes = rng.choice([0, 100, 500, 2000])
        if rng.random() < 0.2:
            retreat(cache, runner, keep_bytes)
            held = cache.snapshots.num_bytes + sum(runner.state_bytes(seq_id) for seq_id in cache.idle_ids)
            states = [4 * len(snapshot.tokens) for snapshot in cache.snapshots]
            states += [runner.state_bytes(seq_id) for seq_id in cache.idle_ids]
            assert held <= keep_bytes or (len(states) == 1 and keep_bytes > 0)
        elif live and rng.random() < 0.6:
            seq_id = rng.choice([*live])
            assert runner.tokens(seq_id) == live.pop(seq_id)
            cache.release(seq_id)
        elif len(live) < 3:
            tokens = [rng.randrange(3) for _ in range(rng.randrange(1, 90))]
            if cache.num_available_cells > 2 * len(tokens):
                live[compute(cache, runner, tokens)] = tokens
        cache.check()
