"""The laws of the RAM tier."""

from bdchat.engine.kv.snapshots import RamSnapshots
from bdchat.engine.kv.worth.tier_worth import HALF_LIFE_S


def test_the_longest_common_prefix_is_found() -> None:
    store = RamSnapshots(1000)
    store.put([1, 2, 3], b"abc")
    store.put([1, 2, 9, 9], b"abcd")
    num_tokens, snapshot = store.best([1, 2, 9, 7])
    assert num_tokens == 3
    assert snapshot is not None
    assert snapshot.state == b"abcd"
    assert store.best([5]) == (0, None)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(store: RamSnapshots) -> list[int]:
    return sorted(snapshot.tokens[0] for snapshot in store)


def test_what_was_used_least_goes_first_and_bytes_are_counted() -> None:
    clock = Clock()
    store = RamSnapshots(10, clock=clock)
    store.put([1], b"aaaa")
    store.put([2], b"bbbb")
    _, first = store.best([1])
    assert first is not None
    store.touch(first)
    clock.now = HALF_LIFE_S
    store.put([3], b"cccc")
    assert store.num_bytes == 8
    assert kept(store) == [1, 3]


def test_of_equals_that_are_asked_for_in_turn_some_stay() -> None:
    clock = Clock()
    store = RamSnapshots(10, clock=clock)
    for token in (1, 2, 3, 4):
        store.put([token], b"abcd")
        clock.now += 1
    assert kept(store) == [1, 2]
    clock.now += HALF_LIFE_S  # and nobody asked
    store.put([5], b"abcd")
    assert 5 in kept(store)


def test_what_is_cheap_to_read_again_goes_before_what_is_dear() -> None:
    store = RamSnapshots(10, clock=Clock(), recompute_ms=lambda begin, end: float(end * end - begin * begin))
    store.put([1] * 2, b"abcd")
    store.put([2] * 9, b"abcd")
    store.put([3] * 3, b"abcd")
    assert kept(store) == [2, 3]


def test_what_others_begin_with_is_not_worth_twice() -> None:
    """Two chats share 90 of 100 tokens: one of them costs ten to lose, a third one of 50 tokens all of them."""
    store = RamSnapshots(10, clock=Clock())
    store.put([1] * 100, b"abcd")
    store.put([*[1] * 90, *[2] * 10], b"abcd")
    store.put([3] * 50, b"abcd")
    assert kept(store) == [1, 3]


def test_a_beginning_stays_beside_what_goes_on_from_it_and_after_it() -> None:
    clock = Clock()
    store = RamSnapshots(1_000, clock=clock)
    beginning, state = [7] * 80, b"x" * 400
    for token in (1, 2):
        assert store.put([*beginning, *[token] * 20], state)
    assert store.wanted_beginning([*beginning, *[1] * 20]) == 80
    store.put_beginning(beginning, b"x" * 100)
    assert store.wanted_beginning([*beginning, *[1] * 20]) == 0
    assert len(store) == 3
    clock.now = 10 * HALF_LIFE_S
    for token in (11, 12):  # two others come, and take the place of both
        assert store.put([token] * 300, state)
    assert store.best([*beginning, 5])[0] == 80
    assert sorted(len(snapshot.tokens) for snapshot in store) == [80, 300, 300]


def test_a_chats_new_state_has_its_uses() -> None:
    clock = Clock()
    store = RamSnapshots(10, clock=clock)
    store.put([1, 1], b"abcd")
    store.put([2, 2], b"abcd")
    _, snapshot = store.best([1, 1])
    assert snapshot is not None
    store.touch(snapshot)
    store.put([1, 1, 1], b"abcd")
    clock.now = HALF_LIFE_S
    store.put([3, 3, 3], b"abcd")
    assert kept(store) == [1, 3]


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
