"""Snapshots in RAM: KV states of idle sequences, found by token prefix; and what the disk tier shares with it. Loop
thread only.

A state is opaque bytes of the runner that made it, so the RAM tier lives and dies with its runner. Knows no cells.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from bdchat.engine.kv.prefix_index import TOKEN_BYTES, Parting, PrefixIndex, SharedRun, as_key, key_of
from bdchat.engine.kv.worth.tier_worth import MARGIN, RecomputeMs, TierWorth, Uses, tokens_alone


class KeptState(Protocol):
    @property
    def tokens(self) -> list[int]: ...

    @property
    def num_bytes(self) -> int: ...

    @property
    def is_pinned(self) -> bool:
        """It stays until it is forgotten."""

    @property
    def is_beginning(self) -> bool:
        """What several kept sequences begin with: it stays beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    tokens: list[int]
    state: bytes
    tag: str = ""  # whose stored conversation it is: then it may also go to disk
    is_pinned: bool = False
    is_beginning: bool = False

    @property
    def num_bytes(self) -> int:
        return len(self.state)


KeptType = TypeVar("KeptType", bound=KeptState)


MAX_COMPARED = 32  # of items that have equally many tokens in common
MIN_BEGINNING_TOKENS = 64  # more than the last one that is kept: many chats begin with the same greeting, too
PIN_SHARE = 1 / 4  # of a tier that pins may take: what people do now must find room too


