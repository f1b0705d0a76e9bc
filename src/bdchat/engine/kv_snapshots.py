"""The cold tier: states of idle sequences in RAM, found by token prefix. Loop thread only; knows no cells.

A state is opaque bytes of the runner that made it, so a store lives and dies with its runner.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bdchat.engine.prefix_tree import num_common


@dataclass(frozen=True, slots=True)
class Snapshot:
    tokens: list[int]
    state: bytes


class RamSnapshots:
    """Least recently used first out, within `max_bytes`. Invariant: num_bytes == sum(len(state))."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()
        self._next_key = 0

    def __len__(self) -> int:
        return len(self._snapshots)

    def put(self, tokens: list[int], state: bytes) -> bool:
        """Keeps a state; one that an already kept longer sequence covers is not worth keeping. False: not kept."""
        if len(state) > self.max_bytes:
            return False
        for key, old in list(self._snapshots.items()):
            num_equal = num_common(old.tokens, tokens, 0)
            if num_equal == len(tokens):
                self._snapshots.move_to_end(key)
                return True
            if num_equal == len(old.tokens):
                self._drop(key)
        while self.num_bytes + len(state) > self.max_bytes:
            self._drop(next(iter(self._snapshots)))
        self._snapshots[self._next_key] = Snapshot(tokens, state)
        self._next_key += 1
        self.num_bytes += len(state)
        return True

    def best(self, tokens: Sequence[int]) -> tuple[int, Snapshot | None]:
        """(number of leading tokens in common, snapshot); (0, None) when there is none."""
        wanted = list(tokens)
        best_num, best_key = 0, None
        for key, snapshot in self._snapshots.items():
            num_equal = num_common(snapshot.tokens, wanted, 0)
            if num_equal > best_num:
                best_num, best_key = num_equal, key
        if best_key is None:
            return 0, None
        return best_num, self._snapshots[best_key]

    def touch(self, snapshot: Snapshot) -> None:
        for key, kept in self._snapshots.items():
            if kept is snapshot:
                self._snapshots.move_to_end(key)
                return

    def _drop(self, key: int) -> None:
        self.num_bytes -= len(self._snapshots.pop(key).state)
