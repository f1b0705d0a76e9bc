"""Database writes that publish on the bus what they changed, after the commit. Event loop only.

Laws: what a work records in its `News` is said once, in that order, after its transaction is on the disk and before
`run` returns; of one that failed nothing is said. Who waits may be cancelled: what was committed is told all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from bdchat.api.bus.interface import Bus
from bdchat.api.bus.news import News
from bdchat.store.db import Db
from bdchat.store.sql.database import Database

Result = TypeVar("Result")


class Writes:
    """`aclose` before the bus's and the database's."""

    def __init__(self, database: Database, bus: Bus, *, forget_rights: Callable[[str], None]) -> None:
        """`forget_rights`: of a user whose rights have ended; before anybody hears of it."""
        self._database = database
        self._bus = bus
        self._forget_rights = forget_rights
        self._running: set[asyncio.Task[Any]] = set()

    async def run(
        self, work: Callable[[Db, News], Result], *, then: Callable[[Result], None] = lambda _: None
    ) -> Result:
        """One transaction, as Database.write. `then` is called once it is committed, before it is told: for what this
        process must know before somebody asks for it."""

        def write(db: Db) -> tuple[Result, News]:
            news = News()
            return work(db, news), news

        async def write_and_tell() -> Result:
            result, news = await self._database.write(write)
            then(result)
            await self.publish(news)
            return result

        return await self._finished(write_and_tell())

    async def run_job(self, job: Awaitable[Result], tell: Callable[[Result, News], None]) -> Result:
        """What takes many transactions: told when the last of them is on the disk. Cancelled, it tells nothing."""
        result = await job
        news = News()
        tell(result, news)
        await self.publish(news)
        return result

    async def publish(self, news: News) -> None:
        """For a change that is told by and by (import_run.py); else it comes of the transaction."""
        for user_id in news.ended_user_ids:
            self._forget_rights(user_id)
        for topic, message in news.messages:
            await self._bus.publish(topic, message)

    async def aclose(self) -> None:
        """Returns when all that was begun has been told."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _finished(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Cancelling a wait for the database does not undo the write: nor may it silence what the write tells."""
        task = asyncio.create_task(work, name="write and tell")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)
