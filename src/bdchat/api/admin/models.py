"""/api/admin/models and /api/admin/pulls: lists, loads, unloads and downloads models. Event loop only.

Models are named, never pathed. What was loaded or made the default here lasts until the server ends; what it begins
with is the setting models.default. Each change of an engine's state after a wish is told on ADMIN_TOPIC, type "model".
"""

import asyncio
import dataclasses
import logging
import shutil
from collections.abc import Coroutine, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.admin.pulls import Pulls, PullState
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.bus.interface import ADMIN_TOPIC, Bus, BusUnavailable
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, read_query, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.admin_models import (
    ModelList,
    ModelWish,
    PullList,
    PullView,
    ServedView,
    UnloadWish,
    to_model_view,
)
from bdchat.engine.errors import EngineError, ModelNotFound
from bdchat.engine.host import free_memory_bytes, total_memory_bytes
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.models.catalog import InstalledModel
from bdchat.engine.models.rows import ModelRow, model_rows
from bdchat.engine.router import Router
from bdchat.settings import LimitSettings
from bdchat.store.accounts import audit
from bdchat.store.db import Db
from bdchat.store.errors import Conflict
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

BODY_BYTES = 16 * 1024
WATCH_S = 0.2
SETTLED = frozenset({"ready", "failed", "closed"})


