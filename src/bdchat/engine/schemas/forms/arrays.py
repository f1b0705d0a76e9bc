"""Sets of arrays: what each item must be, how many there are, what must stand somewhere among them."""

import itertools
from dataclasses import dataclass, replace

from ..unsupported import Unsayable
from .nodes import ANYTHING, NOTHING, Node, both

MAX_PLACES = 32  # items among which something may have to be found
MAX_ORDERS = 400  # arrays of different items that are listed


@dataclass(frozen=True, slots=True)
class Some:
    """Among the items from `start` on at least one is in `item`."""

    start: int
    item: Node
    unsayable: Unsayable


@dataclass(frozen=True, slots=True)
class Arrays:
    prefix: tuple[Node, ...] = ()
    rest: Node = ANYTHING
    min_items: int = 0
    max_items: int | None = None
    somes: tuple[Some, ...] = ()
    unique: str | None = None  # the pointer to what asks for it
    refused: Unsayable | None = None

    def meet(self, other: "Arrays") -> "Arrays | None":
        num_prefix = max(len(self.prefix), len(other.prefix))
        prefix = tuple(both(self.item(at), other.item(at)) for at in range(num_prefix))
        most = [each for each in (self.max_items, other.max_items) if each is not None]
        return Arrays(
            prefix=prefix,
            rest=both(self.rest, other.rest),
            min_items=max(self.min_items, other.min_items),
            max_items=min(most, default=None),
            somes=self.somes + tuple(each for each in other.somes if each not in self.somes),
            unique=self.unique if self.unique is not None else other.unique,
            refused=self.refused or other.refused,
        ).bounded()

    def bounded(self) -> "Arrays | None":
        """With the most items that its own contradictions leave; None: no array is in it."""
        most = self.max_items
        for at, node in enumerate(self.prefix):
            if node is NOTHING and (most is None or at < most):
                most = at
        if self.rest is NOTHING and (most is None or len(self.prefix) < most):
            most = len(self.prefix)
        if most is not None and self.min_items > most:
            return None
        if most is not None and any(some.start >= most for some in self.somes):
            return None
        unique = None if most is not None and most < 2 else self.unique
        return replace(self, max_items=most, unique=unique, prefix=self.prefix[:most])

    def item(self, at: int) -> Node:
        return self.prefix[at] if at < len(self.prefix) else self.rest

    def placed(self) -> "list[Arrays]":
        """Without `somes`: one for each place at which the wanted item may stand."""
        found = [self]
        for some in self.somes:
            found = [placed for each in found for placed in each._with(some)]
            if len(found) > MAX_ORDERS:
                raise some.unsayable.error("it may stand at too many places")
        return found

    def _with(self, some: Some) -> "list[Arrays]":
        if self.max_items is None or self.max_items - some.start > MAX_PLACES:
            reason = f"only among at most {MAX_PLACES} items (maxItems) can one be asked for"
            raise some.unsayable.error(reason)
        others = tuple(each for each in self.somes if each is not some)
        found = []
        for at in range(some.start, self.max_items):
            prefix = tuple(self.item(each) for each in range(max(len(self.prefix), at + 1)))
            prefix = (*prefix[:at], both(prefix[at], some.item), *prefix[at + 1 :])
            placed = replace(self, prefix=prefix, min_items=max(self.min_items, at + 1), somes=others).bounded()
            if placed is not None:
                found.append(placed)
        return found


def arrangements(values: list[object], least: int, most: int) -> list[list[object]] | None:
    """The arrays of different ones of the values; None when they are too many."""
    found: list[list[object]] = []
    for length in range(least, most + 1):
        for each in itertools.permutations(values, length):
            found.append(list(each))
            if len(found) > MAX_ORDERS:
                return None
    return found


def asserting(keyword: str, value: int) -> Arrays:
    return Arrays(min_items=value) if keyword == "minItems" else Arrays(max_items=value)


def denying(keyword: str, value: int) -> Arrays | None:
    if keyword == "maxItems":
        return Arrays(min_items=value + 1)
    return Arrays(max_items=value - 1).bounded() if value > 0 else None
