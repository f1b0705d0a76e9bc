"""Reads the events of a stored answer from any number to its end, wherever it is computed. Event loop only.

From the log in memory while it runs here; else from the store, asked every `interval_s` while another server commits.
A reader may pass from one to the other: a server that falls silent is replaced, and its answer goes on elsewhere.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from bdchat.api.durable.event_cursor import NumberedEvent
from bdchat.api.durable.event_log import LAST_KINDS, RunLog, event_id, outside, reset, seq_after, unpack
from bdchat.api.durable.run import Suspended
from bdchat.engine.errors import EngineError
from bdchat.store.chats import completion_rows, generations
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation

MAX_ROWS = 64  # of a log that are read at once; each holds what was committed together
MAX_CHARS = (1 << 31) - 1  # all of it: an answer is as long as a context lets it be


class DurableReader:
    """`running`: the log of an answer that runs in this process, or None."""

    def __init__(self, database: Database, running: Callable[[str], RunLog | None], *, interval_s: float) -> None:
        self._database = database
        self._running = running
        self._interval_s = interval_s
        self._is_closed = asyncio.Event()

    def close(self) -> None:
        """Whoever waits for another server's answer is told to come back."""
        self._is_closed.set()

    async def follow(self, generation_id: str, after_id: int) -> AsyncGenerator[Sequence[NumberedEvent]]:
        """Raises NotFound; Suspended when this server stops before the answer ends."""
        last_id = after_id
        while True:
            run_log = self._running(generation_id)
            if run_log is not None:
                source = self._from_memory(run_log, last_id)
            else:
                source = self._from_store(generation_id, last_id)
            async with aclosing(source) as batches:
                async for batch in batches:
                    last_id = batch[-1][0]
                    yield batch
                    if batch[-1][1] in LAST_KINDS:
                        return

    async def _from_memory(self, run_log: RunLog, after_id: int) -> AsyncGenerator[Sequence[NumberedEvent]]:
        """Ends without a last event when the log is another server's by now."""
        run = run_log.num_run
        seq = seq_after(after_id, run)
        if seq is None or seq > run_log.last_seq:
            seq, event = reset(run, run_log.events)
            yield [event]
        try:
            async with aclosing(run_log.follow(seq)) as batches:
                async for batch in batches:
                    yield outside(run, batch)
        except EngineError:
            if not run_log.is_lost:
                raise
        if run_log.is_lost:
            await self._pause()  # until the other one is known

    async def _from_store(self, generation_id: str, after_id: int) -> AsyncGenerator[Sequence[NumberedEvent]]:
        """The first of what is committed after `after_id`, once; then waits a little while the answer runs."""

        def read(db: Any) -> tuple[Generation, list[NumberedEvent]]:
            row = completion_rows.get(db, generation_id).row
            return row, stored_events(db, row, after_id, max_rows=MAX_ROWS)

        row, events = await self._database.read(read)
        if events:
            yield events
        if row.state == generations.RUNNING and len(events) < MAX_ROWS:  # else there are more already
            await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._is_closed.wait(), self._interval_s)
        except TimeoutError:
            return
        raise Suspended


def stored_events(db: Any, row: Generation, after_id: int, *, max_rows: int | None = None) -> list[NumberedEvent]:
    """Those after `after_id` that are in the store, of its first `max_rows` rows. Inside the caller's transaction.

    `row`: also one without its long columns. A log that was forgotten meanwhile is made up for: all its text as a
    reset, and its end."""
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
        return [first, *outside(run, [event for event in events if event.seq > seq])]
    if events or not has_ended:
        return outside(run, events)
    last = last_event(row)
    if seq == row.last_seq - 1:
        return [last]
    text = completion_rows.part_of(db, row.generation_id, "content", start=0, num_chars=MAX_CHARS)
    return [(event_id(run, row.last_seq - 1), "reset", {"text": text}), last]


def last_event(row: Generation) -> NumberedEvent:
    number = event_id(row.num_resumes, row.last_seq)
    if row.error:
        return number, "failed", row.error
    usage = {name: value for name, value in row.usage.items() if name != "timings"}
    data = {"reason": row.finish_reason, "state": row.state, "usage": usage, "timings": row.usage.get("timings", {})}
    return number, "finished", data
