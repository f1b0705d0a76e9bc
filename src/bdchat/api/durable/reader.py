"""Reads the events of a stored answer from any number to its end, wherever it is computed. Event loop only.

From the log in memory while it runs here; else from the store, asked every `interval_s` while another server commits.
A reader may pass from one to the other: a server that falls silent is replaced, and its answer goes on elsewhere.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial

from bdchat.api.durable.numbering import event_id, reset, seq_after
from bdchat.api.durable.opening import KEPT_AS
from bdchat.api.durable.recorded_run import Suspended
from bdchat.api.durable.recorder import RecordedLog
from bdchat.api.durable.rows import from_data, unpack
from bdchat.api.generation.events import LAST, Batch, Ended, LogEvent, Reset
from bdchat.engine.errors import EngineError
from bdchat.store.chats import generation_rows, generations
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation

MAX_ROWS = 64  # of a log that are read at once; each holds what was committed together
MAX_CHARS = (1 << 31) - 1  # all of it: an answer is as long as a context lets it be


class EventsForgotten(NotFound):
    """They are kept for a while after the answer's end; then only its text is."""

    def __init__(self, generation_id: str) -> None:
        super().__init__("events", generation_id)


class _Lost(Exception):
    """Another server goes on with it."""


async def _unless_lost(
    recorded: RecordedLog, after_seq: int, *, is_hurried: bool
) -> AsyncGenerator[Sequence[LogEvent]]:
    """Raises _Lost instead of the error of a log that is another server's."""
    try:
        async with aclosing(recorded.follow_committed(after_seq, is_hurried=is_hurried)) as batches:
            async for events in batches:
                yield events
    except EngineError as error:
        if recorded.is_lost:
            raise _Lost from error
        raise
    if recorded.is_lost:
        raise _Lost


class DurableReader:
    """`running`: the log of an answer that runs in this process, or None."""

    def __init__(self, database: Database, running: Callable[[str], RecordedLog | None], *, interval_s: float) -> None:
        self._database = database
        self._running = running
        self._interval_s = interval_s
        self._is_closed = asyncio.Event()

    def close(self) -> None:
        """Whoever waits for another server's answer is told to come back."""
        self._is_closed.set()

    async def follow(self, generation_id: str, after_id: int) -> AsyncGenerator[Batch]:
        """Raises NotFound; Suspended when this server stops before the answer ends."""
        last_id = after_id
        while True:
            recorded = self._running(generation_id)
            if recorded is not None:
                source = self._from_memory(recorded, last_id)
            else:
                source = self._from_store(generation_id, last_id)
            async with aclosing(source) as batches:
                async for batch in batches:
                    last_id = batch.last_id
                    yield batch
                    if batch.is_last:
                        return

    async def follow_committed(
        self, generation_id: str, after_seq: int, *, is_hurried: bool
    ) -> AsyncGenerator[Sequence[LogEvent]]:
        """Events after number `after_seq` of the one log that all runs share, to the last one; none that a crash could
        take back. `is_hurried`: they are committed sooner for this reader, where the answer runs here. Raises NotFound,
        EventsForgotten; Suspended when this server stops before the answer ends."""
        seq = after_seq
        while True:
            recorded = self._running(generation_id)
            if recorded is not None and not recorded.is_lost:
                with contextlib.suppress(_Lost):
                    async with aclosing(_unless_lost(recorded, seq, is_hurried=is_hurried)) as batches:
                        async for events in batches:
                            seq += len(events)
                            yield events
                    return
                continue
            row, events = await self._database.read(partial(self._stored_after, generation_id, seq))
            seq += len(events)
            if events:
                yield events
                if isinstance(events[-1], LAST):
                    return
            elif row.state != generations.RUNNING:
                if seq < row.last_seq:
                    raise EventsForgotten(generation_id)
                return
            else:
                await self._pause()

    @staticmethod
    def _stored_after(generation_id: str, seq: int, db: Db) -> tuple[Generation, list[LogEvent]]:
        row = generation_rows.get(db, generation_id).row
        rows = generations.events_after(db, generation_id, seq, max_rows=MAX_ROWS)
        return row, unpack(rows, after_seq=seq)

    async def seen(self, generation_id: str, last_id: int) -> Sequence[LogEvent]:
        """The events up to that number, without the last one; none when a Reset will stand for them. Raises
        NotFound."""
        recorded = self._running(generation_id)
        if recorded is not None:
            seq = seq_after(last_id, recorded.num_run)
            return recorded.events[:seq] if seq is not None and seq <= recorded.last_seq else []

        def read(db: Db) -> list[LogEvent]:
            row = generation_rows.get(db, generation_id).row
            numbered = [each for batch in stored_events(db, row, 0) for each in batch.numbered()]
            return [event for number, event in numbered if number <= last_id and not isinstance(event, LAST)]

        return await self._database.read(read)

    async def _from_memory(self, recorded: RecordedLog, after_id: int) -> AsyncGenerator[Batch]:
        """Ends without a last event when the log is another server's by now."""
        run = recorded.num_run
        seq = seq_after(after_id, run)
        if seq is None or seq > recorded.last_seq:
            seq, batch = reset(run, recorded.events)
            yield batch
        try:
            async with aclosing(recorded.follow(seq)) as batches:
                async for events in batches:
                    yield Batch(event_id(run, seq + 1), events)
                    seq += len(events)
        except EngineError:
            if not recorded.is_lost:
                raise
        if recorded.is_lost:
            await self._pause()  # until the other one is known

    async def _from_store(self, generation_id: str, after_id: int) -> AsyncGenerator[Batch]:
        """The first of what is committed after `after_id`, once; then waits a little while the answer runs."""

        def read(db: Db) -> tuple[Generation, list[Batch]]:
            row = generation_rows.get(db, generation_id).row
            return row, stored_events(db, row, after_id, max_rows=MAX_ROWS)

        row, batches = await self._database.read(read)
        for batch in batches:
            yield batch
        num_events = sum(len(batch.events) for batch in batches)
        if row.state == generations.RUNNING and num_events < MAX_ROWS:  # else there are more already
            await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._is_closed.wait(), self._interval_s)
        except TimeoutError:
            return
        raise Suspended