class Shelf(Generic[KeptType]):
    """What is kept, in the order of its last use. Invariant: num_bytes == the sum of what is kept. Where tokens are
    looked for their key will do (prefix_index.py)."""

    def __init__(self, recompute_ms: RecomputeMs = tokens_alone, clock: Callable[[], float] = time.monotonic) -> None:
        self.num_bytes = 0
        self.num_pinned_bytes = 0  # of those; asked several times a step
        self._recompute_ms = recompute_ms
        self._worth = TierWorth(clock)
        self._kept: OrderedDict[int, KeptType] = OrderedDict()
        self._numbers: dict[KeptType, int] = {}
        self._index = PrefixIndex()
        self._next_number = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[KeptType]:
        return iter(tuple(self._kept.values()))

    def add(self, item: KeptType, uses: Uses | None = None) -> None:
        number = self._next_number
        self._next_number += 1
        self._kept[number], self._numbers[item] = item, number
        self._index.put(number, key_of(item.tokens))
        self._worth.enter(number, uses or Uses(self._worth.clock()))
        self.num_bytes += item.num_bytes
        self.num_pinned_bytes += item.num_bytes if item.is_pinned else 0

    def remove(self, item: KeptType) -> None:
        """Unknown ones are ignored."""
        number = self._numbers.pop(item, None)
        if number is not None:
            del self._kept[number]
            self._index.remove(number)
            self._worth.leave(number)
            self.num_bytes -= item.num_bytes
            self.num_pinned_bytes -= item.num_bytes if item.is_pinned else 0

    def touch(self, item: KeptType) -> None:
        """It was used."""
        if item in self._numbers:
            self._worth.use(self._numbers[item])
            self._kept.move_to_end(self._numbers[item])

    def uses(self, item: KeptType) -> Uses:
        return self._worth.uses(self._numbers[item])

    def worth(self, item: KeptType) -> float:
        """A byte of it. What is kept beside it is not worth twice: of one that begins like others what is its alone."""
        number = self._numbers[item]
        others = self._index.going_on(number) if item.is_beginning else ()
        wanted = sum([self._worth.uses(other).at(self._worth.clock()) for other in others])
        saved_ms = self._recompute_ms(self._index.covered(number), len(item.tokens))
        return self._worth.of(number, saved_ms, item.num_bytes, others=wanted)

    def least(self) -> KeptType | None:
        """Of what is not pinned what is worth least; of equals the one that was used last longest ago."""
        return min(self.loose(), key=self.worth, default=None)

    def evict(self, item: KeptType) -> None:
        self._worth.note_evicted(self.worth(item))
        self.remove(item)

    def may_enter(self, tokens: Sequence[int] | bytes, num_bytes: int, uses: Uses, *, num_too_many: int) -> bool:
        """Whether a new one is worth more than what would have to go for it, `num_too_many` bytes of others."""
        if num_too_many <= 0:
            return True
        key = as_key(tokens)
        replaced = self.covered_by(key)
        num_too_many -= sum(item.num_bytes for item in replaced)
        path = self._index.path(key)
        num_covered = next((run.num_tokens for run in reversed(path) if self._is_held_by_others(run, replaced)), 0)
        saved_ms = self._recompute_ms(num_covered, len(key) // TOKEN_BYTES)
        worth = self._worth.of_new(uses, saved_ms, num_bytes)
        for item in sorted((item for item in self.loose() if item not in replaced), key=self.worth):
            if num_too_many <= 0:
                return True
            if self.worth(item) * MARGIN > worth:
                return False
            num_too_many -= item.num_bytes
        return num_too_many <= 0

    def _is_held_by_others(self, run: SharedRun, replaced: list[KeptType]) -> bool:
        return not run.holders <= {self._numbers[item] for item in replaced}

    def shared(self, item: KeptType) -> int:
        """How many of its first tokens another one has too."""
        return self._index.shared(self._numbers[item]) if item in self._numbers else 0

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

    def path(self, tokens: Sequence[int]) -> list[SharedRun]:
        return self._index.path(key_of(tokens))

    def covering(self, tokens: Sequence[int] | bytes) -> KeptType | None:
        """One that begins with all of `tokens`."""
        key = as_key(tokens)
        num_equal, item = self.best(key)
        return item if num_equal * TOKEN_BYTES == len(key) else None

    def covered_by(self, tokens: Sequence[int] | bytes) -> list[KeptType]:
        """Those that are no more than a beginning of `tokens`, and are not kept as that."""
        numbers = [number for stretch in self._index.path(as_key(tokens)) for number in sorted(stretch.ends)]
        found = [self._kept[number] for number in numbers]
        return [item for item in found if not item.is_pinned and not item.is_beginning]

    def loose(self) -> list[KeptType]:
        """What is not pinned, least recently used first."""
        return [item for item in self if not item.is_pinned]


class RamSnapshots:
    """What is worth least goes first, within `max_bytes`. `on_drop` hears of what had to go for want of room. A part of
    `max_bytes` may be reserved for states of sequences that are paused (swap/space.py): all else makes room for it."""

    def __init__(
        self,
        max_bytes: int,
        *,
        on_drop: Callable[[Snapshot], object] | None = None,
        recompute_ms: RecomputeMs = tokens_alone,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_bytes = max_bytes
        self.num_reserved_bytes = 0
        self._shelf: Shelf[Snapshot] = Shelf(recompute_ms, clock)
        self._clock = clock
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

    @property
    def num_free_bytes(self) -> int:
        """That what is not pinned may take."""
        return self.max_bytes - self.num_reserved_bytes - self._shelf.num_pinned_bytes

    def reserve(self, num_bytes: int) -> bool:
        """Room for what is kept elsewhere; what is not pinned goes for it. False: not even that would do."""
        if num_bytes > self.num_free_bytes:
            return False
        self._make_room(num_bytes)
        self.num_reserved_bytes += num_bytes
        return True

    def unreserve(self, num_bytes: int) -> None:
        self.num_reserved_bytes -= num_bytes

    def pin(self, tokens: list[int], state: bytes, *, tag: str) -> bool:
        """Keeps it until forget(tag). False: pins would take more than their share, or there is no room."""
        self.forget(tag)
        if self._shelf.num_pinned_bytes + len(state) > self.max_bytes * PIN_SHARE or len(state) > self.num_free_bytes:
            return False
        self._make_room(len(state))
        self._shelf.add(Snapshot(tokens, state, tag, is_pinned=True))
        return True

    def wants(self, tokens: list[int], num_bytes: int, uses: Uses | None = None) -> bool:
        """Whether put() would keep a state of so many bytes. One that an already kept longer sequence covers is not
        worth keeping, nor is one for which others would go that are worth more."""
        if num_bytes > self.num_free_bytes or self._shelf.covering(tokens) is not None:
            return False
        uses = self._inherited(tokens, uses or Uses(self._clock()))
        num_too_many = self.num_loose_bytes + num_bytes - self.num_free_bytes
        return self._shelf.may_enter(tokens, num_bytes, uses, num_too_many=num_too_many)

    def put(self, tokens: list[int], state: bytes, *, tag: str = "", uses: Uses | None = None) -> bool:
        """Keeps a state in place of those that it covers. False: not kept, because it is not wanted; what covers it
        has been of use."""
        if not self.wants(tokens, len(state), uses):
            return self.use_of(tokens)
        uses = self._inherited(tokens, uses or Uses(self._clock()))
        for shorter in self._shelf.covered_by(tokens):
            self._shelf.remove(shorter)
        self._make_room(len(state))
        self._shelf.add(Snapshot(tokens, state, tag), uses)
        return True

    def wanted_beginning(self, tokens: list[int]) -> int:
        """How many of its first tokens others have too, and are worth a state of their own; 0: none. For what is
        about to go: then they are there when the others have gone as well."""
        path = self._shelf.path(tokens)
        num_shared = max((run.num_tokens for run in path if len(run.holders) > 1), default=0)
        num_kept = max((run.num_tokens for run in path if run.ends and run.num_tokens <= num_shared), default=0)
        return num_shared if num_shared - num_kept >= MIN_BEGINNING_TOKENS else 0

    def put_beginning(self, tokens: list[int], state: bytes) -> None:
        """Kept beside what goes on from it, as nobody's: many begin so. Less than others that are worth more."""
        num_too_many = self.num_loose_bytes + len(state) - self.num_free_bytes
        if self._shelf.may_enter(tokens, len(state), Uses(self._clock(), 2.0), num_too_many=num_too_many):
            self._make_room(len(state))
            self._shelf.add(Snapshot(tokens, state, is_beginning=True))

    def _inherited(self, tokens: list[int], uses: Uses) -> Uses:
        """A chat's new state has been used as often as its last one."""
        now = self._clock()
        earlier = [self._shelf.uses(shorter) for shorter in self._shelf.covered_by(tokens)]
        return max(uses, *earlier, key=lambda each: each.at(now)) if earlier else uses

    def _make_room(self, num_bytes: int) -> None:
        while self.num_loose_bytes + num_bytes > self.num_free_bytes:
            self.drop_one()

    def drop_one(self) -> None:
        """What is worth least and is not pinned; there must be one."""
        least = self._shelf.least()
        assert least is not None
        self._shelf.evict(least)
        if self._on_drop is not None:
            self._on_drop(least)

    def best(self, tokens: Sequence[int] | bytes) -> tuple[int, Snapshot | None]:
        """(number of leading tokens in common, snapshot); (0, None) when there is none."""
        return self._shelf.best(tokens)

    def parting(self, key: bytes, is_wanted: Callable[[int, int], bool]) -> Iterator[tuple[Parting, Snapshot]]:
        return self._shelf.parting(key, is_wanted)

    def use_of(self, tokens: list[int]) -> bool:
        """One that begins with all of them is of use. False: there is none."""
        if (longer := self._shelf.covering(tokens)) is not None:
            self._shelf.touch(longer)
        return longer is not None

    def most_worth(self) -> list[Snapshot]:
        """All of which a chat may go to disk, what is worth most first."""
        return sorted(self._shelf.loose(), key=self._shelf.worth, reverse=True)

    def uses(self, snapshot: Snapshot) -> Uses:
        return self._shelf.uses(snapshot)

    def touch(self, snapshot: Snapshot) -> None:
        self._shelf.touch(snapshot)

    def forget(self, tag: str) -> None:
        for snapshot in self._shelf:
            if snapshot.tag == tag:
                self._shelf.remove(snapshot)
