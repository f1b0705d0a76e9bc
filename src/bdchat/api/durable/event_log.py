"""The numbered events of stored answers: in memory for who reads now, stored for who comes later. Event loop only.

A RunLog belongs to one running answer; one EventLog commits all of them together, at most every `interval_s`.

What a reader may rely on:
1. Numbers begin at 1 and go up by one, without gaps.
2. "finished" and "failed" are the last event, and are on the disk before anybody sees them.
3. Within one run, what was seen under a number never changes. Other events than the last are seen at once and are on
   the disk at most `interval_s` later; when the server dies in between they are gone, and the answer goes on after the
   last committed one in a new run (Generation.num_resumes).
4. Outside, an event's number is `event_id(run, seq)`: it only grows. A reader that knows one of an earlier run gets one
   "reset" first, which holds all the text so far, and ends with exactly the stored text.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from bdchat.api.durable.event_cursor import RUN_STEP, NumberedEvent
from bdchat.store.chats import generations as store
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database
from bdchat.store.tables import GenerationEvent

log = logging.getLogger(__name__)

LAST_KINDS = frozenset({"finished", "failed"})
MAX_BATCH = 256  # events that a reader gets at once: with log probabilities each is kilobytes


class LoggedEvent(NamedTuple):
    """kind and data:

    "started"   message_id, session_id, model, created_at_ms, prefix (text of the message from earlier runs),
                num_dropped_messages
    "delta"     index, text, tokens; logprobs when asked for
    "finished"  reason, state, usage, timings
    "failed"    error: OpenAI's error object, status: HTTP's, state
    "reset"     text: what this generation has said so far, without the prefix; only outside, never stored"""

    seq: int
    kind: str
    data: dict[str, Any]


class RunLog:
    """The events of one answer; event number n is `events[n - 1]`. Never grows once it is closed."""

    def __init__(self, generation_id: str, committed: Iterable[LoggedEvent], *, num_run: int = 0) -> None:
        self.generation_id = generation_id
        self.num_run = num_run
        self.events = list(committed)
        self.num_committed = len(self.events)
        self.is_closed = False
        self.is_lost = False  # another server has taken the answer over
        self.error: Exception | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def has_uncommitted(self) -> bool:
        return self.num_committed < len(self.events)

    @property
    def last_seq(self) -> int:
        return len(self.events)

    def append(self, kind: str, data: dict[str, Any]) -> LoggedEvent:
        event = LoggedEvent(len(self.events) + 1, kind, data)
        self.events.append(event)
        if self._waiters:
            self._wake()
        return event

    def close(self, error: Exception | None = None) -> None:
        """Nothing more comes. Readers end, with `error` when it was not the answer that ended."""
        self.error = self.error or error
        self.is_closed = True
        self._wake()

    async def follow(self, after_seq: int) -> AsyncGenerator[list[LoggedEvent]]:
        """As many at a time as there are, at most MAX_BATCH."""
        number = after_seq
        while True:
            if number < len(self.events):
                batch = self.events[number : number + MAX_BATCH]
                number += len(batch)
                yield batch
            elif self.is_closed:
                if self.error is not None:
                    raise self.error
                return
            else:
                await self._changed()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _changed(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter


class EventLog:
    """The one writer of all logs of this process. `run` is its task; `owner` is who holds their leases."""

    def __init__(self, database: Database, *, owner: str, interval_s: float) -> None:
        self._database = database
        self._owner = owner
        self._interval_s = interval_s
        self._open: set[RunLog] = set()
        self._has_news = asyncio.Event()
        self._committing = asyncio.Lock()
        self.num_commits = 0

    def open(self, run_log: RunLog) -> None:
        self._open.add(run_log)

    def close(self, run_log: RunLog) -> None:
        """Its end has been committed, or is another server's to tell."""
        self._open.discard(run_log)

    def note_news(self) -> None:
        self._has_news.set()

    async def run(self) -> None:
        """Until cancelled. The first event after a pause waits a whole interval: there will be more by then."""
        while True:
            await self._has_news.wait()
            await asyncio.sleep(self._interval_s)
            self._has_news.clear()
            await self.flush()

    async def flush(self) -> None:
        """Commits what there is. What cannot be written now stays for the next time."""
        async with self._committing:
            news = [(run_log, len(run_log.events)) for run_log in self._open if run_log.has_uncommitted]
            rows = [row for run_log, _ in news for row in pack(run_log.generation_id, _uncommitted(run_log))]
            if not rows:
                return
            try:
                lost = await self._database.write(lambda db: store.append_events(db, self._owner, rows))
            except StoreError as error:
                log.warning("events of %d answers could not be written: %s", len(news), error)
                self._has_news.set()
                return
            self.num_commits += 1
            for run_log, num_events in news:
                run_log.is_lost |= run_log.generation_id in lost
                run_log.num_committed = num_events

    async def end(
        self, run_log: RunLog, kind: str, data: dict[str, Any], write: Callable[[list[dict[str, Any]], int], Any]
    ) -> LoggedEvent:
        """The last event. `write(rows, seq)` commits the rest of the log, this event included, and the answer's end in
        one transaction; only then is it shown, unless that showed that the log is lost. What it raises leaves the log
        as it was."""
        self._open.discard(run_log)  # a flush that has begun is waited for, later ones leave it alone
        try:
            async with self._committing:
                last = LoggedEvent(run_log.last_seq + 1, kind, data)
                rows = pack(run_log.generation_id, [*_uncommitted(run_log), last])
            await write(rows, last.seq)
        except BaseException:
            self._open.add(run_log)
            raise
        if not run_log.is_lost:
            run_log.append(kind, data)
            run_log.num_committed = run_log.last_seq
        return last