def stored_events(db: Db, row: Generation, after_id: int, *, max_rows: int | None = None) -> list[Batch]:
    """Those after `after_id` that are in the store, of its first `max_rows` rows. Inside the caller's transaction.

    `row`: also one without its long columns. A log that was forgotten meanwhile is made up for: all its text as a
    Reset, and its end."""
    run = row.num_resumes
    seq = seq_after(after_id, run)
    has_ended = row.state != generations.RUNNING
    if seq is not None and has_ended and seq > row.last_seq:
        seq = None
    if has_ended and seq == row.last_seq:  # the reader knows the end, and waits for no more
        seq = row.last_seq - 1
    max_rows = max_rows if seq is not None else None  # a reset holds all the text
    events = unpack(generations.events_after(db, row.generation_id, seq or 0, max_rows=max_rows), after_seq=seq or 0)
    if seq is None and events:
        seq, first = reset(run, events)
        return [first, *_batch(run, seq, events[seq:])]
    if events or not has_ended:
        return _batch(run, seq or 0, events)
    last = Batch(event_id(run, row.last_seq), [last_event(row)])
    if seq == row.last_seq - 1:
        return [last]
    text = generation_rows.part_of(db, row.generation_id, "content", start=0, num_chars=MAX_CHARS)
    return [Batch(event_id(run, row.last_seq - 1), [Reset(text=text)]), last]


def _batch(run: int, after_seq: int, events: list[LogEvent]) -> list[Batch]:
    return [Batch(event_id(run, after_seq + 1), events)] if events else []


def last_event(row: Generation) -> LogEvent:
    if row.error:
        return from_data(row.generation_id, "failed", row.error)
    usage = {name: value for name, value in row.usage.items() if name not in {"timings", KEPT_AS}}
    return Ended(reason=row.finish_reason, state=row.state, usage=usage, timings=row.usage.get("timings", {}))
