"""The laws of the disk tier: what comes back is what was put, from the same model only, and nothing grows for ever."""

import random
from pathlib import Path

import pytest

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.disk import HEAD, DiskSnapshots
from bdchat.engine.kv.files import keep_only, model_folder
from bdchat.engine.kv.lookup import MIN_DISK_TOKENS, Tier
from bdchat.engine.model_runner import KVLayout
from tests.engine.kv.computing import compute
from tests.fakes import FakeRunner
from tests.small_disk import MIB, fill, free_bytes, small_disk

CHAT = list(range(100))


def disk_in(folder: Path, *, max_bytes: int = 100_000, made_by: str = "a model") -> DiskSnapshots:
    return DiskSnapshots(folder, max_bytes, made_by=made_by)


def kept(folder: Path, *states: tuple[list[int], bytes], tag: str = "chat") -> None:
    """Written one after the other."""
    for tokens, state in states:
        disk = disk_in(folder)
        assert disk.put(tokens, state, tag=tag)
        disk.close()


def state_of(disk: DiskSnapshots, tokens: list[int]) -> bytes | None:
    _, snapshot = disk.best(tokens)
    return disk.read(snapshot) if snapshot else None


def test_a_state_outlives_its_process(tmp_path: Path) -> None:
    kept(tmp_path, ([1, 2, 3], b"abc"), ([1, 9], b"other"))
    later = disk_in(tmp_path)
    assert later.best([1, 2, 7])[0] == 2
    assert state_of(later, [1, 2, 3, 4]) == b"abc"
    assert state_of(later, [5]) is None
    assert later.num_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_what_is_being_written_is_not_read_and_not_put_twice(tmp_path: Path) -> None:
    disk = disk_in(tmp_path)
    assert disk.put(CHAT, b"x" * 1000, tag="chat")
    assert disk.holds(CHAT)
    assert not disk.put(CHAT, b"x" * 1000, tag="chat")
    disk.close()
    assert state_of(disk, CHAT) == b"x" * 1000
    assert disk.holds(CHAT[:50])  # a longer one covers it


