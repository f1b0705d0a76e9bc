"""/api/tags, /api/ps, /api/show, /api/version: which models there are, as Ollama tells it."""

import hashlib
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat import __version__
from bdchat.api.answering.quantization import quantization
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.ollama.answer_lines import timestamp
from bdchat.api.ollama.names import ModelNames
from bdchat.api.schemas.ollama.models import OllamaModels, OllamaShown, OllamaShowRequest, OllamaVersion
from bdchat.engine.router import Router, ServedModel
from bdchat.settings import LimitSettings

SPOKEN_VERSION = "0.12.6"  # of Ollama's API: clients ask for a least version before they speak
NEVER = "2318-01-01T00:00:00Z"  # models stay loaded
UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))
PURPOSES = {"embedding": ["embedding"], "reranker": []}


class OllamaModelRoutes:
    def __init__(self, router: Router, names: ModelNames, limits: LimitSettings) -> None:
        self._router = router
        self._names = names
        self._limits = limits

    def routes(self) -> list[Route]:
        about: dict[str, Any] = {"auth": "chat", "error": "OllamaError"}
        return declared(
            Endpoint("GET", "/api/tags", self.tags, "The models, Ollama's way", response=OllamaModels, **about),
            Endpoint("GET", "/api/ps", self.loaded, "The loaded models", response=OllamaModels, **about),
            Endpoint(
                "POST",
                "/api/show",
                self.show,
                "What a model is and can",
                body=OllamaShowRequest,
                response=OllamaShown,
                errors=(404,),
                **about,
            ),
            Endpoint(
                "GET",
                "/api/version",
                self.version,
                "The version of Ollama's API that is spoken, and bdchat's own",
                response=OllamaVersion,
                **about,
            ),
        )

    async def tags(self, request: Request) -> Response:
        require_chat(request)
        return _reply({"models": [_listed(model) for model in self._router.models()]})

    async def loaded(self, request: Request) -> Response:
        require_chat(request)
        loaded = [model for model in self._router.models() if model.info is not None]
        about = [
            _listed(model) | {"expires_at": NEVER, "size_vram": 0, "context_length": model.context_length or 0}
            for model in loaded
        ]
        return _reply({"models": about})

    async def show(self, request: Request) -> Response:
        require_chat(request)
        body = parse(OllamaShowRequest, await read_json_body(request, takes_curls=True), self._limits)
        name = self._router.asked_for(self._names.served(body.named))
        model_id = self._router.model_id_for(name)
        return _reply(_shown(next(model for model in self._router.models() if model.model_id == model_id)))

    async def version(self, request: Request) -> Response:
        require_chat(request)
        return _reply({"version": SPOKEN_VERSION, "bdchat": __version__})


def _reply(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type=JSON)


def _listed(model: ServedModel) -> dict[str, Any]:
    return {
        "name": model.model_id,
        "model": model.model_id,
        "modified_at": timestamp(model.created),
        "size": model.info.model_bytes if model.info else 0,
        "digest": hashlib.sha256(model.model_id.encode()).hexdigest(),
        "details": _details(model),
    }


def _details(model: ServedModel) -> dict[str, Any]:
    info = model.info
    family = info.architecture if info else ""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family] if family else [],
        "parameter_size": _size(info.num_parameters) if info else "",
        "quantization_level": quantization(info.description) if info else "",
    }


def _size(num_parameters: int) -> str:
    for unit, letter in UNITS:
        if num_parameters >= unit:
            return f"{num_parameters / unit:.1f}{letter}"
    return str(num_parameters)


def _shown(model: ServedModel) -> dict[str, Any]:
    info, defaults = model.info, msgspec.structs.asdict(model.sampling_defaults)
    architecture = info.architecture if info else "unknown"
    about: dict[str, Any] = {
        "general.architecture": architecture,
        "general.basename": model.model_id,
        f"{architecture}.context_length": model.context_length or 0,
    }
    if info is not None:
        about["general.parameter_count"] = info.num_parameters
        if info.num_dimensions:
            about[f"{architecture}.embedding_length"] = info.num_dimensions
    parameters = "\n".join(f"{name} {value}" for name, value in defaults.items() if value is not None)
    return {
        "modelfile": f"FROM {model.model_id}\n",
        "parameters": parameters,
        "template": "",  # the model's own, which is not Ollama's language
        "details": _details(model),
        "model_info": about,
        "capabilities": _capabilities(model),
        "modified_at": timestamp(model.created),
    }


def _capabilities(model: ServedModel) -> list[str]:
    if model.purpose in PURPOSES:
        return PURPOSES[model.purpose]
    thinks = model.info is not None and model.info.answer_format.thinks
    return ["completion", "tools", *(["insert"] if model.has_fim else []), *(["thinking"] if thinks else [])]
