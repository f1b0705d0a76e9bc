"""Which cells hold which tokens: a tree of token runs. Pure: knows no llama.cpp, no clock, no policy.

A node is a run of KV cells; the sequences that hold it are the ones whose path passes through it. Two siblings may
begin with the same token: equal tokens computed twice are different cells, and the tree mirrors cells. Invariants:
- num_cells == sum(len(node.tokens))
- every sequence's path spells its tokens at 0…n-1
- every node but the root is held by somebody
"""

from collections.abc import Callable, Iterator, Sequence

from bdchat.engine.kv.prefix_index import TOKEN_BYTES, Parting, PrefixIndex, as_key, key_of


class Node:
    __slots__ = ("children", "holders", "parent", "tokens")

    def __init__(self, parent: "Node | None", tokens: list[int], holders: set[int]) -> None:
        self.parent = parent
        self.tokens = tokens
        self.holders = holders
        self.children: list[Node] = []


class PrefixTree:
    """Owned by KVCache. Beside the cells it keeps an index of what its sequences spell: two that computed equal tokens
    are two runs of cells, and one way in the index."""

    def __init__(self) -> None:
        self.num_cells = 0
        self._root = Node(None, [], set())
        self._index = PrefixIndex()
        self._leaves: dict[int, Node] = {}  # the deepest node of each sequence
        self._lengths: dict[int, int] = {}

    def __contains__(self, seq_id: int) -> bool:
        return seq_id in self._leaves

    def length(self, seq_id: int) -> int:
        """Computed tokens of the sequence; 0 when the tree does not know it."""
        return self._lengths.get(seq_id, 0)

    def tokens(self, seq_id: int) -> list[int]:
        runs: list[list[int]] = []
        node: Node | None = self._leaves.get(seq_id)
        while node is not None:
            runs.append(node.tokens)
            node = node.parent
        return [token for run in reversed(runs) for token in run]

    def num_private(self, seq_id: int) -> int:
        """Cells that would come free if the sequence went."""
        return sum(len(node.tokens) for node in self._path(seq_id) if len(node.holders) == 1)

    def num_cells_of(self, seq_ids: set[int]) -> int:
        """Cells that at least one of these sequences holds."""
        return sum(len(node.tokens) for node in self._nodes() if not node.holders.isdisjoint(seq_ids))

    def common_prefixes(self, tokens: Sequence[int] | bytes) -> dict[int, int]:
        """seq_id → how many leading tokens it has in common with `tokens`, or their key; sequences with none are left
        out."""
        found: dict[int, int] = {}
        for stretch in self._index.path(as_key(tokens)):
            found |= dict.fromkeys(stretch.holders, stretch.num_tokens)
        return found

    def parting(self, key: bytes, is_wanted: Callable[[int, int], bool]) -> Iterator[Parting]:
        """PrefixIndex.parting()."""
        return self._index.parting(key, is_wanted)

    def extend(self, seq_id: int, tokens: Sequence[int]) -> None:
        """The sequence computed these tokens into cells of its own."""
        if not tokens:
            return
        self._index.extend(seq_id, key_of(tokens))
        leaf = self._leaves.get(seq_id, self._root)
        if leaf is not self._root and len(leaf.holders) == 1 and not leaf.children:
            leaf.tokens.extend(tokens)
        else:
            child = Node(leaf, list(tokens), {seq_id})
            leaf.children.append(child)
            self._leaves[seq_id] = child
        self._lengths[seq_id] = self._lengths.get(seq_id, 0) + len(tokens)
        self.num_cells += len(tokens)

    def share(self, src: int, dst: int, num_tokens: int) -> None:
        """dst, which must be empty, holds src's first num_tokens too; no cell is added."""
        assert dst not in self._leaves
        assert 0 < num_tokens <= self.length(src)
        self._index.put(dst, self._index.key(src)[: num_tokens * TOKEN_BYTES])
        depth = 0
        for node in self._path(src):
            if depth + len(node.tokens) > num_tokens:
                node = self._split(node, num_tokens - depth)  # noqa: PLW2901  the upper half is what is shared
            node.holders.add(dst)
            depth += len(node.tokens)
            if depth == num_tokens:
                self._leaves[dst] = node
                break
        self._lengths[dst] = num_tokens

    def truncate(self, seq_id: int, num_tokens: int) -> None:
        """Keeps the sequence's first num_tokens."""
        if num_tokens >= self.length(seq_id):
            return
        self._index.truncate(seq_id, num_tokens)
        depth = 0
        keep: Node | None = None
        for node in list(self._path(seq_id)):
            end = depth + len(node.tokens)
            if end <= num_tokens:
                keep = node
            elif depth < num_tokens:
                keep = self._split(node, num_tokens - depth)
                self._let_go(keep.children[-1], seq_id)
            else:
                self._let_go(node, seq_id)
            depth = end
        if keep is None:
            self._leaves.pop(seq_id, None)
            self._lengths.pop(seq_id, None)
        else:
            self._leaves[seq_id] = keep
            self._lengths[seq_id] = num_tokens

    def remove(self, seq_id: int) -> None:
        self.truncate(seq_id, 0)

    def check(self) -> None:
        """Asserts the invariants; called when the engine goes idle and all the time in tests."""
        nodes = list(self._nodes())
        assert self.num_cells == sum(len(node.tokens) for node in nodes)
        for node in nodes:
            assert node.holders
            assert node.tokens
            assert node.parent is self._root or node.parent is None or node.holders <= node.parent.holders
        assert {*self._lengths} == {*self._index}
        for seq_id in self._leaves:
            assert len(self.tokens(seq_id)) == self._lengths[seq_id]
            assert self._index.key(seq_id) == key_of(self.tokens(seq_id))
            assert all(seq_id in node.holders for node in self._path(seq_id))

    def _path(self, seq_id: int) -> list[Node]:
        path: list[Node] = []
        node: Node | None = self._leaves.get(seq_id)
        while node is not None and node is not self._root:
            path.append(node)
            node = node.parent
        path.reverse()
        return path

    def _nodes(self) -> Iterator[Node]:
        open_nodes = list(self._root.children)
        while open_nodes:
            node = open_nodes.pop()
            yield node
            open_nodes.extend(node.children)

    def _split(self, node: Node, num_tokens: int) -> Node:
        """Cuts a run in two; returns the upper half, whose last child is the lower half."""
        assert node.parent is not None
        upper = Node(node.parent, node.tokens[:num_tokens], set(node.holders))
        siblings = node.parent.children
        siblings[siblings.index(node)] = upper
        node.tokens = node.tokens[num_tokens:]
        node.parent = upper
        upper.children.append(node)
        return upper

    def _let_go(self, node: Node, seq_id: int) -> None:
        node.holders.discard(seq_id)
        if self._leaves.get(seq_id) is node:
            del self._leaves[seq_id]
        if not node.holders:
            assert node.parent is not None
            if node in node.parent.children:
                node.parent.children.remove(node)
            self.num_cells -= len(node.tokens)


def num_common(run: Sequence[int], wanted: Sequence[int], offset: int) -> int:
    """How many tokens of `run` equal `wanted[offset:]`. Compares by slices, which runs in C, each twice as long as the
    one before: what differs soon costs little."""
    limit = min(len(run), len(wanted) - offset)
    if limit <= 0 or run[0] != wanted[offset]:
        return 0
    low, width = 1, 16  # run[:low] is equal
    while low < limit:
        high = min(low + width, limit)
        if run[low:high] != wanted[offset + low : offset + high]:
            break
        low, width = high, 2 * width
    else:
        return limit
    while high - low > 1:  # run[:high] is not
        middle = (low + high) // 2
        if run[low:middle] == wanted[offset + low : offset + middle]:
            low = middle
        else:
            high = middle
    return low
