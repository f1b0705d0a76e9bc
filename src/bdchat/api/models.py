"""GET /v1/models, GET /v1/models/{id}. Ids may contain slashes, written plainly or as %2F."""

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.engines import Engines
from bdchat.api.schemas.models import Model, ModelList
from bdchat.engine.engine import Engine
from bdchat.engine.errors import ModelNotFound


class Models:
    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._created = int(time.time())  # since when this server has offered them

    async def list(self, request: Request) -> Response:
        models = [self._to_wire(model_id, engine) for model_id, engine in self._engines.engines.items()]
        return _json(ModelList(data=models))

    async def retrieve(self, request: Request) -> Response:
        model_id = request.path_params["model_id"]
        engine = self._engines.engines.get(model_id)
        if engine is None:
            raise ModelNotFound(model_id, tuple(self._engines.engines))
        return _json(self._to_wire(model_id, engine))

    def _to_wire(self, model_id: str, engine: Engine) -> Model:
        n_ctx = engine.info.n_ctx if engine.info else None
        return Model(
            id=model_id, created=self._created, context_length=n_ctx, max_model_len=n_ctx, state=engine.state
        )


def _json(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
