"""/api/admin/overview, /engine, /requests, /generations: state of the server, its engines and running requests. Event
loop only.

Engines are asked when an admin asks; nothing is polled or kept for it but the last reading, so that rates can be told.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat import __version__
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.durable.service import DurableGenerations
from bdchat.api.generation.run import Run
from bdchat.api.generation.service import GenerationService
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, reply
from bdchat.api.http.envelope import Refusals
from bdchat.api.http.errors import EndedByAdmin
from bdchat.api.http.identity import require_admin
from bdchat.api.live.admission import OpenSockets
from bdchat.api.schemas.admin_engine import (
    CacheCounts,
    EngineList,
    EngineView,
    Overview,
    Rates,
    RequestList,
    RequestView,
    RunningList,
    RunningView,
    SequenceView,
)
from bdchat.engine.engine import Engine
from bdchat.engine.host import free_memory_bytes, total_memory_bytes
from bdchat.engine.inspection import SequenceState
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.router import Router
from bdchat.store.accounting import storage
from bdchat.store.accounts import audit, oversight, users
from bdchat.store.errors import NotFound
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database

HOUR_MS = 3_600_000
MIN_WINDOW_S = 0.5  # a rate over less is noise
ALL = ""  # of Pace: all engines together


class Pace:
    """Tokens per second between two asks, by name. An ask that comes too soon is told the last rate again."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, tuple[float, int, int]] = {}
        self._rates: dict[str, Rates] = {}

    def rates(self, name: str, num_read: int, num_written: int) -> Rates:
        now = self._clock()
        last = self._last.get(name)
        if last is None or num_read < last[1] or num_written < last[2]:  # first, or another engine of that name
            self._rates[name] = Rates(read_per_s=None, written_per_s=None)
        elif now - last[0] < MIN_WINDOW_S:
            return self._rates[name]
        else:
            passed = now - last[0]
            read_per_s, written_per_s = (num_read - last[1]) / passed, (num_written - last[2]) / passed
            self._rates[name] = Rates(read_per_s=round(read_per_s, 1), written_per_s=round(written_per_s, 1))
        self._last[name] = (now, num_read, num_written)
        return self._rates[name]


