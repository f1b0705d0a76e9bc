"""Who begins like a prompt: a radix tree over the tokens of what is kept. Pure: knows no cells, no tiers.

Tokens are compared as bytes, four each: memory compares at gigabytes a second, lists of ints take 20 ns a token. An
item is an int of its owner's: a sequence's id, a snapshot's number.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from sys import byteorder
from typing import NamedTuple

TOKEN_BYTES = 4
MAX_FURTHEST = 8


def key_of(tokens: Iterable[int]) -> bytes:
    """12 ns a token: who asks often keeps it."""
    return array("i", tokens).tobytes()


def as_key(tokens: Sequence[int] | bytes) -> bytes:
    return tokens if isinstance(tokens, bytes) else key_of(tokens)


def tokens_of(key: bytes) -> list[int]:
    return array("i", key).tolist()


class SharedRun(NamedTuple):
    """All of `holders` begin with the first `num_tokens` of what was looked for; `ends` have no more than these."""

    num_tokens: int
    holders: set[int]
    ends: set[int]


class Parting(NamedTuple):
    """An item has the first `num_tokens` of what was looked for, and then others or none."""

    num_tokens: int
    item: int


class _Node:
    __slots__ = ("children", "ends", "holders", "parent", "run")

    def __init__(self, parent: "_Node | None", run: bytearray, holders: set[int]) -> None:
        self.parent = parent
        self.run = run
        self.holders = holders  # their paths lead through it
        self.ends: set[int] = set()  # theirs end with its run
        self.children: dict[bytes, _Node] = {}  # by the first token of the run


class PrefixIndex:
    """Law: `path` says what comparing with every item would. No two children of a node begin with the same token."""

    def __init__(self) -> None:
        self._root = _Node(None, bytearray(), set())
        self._leaves: dict[int, _Node] = {}
        self._lengths: dict[int, int] = {}  # in bytes

    def __iter__(self) -> Iterator[int]:
        return iter(self._leaves)

    def length(self, item: int) -> int:
        """Tokens; 0 of one that is not known."""
        return self._lengths.get(item, 0) // TOKEN_BYTES

    def key(self, item: int) -> bytes:
        return b"".join(reversed([bytes(node.run) for node in self._upward(item)]))

    def put(self, item: int, key: bytes) -> None:
        """A new one; without tokens it is nobody."""
        assert item not in self._leaves
        if key:
            self._lengths[item] = 0
            self._descend(self._root, item, key)

    def extend(self, item: int, more: bytes) -> None:
        leaf = self._leaves.get(item)
        if leaf is None:
            self.put(item, more)
        elif len(leaf.holders) == 1:
            leaf.run += more
            self._lengths[item] += len(more)
        elif more:
            leaf.ends.discard(item)
            self._descend(leaf, item, more)
            self._join(leaf)

    def truncate(self, item: int, num_tokens: int) -> None:
        """Keeps its first `num_tokens`."""
        if num_tokens < self.length(item):
            key = self.key(item)[: num_tokens * TOKEN_BYTES]
            self.remove(item)
            self.put(item, key)

    def remove(self, item: int) -> None:
        """Unknown ones are ignored."""
        leaf = self._leaves.pop(item, None)
        if leaf is None:
            return
        del self._lengths[item]
        leaf.ends.discard(item)
        node: _Node | None = leaf
        while node is not None and node.parent is not None:
            parent = node.parent
            node.holders.discard(item)
            if not node.holders:
                del parent.children[bytes(node.run[:TOKEN_BYTES])]
            else:
                self._join(node)
            node = parent

    def path(self, key: bytes) -> list[SharedRun]:
        """From the first tokens on; the last one agrees furthest."""
        found: list[SharedRun] = []
        node, place = self._root, 0
        while place < len(key):
            child = node.children.get(key[place : place + TOKEN_BYTES])
            if child is None:
                break
            num_equal = _num_equal(child.run, key, place)
            place += num_equal
            is_whole = num_equal == len(child.run)
            found.append(SharedRun(place // TOKEN_BYTES, child.holders, child.ends if is_whole else set()))
            if not is_whole:
                break
            node = child
        return found

    def shared(self, item: int) -> int:
        """How many of its first tokens another item has too."""
        num_bytes = self._lengths.get(item, 0)
        for node in self._upward(item):
            if len(node.holders) > 1:
                break
            num_bytes -= len(node.run)
        return num_bytes // TOKEN_BYTES

    def covered(self, item: int) -> int:
        """How many of its first tokens are there without it: others share them; of one that others go on from, those
        that one which ends before it has."""
        upward = self._upward(item)
        leaf = next(upward, None)
        if leaf is None or len(leaf.holders) == 1:
            return self.shared(item)
        num_bytes = self._lengths[item] - len(leaf.run)
        for node in upward:
            if node.ends:
                break
            num_bytes -= len(node.run)
        return num_bytes // TOKEN_BYTES

    def going_on(self, item: int) -> set[int]:
        """Those that begin with all of its tokens."""
        return self._leaves[item].holders - {item} if item in self._leaves else set()

    def parting(self, key: bytes, is_wanted: Callable[[int, int], bool]) -> Iterator[Parting]:
        """Where others part from `key`, from the first tokens on. Of those that leave it at one place with one token
        one is told of, if that place and token are wanted; of those that go furthest with it, some."""
        node, place = self._root, 0
        while True:
            way = key[place : place + TOKEN_BYTES]
            for first, child in node.children.items():
                if first != way and is_wanted(place // TOKEN_BYTES, int.from_bytes(first, byteorder, signed=True)):
                    yield Parting(place // TOKEN_BYTES, min(child.holders))
            child_or_none = node.children.get(way)
            if child_or_none is None:
                break
            node = child_or_none
            num_equal = _num_equal(node.run, key, place)
            place += num_equal
            if num_equal < len(node.run):
                break
        for item in sorted(node.holders)[:MAX_FURTHEST]:
            yield Parting(place // TOKEN_BYTES, item)

    def check(self) -> None:
        """Asserts the invariants; for tests."""
        open_nodes = [self._root]
        while open_nodes:
            node = open_nodes.pop()
            for first, child in node.children.items():
                assert bytes(child.run[:TOKEN_BYTES]) == first
                assert child.holders
                assert node is self._root or child.holders <= node.holders
                assert child.ends or len(child.children) > 1
                open_nodes.append(child)
        for item, leaf in self._leaves.items():
            assert item in leaf.ends
            assert len(self.key(item)) == self._lengths[item]

    def _upward(self, item: int) -> Iterator[_Node]:
        node = self._leaves.get(item)
        while node is not None and node.parent is not None:
            yield node
            node = node.parent

    def _descend(self, node: _Node, item: int, key: bytes) -> None:
        """Its path goes on below `node` with `key`."""
        place = 0
        while place < len(key):
            first = key[place : place + TOKEN_BYTES]
            child = node.children.get(first)
            if child is None:
                child = node.children[first] = _Node(node, bytearray(key[place:]), set())
                place = len(key)
            else:
                num_equal = _num_equal(child.run, key, place)
                child = self._split(child, num_equal) if num_equal < len(child.run) else child
                place += num_equal
            child.holders.add(item)
            node = child
        node.ends.add(item)
        self._leaves[item] = node
        self._lengths[item] += len(key)

    def _split(self, node: _Node, num_bytes: int) -> _Node:
        """Cuts its run in two; the upper half."""
        assert node.parent is not None
        upper = _Node(node.parent, node.run[:num_bytes], set(node.holders))
        node.parent.children[bytes(upper.run[:TOKEN_BYTES])] = upper
        node.run = node.run[num_bytes:]
        node.parent = upper
        upper.children[bytes(node.run[:TOKEN_BYTES])] = node
        return upper

    def _join(self, node: _Node) -> None:
        """With its only child, where nobody ends between them: else the tree would keep every parting of ways that has
        ever been."""
        if node.ends or len(node.children) != 1:
            return
        (child,) = node.children.values()
        node.run += child.run
        node.children, node.ends = child.children, child.ends
        for below in node.children.values():
            below.parent = node
        for item in node.ends:
            self._leaves[item] = node


def _num_equal(run: bytearray, key: bytes, place: int) -> int:
    """Bytes of `run` that `key` has from `place` on, in whole tokens."""
    limit = min(len(run), len(key) - place)
    if key.startswith(run[:limit], place):
        return limit
    low, high = 0, limit // TOKEN_BYTES  # run[:low] is equal, run[:high] is not
    while high - low > 1:
        middle = (low + high) // 2
        start, end = low * TOKEN_BYTES, middle * TOKEN_BYTES
        if run[start:end] == key[place + start : place + end]:
            low = middle
        else:
            high = middle
    return low * TOKEN_BYTES