class AdminModels:
    """`free_bytes`: of memory, as the machine has it now."""

    def __init__(
        self,
        limits: LimitSettings,
        *,
        router: Router,
        models: LocalModels,
        pulls: Pulls,
        bus: Bus,
        database: Database,
        authenticator: Authenticator,
        has_hub_search: bool = False,
        free_bytes: Any = free_memory_bytes,
    ) -> None:
        self._limits = limits
        self._router = router
        self._models = models
        self._pulls = pulls
        self._bus = bus
        self._database = database
        self._authenticator = authenticator
        self._has_hub_search = has_hub_search
        self._free_bytes = free_bytes
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        return [*self._model_routes(), *self._pull_routes()]

    def _model_routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/admin/models",
                self.list,
                "Models that are here and those that can be fetched",
                response=ModelList,
                auth="admin",
            ),
            Endpoint(
                "DELETE",
                "/api/admin/models",
                self.delete,
                "Delete an installed model's file; it must not be loaded",
                query=ModelWish,
                response=Nothing,
                auth="admin",
                errors=(404, 409),
            ),
            Endpoint(
                "POST",
                "/api/admin/models/load",
                self.load,
                "Serve an installed model, if free memory holds it; until the server ends",
                body=ModelWish,
                response=ServedView,
                auth="admin",
                errors=(404, 409),
            ),
            Endpoint(
                "POST",
                "/api/admin/models/unload",
                self.unload,
                "Take no more requests for a model, and end it when its answers have ended",
                body=UnloadWish,
                response=ServedView,
                status=202,
                auth="admin",
                errors=(404,),
            ),
            Endpoint(
                "POST",
                "/api/admin/models/default",
                self.set_default,
                "Whom requests get that name no model; until the server ends",
                body=ModelWish,
                response=ServedView,
                auth="admin",
                errors=(404,),
            ),
        )

    def _pull_routes(self) -> list[Route]:
        one = "/api/admin/pulls/{pull_id}"
        errors = (409,)
        return declared(
            Endpoint(
                "GET",
                "/api/admin/pulls",
                self.list_pulls,
                "Models on their way, and how the last ones ended",
                response=PullList,
                auth="admin",
            ),
            Endpoint(
                "POST",
                "/api/admin/pulls",
                self.pull,
                "Fetch a model; progress is told on /ws/events",
                body=ModelWish,
                response=PullView,
                status=201,
                auth="admin",
                errors=errors,
            ),
            Endpoint(
                "POST",
                f"{one}/pause",
                self.pause,
                "Stop; what has come is kept",
                response=PullView,
                auth="admin",
                errors=errors,
            ),
            Endpoint(
                "POST",
                f"{one}/resume",
                self.resume,
                "Go on where it stopped",
                response=PullView,
                auth="admin",
                errors=errors,
            ),
            Endpoint(
                "DELETE",
                one,
                self.cancel,
                "Give it up and delete what has come, unless another is unfinished; or take an ended one off the list",
                response=PullView,
                auth="admin",
                errors=errors,
            ),
        )

    # --- models -------------------------------------------------------------------------------------------------------

    async def list(self, request: Request) -> Response:
        require_admin(request)
        free_bytes = self._free_bytes()
        rows, disk = await asyncio.to_thread(self._look, free_bytes)
        engines = {**self._router.leaving, **self._router.engines}
        default, problem_of = self._router.default, self._router.problem_of
        views = [
            to_model_view(row, engines.get(row.name), is_default=row.name == default, problem=problem_of(row.name))
            for row in rows
        ]
        return reply(
            ModelList(
                data=views,
                free_memory_bytes=free_bytes,
                total_memory_bytes=total_memory_bytes(),
                free_disk_bytes=disk,
                hub_search=self._has_hub_search,
            )
        )

    def _look(self, free_bytes: int) -> tuple[Sequence[ModelRow], int]:
        """Reads the disk."""
        folder = self._models.catalog.models_dir
        while not folder.exists():
            folder = folder.parent
        rows = model_rows(self._models.catalog, free_bytes=free_bytes, speeds=self._models.speeds())
        return rows, shutil.disk_usage(folder).free

    async def load(self, request: Request) -> Response:
        body = parse(ModelWish, await self._body(request), self._limits)
        model = await self._router.load(body.model, admit=self._require_memory)
        await self._record(request, "model.load", model)
        self._watch(model)
        return reply(ServedView(model=model, state=self._router.engines[model].state))

    def _require_memory(self, model: InstalledModel) -> None:
        need, free = self._models.memory_need_bytes(model), self._free_bytes()
        if need > free:
            raise Conflict(
                f"{model.name} needs about {need / 1e9:.2f} GB of memory, {free / 1e9:.2f} GB are free: unload another"
                " model first, or lower engine.n_ctx.",
                code="no_memory",
                param="model",
            )

    async def unload(self, request: Request) -> Response:
        body = parse(UnloadWish, await self._body(request), self._limits)
        model = self._router.model_id_for(body.model)
        await self._record(request, "model.unload", model)
        self._keep(self._unload(model, body.drain_s), name=f"unload {model}")
        return reply(ServedView(model=model, state="leaving"), status=202)

    async def _unload(self, model: str, drain_s: float) -> None:
        await self._say(model, "leaving")
        try:
            await self._router.unload(model, drain_s=drain_s)
        except ModelNotFound:  # somebody was quicker
            return
        await self._say(model, "closed")

    async def set_default(self, request: Request) -> Response:
        body = parse(ModelWish, await self._body(request), self._limits)
        model = self._router.model_id_for(body.model)
        self._router.set_default(model)
        await self._record(request, "model.default", model)
        await self._say(model, "default")
        return reply(ServedView(model=model, state=self._router.engines[model].state))

    async def delete(self, request: Request) -> Response:
        require_admin(request)
        query = read_query(ModelWish, request, self._limits)
        if query.model in {*self._router.engines, *self._router.leaving}:
            raise Conflict("This model is loaded: unload it first.", code="model_loaded", param="model")
        removed = await asyncio.to_thread(self._models.catalog.remove, query.model)
        await asyncio.to_thread(self._models.forget, removed)
        await self._record(request, "model.delete", removed.name)
        return reply(Nothing())

    # --- pulls --------------------------------------------------------------------------------------------------------

    async def list_pulls(self, request: Request) -> Response:
        require_admin(request)
        return reply(PullList(data=[_pull_view(told) for told in self._pulls.list()]))

    async def pull(self, request: Request) -> Response:
        body = parse(ModelWish, await self._body(request), self._limits)
        return reply(_pull_view(await self.begin_pull(request, body.model)), status=201)

    async def begin_pull(self, request: Request, model: str) -> PullState:
        """Raises Forbidden for who is no admin, InvalidRequest, Conflict."""
        require_admin(request)
        told = self._pulls.begin(model)
        await self._record(request, "model.pull", model)
        return told

    def pull_of(self, pull_id: str) -> PullState | None:
        """How far it is now. None: it was forgotten."""
        return next((told for told in self._pulls.list() if told.pull_id == pull_id), None)

    async def pause(self, request: Request) -> Response:
        require_admin(request)
        return reply(_pull_view(await self._pulls.pause(path_id(request, "pull_id"))))

    async def resume(self, request: Request) -> Response:
        require_admin(request)
        return reply(_pull_view(self._pulls.resume(path_id(request, "pull_id"))))

    async def cancel(self, request: Request) -> Response:
        require_admin(request)
        pull_id = path_id(request, "pull_id")
        told = self._pulls.forget(pull_id)
        if told is None:
            told = await self._pulls.cancel(pull_id)
            await self._record(request, "model.pull.cancel", told.model)
        return reply(_pull_view(told))

    # --- what they share ----------------------------------------------------------------------------------------------

    async def aclose(self) -> None:
        await self._pulls.aclose()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _body(self, request: Request) -> bytes:
        require_admin(request)
        return await read_json_body(request, limit_bytes=BODY_BYTES)

    async def _record(self, request: Request, action: str, target: str) -> None:
        admin = require_admin(request)
        address = self._authenticator.peer(request.scope).address

        def record(db: Db) -> None:
            audit.record(db, admin, action, target, ip=address)

        await self._database.write(record)

    def _watch(self, model: str) -> None:
        self._keep(self._tell_until_settled(model), name=f"watch {model}")

    async def _tell_until_settled(self, model: str) -> None:
        told = None
        while (engine := self._router.engines.get(model)) is not None:
            if engine.state != told:
                told = engine.state
                await self._say(model, told)
            if told in SETTLED:
                return
            await asyncio.sleep(WATCH_S)

    async def _say(self, model: str, state: str) -> None:
        try:
            await self._bus.publish(ADMIN_TOPIC, {"type": "model", "model": model, "state": state})
        except BusUnavailable:
            log.info("nobody heard that %s is %s", model, state)

    def _keep(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(_logged(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except EngineError as error:
        log.warning("a model could not be unloaded: %s", error)


def _pull_view(told: PullState) -> PullView:
    return PullView(**dataclasses.asdict(told))
