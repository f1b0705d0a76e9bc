"""The index says what comparing with everything would."""

import random

import pytest

from bdchat.engine.kv.prefix_index import PrefixIndex, key_of, tokens_of
from bdchat.engine.kv.prefix_tree import num_common


def longest(kept: dict[int, list[int]], wanted: list[int]) -> dict[int, int]:
    common = {item: num_common(tokens, wanted, 0) for item, tokens in kept.items()}
    return {item: num for item, num in common.items() if num}


@pytest.mark.parametrize("seed", range(40))
def test_it_finds_what_a_naive_search_finds(seed: int) -> None:
    rng = random.Random(seed)
    index, kept = PrefixIndex(), dict[int, list[int]]()
    for number in range(120):
        action = rng.random()
        if action < 0.4 or not kept:
            base = rng.choice([*kept.values(), []])
            base = base[: rng.randrange(len(base) + 1)]
            tokens = [*base, *(rng.randrange(3) for _ in range(rng.randrange(1, 12)))]
            index.put(number, key_of(tokens))
            kept[number] = tokens
        elif action < 0.6:
            item = rng.choice([*kept])
            more = [rng.randrange(3) for _ in range(rng.randrange(4))]
            index.extend(item, key_of(more))
            kept[item] = kept[item] + more
        elif action < 0.8:
            item = rng.choice([*kept])
            length = rng.randrange(len(kept[item]) + 1)
            index.truncate(item, length)
            kept[item] = kept[item][:length]
            if not length:
                del kept[item]
        else:
            item = rng.choice([*kept])
            index.remove(item)
            del kept[item]
        index.check()
        for item, tokens in kept.items():
            assert tokens_of(index.key(item)) == tokens
            others = {other: theirs for other, theirs in kept.items() if other != item}
            assert index.shared(item) == max(longest(others, tokens).values(), default=0)
        wanted = [rng.randrange(3) for _ in range(rng.randrange(20))]
        found: dict[int, int] = {}
        for stretch in index.path(key_of(wanted)):
            found |= dict.fromkeys(stretch.holders, stretch.num_tokens)
            assert stretch.ends == {item for item in stretch.holders if len(kept[item]) == stretch.num_tokens}
        assert found == longest(kept, wanted)


def test_it_keeps_no_parting_of_ways_that_has_been() -> None:
    index = PrefixIndex()
    tokens = list(range(1000))
    index.put(0, key_of(tokens))
    for number in range(1, 900):
        index.put(number, key_of([*tokens[:number], -1]))
        index.remove(number)
    index.check()
    assert len(index.path(key_of(tokens))) == 1
