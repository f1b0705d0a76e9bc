"""/api/admin/pins: system prompts whose state every model keeps ready. Event loop only."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.admin.capacity.pinned_prompts import PinnedPrompts
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.admin_capacity import ModelPin, NewPin, PinList, PinView
from bdchat.engine.router import Router
from bdchat.settings import LimitSettings
from bdchat.store.accounts import audit, pins, users
from bdchat.store.db import Db
from bdchat.store.sql.database import Database
from bdchat.store.tables import PinnedPrompt


class AdminPins:
    def __init__(
        self,
        limits: LimitSettings,
        prompts: PinnedPrompts,
        router: Router,
        *,
        database: Database,
        authenticator: Authenticator,
    ) -> None:
        self._limits = limits
        self._prompts = prompts
        self._router = router
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/admin/pins",
                self.list,
                "Pinned system prompts, and what each model has of them",
                response=PinList,
                auth="admin",
            ),
            Endpoint(
                "POST",
                "/api/admin/pins",
                self.create,
                "Pin a system prompt: its state stays ready through restarts",
                body=NewPin,
                response=PinView,
                status=201,
                auth="admin",
                errors=(404, 409),
            ),
            Endpoint(
                "DELETE",
                "/api/admin/pins/{pin_id}",
                self.delete,
                "Take a pin away; chats with its prompt go on",
                response=Nothing,
                auth="admin",
            ),
        )

    async def list(self, request: Request) -> Response:
        require_admin(request)

        def read(db: Db) -> tuple[list[PinnedPrompt], dict[str, str]]:
            found = pins.list_all(db)
            return found, users.names_of(db, {pin.created_by for pin in found if pin.created_by})

        found, names = await self._database.read(read)
        return reply(PinList(data=[self._view(pin, names) for pin in found], max_pins=pins.MAX_PINS))

    async def create(self, request: Request) -> Response:
        admin = require_admin(request)
        body = parse(NewPin, await read_json_body(request), self._limits)
        model = None
        if body.model is not None:
            self._router.engine_for(body.model)
            model = self._router.model_id_for(body.model)
        detail = {"model": model} if model else {}
        address = self._authenticator.peer(request.scope).address

        def create(db: Db) -> PinnedPrompt:
            pin = pins.create(db, admin.user_id, title=body.title, system_prompt=body.system_prompt, model=model)
            audit.record(db, admin, "pin.create", pin.title, detail, address)
            return pin

        pin = await self._database.write(create)
        self._prompts.put(pin)
        return reply(self._view(pin, {admin.user_id: admin.username}), status=201)

    async def delete(self, request: Request) -> Response:
        admin = require_admin(request)
        pin_id = path_id(request, "pin_id")
        address = self._authenticator.peer(request.scope).address

        def delete(db: Db) -> None:
            pin = pins.delete(db, pin_id)
            audit.record(db, admin, "pin.delete", pin.title, ip=address)

        await self._database.write(delete)
        self._prompts.drop(pin_id)
        return reply(Nothing())

    def _view(self, pin: PinnedPrompt, names: Mapping[str, str]) -> PinView:
        states = [
            ModelPin(model=model, **{name: value for name, value in _fields(state).items() if name != "pin_id"})
            for model, its_pins in self._router.pins().items()
            for state in its_pins
            if state.pin_id == pin.pin_id
        ]
        shown = pin.model_dump(include=set(PinView.model_fields) - {"created_by", "models"})
        return PinView(**shown, created_by=names.get(pin.created_by or ""), models=states)


_fields = msgspec.structs.asdict
