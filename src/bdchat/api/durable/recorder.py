"""Records the logs of stored generations: follows them and commits what is new. Event loop only.

One Recorder commits all logs of this process together, at most every `interval_s`; at most every `shown_interval_s`
while a log has news for a reader who sees committed events alone.

What a reader may rely on:
1. Numbers begin at 1 and go up by one, without gaps.
2. Ended and Failed are the last event, and are on the disk before anybody sees them.
3. Who reads committed events alone (`follow_committed`) never sees one that may be gone: a number means the same event
   over all runs. It gets the first event at once, and later ones at most `shown_interval_s` after they were made.
4. Within one run, what was seen under a number never changes. Other events than the last are seen at once and are on
   the disk at most `interval_s` later; when the server dies in between they are gone, and the generation goes on after
   the last committed one in a new run (numbering.py).
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import Any

from bdchat.api.durable.rows import pack
from bdchat.api.generation.events import Ended, Failed, LogEvent
from bdchat.api.generation.log import MAX_BATCH, GenerationLog
from bdchat.store.chats import generations
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

Rows = list[dict[str, Any]]


class RecordedLog(GenerationLog):
    """`committed`: what is in the store already."""

    def __init__(self, generation_id: str, committed: Iterable[LogEvent], *, num_run: int = 0) -> None:
        super().__init__(committed)
        self.generation_id = generation_id
        self.num_run = num_run
        self.num_committed = len(self.events)
        self.is_lost = False  # another server has taken the generation over
        self.on_reader: Callable[[], None] = lambda: None  # a reader of committed events has come
        self._num_committed_readers = 0
        self._has_committed = asyncio.Event()  # since its last reader looked

    @property
    def has_uncommitted(self) -> bool:
        return self.num_committed < len(self.events)

    @property
    def is_waited_for(self) -> bool:
        """Somebody sees what there is only once it is committed."""
        return self._num_committed_readers > 0 and self.has_uncommitted and not self.is_lost

    def note_committed(self, num_events: int) -> None:
        self.num_committed = num_events
        self._has_committed.set()

    def close(self, error: Exception | None = None) -> None:
        super().close(error)
        self._has_committed.set()

    async def follow_committed(
        self, after_seq: int = 0, *, is_hurried: bool = True
    ) -> AsyncGenerator[Sequence[LogEvent]]:
        """As `follow`, but only what is in the store. Raises `error` after the last. Without `is_hurried` nothing is
        committed sooner for this reader."""
        num_read = after_seq
        self._num_committed_readers += is_hurried
        self.on_reader()
        try:
            while True:
                if num_read < self.num_committed:
                    batch = self.events[num_read : min(self.num_committed, num_read + MAX_BATCH)]
                    num_read += len(batch)
                    yield batch
                elif self.is_closed:
                    if self.error is not None:
                        raise self.error
                    return
                else:
                    self._has_committed.clear()
                    await self._has_committed.wait()
        finally:
            self._num_committed_readers -= is_hurried

    def uncommitted_rows(self, *more: LogEvent) -> Rows:
        events = [*self.events[self.num_committed :], *more]
        return pack(self.generation_id, events, first_seq=self.num_committed + 1)


class Recorder:
    """The one writer of all logs of this process. `run` is its task; `owner` is who holds their leases."""

    def __init__(
        self, database: Database, *, owner: str, interval_s: float, shown_interval_s: float | None = None
    ) -> None:
        self._database = database
        self._owner = owner
        self._interval_s = interval_s
        self._shown_interval_s = min(interval_s, shown_interval_s or interval_s)
        self._open: set[RecordedLog] = set()
        self._has_news = asyncio.Event()
        self._is_waited_for = asyncio.Event()
        self._committed_at = -math.inf  # by the loop's clock
        self._committing = asyncio.Lock()
        self.num_commits = 0

    def open(self, recorded: RecordedLog) -> None:
        self._open.add(recorded)
        recorded.on_reader = lambda: self._hurry_for(recorded)

    def close(self, recorded: RecordedLog) -> None:
        """Its end has been committed, or is another server's to tell."""
        self._open.discard(recorded)

    def note_news(self, recorded: RecordedLog) -> None:
        self._has_news.set()
        self._hurry_for(recorded)

    def _hurry_for(self, recorded: RecordedLog) -> None:
        if recorded.is_waited_for:
            self._is_waited_for.set()

    async def run(self) -> None:
        """Until cancelled. The first event after a pause waits a whole interval: there will be more by then. Where it
        is waited for, it does not."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._has_news.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._is_waited_for.wait()
                    await asyncio.sleep(self._committed_at + self._shown_interval_s - clock())
            self._is_waited_for.clear()
            self._has_news.clear()
            await self.flush()
            self._committed_at = clock()

    async def flush(self) -> None:
        """Commits what there is. What cannot be written now stays for the next time."""
        async with self._committing:
            ours = [recorded for recorded in self._open if not recorded.is_lost]
            news = [(recorded, len(recorded.events)) for recorded in ours if recorded.has_uncommitted]
            rows = [row for recorded, _ in news for row in recorded.uncommitted_rows()]
            if not rows:
                return
            try:
                lost = await self._database.write(lambda db: generations.append_events(db, self._owner, rows))
            except StoreError as error:
                log.warning("events of %d answers could not be written: %s", len(news), error)
                self._has_news.set()
                return
            self.num_commits += 1
            for recorded, num_events in news:
                if recorded.generation_id in lost:  # nothing of it was written
                    recorded.is_lost = True
                else:
                    recorded.note_committed(num_events)

    async def end(self, recorded: RecordedLog, last: Ended | Failed, write: Callable[[Rows], Awaitable[bool]]) -> None:
        """The last event. `write` commits the rows of all that is not committed, this event included, and the
        generation's end in one transaction; only then is it shown. It returns False when the generation is another
        server's. What it raises leaves the log as it was."""
        self._open.discard(recorded)  # a flush that has begun is waited for, later ones leave it alone
        try:
            async with self._committing:
                rows = recorded.uncommitted_rows(last)
            recorded.is_lost |= not await write(rows)
        except BaseException:
            self._open.add(recorded)
            raise
        if not recorded.is_lost:
            recorded.append(last)
            recorded.note_committed(recorded.last_seq)
