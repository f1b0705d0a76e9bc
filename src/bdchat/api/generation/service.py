"""Starts the generations of every endpoint and keeps the set of those that run. Event loop only."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from bdchat.api.generation.account_limits import AccountLimits
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.journal import RequestJournal
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.run import STOPPING_RETRY_AFTER_S, Run
from bdchat.api.generation.usage_ledger import UsageLedger
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.engine.request import EmbeddingRequest, Embeddings, GenerationRequest
from bdchat.settings import LimitSettings

LAST_WORDS_AT_THE_END_S = 2.0
GUEST_PREFIX = "guest/"  # no account's id has a slash: a guest that names one is still a guest


class GenerationService:
    """Starts generations and knows which are running. Drained once, at the server's end."""

    def __init__(
        self, meter: LatencyMeter, ledger: UsageLedger | None = None, limits: AccountLimits | None = None
    ) -> None:
        self.journal = RequestJournal()
        self.meter = meter
        self._ledger = ledger
        self._limits = limits or AccountLimits(LimitSettings())
        self._running: dict[asyncio.Task[None], Run] = {}
        self._embedding: set[asyncio.Task[Embeddings]] = set()
        self._is_draining = False

    @property
    def num_running(self) -> int:
        return len(self._running)

    @property
    def running(self) -> tuple[Run, ...]:
        """Stored ones too, the eldest first."""
        return tuple(sorted(self._running.values(), key=lambda generation: generation.started_at_ms))

    @property
    def is_draining(self) -> bool:
        return self._is_draining

    def admit(self, user_id: str) -> None:
        """Whoever begins something new for an account asks first, once. Raises AccountLimitReached."""
        self._limits.admit(user_id)

    def most_at_once(self, user_id: str, num_choices: int) -> float:
        return self._limits.most_at_once(user_id, num_choices)

    def start(self, engine: Engine, request: GenerationRequest, *, user_id: str = "") -> Run:
        """What it spends is on `user_id`'s account, and so is its place in the queue: an account that names many users
        is one. Who has no account is told apart by what the request says, but never taken for an account."""
        if user_id:
            request = msgspec.structs.replace(request, user=user_id, account=user_id)
        elif request.user:
            request = msgspec.structs.replace(request, user=GUEST_PREFIX + request.user)
        generation = Run(engine, request, self.meter, user_id=user_id)
        self.run(generation).add_done_callback(lambda _: self._charge(user_id, generation))
        return generation

    async def embed(self, engine: Engine, request: EmbeddingRequest, *, user_id: str = "") -> Embeddings:
        """Like start, of texts that become vectors: a draining server waits for it, and its tokens are booked."""
        if self._is_draining:
            raise EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S)
        self.admit(user_id)
        if user_id:
            request = msgspec.structs.replace(request, user=user_id)
        task = asyncio.create_task(engine.embed(request))
        self._embedding.add(task)
        task.add_done_callback(self._embedding.discard)
        began = time.perf_counter()
        try:
            made = await task
        finally:
            task.cancel()
        engine_ms = round(1000 * (time.perf_counter() - began))
        model_id = engine.info.model_id if engine.info else ""
        counts = {"num_requests": 1, "prompt_tokens": sum(made.num_tokens), "engine_ms": engine_ms}
        self._limits.book(user_id, counts)
        if self._ledger is not None:
            self._ledger.add(user_id, model_id, counts)
        return made

    def run(self, run: Run) -> "asyncio.Task[None]":
        """Its task. One that is stored books what it spends with its end, in one transaction."""
        if self._is_draining:
            raise EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S)
        run.request = self._limits.bounded(run.request, run.user_id)
        task = run.start()
        self._running[task] = run
        task.add_done_callback(self._note_end)
        return task

    def find(self, generation_id: str) -> Run | None:
        """Among the running."""
        running = self._running.values()
        return next((each for each in running if each.request.request_id == generation_id), None)

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        run = self._running.pop(task)
        self._limits.book(run.user_id, run.spending.counts())
        self.journal.note(run)

    def _charge(self, user_id: str, run: Run) -> None:
        if self._ledger is not None:
            self._ledger.add(user_id, run.model_id, run.spending.counts())

    async def drain(self, timeout_s: float) -> None:
        """Refuses new ones, gives the running ones `timeout_s`, then ends them with an error their readers see."""
        self._is_draining = True
        if working := (*self._running, *self._embedding):
            await asyncio.wait(working, timeout=timeout_s)
        for generation in tuple(self._running.values()):
            generation.cancel(EngineUnavailable("the server is stopping", STOPPING_RETRY_AFTER_S))
        if tasks := tuple(self._running):
            _, late = await asyncio.wait(tasks, timeout=LAST_WORDS_AT_THE_END_S)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)


class GenerationGroup:
    """The generations of one call, one per prompt in order, at most `width` running at a time. Owned by its response.

    Leaving the context cancels whatever still runs. Raises AccountLimitReached before anything has begun; what has
    begun is finished, also when its account's minute is used up meanwhile."""

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
        service.admit(user_id)
        self._service = service
        self._engine = engine
        self._user_id = user_id
        self._waiting = list(reversed(list(enumerate(requests))))
        self._running: dict[int, Run] = {}
        at_once = service.most_at_once(user_id, max(request.num_choices for request in requests))
        for _ in range(int(min(width, len(requests), at_once))):
            self._start_next()

    async def accepted(self) -> None:
        """Waits until the first wave has its places. Raises the first refusal."""
        for generation in tuple(self._running.values()):
            await generation.accepted()

    async def follow(self, *, at_end: bool = False) -> AsyncGenerator[tuple[int, Sequence[LogEvent]]]:
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

    def _start_next(self) -> tuple[int, Run]:
        position, request = self._waiting.pop()
        generation = self._service.start(self._engine, request, user_id=self._user_id)
        self._running[position] = generation
        return position, generation

    async def _follow_many(self, *, at_end: bool) -> AsyncGenerator[tuple[int, Sequence[LogEvent]]]:
        arrived: asyncio.Queue[tuple[int, Sequence[LogEvent]] | int | EngineError] = asyncio.Queue()

        async def read(position: int, run: Run) -> None:
            try:
                async for batch in run.follow(at_end=at_end):
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
