"""Tells the engines which prompts are pinned: at the server's start, when an admin changes them, and, where other
servers share the database, when one of those did. Event loop only."""

import asyncio
import logging

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.router import Router
from bdchat.store.accounts import pins
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database
from bdchat.store.tables import PinnedPrompt

log = logging.getLogger(__name__)

RELOAD_S = 20.0


class PinnedPrompts:
    """`load` once the database is there, `run` as a task of the lifespan."""

    def __init__(self, database: Database, router: Router) -> None:
        self._database = database
        self._router = router
        self._told: set[str] = set()  # ids of pins that the router has

    async def load(self) -> None:
        """The router has what the store has. Raises StoreError."""
        found = await self._database.read(pins.list_all)
        for pin_id in self._told - {pin.pin_id for pin in found}:
            self.drop(pin_id)
        for pin in found:
            if pin.pin_id not in self._told:
                self.put(pin)

    async def run(self) -> None:
        """Until cancelled. SQLite has one writer: there whoever changes a pin says so."""
        if self._database.dialect == "sqlite":
            return
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                await self.load()
            except StoreError as error:
                log.warning("the pinned prompts could not be read: %s", error)

    def put(self, pin: PinnedPrompt) -> None:
        """One that engines would not take is left out: what is stored was checked by the same rules."""
        try:
            self._router.pin(pin.pin_id, pin.system_prompt, model=pin.model)
        except InvalidRequest as error:
            log.warning("the prompt %s is not pinned: %s", pin.pin_id, error)
        else:
            self._told.add(pin.pin_id)

    def drop(self, pin_id: str) -> None:
        self._router.unpin(pin_id)
        self._told.discard(pin_id)
