"""Buffers the usage of API calls that are not stored, and writes it to the database in batches. Event loop only.

Stored answers are booked with their end, in one transaction. A call that leaves nothing behind is worth no write of its
own: sums wait here for `flush_s`, and are lost with at most that much in a crash.
"""

import asyncio
import logging
from collections import Counter

from bdchat.store.accounts import usage
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

Account = tuple[str, str, int]  # user_id, model, beginning of a quarter of an hour


class UsageLedger:
    def __init__(self, database: Database, *, flush_s: float) -> None:
        self._database = database
        self._flush_s = flush_s
        self._sums: dict[Account, Counter[str]] = {}
        self._writing = asyncio.Lock()

    def add(self, user_id: str, model: str, counts: dict[str, int]) -> None:
        if any(counts.values()):
            self._sums.setdefault((user_id, model, usage.bucket()), Counter()).update(counts)

    async def run(self) -> None:
        """Until cancelled; then whoever cancelled it flushes."""
        while True:
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """All that was added before is written when it returns, by whoever began. What cannot be written now is kept
        for the next time."""
        async with self._writing:
            sums, self._sums = self._sums, {}
            if not sums:
                return
            try:
                await self._database.write(lambda db: usage.add_all(db, sums))
            except StoreError as error:
                log.warning("usage could not be written: %s", error)
                for account, counts in sums.items():
                    self._sums.setdefault(account, Counter()).update(counts)
