"""GET /props: what llama-server tells of the model that it serves; here of the default, or of `model` behind "?"."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat import __version__
from bdchat.api.http.endpoints import Endpoint, declared, reply
from bdchat.api.http.identity import require_chat
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.llamacpp import DefaultSettings, Modalities, Props, PropsQuery
from bdchat.engine.router import Router
from bdchat.settings import LimitSettings


class ServerProps:
    def __init__(self, router: Router, limits: LimitSettings) -> None:
        self._router = router
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/props",
                self.show,
                "What is served, in llama.cpp's words",
                query=PropsQuery,
                response=Props,
                auth="chat",
                errors=(404,),
            )
        )

    async def show(self, request: Request) -> Response:
        """Raises ModelNotFound."""
        require_chat(request)
        asked = validate(PropsQuery, dict(request.query_params), self._limits, strict=False)
        engine = self._router.engine_for(self._router.asked_for(asked.model))
        info = engine.info
        defaults: dict[str, Any] = msgspec.structs.asdict(engine.sampling_defaults)
        return reply(
            Props(
                default_generation_settings=DefaultSettings(n_ctx=info.n_ctx if info else 0, params=defaults),
                total_slots=info.num_sequences if info else 0,
                model_alias=info.model_id if info else asked.model or "",
                modalities=Modalities(),
                build_info=f"bdchat {__version__}",
                is_sleeping=info is None,
            )
        )
