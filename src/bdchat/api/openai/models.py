"""GET /v1/models, GET /v1/models/{id}. Ids may contain slashes, written plainly or as %2F."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.http.endpoints import reply
from bdchat.api.http.identity import require_chat
from bdchat.api.schemas.models import Model, ModelList, SamplingDefaultsView, WeightsView
from bdchat.engine.router import Router, ServedModel

OF_ALL = ("completion", "chat", "tools", "json_schema")
WITHOUT_TEXT = {"embedding": "embedding", "reranker": "rerank"}


class Models:
    def __init__(self, router: Router) -> None:
        self._router = router

    async def list(self, request: Request) -> Response:
        require_chat(request)
        return reply(ModelList(data=[_to_wire(model) for model in self._router.models()]))

    async def retrieve(self, request: Request) -> Response:
        """Raises ModelNotFound."""
        require_chat(request)
        model_id = self._router.model_id_for(request.path_params["model_id"])
        return reply(next(_to_wire(model) for model in self._router.models() if model.model_id == model_id))


def _to_wire(model: ServedModel) -> Model:
    return Model(
        id=model.model_id,
        created=model.created,
        owned_by=model.owner,
        context_length=model.context_length,
        max_model_len=model.context_length,
        opens_thought=None if model.info is None else model.info.opens_thought,
        context_cut=model.info.context_cut if model.info else None,
        sampling_defaults=SamplingDefaultsView(**msgspec.structs.asdict(model.sampling_defaults)),
        languages=list(model.languages),
        capabilities=_capabilities(model),
        num_parameters=model.info.num_parameters if model.info else None,
        state=model.state,
        load_fraction=model.load_fraction,
        weights=_weights(model),
        stands_in_for=model.stands_in_for,
    )


def _weights(model: ServedModel) -> WeightsView | None:
    held = model.info.weights if model.info else None
    return None if held is None else WeightsView(**{name: getattr(held, name) for name in WeightsView.model_fields})


def _capabilities(model: ServedModel) -> list[str]:
    if model.purpose in WITHOUT_TEXT:
        return [WITHOUT_TEXT[model.purpose]]
    thinks = model.info is not None and model.info.answer_format.thinks
    return [*OF_ALL, *(["fim"] if model.has_fim else []), *(["reasoning"] if thinks else [])]