class AdminEngine:
    def __init__(
        self,
        router: Router,
        generations: GenerationService,
        durable: DurableGenerations,
        *,
        database: Database,
        authenticator: Authenticator,
        refusals: Refusals,
        open_sockets: OpenSockets,
    ) -> None:
        self._router = router
        self._generations = generations
        self._durable = durable
        self._database = database
        self._authenticator = authenticator
        self._refusals = refusals
        self._open_sockets = open_sockets
        self._started = time.monotonic()
        self._pace = Pace()  # of /engine; /overview has its own, so that each page's window is its own
        self._overview_pace = Pace()

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET", "/api/admin/overview", self.overview, "The server at a glance", response=Overview, auth="admin"
            ),
            Endpoint(
                "GET",
                "/api/admin/engine",
                self.engines,
                "Engines: counts, cells, and whose sequences run and wait",
                response=EngineList,
                auth="admin",
            ),
            Endpoint(
                "GET",
                "/api/admin/requests",
                self.requests,
                "The last hundred requests that ended here, the last one first",
                response=RequestList,
                auth="admin",
            ),
            Endpoint(
                "GET",
                "/api/admin/generations",
                self.running,
                "What runs here, stored or not, the eldest first",
                response=RunningList,
                auth="admin",
            ),
            Endpoint(
                "DELETE",
                "/api/admin/generations/{generation_id}",
                self.cancel,
                "End it now; a stored answer keeps its text",
                response=Nothing,
                auth="admin",
            ),
        )

    # --- overview -----------------------------------------------------------------------------------------------------

    async def overview(self, request: Request) -> Response:
        require_admin(request)
        totals, version = await self._database.read(lambda db: (oversight.totals(db), storage.version(db)))
        metrics = [engine.metrics() for engine in self._all_engines().values()]
        num_read = sum(each.prompt_tokens_computed for each in metrics)
        num_written = sum(each.tokens_generated for each in metrics)
        document = Overview(
            version=__version__,
            database_version=version,
            database_warning=storage.warning(version),
            uptime_s=round(time.monotonic() - self._started),
            num_users=totals.num_users,
            num_sessions=totals.num_sessions,
            num_messages=totals.num_messages,
            num_people_online=self._open_sockets.num_users,
            num_sockets=self._open_sockets.num_sockets,
            num_running=self._generations.num_running,
            num_waiting=sum(each.num_waiting for each in metrics),
            rates=self._overview_pace.rates(ALL, num_read, num_written),
            cache_hit_share=_share(sum(each.prompt_tokens_cached for each in metrics), num_read),
            free_memory_bytes=free_memory_bytes(),
            total_memory_bytes=total_memory_bytes(),
            errors_last_hour=self._refusals.last_hour(),
            num_failures_last_hour=self._refusals.failures_last_hour()
            + self._generations.journal.num_broken(since_ms=now_ms() - HOUR_MS),
        )
        return reply(document)

    # --- engines ------------------------------------------------------------------------------------------------------

    async def engines(self, request: Request) -> Response:
        require_admin(request)
        engines = self._all_engines()
        inspected = await asyncio.gather(*(engine.inspect() for engine in engines.values()))
        owners = self._owners()
        names = await self._names(owner.user_id for owner in owners.values())
        views = [
            self._engine_view(model, engine, [_sequence_view(state, owners, names) for state in states])
            for (model, engine), states in zip(engines.items(), inspected, strict=True)
        ]
        return reply(EngineList(data=views))

    def _all_engines(self) -> dict[str, Engine]:
        return {**self._router.engines, **self._router.leaving}

    def _engine_view(self, model: str, engine: Engine, sequences: list[SequenceView]) -> EngineView:
        metrics = engine.metrics()
        counted = {name: getattr(metrics, name) for name in EngineMetrics.__struct_fields__}
        shown = {name: value for name, value in counted.items() if name in EngineView.model_fields}
        return EngineView(
            **shown
            | {
                "model": model,
                "state": engine.state,
                "problem": engine.problem,
                "is_default": model == self._router.default,
                "is_leaving": model in self._router.leaving,
                "pid": engine.pid,
                "num_restarts": engine.num_restarts,
                "info": msgspec.to_builtins(engine.info) if engine.info else None,
                "prompt_tokens_cached": _by_tier(metrics),
                "cache_hit_share": _share(metrics.prompt_tokens_cached, metrics.prompt_tokens_computed),
                "rates": self._pace.rates(model, metrics.prompt_tokens_computed, metrics.tokens_generated),
                "sequences": sequences,
            }
        )

    # --- requests -----------------------------------------------------------------------------------------------------

    async def requests(self, request: Request) -> Response:
        require_admin(request)
        entries = self._generations.journal.latest()
        names = await self._names(entry.user_id for entry in entries)
        fields = [name for name in RequestView.model_fields if name != "username"]
        views = [
            RequestView(**{name: getattr(entry, name) for name in fields}, username=names.get(entry.user_id))
            for entry in entries
        ]
        return reply(RequestList(data=views))

    async def running(self, request: Request) -> Response:
        require_admin(request)
        running = self._generations.running
        names = await self._names(run.user_id for run in running)
        views = [
            RunningView(
                generation_id=run.generation_id,
                user_id=run.user_id,
                username=names.get(run.user_id),
                model=run.model_id,
                session_id=run.session_id,
                is_stored=run.is_stored,
                started_at_ms=run.asked_at_ms,
                num_written_tokens=run.num_written_tokens,
                progress=run.progress,
            )
            for run in running
        ]
        return reply(RunningList(data=sorted(views, key=lambda view: view.started_at_ms)))

    async def cancel(self, request: Request) -> Response:
        """Recorded first: what was ended and not recorded would be worse than the other way round."""
        admin = require_admin(request)
        generation_id = path_id(request, "generation_id")
        peer = self._authenticator.peer(request.scope)
        run = self._generations.find(generation_id)
        if run is None:
            raise NotFound("generation", generation_id)
        await self._database.write(
            lambda db: audit.record(db, admin, "generation.cancel", generation_id, ip=peer.address) and None
        )
        if run.is_stored:
            await self._durable.stop_any(generation_id)
        else:
            run.cancel(EndedByAdmin())
        return reply(Nothing())

    # --- whose --------------------------------------------------------------------------------------------------------

    def _owners(self) -> dict[str, Run]:
        """By request id."""
        return {run.generation_id: run for run in self._generations.running}

    async def _names(self, user_ids: Iterable[str]) -> dict[str, str]:
        ids = {user_id for user_id in user_ids if user_id}
        return await self._database.read(lambda db: users.names_of(db, ids)) if ids else {}


def _sequence_view(state: SequenceState, owners: Mapping[str, Run], names: Mapping[str, str]) -> SequenceView:
    owner = owners.get(state.request_id)
    shown = {name: getattr(state, name) for name in SequenceView.model_fields if hasattr(state, name)}
    return SequenceView(
        **shown,
        choice=state.index,
        user_id=owner.user_id if owner else None,
        username=names.get(owner.user_id) if owner else None,
        session_id=owner.session_id if owner else None,
    )


def _by_tier(metrics: EngineMetrics) -> CacheCounts:
    ram, disk = metrics.prompt_tokens_from_ram, metrics.prompt_tokens_from_disk
    return CacheCounts(resident=metrics.prompt_tokens_cached - ram - disk, ram=ram, disk=disk)


def _share(num_cached: int, num_computed: int) -> float | None:
    total = num_cached + num_computed
    return round(num_cached / total, 4) if total else None
