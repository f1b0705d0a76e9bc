"""Every generation of every endpoint: started, numbered, followed and ended here. Event loop only.

A Generation belongs to the server, not to a connection: one task reads the engine's events and appends them to a log,
and any number of readers follow the log from any number. What ends it early is its owner calling `cancel`: for a
bare API call that is the response, when its client leaves. An ended one still hears its engine out, so that what it
cost is known. It knows nothing of HTTP or of the wire's shapes.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from bdchat.api.generation.journal import RequestJournal
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.usage import Spending
from bdchat.api.generation.usage_ledger import UsageLedger
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable, GenerationFailed, QueueTimeout
from bdchat.engine.request import Delta, Event, Finished, FinishReason, GenerationRequest, Resumption
from bdchat.store.ids import now_ms

log = logging.getLogger(__name__)

STOPPING_RETRY_AFTER_S = 5.0
# An engine that was told to cancel says after its step what it had and what that cost. A step takes seconds where a
# machine has too much to do; an engine that hangs has a supervisor. At the server's end there is less time.
LAST_WORDS_S = 60.0
LAST_WORDS_AT_THE_END_S = 2.0


class Generation:
    """The log of one request: event i is `events[i]`, Accepted is event 0. Ends with every choice Finished, or `error`.

    Invariant: once `is_ended`, the log never grows."""

    def __init__(
        self,
        engine: Engine,
        request: GenerationRequest,
        meter: LatencyMeter,
        *,
        resumption: Resumption | None = None,
        spending: Spending | None = None,
        user_id: str = "",
    ) -> None:
        self.request = request
        self.user_id = user_id
        self.started_at_ms = now_ms()
        self.first_text_ms: float | None = None  # from its start
        self.events: list[Event] = []
        self.error: EngineError | None = None
        self.is_ended = False
        self.spending = spending or Spending()
        self._engine = engine
        self._resumption = resumption
        self._meter = meter
        self._is_stopping = False
        self._started = self._last = time.perf_counter()
        self._waiters: list[asyncio.Future[None]] = []
        self._task = asyncio.create_task(self._read(), name=f"generation {request.request_id}")

    @property
    def model_id(self) -> str:
        """Empty while no model is loaded: then nothing has been spent either."""
        return self._engine.info.model_id if self._engine.info else ""

    async def accepted(self) -> None:
        """Waits for event 0. Raises what the engine refused the request with."""
        while not self.events:
            if self.is_ended:
                raise self.error or EngineUnavailable("the generation was cancelled", STOPPING_RETRY_AFTER_S)
            await self._changed()

    async def follow(self, start: int = 0, *, at_end: bool = False) -> AsyncGenerator[Sequence[Event]]:
        """All events from number `start`, as many at a time as there are; with `at_end` all at once when there will
        be no more. Raises `error` after the last."""
        if at_end:
            await asyncio.wait({self._task})
        number = start
        while True:
            if number < len(self.events):
                batch = self.events[number:]
                number += len(batch)
                yield batch
            elif self.is_ended:
                if self.error is not None:
                    raise self.error
                return
            else:
                await self._changed()

    def cancel(self, error: EngineError | None = None) -> None:
        """Ends it now; readers get `error`, or the end of the log."""
        if not self.is_ended:
            self.error = error
            self.is_ended = True
            self._wake()
            self._tell_engine()

    def stop(self) -> None:
        """Ends it as soon as the engine has said its last words, which readers still get, with Finished(CANCELLED)."""
        if not self.is_ended and not self._is_stopping:
            self._is_stopping = True
            self._tell_engine()

    def _tell_engine(self) -> None:
        self._engine.cancel(self.request.request_id)
        deadline = asyncio.get_running_loop().call_later(LAST_WORDS_S, self._task.cancel)
        self._task.add_done_callback(lambda _: deadline.cancel())

    async def _read(self) -> None:
        if self.is_ended or self._is_stopping:
            self.is_ended = True
            self._wake()
            return  # before the engine has heard of it
        try:
            async with aclosing(self._engine.generate(self.request, self._resumption)) as events:
                async for event in events:
                    self.spending.note(event)
                    if not self.is_ended:
                        self._append_or_end(event)
        except asyncio.CancelledError:
            pass  # the engine has been told by the closing of its generator
        except EngineError as error:
            if isinstance(error, QueueTimeout) and not self.events:
                self.spending.note_refusal_in_the_queue()
            self._fail(error)
        except Exception:
            log.exception("a generation broke", extra={"request_id": self.request.request_id})
            self._fail(GenerationFailed("the server had an internal error"))
        finally:
            self.is_ended = True
            self._wake()

    def _append_or_end(self, event: Event) -> None:
        """A choice that failed ends all of them; what the others cost is still heard."""
        try:
            self._append(event)
        except EngineError as error:
            self.cancel(error)

    def _fail(self, error: EngineError) -> None:
        if not self.is_ended:
            self.error = error

    def _append(self, event: Event) -> None:
        if isinstance(event, Delta):
            now = time.perf_counter()
            if event.index == 0:  # choices of one request advance in the same steps: one stands for all
                if self._last is self._started:
                    self._meter.ttft.observe(now - self._started)
                    self.first_text_ms = (now - self._started) * 1000
                else:
                    self._meter.inter_token.observe(now - self._last)
                self._last = now
        elif isinstance(event, Finished):
            self._meter.finished(event)
            if not self._is_stopping or event.reason is not FinishReason.CANCELLED:
                _raise_unless_complete(event)
        self.events.append(event)
        if self._waiters:
            self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _changed(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter


def _raise_unless_complete(event: Finished) -> None:
    if event.reason is FinishReason.ERROR:
        if event.error == QueueTimeout.__name__:
            raise QueueTimeout(event.timings.queue_ms / 1000)
        raise GenerationFailed(event.message or "the engine could not compute")
    if event.reason is FinishReason.CANCELLED:
        raise EngineUnavailable("the engine cancelled the request", STOPPING_RETRY_AFTER_S)


class GenerationService:
    """Starts generations and knows which are running. Drained once, at the server's end."""

    def __init__(self, meter: LatencyMeter, ledger: UsageLedger | None = None) -> None:
        self.journal = RequestJournal()
        self._meter = meter
        self._ledger = ledger
        self._running: set[Generation] = set()
        self._is_draining = False

    @property
    def num_running(self) -> int:
        return len(self._running)

    @property
    def running(self) -> tuple["Generation", ...]:
        """Stored ones too, the eldest first."""
        return tuple(sorted(self._running, key=lambda generation: generation.started_at_ms))

    @property
    def is_draining(self) -> bool:
        return self._is_draining

    def start(self, engine: Engine, request: GenerationRequest, *, user_id: str = "") -> Generation:
        """What it spends is on `user_id`'s account, and so is its place in the queue: an account that names many users
        is one. Who has no account is told apart by what the request says."""
        if user_id:
            request = msgspec.structs.replace(request, user=user_id)
        generation = self._start(Generation(self._open(engine), request, self._meter, user_id=user_id))
        generation._task.add_done_callback(lambda _: self._charge(user_id, generation))
        return generation

    def start_stored(
        self,
        engine: Engine,
        request: GenerationRequest,
        resumption: Resumption | None,
        spending: Spending,
        *,
        user_id: str = "",
    ) -> Generation:
        """Whoever stores it books `spending` with its end, in one transaction."""
        engine = self._open(engine)
        return self._start(
            Generation(engine, request, self._meter, resumption=resumption, spending=spending, user_id=user_id)
        )

    def _open(self, engine: Engine) -> Engine:
        if self._is_draining:
            raise EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S)
        return engine

    def _start(self, generation: Generation) -> Generation:
        self._running.add(generation)
        generation._task.add_done_callback(lambda _: self._note_end(generation))
        return generation

    def _note_end(self, generation: Generation) -> None:
        self._running.discard(generation)
        self.journal.note(generation)

    def _charge(self, user_id: str, generation: Generation) -> None:
        if self._ledger is not None:
            self._ledger.add(user_id, generation.model_id, generation.spending.counts())

    async def drain(self, timeout_s: float) -> None:
        """Refuses new ones, gives the running ones `timeout_s`, then ends them with an error their readers see."""
        self._is_draining = True
        tasks = {generation._task for generation in self._running}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        for generation in tuple(self._running):
            generation.cancel(EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S))
        if tasks := {generation._task for generation in self._running}:
            _, late = await asyncio.wait(tasks, timeout=LAST_WORDS_AT_THE_END_S)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)


