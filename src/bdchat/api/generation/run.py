"""One run of the model for one request: its numbered log, and the task that fills it. Event loop only.

A Run belongs to the server, not to a connection: one task reads the engine's events and appends them to a log,
and any number of readers follow the log from any number. What ends it early is its owner calling `cancel` or `stop`:
for a bare API call that is the response, when its client leaves. An ended one still hears its engine out, so that what
it cost is known. It knows nothing of HTTP, of the wire's shapes or of the store; durable/recorded_run.py has the one
that is stored too.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.log import GenerationLog
from bdchat.api.generation.usage import Spending
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable, GenerationFailed, QueueTimeout
from bdchat.engine.request import Delta, Event, Finished, FinishReason, GenerationRequest, Progress, Resumption
from bdchat.store.ids import now_ms

log = logging.getLogger(__name__)

STOPPING_RETRY_AFTER_S = 5.0
# An engine that was told to cancel says after its step what it had and what that cost. A step takes seconds where a
# machine has too much to do; an engine that hangs has a supervisor. At the server's end there is less time.
LAST_WORDS_S = 60.0


class Run:
    """`start` makes its task, for which it needs its engine. Ends with every choice Finished, or with an error that its
    readers get."""

    session_id: str | None = None  # the chat that it is written into
    is_stored = False
    progress: dict[str, Any] | None = None  # the newest: where it waits, how far its prompt is read

    def __init__(
        self,
        engine: Engine | None,
        request: GenerationRequest,
        meter: LatencyMeter,
        *,
        user_id: str = "",
        resumption: Resumption | None = None,
        spending: Spending | None = None,
        generation_log: GenerationLog | None = None,
    ) -> None:
        self.request = request
        self.user_id = user_id
        self.log = generation_log or GenerationLog()
        self.started_at_ms = now_ms()
        self.first_text_ms: float | None = None  # from its start
        self.reasons: list[FinishReason] = []  # of the choices that have ended
        self.spending = spending or Spending()
        self._engine = engine
        self._resumption = resumption
        self._meter = meter
        self._foretold: tuple[float, float] | None = None  # the seconds left that were told first, and when
        self._is_stopping = False
        self._is_heard = asyncio.Event()  # the engine has said something, or never will
        self._refusal: Exception | None = None
        self._started = self._last = time.perf_counter()
        self.task: asyncio.Task[None] | None = None

    @property
    def generation_id(self) -> str:
        return self.request.request_id

    @property
    def events(self) -> Sequence[LogEvent]:
        return self.log.events

    @property
    def is_ended(self) -> bool:
        return self.log.is_closed

    @property
    def error(self) -> Exception | None:
        return self.log.error

    @property
    def model_id(self) -> str:
        """Empty while no model is loaded: then nothing has been spent either."""
        return self._engine.info.model_id if self._engine and self._engine.info else ""

    @property
    def asked_at_ms(self) -> int:
        """Before `started_at_ms` when it goes on for a server that ended."""
        return self.started_at_ms

    @property
    def num_written_tokens(self) -> int:
        return self.spending.counts()["completion_tokens"]

    def start(self) -> "asyncio.Task[None]":
        self.task = asyncio.create_task(self._run(), name=f"generation {self.request.request_id}")
        return self.task

    async def accepted(self) -> None:
        """Returns when the engine has taken it in. Raises what the engine refused it with."""
        await self._is_heard.wait()
        if self._refusal is not None:
            raise self._refusal

    def follow(self, after_seq: int = 0, *, at_end: bool = False) -> AsyncGenerator[Sequence[LogEvent]]:
        """All events after number `after_seq`, as many at a time as there are; with `at_end` all at once when there
        will be no more. Raises `error` after the last."""
        return self._follow_the_whole(after_seq) if at_end else self.log.follow(after_seq)

    async def _follow_the_whole(self, after_seq: int) -> AsyncGenerator[Sequence[LogEvent]]:
        if self.task is not None:
            await asyncio.wait({self.task})
        async with aclosing(self.log.follow(after_seq)) as batches:
            async for batch in batches:
                yield batch

    def cancel(self, error: EngineError | None = None) -> None:
        """Ends it now; readers get `error`, or the end of the log."""
        if not self.log.is_closed:
            self._close(error)
            self._tell_engine()

    def stop(self) -> None:
        """Ends it as soon as the engine has said its last words, which readers still get, with Finished(CANCELLED)."""
        if not self.log.is_closed and not self._is_stopping:
            self._is_stopping = True
            self._tell_engine()

    def _tell_engine(self) -> None:
        task = self.task
        if task is None or self._engine is None:
            return
        self._engine.cancel(self.request.request_id)
        deadline = asyncio.get_running_loop().call_later(LAST_WORDS_S, task.cancel)
        task.add_done_callback(lambda _: deadline.cancel())

    async def _run(self) -> None:
        self._close(await self._hear_engine())

    async def _hear_engine(self) -> EngineError | None:
        """Takes every event of the engine; returns what broke it off."""
        if self.log.is_closed or self._is_stopping:
            return None  # before the engine has heard of it
        assert self._engine is not None
        try:
            async with aclosing(self._engine.generate(self.request, self._resumption)) as events:
                async for event in events:
                    self.spending.note(event)
                    if not self.log.is_closed:
                        self._measure(event)
                        await self._take(event)
                        self._is_heard.set()
        except asyncio.CancelledError:
            return None  # the engine has been told by the closing of its generator
        except EngineError as error:
            if isinstance(error, QueueTimeout) and not self._is_heard.is_set():
                self.spending.note_refusal_in_the_queue()
            return error
        except Exception:
            log.exception("a generation broke", extra={"request_id": self.request.request_id})
            return GenerationFailed("the server had an internal error")
        return None

    async def _take(self, event: Event) -> None:
        """A choice that failed ends all of them; what the others cost is still heard."""
        try:
            self._raise_unless_complete(event)
        except EngineError as error:
            self.cancel(error)
        else:
            self.log.append(event)

    def _measure(self, event: Event) -> None:
        if isinstance(event, Delta):
            now = time.perf_counter()
            if event.index == 0:  # choices of one request advance in the same steps: one stands for all
                if self._last is self._started:
                    self._meter.ttft.observe(now - self._started)
                    if self._foretold is not None:
                        foretold_s, told_at = self._foretold
                        self._meter.came_true(foretold_s=foretold_s, real_s=now - told_at)
                    self.first_text_ms = (now - self._started) * 1000
                else:
                    self._meter.inter_token.observe(now - self._last)
                self._last = now
        elif isinstance(event, Finished):
            self._meter.finished(event, self.request.priority)
            self.reasons.append(event.reason)
        elif isinstance(event, Progress) and event.eta_ms is not None and self._foretold is None:
            self._foretold = (event.eta_ms / 1000, time.perf_counter())

    def _raise_unless_complete(self, event: Event) -> None:
        if not isinstance(event, Finished):
            return
        if event.reason is FinishReason.ERROR:
            if event.error == QueueTimeout.__name__:
                raise QueueTimeout(event.timings.queue_ms / 1000)
            raise GenerationFailed(event.message or "the engine could not compute")
        if event.reason is FinishReason.CANCELLED and not self._is_stopping:
            raise EngineUnavailable("the engine cancelled the request", STOPPING_RETRY_AFTER_S)

    def _close(self, error: Exception | None) -> None:
        if not self._is_heard.is_set():
            self._refusal = error or EngineUnavailable("the generation was cancelled", STOPPING_RETRY_AFTER_S)
        self.log.close(error)
        self._is_heard.set()
