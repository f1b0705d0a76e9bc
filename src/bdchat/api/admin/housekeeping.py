"""Background task that deletes expired data: chats past their time for undo and their KV states, old logs, ended
logins.

Event loop only; `run` is a task of the application's lifespan. What is over, store.retention says.
"""

import asyncio
import logging

from bdchat.engine.kv.files import keep_only
from bdchat.settings import Settings
from bdchat.store import retention
from bdchat.store.accounts import pins
from bdchat.store.chats import purges, sessions
from bdchat.store.chats.staging import ABANDONED_AFTER_MS
from bdchat.store.errors import StoreError
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

FIRST_AFTER_S = 60.0  # a start has better things to do
INTERVAL_S = 3600.0


class Housekeeping:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._made_at_ms = now_ms()
        self._database = database

    async def run(self) -> None:
        """Until cancelled."""
        await self.tidy()
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.sweep()
            except StoreError as error:  # a full disk: there will be another hour
                log.warning("what is over could not be forgotten: %s", error)
            await asyncio.sleep(INTERVAL_S)

    async def tidy(self) -> None:
        """What a server that ended has left of chats that it was writing. On PostgreSQL others may write theirs."""
        untouched_for_ms = 0 if self._database.dialect == "sqlite" else ABANDONED_AFTER_MS
        try:
            await purges.purge_abandoned(self._database, touched_before_ms=self._made_at_ms - untouched_for_ms)
        except StoreError as error:
            log.warning("what was left of unfinished chats could not be removed: %s", error)

    async def sweep(self) -> retention.Swept:
        settings = self._settings
        limits = retention.Limits.at(now_ms(), settings.auth, settings.generations, settings.store)
        swept = await retention.sweep(self._database, limits)
        session_ids = await self._database.read(sessions.all_ids)  # the deleted ones too, as long as there is undo
        pin_ids = await self._database.read(lambda db: [pin.pin_id for pin in pins.list_all(db)])
        await asyncio.to_thread(keep_only, settings.data_dir / "cache", session_ids, pin_ids)
        return swept
