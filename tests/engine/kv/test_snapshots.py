"""The laws of the RAM tier."""

from bdchat.engine.kv.snapshots import RamSnapshots


def test_the_longest_common_prefix_is_found() -> None:
    store = RamSnapshots(1000)
    store.put([1, 2, 3], b"abc")
    store.put([1, 2, 9, 9], b"abcd")
    num_tokens, snapshot = store.best([1, 2, 9, 7])
    assert num_tokens == 3
    assert snapshot is not None
    assert snapshot.state == b"abcd"
    assert store.best([5]) == (0, None)


def test_the_least_recently_used_goes_first_and_bytes_are_counted() -> None:
    store = RamSnapshots(10)
    store.put([1], b"aaaa")
    store.put([2], b"bbbb")
    _, first = store.best([1])
    assert first is not None
    store.touch(first)
    store.put([3], b"cccc")
    assert store.num_bytes == 8
    assert store.best([2]) == (0, None)
    assert store.best([1])[0] == 1


def test_a_longer_one_replaces_what_it_covers() -> None:
    store = RamSnapshots(100)
    store.put([1, 2], b"ab")
    store.put([1, 2, 3], b"abc")
    assert (len(store), store.num_bytes) == (1, 3)
    store.put([1, 2], b"ab")
    assert (len(store), store.num_bytes) == (1, 3)


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    store = RamSnapshots(2)
    assert not store.put([1, 2, 3], b"abc")
    assert len(store) == 0