def test_only_the_model_that_made_a_state_gets_it(tmp_path: Path) -> None:
    kept(tmp_path, (CHAT, b"state"))
    other = disk_in(tmp_path, made_by="another model")
    assert other.best(CHAT) == (0, None)
    assert list(tmp_path.iterdir()) == []  # it would never be read again


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "empty", "foreign", "longer", "tokens"])
def test_a_damaged_file_is_no_state(tmp_path: Path, damage: str) -> None:
    kept(tmp_path, (CHAT, b"state" * 100))
    (path,) = tmp_path.iterdir()
    disk = disk_in(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-1] ^= 1
    elif damage == "tokens":
        data[HEAD.size] ^= 1
    elif damage == "foreign":
        data[:4] = b"GGUF"
    elif damage == "longer":
        data += b"x"
    path.unlink()
    if damage != "gone":
        path.write_bytes({"cut": bytes(data[:-1]), "empty": b""}.get(damage, bytes(data)))
    assert state_of(disk, CHAT) is None
    assert len(disk) == 0
    assert disk.num_bytes == 0
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    (tmp_path / "half.part").write_bytes(b"x")
    (tmp_path / "half.kv").write_bytes(b"x")
    assert len(disk_in(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    size = HEAD.size + 4 + 1000
    disk = DiskSnapshots(tmp_path, 2 * size, made_by="m")
    for token in (1, 2):
        disk.put([token], b"x" * 1000, tag="chat")
        disk.close()
        assert len(disk) == token
    assert state_of(disk, [1]) is not None
    disk.put([3], b"x" * 1000, tag="chat")
    disk.close()
    assert (len(disk), disk.num_bytes) == (2, 2 * size)
    assert disk.best([2]) == (0, None)
    assert disk.best([1])[0] == 1
    assert not disk.put([4], b"x" * 3000, tag="chat")
    assert len(disk_in(tmp_path, max_bytes=size, made_by="m")) == 1  # the budget was made smaller


def test_a_longer_one_replaces_what_it_covers(tmp_path: Path) -> None:
    kept(tmp_path, ([1, 2], b"ab"), ([1, 2, 3], b"abc"))
    disk = disk_in(tmp_path)
    disk.put([1, 2, 3, 4], b"abcd", tag="chat")
    disk.close()
    assert len(disk) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_deleted_chat_leaves_nothing(tmp_path: Path) -> None:
    for folder in (model_folder(tmp_path, "one"), model_folder(tmp_path, "two/../three")):
        kept(folder, ([1, 2], b"ab"), tag="mine")
        kept(folder, ([3], b"c"), tag="another's")
    assert all(path.parent == tmp_path / "kv" for path in (tmp_path / "kv").iterdir())
    assert keep_only(tmp_path, ["another's", "somebody's"]) == 2
    for folder in (tmp_path / "kv").iterdir():
        disk = disk_in(folder)
        assert (disk.best([1, 2])[0], disk.best([3])[0]) == (0, 1)


def test_files_are_this_users_alone(tmp_path: Path) -> None:
    kept(tmp_path / "kv", ([1], b"a"))
    (path,) = (tmp_path / "kv").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_used_is_no_tier(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    disk = disk_in(tmp_path / "file")
    assert not disk.put([1], b"a", tag="chat")
    assert disk.best([1]) == (0, None)


# --- with cells -------------------------------------------------------------------------------------------------------


def cache_on(folder: Path, runner: FakeRunner, *, ram_cache_bytes: int = 0) -> KVCache:
    return KVCache(runner, ram_cache_bytes=ram_cache_bytes, disk=disk_in(folder))


def save_all(cache: KVCache) -> None:
    assert cache.disk is not None
    while cache.save_one():
        cache.disk.close()
    cache.disk.close()


def a_runner(layout: KVLayout = KVLayout.UNIFIED) -> FakeRunner:
    return FakeRunner(n_ctx=400, num_sequences=2, n_batch=400, layout=layout)


@pytest.mark.parametrize("layout", list(KVLayout))
def test_an_old_chat_comes_back_after_a_restart(tmp_path: Path, layout: KVLayout) -> None:
    runner = a_runner(layout)
    cache = cache_on(tmp_path, runner)
    cache.release(compute(cache, runner, CHAT), tag="chat")
    save_all(cache)
    runner = a_runner(layout)
    cache = cache_on(tmp_path, runner)
    assert cache.reach([*CHAT, 7, 8]).num_on_disk == len(CHAT)
    claim = cache.claim([*CHAT, 7, 8])
    assert claim is not None
    assert (claim.num_cached_tokens, claim.tier) == (len(CHAT), Tier.DISK)
    assert runner.tokens(claim.seq_id) == CHAT
    cache.check()


def test_nothing_of_who_is_not_stored_is_written(tmp_path: Path) -> None:
    runner = a_runner()
    cache = cache_on(tmp_path, runner, ram_cache_bytes=10_000)
    cache.release(compute(cache, runner, CHAT))
    assert not cache.save_one()
    cache.evict_one()
    assert not cache.save_one()
    cache.release(compute(cache, runner, CHAT), tag="chat")  # the same words, now in a stored chat
    save_all(cache)
    cache.release(compute(cache, runner, [*CHAT, *range(500, 700)]))  # a temporary chat that begins like it
    save_all(cache)
    assert cache.disk is not None
    assert [len(path.read_bytes()) < 1000 for path in tmp_path.iterdir()] == [True]


def test_a_chat_that_grows_is_not_written_for_every_few_words(tmp_path: Path) -> None:
    runner = a_runner()
    cache = cache_on(tmp_path, runner)
    num_files_written = 0
    for length in range(MIN_DISK_TOKENS - 10, 350, 10):
        cache.release(compute(cache, runner, list(range(length))), tag="chat")
        while cache.save_one():
            num_files_written += 1
            assert cache.disk is not None
            cache.disk.close()
    assert 2 <= num_files_written <= 5
    assert len(list(tmp_path.iterdir())) == 1


def test_what_memory_has_no_room_for_goes_to_disk(tmp_path: Path) -> None:
    runner = a_runner()
    cache = cache_on(tmp_path, runner, ram_cache_bytes=500)
    for start in (0, 1000, 2000):
        cache.release(compute(cache, runner, list(range(start, start + 100))), tag="chat")
        cache.evict_one()
    assert cache.disk is not None
    cache.disk.close()
    assert len(cache.snapshots) == 1
    reaches = [cache.reach([*range(start, start + 100), 7]) for start in (0, 1000, 2000)]
    assert [reach.num_on_disk for reach in reaches] == [100] * 3
    assert sorted(reach.num_in_ram for reach in reaches) == [0, 0, 100]


def test_what_is_worth_most_is_written_first(tmp_path: Path) -> None:
    """An orderly end has a bound of time."""
    runner = a_runner()
    cache = cache_on(tmp_path, runner)
    for start in (0, 0, 1000):
        cache.release(compute(cache, runner, list(range(start, start + 100))), tag=f"chat {start}")
    assert cache.save_one()
    assert cache.disk is not None
    cache.disk.close()
    assert [kept.tokens[0] for kept in cache.disk] == [0]


def test_a_forgotten_chat_is_in_no_tier(tmp_path: Path) -> None:
    runner = a_runner()
    cache = cache_on(tmp_path, runner, ram_cache_bytes=10_000)
    cache.release(compute(cache, runner, CHAT), tag="mine")
    save_all(cache)
    cache.evict_one()
    cache.release(compute(cache, runner, [*CHAT, 1, 2, 3]), tag="mine")
    cache.forget("mine")
    reach = cache.reach([*CHAT, 1])
    assert (reach.num_resident, reach.num_in_ram, reach.num_on_disk) == (0, 0, 0)
    assert list(tmp_path.iterdir()) == []
    cache.check()


@pytest.mark.parametrize("seed", range(10))
def test_whatever_tier_a_prefix_comes_from_it_is_the_same(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    runner = a_runner(rng.choice(list(KVLayout)))
    cache = cache_on(tmp_path, runner, ram_cache_bytes=rng.choice([0, 900, 10_000]))
    chats = [[number * 1000 + i for i in range(rng.randrange(40, 120))] for number in range(5)]
    for _ in range(40):
        chat = rng.choice(chats)
        chat += [rng.randrange(9) for _ in range(rng.randrange(4))]
        seq_id = compute(cache, runner, chat)
        assert runner.tokens(seq_id) == chat
        cache.release(seq_id, tag=rng.choice(["", "a", "b"]))
        action = rng.random()
        if action < 0.3:
            cache.evict_one()
        elif action < 0.6:
            cache.save_one()
        elif action < 0.65:
            cache.forget("a")
        elif action < 0.75:
            runner = a_runner(runner.layout)
            if cache.disk is not None:
                cache.disk.close()
            cache = cache_on(tmp_path, runner, ram_cache_bytes=900)
        cache.check()
    assert cache.disk is not None
    cache.disk.close()


def test_half_of_a_state_takes_no_room_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=MIB) as folder:
        disk = disk_in(folder, max_bytes=8 * MIB)
        assert disk.put(CHAT, b"x" * 2 * MIB, tag="chat")
        disk.close()
        assert list(folder.iterdir()) == []
        assert free_bytes(folder) > MIB * 0.9


def test_a_state_leaves_room_on_the_disk_for_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Given up in silence: it is a cache."""
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as small:
        filler = fill(small, but_bytes=2 * MIB)
        disk = disk_in(small / "kv", max_bytes=8 * MIB)
        assert disk.put(CHAT, b"x" * (7 * MIB // 4), tag="chat")
        disk.close()
        assert len(disk) == 0
        assert not caplog.records
        filler.unlink()
        assert disk.put(CHAT, b"x" * (7 * MIB // 4), tag="chat")
        disk.close()
        assert len(disk) == 1
