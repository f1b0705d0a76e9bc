"""GET /api/v0/models, /api/v0/models/{id}: the models as LM Studio lists them, for clients that look for it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.quantization import quantization
from bdchat.api.http.endpoints import Endpoint, declared, reply
from bdchat.api.http.identity import require_chat
from bdchat.api.schemas.models import LmStudioModel, LmStudioModelList
from bdchat.engine.router import Router, ServedModel

TYPES = {"embedding": "embeddings", "reranker": "embeddings"}
IS_LOADED = "ready"


class LmStudioModels:
    def __init__(self, router: Router) -> None:
        self._router = router

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/v0/models",
                self.list,
                "The models, LM Studio's way",
                response=LmStudioModelList,
                auth="chat",
            ),
            Endpoint(
                "GET",
                "/api/v0/models/{model_id:path}",
                self.retrieve,
                "A model, LM Studio's way",
                response=LmStudioModel,
                auth="chat",
                errors=(404,),
            ),
        )

    async def list(self, request: Request) -> Response:
        require_chat(request)
        return reply(LmStudioModelList(data=[_to_wire(model) for model in self._router.models()]))

    async def retrieve(self, request: Request) -> Response:
        """Raises ModelNotFound."""
        require_chat(request)
        model_id = self._router.model_id_for(request.path_params["model_id"])
        return reply(next(_to_wire(model) for model in self._router.models() if model.model_id == model_id))


def _to_wire(model: ServedModel) -> LmStudioModel:
    info = model.info
    return LmStudioModel(
        id=model.model_id,
        type=TYPES.get(model.purpose, "llm"),
        publisher=model.owner,
        arch=info.architecture if info else None,
        quantization=quantization(info.description) if info else None,
        state="loaded" if model.state == IS_LOADED else "not-loaded",
        max_context_length=info.n_ctx_train if info else None,
        loaded_context_length=model.context_length,
        capabilities=["tool_use"] if model.purpose not in TYPES else [],
    )
