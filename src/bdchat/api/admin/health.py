"""GET /health: liveness of this process and the state of its models. Touches no engine process, so it is always quick.

200 while the server serves, also while a model loads (`state: loading`); 503 once it drains. Open to all, but model
names are for those who may use them.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.admin.metrics import Metrics
from bdchat.api.generation.service import GenerationService
from bdchat.api.http.endpoints import Endpoint, declared
from bdchat.api.http.identity import identity_of
from bdchat.engine.router import Router

HEALTH = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": ["ok", "draining"]}, "models": {"type": "array", "items": {"type": "object"}}},
}


class Health:
    def __init__(self, router: Router, generations: GenerationService) -> None:
        self._router = router
        self._generations = generations

    async def show(self, request: Request) -> Response:
        is_draining = self._generations.is_draining
        document: dict[str, object] = {"status": "draining" if is_draining else "ok"}
        if identity_of(request) is not None:
            document["models"] = [
                {"id": model_id, "state": engine.state, "num_restarts": engine.num_restarts}
                | ({"answered_by": stand_in} if (stand_in := self._router.stand_in_of(model_id)) else {})
                for model_id, engine in self._router.engines.items()
            ]
        body = msgspec.json.encode(document)
        return Response(body, status_code=503 if is_draining else 200, media_type="application/json")


def watch_routes(health: Health, metrics: Metrics) -> list[Route]:
    return declared(
        Endpoint("GET", "/health", health.show, "Is the server alive", response=HEALTH, auth="open"),
        Endpoint(
            "GET",
            "/metrics",
            metrics.show,
            "Counters, in Prometheus' text",
            response_media=("text/plain",),
            auth="chat",
            description="For the operator, admins and, on this machine, the local guest.",
        ),
    )
