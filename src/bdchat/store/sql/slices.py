"""Runs a long job in slices that each hold the one writer for a moment. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from bdchat.store.sql.write_queue import MAX_SLICE_BYTES

MAX_SLICE_ROWS = 100
Item = TypeVar("Item")


def slices(
    items: Iterable[Item],
    num_bytes: Callable[[Item], int],
    *,
    max_bytes: int = MAX_SLICE_BYTES,
    max_rows: int = MAX_SLICE_ROWS,
) -> Iterator[list[Item]]:
    """In order, each within both bounds; an item that is larger by itself is alone."""
    some: list[Item] = []
    total = 0
    for item in items:
        size = num_bytes(item)
        if some and (len(some) == max_rows or total + size > max_bytes):
            yield some
            some, total = [], 0
        some.append(item)
        total += size
    if some:
        yield some
