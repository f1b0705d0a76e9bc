"""Leases on running answers: renews this server's, and takes over answers whose lease has expired. Event loop only.

An answer belongs to the server that holds its lease. Whoever takes it over makes a new run of it, which begins with the
committed events; of several that try at once, one succeeds.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bdchat.api.citations.passage import PassagesOf
from bdchat.api.documents.chat_sources import asked_before
from bdchat.api.durable.plans import Plans
from bdchat.api.durable.recorded_run import RunPlan
from bdchat.api.durable.rows import unpack
from bdchat.api.generation.events import LogEvent
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.settings import GenerationSettings
from bdchat.store.chats import generations
from bdchat.store.db import Db
from bdchat.store.errors import StoreError
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation, Message

log = logging.getLogger(__name__)

# An answer that so many servers ended under is not tried again: it may be what ends them. Most of them die for other
# reasons and before it has said a word, while their model loads.
MAX_RUNS = 200
RENEWALS_PER_LEASE = 3


class RunOwner(Protocol):
    """RecordedRuns, as recovery sees them."""

    server_id: str

    def running_ids(self) -> list[str]: ...

    def give_up(self, generation_id: str) -> None:
        """Another server has it."""

    def go_on_with(self, plan: RunPlan, events: Sequence[LogEvent]) -> None: ...

    async def interrupt(self, plan: RunPlan, events: Sequence[LogEvent], error: EngineError) -> None: ...


@dataclass(frozen=True, slots=True)
class _Taken:
    generation: Generation
    events: list[LogEvent]
    path: list[Message]
    passages: PassagesOf


class Recovery:
    """`is_alone`: there can be no other server, so that at its start nobody computes what is running."""

    def __init__(
        self,
        database: Database,
        plans: Plans,
        owner: RunOwner,
        settings: GenerationSettings,
        *,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._plans = plans
        self._owner = owner
        self._lease_ms = round(settings.lease_s * 1000)
        self._resumes = settings.resume_at_start
        self._is_alone = database.dialect == "sqlite"
        self._clock_ms = clock_ms

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._lease_ms / 1000 / RENEWALS_PER_LEASE)
            try:
                await self.renew()
                await self.sweep()
            except StoreError as error:
                log.warning("leases could not be renewed: %s", error)

    async def renew(self) -> None:
        ids = self._owner.running_ids()
        if not ids:
            return
        expires = self._clock_ms() + self._lease_ms
        server_id = self._owner.server_id
        lost = await self._database.write(
            lambda db: generations.renew_leases(db, server_id, ids, expires_at_ms=expires)
        )
        for generation_id in lost:
            self._owner.give_up(generation_id)

    async def sweep(self, *, is_first: bool = False) -> None:
        """Takes over what is abandoned; of an own one whose beginning was reported as failed too."""
        before = None if is_first and self._is_alone else self._clock_ms()
        found = await self._database.read(lambda db: generations.abandoned(db, expired_before_ms=before))
        ours = set(self._owner.running_ids())
        for seen in found:
            if seen.generation_id in ours:
                continue  # late with renewing, but alive
            try:
                taken = await self._take(seen)
                if taken is not None:
                    await self._revive(taken)
            except StoreError as error:
                log.warning("%s could not be taken over: %s", seen.generation_id, error)

    async def _take(self, seen: Generation) -> _Taken | None:
        """None: another server was faster."""
        server_id, expires = self._owner.server_id, self._clock_ms() + self._lease_ms

        def take(db: Db) -> _Taken | None:
            generation = generations.take_over(db, seen, server_id, expires_at_ms=expires)
            if generation is None:
                return None
            events = unpack(generations.events_after(db, generation.generation_id, 0))
            path, passages = asked_before(db, generation) if generation.session_id is not None else ([], {})
            return _Taken(generation, events, path, passages)

        return await self._database.write(take)

    async def _revive(self, taken: _Taken) -> None:
        generation, events = taken.generation, taken.events
        plan, unreadable = self._plans.taken_over(generation, taken.path, taken.passages, events)
        reason = unreadable or self._why_not(plan)
        extra = {"request_id": generation.generation_id, "num_events": len(events)}
        if reason is None:
            log.info("an answer goes on after its server ended", extra=extra)
            self._owner.go_on_with(plan, events)
        else:
            log.info("an answer was interrupted by its server's end: %s", reason, extra=extra)
            await self._owner.interrupt(plan, events, reason)

    def _why_not(self, plan: RunPlan) -> EngineError | None:
        if not self._resumes:
            return EngineUnavailable("the server was restarted while it answered", 1.0)
        if plan.row.num_resumes > MAX_RUNS:
            return EngineUnavailable(f"{plan.row.num_resumes} servers ended while they answered", 1.0)
        try:
            self._plans.engine_for(plan)
        except EngineError as error:
            return error
        return None