def _uncommitted(run_log: RunLog) -> list[LoggedEvent]:
    return run_log.events[run_log.num_committed :]


def event_id(run: int, seq: int) -> int:
    return run * RUN_STEP + seq


def seq_after(last_event_id: int, run: int) -> int | None:
    """Where a reader goes on that has seen `last_event_id`; None: that was of another run, and its text must go."""
    seen_run, seq = divmod(last_event_id, RUN_STEP)
    return seq if seen_run == run or last_event_id == 0 else None


def outside(run: int, events: Iterable[LoggedEvent]) -> list[NumberedEvent]:
    return [(event_id(run, event.seq), event.kind, event.data) for event in events]


def reset(run: int, events: Sequence[LoggedEvent]) -> tuple[int, NumberedEvent]:
    """For who knows another run: the number of the last event that it stands for, and the event. An end is no text."""
    seq = len(events) - 1 if events and events[-1].kind in LAST_KINDS else len(events)
    return seq, (event_id(run, seq), "reset", {"text": text_and_tokens(events)[0]})


def pack(generation_id: str, events: Sequence[LoggedEvent]) -> list[dict[str, Any]]:
    """Events as rows of GenerationEvent. Deltas that follow each other share one, named by the last of them."""
    rows: list[dict[str, Any]] = []
    deltas: list[LoggedEvent] = []

    def close_deltas() -> None:
        if deltas:
            data = {"first": deltas[0].seq, "deltas": [event.data for event in deltas]}
            rows.append({"generation_id": generation_id, "seq": deltas[-1].seq, "kind": "deltas", "data": data})
            deltas.clear()

    for event in events:
        if event.kind == "delta":
            deltas.append(event)
            continue
        close_deltas()
        rows.append({"generation_id": generation_id, "seq": event.seq, "kind": event.kind, "data": event.data})
    close_deltas()
    return rows


def unpack(rows: Iterable[GenerationEvent], *, after_seq: int = 0) -> list[LoggedEvent]:
    """Rows in order. Those of a commit that was made twice may hold some events twice."""
    events: list[LoggedEvent] = []
    last_seq = after_seq
    for row in rows:
        found = [LoggedEvent(row.seq, row.kind, row.data)]
        if row.kind == "deltas":
            first = row.data["first"]
            found = [LoggedEvent(first + i, "delta", data) for i, data in enumerate(row.data["deltas"])]
        events += [event for event in found if event.seq > last_seq]
        last_seq = max(last_seq, row.seq)
    return events


def text_and_tokens(events: Iterable[LoggedEvent]) -> tuple[str, list[int]]:
    """What a run has said, from its log."""
    pieces: list[str] = []
    tokens: list[int] = []
    for event in events:
        if event.kind == "delta":
            pieces.append(event.data["text"])
            tokens += event.data["tokens"]
    return "".join(pieces), tokens
