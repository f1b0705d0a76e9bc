"""The one loop around EngineCore.step(): commands in, one frame of events out per step.

Runs on the thread that calls run(): the only one that ever touches the model (llama.cpp's OpenMP team belongs to it).
The same loop serves the engine process and, in tests, a thread. Knows commands and events, never text or HTTP.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from bdchat.engine.errors import EngineError, TooLittleMemory, speaks_of_memory
from bdchat.engine.host import total_memory_bytes
from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.kv.files import model_folder
from bdchat.engine.kv.plan import idle_bytes, ram_cache_bytes, short_bytes
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.model_runner import Embedder, ModelRunner, OutOfMemory
from bdchat.engine.process.embedding_jobs import EmbeddingJobs
from bdchat.engine.process.embedding_worker import EmbeddingModel, EmbeddingWorker
from bdchat.engine.process.idle_care import IdleCare
from bdchat.engine.process.inbox import (
    Arrival,
    GrammarSource,
    Inbox,
    Item,
    ParentGone,
    PinArrival,
    PromptSource,
    SurveyArrival,
    rejection,
)
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.text_turns import EmbeddingArrival, EmbeddingSource
from bdchat.engine.request import Delta, Event
from bdchat.engine.scheduling.draft_model import DraftModel
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.pace.promises import Promises
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.pins import PinKeeper
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.telling.inspection import inspect, survey
from bdchat.engine.wire import (
    Cancel,
    Forget,
    Inspect,
    Inspected,
    Load,
    LoadFailed,
    Loading,
    MemoryEnded,
    Ping,
    Pinned,
    Pong,
    Ready,
    Shutdown,
    Step,
    Surveyed,
    Unpin,
)
from bdchat.settings import EngineSettings

log = logging.getLogger(__name__)

_METRICS_INTERVAL_S = 0.1  # between frames that carry metrics while nobody's state changes
_STALLED_WAIT_S = 0.01  # work is waiting but nothing could be computed: do not spin
_LAST_SAVES_S = 3.0  # at an orderly end, what is worth most first; then the writer ends what it has begun


class LoadedModel(NamedTuple):
    runner: ModelRunner
    prompts: PromptSource
    texts: EmbeddingSource  # for vectors beside its answers
    make_embedder: Callable[[], Embedder]  # at the first text; raises ModelLoadFailed
    cost: StepCost | None = None  # what calibration found; None = the scheduler's first guess
    grammars: GrammarSource | None = None  # None: no answer can be constrained
    drafter: DraftModel | None = None  # a small model that guesses ahead


class ModelLoader(Protocol):
    def load(self, load: Load, report_progress: Callable[[str, float | None], None]) -> LoadedModel | EmbeddingModel:
        """Called on the step loop's thread. An exception's text is the reason that people see; one line."""


class Worker:
    def __init__(
        self,
        inbox: Inbox,
        outbox: Outbox,
        loader: ModelLoader,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._loader = loader
        self._clock = clock
        self._pending: list[Event] = []  # Accepted, to go out with the next step's events
        self._next_metrics_at = 0.0
        self._sent_metrics: EngineMetrics | None = None
        self._num_batched_tokens = 0

    def run(self) -> None:
        """Until Shutdown, a hangup, or a model that does not load."""
        first = self._inbox.take(wait_s=None)[0]
        if not isinstance(first, Load):
            return
        try:
            model = self._loader.load(first, self._report_progress)
        except Exception as error:  # a border: whatever a file makes a library raise is the reason why it does not load
            log.info("load failed", exc_info=True)
            reason = str(getattr(error, "reason", None) or f"{type(error).__name__}: {error}")
            lacks_memory = isinstance(error, TooLittleMemory | MemoryError) or speaks_of_memory(reason)
            may_shrink = lacks_memory and not isinstance(error, TooLittleMemory)
            self._outbox.send(LoadFailed(reason=reason, lacks_memory=lacks_memory, may_shrink=may_shrink))
            return
        if isinstance(model, EmbeddingModel):
            EmbeddingWorker(self._inbox, self._outbox, clock=self._clock).serve(first, model)
            return
        try:
            self._serve(first, model)
        except OutOfMemory as error:
            log.warning("memory ended in a step: %s", error)
            self._outbox.send(MemoryEnded(reason=str(error)))
        finally:
            if model.drafter is not None:
                model.drafter.close()
            model.runner.close()

    def _serve(self, load: Load, model: LoadedModel) -> None:
        settings = EngineSettings.model_validate(load.settings)
        scheduler = Scheduler(
            model.runner,
            queue_limit=load.queue_limit,
            promises=Promises(settings.max_gap_ms, settings.min_prefill_share),
            max_draft_tokens=settings.max_draft_tokens,
            draft_memory_tokens=settings.draft_memory_tokens,
            queue_timeout_s=settings.queue_timeout_s,
            generation_s=load.generation_s,
            is_deterministic=settings.deterministic,
            ram_cache_bytes=ram_cache_bytes(settings, total_bytes=total_memory_bytes()) >> load.num_shrinks,
            disk=_disk(load, settings, model.runner),
            cost=model.cost,
        )
        scheduler.drafts.guess_by(model.drafter)
        embeddings = EmbeddingJobs(self._outbox, model.make_embedder, scheduler.counts, queue_limit=load.queue_limit)
        care = IdleCare(
            scheduler.kv_cache,
            model.runner,
            idle_s=settings.idle_after_s,
            keep_bytes=idle_bytes(settings, model_bytes=model.runner.info.model_bytes),
            short_bytes=short_bytes(total_bytes=total_memory_bytes()),
            give_back_others=embeddings.give_back,
            clock=self._clock,
        )
        self._inbox.build_prompts(model.prompts, model.grammars)
        self._inbox.build_texts(model.texts)
        self._outbox.send(Ready(info=msgspec.structs.replace(model.runner.info, model_id=load.model_id)))
        try:
            core = EngineCore(scheduler, model.runner)
            if self._loop(core, PinKeeper(scheduler), embeddings, care, settings.max_gap_ms):
                self._save_the_rest(scheduler)
        finally:
            embeddings.close()
            if scheduler.kv_cache.disk is not None:
                scheduler.kv_cache.disk.close()

    def _loop(
        self,
        core: EngineCore,
        pins: PinKeeper,
        embeddings: EmbeddingJobs,
        care: IdleCare,
        max_gap_ms: float,
    ) -> bool:
        """Whether it was told to end; False: the parent is gone, and so must this process be. Answers and vectors take
        turns, step by step."""
        scheduler = core.scheduler
        wait_s: float | None = None
        while True:
            items = self._inbox.take(wait_s=wait_s)
            for item in items:
                if isinstance(item, Shutdown | ParentGone):
                    return isinstance(item, Shutdown)
                self._handle(scheduler, pins, embeddings, care, item)
            began = self._clock()
            if scheduler.has_work or self._pending:
                has_moved = self._step(core, pins)
                wait_s = 0.0 if has_moved else _STALLED_WAIT_S
            if embeddings.has_work:
                left_ms = max_gap_ms - 1000 * (self._clock() - began)  # of the gap, by the answers' step
                embeddings.step(limit_ms=max(left_ms, max_gap_ms / 4) if scheduler.has_work else None)
                self._send(scheduler)
                wait_s = 0.0
            if scheduler.has_work or embeddings.has_work:
                care.watch()
            else:
                wait_s = 0.0 if pins.rest() else care.rest()
                self._send(scheduler, is_idle=True)
                if (states := pins.news()) is not None:
                    self._outbox.send(Pinned(pins=states))

    def _save_the_rest(self, scheduler: Scheduler) -> None:
        deadline = self._clock() + _LAST_SAVES_S
        while self._clock() < deadline and scheduler.kv_cache.save_one():
            time.sleep(_STALLED_WAIT_S)  # the writer works meanwhile

    def _handle(
        self, scheduler: Scheduler, pins: PinKeeper, embeddings: EmbeddingJobs, care: IdleCare, item: Item
    ) -> None:
        match item:
            case Arrival(request, prompt_tokens, prompt_text, resumption, opens_thought, grammar):
                try:
                    accepted = scheduler.add(request, prompt_tokens, resumption, grammar)
                except EngineError as error:
                    self._outbox.send(rejection(request.request_id, error))
                    return
                if prompt_text is not None or opens_thought:
                    accepted = msgspec.structs.replace(accepted, prompt_text=prompt_text, opens_thought=opens_thought)
                self._pending.append(accepted)
            case EmbeddingArrival():
                embeddings.add(item)
            case Cancel(request_id=request_id):
                embeddings.cancel(request_id)
                scheduler.cancel(request_id)
                self._pending += scheduler.take_events()
                self._send(scheduler)  # not after the next step: that may read a prompt
            case SurveyArrival(request_id, prompt_tokens, may_be_respelled):
                found = survey(scheduler, prompt_tokens, may_be_respelled=may_be_respelled)
                self._outbox.send(Surveyed(request_id=request_id, survey=found))
            case Forget(cache_tag=cache_tag):
                scheduler.kv_cache.forget(cache_tag)
                scheduler.drafts.recent.forget(cache_tag)
                care.wake()
            case PinArrival(pin_id, tokens, problem):
                pins.put(pin_id, tokens, problem=problem)
                care.wake()
            case Unpin(pin_id=pin_id):
                pins.remove(pin_id)
                care.wake()
            case Inspect():
                care.look()
                self._outbox.send(Inspected(sequences=inspect(scheduler, self._clock())))
            case Ping(number=number):
                self._outbox.send(Pong(number=number))

    def _step(self, core: EngineCore, pins: PinKeeper) -> bool:
        """False: nothing was computed and nothing happened."""
        try:
            events = core.step()
        except OutOfMemory:
            raise
        except Exception:  # the worker-step border: the sequences fail, the engine goes on
            log.exception("step failed")
            events = core.scheduler.fail_all("the engine failed in a step")
        self._pending += pins.without_own(events)
        self._send(core.scheduler)
        num_before, self._num_batched_tokens = self._num_batched_tokens, core.scheduler.counts.num_batched_tokens
        return bool(events) or self._num_batched_tokens != num_before

    def _send(self, scheduler: Scheduler, *, is_idle: bool = False) -> None:
        """Most frames are the next tokens alone: thirty numbers beside them would be most of their cost, here and where
        they are read."""
        now = self._clock()
        metrics = None
        if is_idle or now >= self._next_metrics_at or any(type(event) is not Delta for event in self._pending):
            self._next_metrics_at = now + _METRICS_INTERVAL_S
            metrics = scheduler.metrics()
        if self._pending or (metrics is not None and metrics != self._sent_metrics):
            self._outbox.send(Step(events=tuple(self._pending), metrics=metrics))
            self._pending.clear()
            if metrics is not None:
                self._sent_metrics = metrics

    def _report_progress(self, stage: str, fraction: float | None) -> None:
        self._outbox.send(Loading(stage=stage, fraction=fraction))


def _disk(load: Load, settings: EngineSettings, runner: ModelRunner) -> DiskSnapshots | None:
    if settings.disk_cache_bytes == 0:
        return None
    folder = model_folder(Path(load.cache_dir), load.model_id)
    return DiskSnapshots(folder, settings.disk_cache_bytes, made_by=runner.info.fingerprint)
