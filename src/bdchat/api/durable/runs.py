"""The stored answers that run in this process: begun, taken over, stopped, ended, suspended. Event loop only.

Owns their tasks and the leases on them. Whose they are, others have asked.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from bdchat.api.bus.interface import Bus, BusClosed, BusUnavailable, SlowReader, user_topic
from bdchat.api.bus.session_news import SessionNews
from bdchat.api.durable.event_log import EventLog, LoggedEvent, RunLog
from bdchat.api.durable.plans import Plans, Prepared
from bdchat.api.durable.reader import DurableReader
from bdchat.api.durable.recovery import Recovery
from bdchat.api.durable.run import RunEnd, RunPlan, StoredRun
from bdchat.api.generation.service import STOPPING_RETRY_AFTER_S, GenerationService
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.settings import GenerationSettings
from bdchat.store.chats import answers, generations
from bdchat.store.chats.answers import Begun
from bdchat.store.chats.sessions import Audience
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database
from bdchat.store.tables import Message

log = logging.getLogger(__name__)

SERVERS_TOPIC = "servers"  # what one server asks of all: {"type": "generation.stop", "generation_id": …}
MAX_RESUMED_AT_ONCE = 32  # of a crash's answers in one engine's queue; the others wait here
STOP_PATIENCE_S = 5.0  # for the end of a stopped answer to be committed
CLOSE_PATIENCE_S = 5.0
NUM_STOPS_KEPT = 256
HEAR_RETRY_S = 1.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RunningAnswer:
    """For people who watch."""

    generation_id: str
    session_id: str | None
    user_id: str
    model: str
    created_at_ms: int
    num_tokens: int
    progress: dict[str, Any] | None


class DurableRuns:
    """`start` once the database and the bus are there, `aclose` after GenerationService.drain."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        news: SessionNews,
        service: GenerationService,
        plans: Plans,
        settings: GenerationSettings,
        server_id: str,
        on_end: Callable[[Begun], None],
    ) -> None:
        self.server_id = server_id
        interval_s = settings.commit_interval_ms / 1000
        self._database = database
        self._bus = bus
        self._news = news
        self._service = service
        self._plans = plans
        self._on_end = on_end
        self._event_log = EventLog(database, owner=server_id, interval_s=interval_s)
        self.reader = DurableReader(database, self._log_of, interval_s=interval_s)
        self._recovery = Recovery(database, plans, self, settings)
        self._runs: dict[str, StoredRun] = {}
        self._tasks: set[asyncio.Task[Any]] = set()  # of runs and of what must not be disturbed
        self._helpers: list[asyncio.Task[None]] = []
        self._room = asyncio.Semaphore(MAX_RESUMED_AT_ONCE)
        self._stops: deque[str] = deque(maxlen=NUM_STOPS_KEPT)  # asked of a server that may be gone

    async def start(self) -> None:
        """Takes over what is unfinished. Raises StoreError."""
        await self._recovery.sweep(is_first=True)
        self._helpers = [
            asyncio.create_task(self._event_log.run(), name="event log"),
            asyncio.create_task(self._recovery.run(), name="leases"),
            asyncio.create_task(self._hear_servers(), name="stops of other servers"),
        ]

    async def aclose(self) -> None:
        """What still runs is suspended: it goes on at the next start, or on another server at once."""
        self.reader.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_PATIENCE_S)
            for task in late:
                task.cancel()
        for task in self._helpers:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._helpers, return_exceptions=True)
        if self._database.is_open:
            try:
                await self._database.write(lambda db: generations.release_leases(db, self.server_id))
            except StoreError as error:
                log.warning("leases could not be released: %s", error)

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def launch(self, prepared: Prepared) -> Begun:
        """Raises AlreadySent, StoreError, and what the engine refuses with."""
        if self._service.is_draining:
            raise EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S)
        new, plan = prepared.new, prepared.plan
        begun = await self._database.write(lambda db: answers.begin(db, new))
        run = self._add(plan, prepared.engine, [LoggedEvent(1, "started", new.started)])
        try:
            if begun.session is not None:
                await self.tell(begun.written, begun.audience, kind="created" if new.is_new_answer else "changed")
        finally:
            self._keep(run.run(), run)
        await run.accepted()
        return begun

    async def stop(self, generation_id: str) -> None:
        """Returns when its end is stored, where it runs here; else another server is asked."""
        run = self._runs.get(generation_id)
        if run is None:
            await self._bus.publish(SERVERS_TOPIC, {"type": "generation.stop", "generation_id": generation_id})
            return
        run.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run.ended(), STOP_PATIENCE_S)

    def running(self) -> list[RunningAnswer]:
        """Those of this process, oldest first."""
        return [
            RunningAnswer(
                generation_id=run.plan.generation_id,
                session_id=run.plan.session_id,
                user_id=run.plan.user_id,
                model=run.plan.model,
                created_at_ms=run.plan.created_at_ms,
                num_tokens=run.num_tokens,
                progress=run.progress,
            )
            for run in self._runs.values()
        ]

    async def undisturbed(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What was begun is finished: who asked may leave, but half of it must not be done."""
        task = self._task(work, name="begin")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_note_failure)
            raise

    async def tell(
        self, written: Sequence[Message], audience: Audience, *, kind: Literal["created", "changed"]
    ) -> None:
        for message in written:
            await self._news.message(message, kind=kind)
        await self._news.changed(audience)

    # --- what recovery asks -------------------------------------------------------------------------------------------

    def running_ids(self) -> list[str]:
        return list(self._runs)

    def lose(self, generation_id: str) -> None:
        run = self._runs.get(generation_id)
        if run is not None:
            run.lose()

    def go_on_with(self, plan: RunPlan, events: Sequence[LoggedEvent]) -> None:
        run = self._add(plan, self._plans.engine_for(plan), events)
        if plan.generation_id in self._stops:
            run.stop()
        self._keep(self._run_with_others(run), run)

    async def interrupt(self, plan: RunPlan, events: Sequence[LoggedEvent], error: EngineError) -> None:
        await self._make_run(plan, None, events).interrupt(error)

    # --- how they run -------------------------------------------------------------------------------------------------

    def _log_of(self, generation_id: str) -> RunLog | None:
        run = self._runs.get(generation_id)
        return run.log if run is not None else None

    def _add(self, plan: RunPlan, engine: Engine, events: Sequence[LoggedEvent]) -> StoredRun:
        run = self._runs[plan.generation_id] = self._make_run(plan, engine, events)
        return run

    def _make_run(self, plan: RunPlan, engine: Engine | None, events: Sequence[LoggedEvent]) -> StoredRun:
        run_log = RunLog(plan.generation_id, events, num_run=plan.num_run)
        return StoredRun(
            plan,
            run_log,
            event_log=self._event_log,
            service=self._service,
            engine=engine,
            bus=self._bus,
            write_end=self._write_end,
        )

    async def _run_with_others(self, run: StoredRun) -> None:
        async with self._room:
            await run.run()

    def _keep(self, work: Coroutine[Any, Any, None], run: StoredRun) -> None:
        def forget(_: object) -> None:
            if self._runs.get(run.plan.generation_id) is run:
                del self._runs[run.plan.generation_id]

        self._task(work, name=f"stored {run.plan.generation_id}").add_done_callback(forget)

    def _task(self, work: Coroutine[Any, Any, Result], *, name: str) -> "asyncio.Task[Result]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _write_end(self, plan: RunPlan, rows: list[dict[str, Any]], end: RunEnd) -> bool:
        if end.is_refused and plan.session_id is None:
            return await self._database.write(
                lambda db: answers.withdraw(db, self.server_id, plan.generation_id, counts=end.counts)
            )
        written = await self._database.write(
            lambda db: answers.end(
                db,
                self.server_id,
                plan.generation_id,
                end.ending,
                rows,
                metadata=end.metadata,
                counts=end.counts,
                num_tokens=end.num_tokens,
            )
        )
        if written is None:
            return False
        if written.session is not None:
            await self.tell(written.written, written.audience, kind="changed")
            notice = {"kind": "answer.finished", "session_id": plan.session_id, "message_id": plan.message_id}
            told = {"title": written.session.title, "state": end.ending.state}
            await self._bus.publish(user_topic(plan.user_id), {"type": "notification", **notice, **told})
        self._on_end(written)
        return True

    async def _hear_servers(self) -> None:
        while True:
            try:
                async with self._bus.subscribe(SERVERS_TOPIC) as heard:
                    async for _, message in heard:
                        if message.get("type") == "generation.stop":
                            self._stop_what_is_asked(message["generation_id"])
            except BusClosed:
                return
            except (SlowReader, BusUnavailable):
                await asyncio.sleep(HEAR_RETRY_S)

    def _stop_what_is_asked(self, generation_id: str) -> None:
        run = self._runs.get(generation_id)
        if run is not None:
            run.stop()
        else:
            self._stops.append(generation_id)


def _note_failure(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("an answer was refused after its client had gone: %s", error)
