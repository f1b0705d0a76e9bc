"""GET /health: is this process alive, and what are its models doing. Touches no engine process, so it is always quick.

200 while the server serves, also while a model loads (`state: loading`); 503 once it drains. Open without a key, but
model names are for those who have one.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.engines import Engines
from bdchat.api.generations import GenerationService
from bdchat.api.security import is_authorized


class Health:
    def __init__(self, engines: Engines, generations: GenerationService) -> None:
        self._engines = engines
        self._generations = generations

    async def show(self, request: Request) -> Response:
        is_draining = self._generations.is_draining
        document: dict[str, object] = {"status": "draining" if is_draining else "ok"}
        if is_authorized(request.scope):
            document["models"] = [
                {"id": model_id, "state": engine.state, "num_restarts": engine.num_restarts}
                for model_id, engine in self._engines.engines.items()
            ]
        body = msgspec.json.encode(document)
        return Response(body, status_code=503 if is_draining else 200, media_type="application/json")