class GenerationGroup:
    """The generations of one call, one per prompt in order, at most `width` running at a time. Owned by its response.

    Leaving the context cancels whatever still runs."""

    def __init__(
        self,
        service: GenerationService,
        engine: Engine,
        requests: Sequence[GenerationRequest],
        *,
        width: int,
        user_id: str = "",
    ) -> None:
        assert requests
        assert width >= 1
        self._service = service
        self._engine = engine
        self._user_id = user_id
        self._waiting = list(reversed(list(enumerate(requests))))
        self._running: dict[int, Generation] = {}
        for _ in range(min(width, len(requests))):
            self._start_next()

    async def accepted(self) -> None:
        """Waits until the first wave has its places. Raises the first refusal."""
        for generation in tuple(self._running.values()):
            await generation.accepted()

    async def follow(self, *, at_end: bool = False) -> AsyncGenerator[tuple[int, Sequence[Event]]]:
        """(position of the prompt, events) in the order in which they come; with `at_end` each prompt's all at once."""
        if not self._waiting and len(self._running) == 1:
            ((position, generation),) = self._running.items()
            async with aclosing(generation.follow(at_end=at_end)) as batches:
                async for batch in batches:
                    yield position, batch
            return
        async with aclosing(self._follow_many(at_end=at_end)) as batches_of_all:
            async for item in batches_of_all:
                yield item

    def cancel(self) -> None:
        self._waiting.clear()
        for generation in self._running.values():
            generation.cancel()

    def _start_next(self) -> tuple[int, Generation]:
        position, request = self._waiting.pop()
        generation = self._service.start(self._engine, request, user_id=self._user_id)
        self._running[position] = generation
        return position, generation

    async def _follow_many(self, *, at_end: bool) -> AsyncGenerator[tuple[int, Sequence[Event]]]:
        arrived: asyncio.Queue[tuple[int, Sequence[Event]] | int | EngineError] = asyncio.Queue()

        async def read(position: int, generation: Generation) -> None:
            try:
                async for batch in generation.follow(at_end=at_end):
                    arrived.put_nowait((position, batch))
            except EngineError as error:
                arrived.put_nowait(error)
            else:
                arrived.put_nowait(position)

        readers = {asyncio.create_task(read(*item)) for item in self._running.items()}
        try:
            while self._running:
                item = await arrived.get()
                if isinstance(item, EngineError):
                    raise item
                if isinstance(item, tuple):
                    yield item
                    continue
                del self._running[item]
                if self._waiting:
                    readers.add(asyncio.create_task(read(*self._start_next())))
        finally:
            for reader in readers:
                reader.cancel()
