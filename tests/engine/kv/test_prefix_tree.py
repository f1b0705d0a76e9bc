"""The laws of the tree, against a naive model: sequences as lists, cells as numbered tuples."""

import random

import pytest

from bdchat.engine.kv.prefix_tree import PrefixTree, num_common


def test_equal_tokens_computed_twice_are_different_cells() -> None:
    tree = PrefixTree()
    tree.extend(0, [1, 2, 3])
    tree.extend(1, [1, 2, 3])
    assert tree.num_cells == 6
    assert tree.common_prefixes([1, 2, 3, 4]) == {0: 3, 1: 3}


def test_a_shared_prefix_costs_no_cell_until_it_diverges() -> None:
    tree = PrefixTree()
    tree.extend(0, [1, 2, 3, 4])
    tree.share(0, 1, 3)
    assert tree.num_cells == 4
    tree.extend(1, [9])
    assert tree.num_cells == 5
    assert tree.tokens(1) == [1, 2, 3, 9]
    assert tree.tokens(0) == [1, 2, 3, 4]
    assert tree.num_private(0) == 1


def test_cells_outlive_the_sequence_that_computed_them() -> None:
    tree = PrefixTree()
    tree.extend(0, [1, 2, 3, 4])
    tree.share(0, 1, 3)
    tree.remove(0)
    assert tree.num_cells == 3
    assert tree.tokens(1) == [1, 2, 3]
    assert 0 not in tree


@pytest.mark.parametrize("seed", range(200))
def test_the_tree_agrees_with_a_naive_model(seed: int) -> None:
    rng = random.Random(seed)
    tree = PrefixTree()
    model: dict[int, list[tuple[int, int]]] = {}  # seq → (cell, token)
    next_cell = 0
    for _ in range(60):
        seq_id = rng.randrange(6)
        action = rng.choice(["extend", "extend", "share", "truncate", "remove"])
        held = model.setdefault(seq_id, [])
        if action == "extend":
            tokens = [rng.randrange(3) for _ in range(rng.randrange(1, 6))]
            tree.extend(seq_id, tokens)
            for token in tokens:
                held.append((next_cell, token))
                next_cell += 1
        elif action == "share" and held:
            dst = rng.randrange(6)
            if not model.get(dst):
                num_tokens = rng.randrange(1, len(held) + 1)
                tree.share(seq_id, dst, num_tokens)
                model[dst] = held[:num_tokens]
        elif action == "truncate" and held:
            num_tokens = rng.randrange(len(held) + 1)
            tree.truncate(seq_id, num_tokens)
            del held[num_tokens:]
        elif action == "remove":
            tree.remove(seq_id)
            held.clear()
        tree.check()
        assert tree.num_cells == len({cell for cells in model.values() for cell, _ in cells})
        wanted = [rng.randrange(3) for _ in range(8)]
        naive = {}
        for other, cells in model.items():
            assert tree.tokens(other) == [token for _, token in cells]
            num_equal = 0
            while num_equal < min(8, len(cells)) and cells[num_equal][1] == wanted[num_equal]:
                num_equal += 1
            if num_equal:
                naive[other] = num_equal
        assert tree.common_prefixes(wanted) == naive


def test_num_common_finds_the_first_difference() -> None:
    run = list(range(1000))
    for place in (0, 1, 2, 499, 998, 999):
        wanted = [7, *run]
        wanted[1 + place] = -1
        assert num_common(run, wanted, 1) == place
    assert num_common(run, [7, *run], 1) == 1000
    assert num_common(run, run[:10], 0) == 10
    assert num_common(run, run, 1000) == 0
