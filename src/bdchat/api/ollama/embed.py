"""POST /api/embed and /api/embeddings: texts in, vectors out."""

import struct
import time
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.vectors import Vectors
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.ollama.names import ModelNames
from bdchat.api.schemas.ollama.embed import OllamaEmbeddingsRequest, OllamaEmbedRequest
from bdchat.api.schemas.ollama.models import OllamaVector, OllamaVectors
from bdchat.engine.request import EmbeddingRequest
from bdchat.settings import LimitSettings


class OllamaEmbeddings:
    def __init__(self, vectors: Vectors, names: ModelNames, limits: LimitSettings) -> None:
        self._vectors = vectors
        self._names = names
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/api/embed",
                self.embed,
                "Vectors of texts, as Ollama makes them",
                body=OllamaEmbedRequest,
                response=OllamaVectors,
                auth="chat",
                error="OllamaError",
                errors=(404, 500),
            ),
            Endpoint(
                "POST",
                "/api/embeddings",
                self.embed_one,
                "The vector of one text",
                body=OllamaEmbeddingsRequest,
                response=OllamaVector,
                auth="chat",
                error="OllamaError",
                errors=(404, 500),
            ),
        )

    async def embed(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(OllamaEmbedRequest, await read_json_body(request, takes_curls=True), self._limits)
        began = time.perf_counter_ns()
        if not body.input:
            about = {"embeddings": [], "total_duration": 0, "load_duration": 0, "prompt_eval_count": 0}
            return _reply({"model": body.model, **about})
        engine = self._vectors.engine_for(self._names.served(body.model), body.dimensions)
        texts: Sequence[Any] = body.input
        if body.truncate is not False:
            texts = await self._vectors.cut_to_context(request, engine, body.input)
        wanted = EmbeddingRequest(request_id=f"embd-{uuid.uuid4().hex}", texts=tuple(texts))
        made = await self._vectors.made(request, engine, wanted, identity.user_id, body.dimensions)
        document = {
            "model": body.model,
            "embeddings": [_numbers(vector) for vector in made.vectors],
            "total_duration": time.perf_counter_ns() - began,
            "load_duration": 0,
            "prompt_eval_count": sum(made.num_tokens),
        }
        return _reply(document)

    async def embed_one(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(OllamaEmbeddingsRequest, await read_json_body(request, takes_curls=True), self._limits)
        engine = self._vectors.engine_for(self._names.served(body.model), None)
        texts = await self._vectors.cut_to_context(request, engine, [body.prompt])
        wanted = EmbeddingRequest(
            request_id=f"embd-{uuid.uuid4().hex}", texts=tuple(texts), field="prompt", is_list=False
        )
        made = await self._vectors.made(request, engine, wanted, identity.user_id, None)
        return _reply({"embedding": _numbers(made.vectors[0])})


def _numbers(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def _reply(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type=JSON)
