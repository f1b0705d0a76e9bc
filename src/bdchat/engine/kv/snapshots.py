"""Snapshots in RAM: KV states of idle sequences, found by token prefix; and what the disk tier shares with it. Loop
thread only.

A state is opaque bytes of the runner that made it, so the RAM tier lives and dies with its runner. Knows no cells.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from bdchat.engine.kv.prefix_index import TOKEN_BYTES, Parting, PrefixIndex, as_key, key_of


class KeptState(Protocol):
    @property
    def tokens(self) -> list[int]: ...

    @property
    def num_bytes(self) -> int: ...

    @property
    def is_pinned(self) -> bool:
        """It stays until it is forgotten."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    tokens: list[int]
    state: bytes
    tag: str = ""  # whose stored conversation it is: then it may also go to disk
    is_pinned: bool = False

    @property
    def num_bytes(self) -> int:
        return len(self.state)


KeptType = TypeVar("KeptType", bound=KeptState)


MAX_COMPARED = 32  # of items that have equally many tokens in common
PIN_SHARE = 1 / 4  # of a tier that pins may take: what people do now must find room too


class Shelf(Generic[KeptType]):
    """What is kept, least recently used first. Invariant: num_bytes == the sum of what is kept. Where tokens are looked
    for their key will do (prefix_index.py)."""

    def __init__(self) -> None:
        self.num_bytes = 0
        self._kept: OrderedDict[int, KeptType] = OrderedDict()
        self._numbers: dict[KeptType, int] = {}
        self._index = PrefixIndex()
        self._next_number = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[KeptType]:
        return iter(tuple(self._kept.values()))

    def add(self, item: KeptType) -> None:
        number = self._next_number
        self._next_number += 1
        self._kept[number], self._numbers[item] = item, number
        self._index.put(number, key_of(item.tokens))
        self.num_bytes += item.num_bytes

    def remove(self, item: KeptType) -> None:
        """Unknown ones are ignored."""
        number = self._numbers.pop(item, None)
        if number is not None:
            del self._kept[number]
            self._index.remove(number)
            self.num_bytes -= item.num_bytes

    def touch(self, item: KeptType) -> None:
        if item in self._numbers:
            self._kept.move_to_end(self._numbers[item])

    def best(self, tokens: Sequence[int] | bytes) -> tuple[int, KeptType | None]:
        """(number of leading tokens in common, item); (0, None) when there is none. Of equals one of the shortest:
        bringing it back takes least."""
        path = self._index.path(as_key(tokens))
        if not path:
            return 0, None
        num_tokens, holders, ends = path[-1]
        candidates = ends or islice(holders, MAX_COMPARED)
        return num_tokens, self._kept[min(candidates, key=lambda number: (self._index.length(number), number))]

    def parting(self, key: bytes, is_wanted: Callable[[int, int], bool]) -> Iterator[tuple[Parting, KeptType]]:
        """PrefixIndex.parting()."""
        for parting in self._index.parting(key, is_wanted):
            yield parting, self._kept[parting.item]

    def covering(self, tokens: Sequence[int] | bytes) -> KeptType | None:
        """One that begins with all of `tokens`."""
        key = as_key(tokens)
        num_equal, item = self.best(key)
        return item if num_equal * TOKEN_BYTES == len(key) else None

    def covered_by(self, tokens: Sequence[int] | bytes) -> list[KeptType]:
        """Those that are no more than a beginning of `tokens`, and not pinned."""
        numbers = [number for stretch in self._index.path(as_key(tokens)) for number in sorted(stretch.ends)]
        return [self._kept[number] for number in numbers if not self._kept[number].is_pinned]

    def loose(self) -> list[KeptType]:
        """What is not pinned, least recently used first."""
        return [item for item in self if not item.is_pinned]

    @property
    def num_pinned_bytes(self) -> int:
        return sum(item.num_bytes for item in self if item.is_pinned)


class RamSnapshots:
    """Least recently used first out, within `max_bytes`. `on_drop` hears of what had to go for want of room."""

    def __init__(self, max_bytes: int, *, on_drop: Callable[[Snapshot], object] | None = None) -> None:
        self.max_bytes = max_bytes
        self._shelf: Shelf[Snapshot] = Shelf()
        self._on_drop = on_drop

    def __len__(self) -> int:
        return len(self._shelf)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._shelf)

    @property
    def num_bytes(self) -> int:
        return self._shelf.num_bytes

    @property
    def num_loose(self) -> int:
        return len(self._shelf.loose())

    @property
    def num_loose_bytes(self) -> int:
        return self.num_bytes - self._shelf.num_pinned_bytes

    def pin(self, tokens: list[int], state: bytes, *, tag: str) -> bool:
        """Keeps it until forget(tag). False: pins would take more than their share."""
        self.forget(tag)
        if self._shelf.num_pinned_bytes + len(state) > self.max_bytes * PIN_SHARE:
            return False
        while self.num_bytes + len(state) > self.max_bytes:
            self.drop_one()
        self._shelf.add(Snapshot(tokens, state, tag, is_pinned=True))
        return True

    def put(self, tokens: list[int], state: bytes, *, tag: str = "") -> bool:
        """Keeps a state; one that an already kept longer sequence covers is not worth keeping. False: not kept."""
        if len(state) > self.max_bytes - self._shelf.num_pinned_bytes:
            return False
        if (longer := self._shelf.covering(tokens)) is not None:
            self._shelf.touch(longer)
            return True
        for shorter in self._shelf.covered_by(tokens):
            self._shelf.remove(shorter)
        while self.num_bytes + len(state) > self.max_bytes:
            self.drop_one()
        self._shelf.add(Snapshot(tokens, state, tag))
        return True

    def drop_one(self) -> None:
        """The least recently used one that is not pinned; there must be one."""
        oldest = self._shelf.loose()[0]
        self._shelf.remove(oldest)
        if self._on_drop is not None:
            self._on_drop(oldest)

    def best(self, tokens: Sequence[int] | bytes) -> tuple[int, Snapshot | None]:
        """(number of leading tokens in common, snapshot); (0, None) when there is none."""
        return self._shelf.best(tokens)

    def parting(self, key: bytes, is_wanted: Callable[[int, int], bool]) -> Iterator[tuple[Parting, Snapshot]]:
        return self._shelf.parting(key, is_wanted)

    def touch(self, snapshot: Snapshot) -> None:
        self._shelf.touch(snapshot)

    def forget(self, tag: str) -> None:
        for snapshot in self._shelf:
            if snapshot.tag == tag:
                self._shelf.remove(snapshot)
