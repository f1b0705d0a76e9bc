"""How long tests wait.

For what happens when all is well: PATIENCE_S, for a machine may stand still for twenty seconds. For what a promise of
ours bounds: `until` with that bound, which counts only the time in which this process had its turns.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
PATIENCE_S = 60.0
LONGEST_TURN_S = 0.1  # between two looks, of what counts


async def until(is_true: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Lets the loop run until it is so. For what a socket's other end or another process does: no event tells of it.

    Raises TimeoutError. Time in which the machine stood still counts for no more than one look.
    """
    clock = asyncio.get_running_loop().time
    left_s, looked_at = timeout_s, clock()
    while not is_true():
        if left_s <= 0:
            raise TimeoutError(f"not within {timeout_s} s")
        await asyncio.sleep(0.001)
        now = clock()
        left_s -= min(now - looked_at, LONGEST_TURN_S)
        looked_at = now


async def eventually(look: Callable[[], Awaitable[Found | None]]) -> Found:
    """The first that is found, where looking must be waited for: a row, another server's answer. Raises
    TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.002)
