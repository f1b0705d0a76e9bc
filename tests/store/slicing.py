"""A database that sees how long jobs are cut, for tests of what is written in slices."""

from collections.abc import Awaitable, Callable
from typing import Any

from bdchat.store.sql.database import Database


class Killed(BaseException):
    """The process ended here."""


class Watched:
    """`between`: awaited before each slice. `max_slices`: the process ends before the next."""

    def __init__(
        self,
        real: Database,
        *,
        between: Callable[[], Awaitable[None]] | None = None,
        max_slices: int | None = None,
    ) -> None:
        self.slice_bytes: list[int] = []
        self._real = real
        self._between = between
        self._max_slices = max_slices

    @property
    def num_slices(self) -> int:
        return len(self.slice_bytes)

    async def read(self, work: Any) -> Any:
        return await self._real.read(work)

    async def write(self, work: Any) -> Any:
        return await self._count(self._real.write(work), 0)

    async def write_slice(self, work: Any, *, num_bytes: int = 0) -> Any:
        if self._between is not None:
            await self._between()
        return await self._count(self._real.write_slice(work, num_bytes=num_bytes), num_bytes)

    async def _count(self, write: Awaitable[Any], num_bytes: int) -> Any:
        if self.num_slices == self._max_slices:
            write.close()  # type: ignore[attr-defined]
            raise Killed
        self.slice_bytes.append(num_bytes)
        return await write
