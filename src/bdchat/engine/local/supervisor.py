"""Keeps one engine process alive: start, load, watch, restart with backoff, give up, try again.

Event loop only. Knows processes and how they end, never requests: its owner hears reports and deaths.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from bdchat.engine.errors import EngineError, EngineUnavailable, ModelLoadFailed
from bdchat.engine.local.child import EngineChild, Spawn
from bdchat.engine.local.optimizing import optimize, until_calm
from bdchat.engine.local.restarts import Death, RestartPolicy, Shrinking
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.weights.job import OptimizerProgress
from bdchat.engine.wire import Load, LoadFailed, Loading, MemoryEnded, Ping, Pong, Ready, Report, Step

log = logging.getLogger(__name__)


WANT_OF_MEMORY_DELAY_S = 0.1  # for what else the system killed to be gone


class Timeouts(NamedTuple):
    """How long what is waited for. Tests are less patient."""

    load_s: float = 600.0  # EngineSettings.load_timeout_s
    hang_s: float = 60.0  # no sign of the step loop; at least 50 usual steps
    first_step_s: float = 300.0  # the same while no step's time is known: a large model reads a batch on a slow machine
    retry_s: float = 60.0  # a failed engine is tried again by the next request after this
    shutdown_s: float = 6.0  # between asking and SIGKILL: chats are saved in it
    num_failed_loads: int = 3  # deaths in a row while loading


class Owner(Protocol):
    """Who has the requests."""

    @property
    def usual_step_s(self) -> float | None:
        """None: no step yet."""

    @property
    def num_in_flight(self) -> int:
        """Requests that are not answered yet."""

    def on_ready(self) -> None:
        """The child takes requests."""

    def on_report(self, report: Report) -> None:
        """Anything but Loading, Ready, LoadFailed."""

    def on_death(self, death: Death) -> None:
        """A process that had been ready is gone, with all that was in it."""

    def on_end(self, error: Callable[[], EngineError]) -> None:
        """There will be no other process until `start`, or ever."""


class Supervisor:
    def __init__(
        self, load: Load, owner: Owner, *, spawn: Spawn, timeouts: Timeouts, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._owner = owner
        self._spawn = spawn
        self._timeouts = timeouts
        self._clock = clock
        self._restarts = RestartPolicy(clock)
        self._shrinking = Shrinking()
        self._memory_ended = ""  # what the process said of it
        self._life: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._settled = asyncio.Event()  # ready, failed or closed
        self._failed_at = 0.0
        self._problem = ""
        self._load_failure: LoadFailed | None = None
        self._num_failed_loads = 0
        self._last_heard_at = 0.0
        self.child: EngineChild | None = None
        self.state = "idle"  # until it is needed
        self.info: ModelInfo | None = None
        self.progress: Loading | None = None
        self.optimizing: OptimizerProgress | None = None  # what is being found out about the weights, meanwhile
        self.num_restarts = 0
        self.lacks_memory = False  # that is why it was given up, while it is
        self._optimizer: asyncio.Task[None] | None = None  # once a life of this object
        self._is_renewing = False  # the process ends because it was asked to, and a new one follows

    @property
    def can_submit(self) -> bool:
        return self.state == "ready" and self.child is not None and self.child.is_connected

    @property
    def problem(self) -> str | None:
        """Why it was given up, while it is."""
        return self._problem if self.state == "failed" else None

    @property
    def may_start_again(self) -> bool:
        """It was not started yet, or given up long enough ago."""
        is_rested = self.state == "failed" and self._clock() - self._failed_at >= self._timeouts.retry_s
        return self.state == "idle" or is_rested

    def start(self) -> None:
        self.state = "loading"
        self._settled.clear()
        self._load_failure = None
        self._num_failed_loads = 0
        self._shrinking = Shrinking()  # there may be more memory now
        self.lacks_memory = False
        self._life = asyncio.create_task(self._live(), name=f"engine {self._load.model_id}")

    async def settled(self) -> None:
        """Until the engine is ready, failed or closed."""
        await self._settled.wait()

    def note_progress(self) -> None:
        """A token came: this life was worth it."""
        self._restarts.note_progress()
        self._shrinking.note_progress()

    async def aclose(self) -> None:
        if self._closing.is_set():
            return
        was_ready, self.state = self.state == "ready", "closed"
        self._closing.set()
        self._settled.set()
        self._owner.on_end(lambda: EngineUnavailable("the engine is shutting down", retry_after_s=5.0))
        if self._optimizer is not None:
            self._optimizer.cancel()
            await asyncio.gather(self._optimizer, return_exceptions=True)
        if self.child is not None and was_ready:
            await self.child.shut_down(timeout_s=self._timeouts.shutdown_s)
        elif self.child is not None:
            self.child.kill("it is not needed")  # it would hear nothing while it loads
        if self._life is not None:
            await self._life

    # --- lives --------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        try:
            while True:
                death = await self._one_life()
                delay_s = self._judge_wanted(death) if self._is_renewing else self._judge(death)
                if delay_s is None:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), delay_s)
                if self._closing.is_set():
                    return
                self.num_restarts += not self._is_renewing
                self._is_renewing = False
        except Exception as error:  # a border: whatever went wrong here, nobody may wait for ever
            log.exception("supervision failed", extra={"model_id": self._load.model_id})
            self._give_up(EngineUnavailable, f"{type(error).__name__}: {error}")

    async def _one_life(self) -> Death:
        self._last_heard_at = self._clock()
        self.progress = None
        self._load_failure, self._memory_ended = None, ""
        try:
            child = await EngineChild.start(self._spawn, self._load.model_id, self._hear)
        except OSError as error:
            return Death(returncode=1, last_words=f"cannot start an engine process: {error}")
        if self._closing.is_set():
            child.kill("it came too late")
        self.child = child
        child.send(msgspec.structs.replace(self._load, num_shrinks=self._shrinking.num_shrinks))
        log.info("engine process %d started", child.pid, extra={"model_id": self._load.model_id})
        watchers = [asyncio.create_task(self._watch_load(child)), asyncio.create_task(self._watch_steps(child))]
        try:
            return await child.ended()
        finally:
            self.child = None
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)

    def _hear(self, report: Report) -> None:
        if type(report) is Step or type(report) is Pong:  # the step loop's own words; the prompt thread has others
            self._last_heard_at = self._clock()
        if type(report) is Ready:
            self._last_heard_at = self._clock()
            self.info = report.info
            self.progress = None
            self._num_failed_loads = 0
            if not self._closing.is_set():
                self.state = "ready"
                self._settled.set()
                self._owner.on_ready()
                if self._optimizer is None and report.info.weights is not None and report.info.weights.is_open:
                    self._optimizer = asyncio.create_task(self._optimize(), name=f"weights of {self._load.model_id}")
        elif type(report) is Loading:
            self.progress = report
        elif type(report) is LoadFailed:
            self._load_failure = report
        elif type(report) is MemoryEnded:
            self._memory_ended = report.reason
        else:
            self._owner.on_report(report)

    async def _watch_load(self, child: EngineChild) -> None:
        try:
            await asyncio.wait_for(self._settled.wait(), self._timeouts.load_s)
        except TimeoutError:
            self._load_failure = LoadFailed(reason=f"not loaded within {self._timeouts.load_s:.0f} s")
            child.kill(self._load_failure.reason)

    async def _watch_steps(self, child: EngineChild) -> None:
        """Pings are answered between steps: long silence is a hung llama.cpp."""
        await self._settled.wait()
        for number in itertools.count():
            usual_s = self._owner.usual_step_s
            patience_s = (
                max(self._timeouts.hang_s, 50 * usual_s) if usual_s is not None else self._timeouts.first_step_s
            )
            child.send(Ping(number=number))
            await asyncio.sleep(patience_s / 12)
            if self._clock() - self._last_heard_at > patience_s:
                await asyncio.sleep(patience_s / 12)  # it may be us who were stuck: hear first what was said meanwhile
                if self._clock() - self._last_heard_at > patience_s:
                    child.kill(f"it did not answer for {patience_s:.0f} s")
                    return

    async def _optimize(self) -> None:
        """Finds out which encoding of the weights is fastest here, and takes it when nobody would wait for it."""
        try:
            verdict = await optimize(self._load, self._note_optimizing)
        finally:
            self.optimizing = None
        assert self.info is not None
        if verdict is None or not (verdict.is_encoded or verdict.uses_extra_bufts != self.info.use_extra_bufts):
            return
        await until_calm(lambda: self._owner.num_in_flight)
        if self.state == "ready" and self.child is not None:
            self._is_renewing = True
            await self.child.shut_down(timeout_s=self._timeouts.shutdown_s)

    def _note_optimizing(self, progress: OptimizerProgress) -> None:
        self.optimizing = progress

    def _judge_wanted(self, death: Death) -> float | None:
        """The same of a life that was asked to end for another one."""
        if self._closing.is_set():
            return None
        self.state = "restarting"
        self._settled.clear()
        self._owner.on_death(death)
        return 0.0

    def _judge(self, death: Death) -> float | None:
        """Seconds until the next life; None: none, at least until start()."""
        if self._closing.is_set():
            return None
        was_ready = self.state == "ready"
        self.state = "restarting" if self.info is not None else "loading"
        self._settled.clear()
        if self._load_failure is not None:
            return self._after_failed_load(self._load_failure)
        log.warning(
            "engine process died: %s",
            death.description,
            extra={"model_id": self._load.model_id, "last_words": death.last_words},
        )
        is_want = bool(self._memory_ended) or death.ran_out_of_memory
        if was_ready:
            self._owner.on_death(death._replace(is_the_plans_fault=is_want and self._shrinking.may_shrink))
        else:
            self._num_failed_loads += not death.ran_out_of_memory
            if self._num_failed_loads >= self._timeouts.num_failed_loads:
                return self._give_up(ModelLoadFailed, f"the engine process dies while loading: {death.description}")
        if is_want:
            return self._after_want_of_memory(self._memory_ended or death.description, was_ready=was_ready)
        if death.is_unexplained_kill:
            self._shrinking.note_kill(was_ready=was_ready)
        delay_s = self._restarts.note_death()
        if delay_s is None:
            return self._give_up(EngineUnavailable, f"the engine process keeps dying: {death.description}")
        return delay_s

    def _after_want_of_memory(self, said: str, *, was_ready: bool) -> float | None:
        if self._shrinking.shrink():
            return WANT_OF_MEMORY_DELAY_S
        self.lacks_memory = True
        reason = f"memory ends, also with the smallest plan: {said}"
        return self._give_up(EngineUnavailable if was_ready else ModelLoadFailed, reason)

    def _after_failed_load(self, failure: LoadFailed) -> float | None:
        if failure.may_shrink and self._shrinking.shrink():
            log.warning("it did not fit: %s", failure.reason, extra={"model_id": self._load.model_id})
            return WANT_OF_MEMORY_DELAY_S
        self.lacks_memory = failure.lacks_memory
        return self._give_up(ModelLoadFailed, failure.reason)

    def _give_up(self, kind: type[ModelLoadFailed] | type[EngineUnavailable], reason: str) -> float | None:
        self.state = "failed"
        self._failed_at, self._problem = self._clock(), reason
        log.error("engine given up: %s", reason, extra={"model_id": self._load.model_id})

        def error() -> EngineError:
            retry_after_s = max(1.0, self._failed_at + self._timeouts.retry_s - self._clock())
            if kind is ModelLoadFailed:
                return ModelLoadFailed(self._load.model_id, reason, retry_after_s)
            return EngineUnavailable(reason, retry_after_s)

        self._owner.on_end(error)
        self._settled.set()
        return None
