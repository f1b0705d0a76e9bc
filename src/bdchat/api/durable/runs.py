"""The stored generations that run in this process: started, taken over, stopped, ended, suspended. Event loop only.

Owns their runs and the leases on them. Whose they are, others have asked.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from bdchat.api.bus.interface import Bus, BusClosed, BusUnavailable, SlowReader
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.chat_sources import rows_of
from bdchat.api.durable.plans import Plans, PreparedGeneration
from bdchat.api.durable.reader import DurableReader
from bdchat.api.durable.recorded_run import RecordedRun, RunPlan
from bdchat.api.durable.recorder import RecordedLog, Recorder, Rows
from bdchat.api.durable.recovery import Recovery
from bdchat.api.durable.rows import from_data
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.run import STOPPING_RETRY_AFTER_S
from bdchat.api.generation.service import GenerationService
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.settings import GenerationSettings
from bdchat.store.chats import answers, generations
from bdchat.store.chats.answers import AnswerEnd, WrittenAnswer
from bdchat.store.db import Db
from bdchat.store.documents import sources
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

SERVERS_TOPIC = "servers"  # what one server asks of all: {"type": "generation.stop", "generation_id": …}
MAX_RESUMED_AT_ONCE = 32  # of a crash's generations in one engine's queue; the others wait here
STOP_TIMEOUT_S = 5.0  # for the end of a stopped generation to be committed
CLOSE_TIMEOUT_S = 5.0
NUM_STOPS_KEPT = 256
HEAR_RETRY_S = 1.0


class RecordedRuns:
    """`start` once the database and the bus are there, `aclose` after GenerationService.drain."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        writes: Writes,
        service: GenerationService,
        plans: Plans,
        settings: GenerationSettings,
        server_id: str,
        on_end: Callable[[WrittenAnswer], None],
    ) -> None:
        self.server_id = server_id
        interval_s = settings.commit_interval_ms / 1000
        self._database = database
        self._bus = bus
        self._writes = writes
        self._service = service
        self._plans = plans
        self._on_end = on_end
        shown_s = settings.shown_interval_ms / 1000
        self._recorder = Recorder(database, owner=server_id, interval_s=interval_s, shown_interval_s=shown_s)
        self.reader = DurableReader(database, self._log_of, interval_s=interval_s)
        self._recovery = Recovery(database, plans, self, settings)
        self._runs: dict[str, RecordedRun] = {}
        self._helpers: list[asyncio.Task[None]] = []
        self._gate = asyncio.Semaphore(MAX_RESUMED_AT_ONCE)
        self._stops: deque[str] = deque(maxlen=NUM_STOPS_KEPT)  # asked of a server that may be gone

    async def start(self) -> None:
        """Takes over what is unfinished. Raises StoreError."""
        await self._recovery.sweep(is_first=True)
        self._helpers = [
            asyncio.create_task(self._recorder.run(), name="recorder"),
            asyncio.create_task(self._recovery.run(), name="leases"),
            asyncio.create_task(self._hear_servers(), name="stops of other servers"),
        ]

    async def aclose(self) -> None:
        """What still runs is suspended: it goes on at the next start, or on another server at once."""
        self.reader.close()
        tasks = {run.task for run in self._runs.values() if run.task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()
        for task in self._helpers:
            task.cancel()
        await asyncio.gather(*tasks, *self._helpers, return_exceptions=True)
        if self._database.is_open:
            try:
                await self._database.write(lambda db: generations.release_leases(db, self.server_id))
            except StoreError as error:
                log.warning("leases could not be released: %s", error)

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def launch(self, prepared: PreparedGeneration) -> WrittenAnswer:
        """Raises AlreadySent, StoreError, and what the engine refuses with."""
        if self._service.is_draining:
            raise EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S)
        new, row = prepared.new, prepared.plan.row

        def begin(db: Db, news: News) -> WrittenAnswer:
            begun = answers.begin(db, new)
            if prepared.passages:
                asked = [message.message_id for message in begun.messages if message.role == "user"]
                sources.put(db, asked[-1] if asked else str(new.parent_id), rows_of(prepared.passages))
            _tell(begun, news, kind="created" if new.is_new_answer else "changed")
            return begun

        def add(_: WrittenAnswer) -> None:
            first = from_data(row.generation_id, "started", answers.started(row))
            self._add(self._make(prepared.plan, prepared.engine, [first]))

        try:
            begun = await self._writes.run(begin, then=add)  # who hears of it finds it
        finally:  # once it is committed it runs, also when telling of it fails
            run = self._runs.get(row.generation_id)
            if run is not None:
                self._start(run)
        assert run is not None  # `add` has run
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
            await asyncio.wait_for(run.ended(), STOP_TIMEOUT_S)

    def running(self) -> list[RecordedRun]:
        """Those of this process, oldest first."""
        return list(self._runs.values())

    # --- what recovery asks -------------------------------------------------------------------------------------------

    def running_ids(self) -> list[str]:
        return list(self._runs)

    def give_up(self, generation_id: str) -> None:
        run = self._runs.get(generation_id)
        if run is not None:
            run.give_up()

    def go_on_with(self, plan: RunPlan, events: Sequence[LogEvent]) -> None:
        run = self._add(self._make(plan, self._plans.engine_for(plan), events, gate=self._gate))
        if run.generation_id in self._stops:
            run.stop()
        with contextlib.suppress(EngineUnavailable):  # this server stops, too: the next one goes on
            self._start(run)

    async def interrupt(self, plan: RunPlan, events: Sequence[LogEvent], error: EngineError) -> None:
        await self._make(plan, None, events).interrupt(error)

    # --- how they run -------------------------------------------------------------------------------------------------

    def _log_of(self, generation_id: str) -> RecordedLog | None:
        run = self._runs.get(generation_id)
        return run.log if run is not None else None

    def _make(
        self,
        plan: RunPlan,
        engine: Engine | None,
        events: Sequence[LogEvent],
        *,
        gate: asyncio.Semaphore | None = None,
    ) -> RecordedRun:
        return RecordedRun(
            plan,
            RecordedLog(plan.row.generation_id, events, num_run=plan.row.num_resumes),
            recorder=self._recorder,
            service=self._service,
            engine=engine,
            bus=self._bus,
            write_end=self._write_end,
            gate=gate,
        )

    def _add(self, run: RecordedRun) -> RecordedRun:
        """From here on readers find it."""
        self._runs[run.generation_id] = run
        return run

    def _start(self, run: RecordedRun) -> None:
        """Raises EngineUnavailable when the server stops."""

        def forget(_: object) -> None:
            if self._runs.get(run.generation_id) is run:
                del self._runs[run.generation_id]

        try:
            self._service.run(run).add_done_callback(forget)
        except EngineUnavailable:
            forget(None)
            raise

    async def _write_end(self, plan: RunPlan, rows: Rows, end: AnswerEnd) -> bool:
        row = plan.row
        if end.is_refused and row.session_id is None:
            return await self._database.write(
                lambda db: answers.withdraw(db, self.server_id, row.generation_id, counts=end.counts)
            )

        def write(db: Db, news: News) -> WrittenAnswer | None:
            written = answers.end(db, self.server_id, row.generation_id, end, rows)
            if written is not None and written.session is not None:
                _tell(written, news, kind="changed")
                news.answer_finished(row.user_id, written.session, row.message_id, end.ending.state)
            return written

        written = await self._writes.run(write)
        if written is None:
            return False
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


def _tell(begun: WrittenAnswer, news: News, *, kind: Literal["created", "changed"]) -> None:
    """Outside chats there is nobody to tell."""
    if begun.session is not None:
        for message in begun.messages:
            news.message(message, kind=kind)
        news.session_changed(begun.audience)
