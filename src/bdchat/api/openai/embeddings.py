"""POST /v1/embeddings and /v1/rerank: texts in, vectors or scores out. Event loop; long answers in turns."""

import asyncio
import base64
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.vectors import Vectors, numbers_of
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import decode_object, parse, validate
from bdchat.api.schemas.embeddings import (
    EmbeddingList,
    EmbeddingsRequest,
    RankList,
    RerankRequest,
)
from bdchat.engine.request import Embeddings
from bdchat.engine.router import Router
from bdchat.settings import LimitSettings

WARNING_HEADER = "x-bdchat-warning"
CHAT_MODEL = "this model was made for chats: its vectors are means of what it thinks of each token, a poor search"
TURN_TEXTS = 32  # vectors written before others have their turn on the event loop

_encoder = msgspec.json.Encoder()


class EmbeddingEndpoints:
    def __init__(self, router: Router, vectors: Vectors, limits: LimitSettings) -> None:
        self._router = router
        self._vectors = vectors
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/v1/embeddings",
                self.embed,
                "Vectors of texts",
                body=EmbeddingsRequest,
                response=EmbeddingList,
                auth="chat",
                errors=(404, 500),
                description="OpenAI's embeddings. A chat model answers too, with a warning in x-bdchat-warning.",
            ),
            Endpoint(
                "POST",
                "/v1/rerank",
                self.rerank,
                "Rank documents for a query",
                body=RerankRequest,
                response=RankList,
                auth="chat",
                errors=(404, 500),
                description="As Jina and Cohere have it, for models that are made to rank.",
            ),
        )

    async def embed(self, request: Request) -> Response:
        identity = require_chat(request)
        fields = decode_object(await read_json_body(request))
        body = validate(EmbeddingsRequest, fields, self._limits)
        engine = self._vectors.engine_for(body.model, body.dimensions)
        first = fields["input"][0] if isinstance(fields["input"], list) else None
        wanted = body.to_embedding_request(f"embd-{uuid.uuid4().hex}", is_list=isinstance(first, str | list))
        made = await self._vectors.made(request, engine, wanted, identity.user_id, body.dimensions)
        info = engine.info
        data = await _written(made.vectors, is_base64=body.encoding_format == "base64")
        head = {"object": "list", "model": info.model_id if info else body.model or "", "usage": _usage(made)}
        document = _encoder.encode(head)[:-1] + b',"data":[' + data + b"]}"
        headers = {WARNING_HEADER: CHAT_MODEL} if engine.purpose == "chat" else {}
        return Response(document, headers=headers, media_type=JSON)

    async def rerank(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(RerankRequest, await read_json_body(request), self._limits)
        engine = self._router.ranker_for(self._router.asked_for(body.model))
        wanted = body.to_embedding_request(f"rank-{uuid.uuid4().hex}")
        made = await self._vectors.made(request, engine, wanted, identity.user_id)
        scores = [numbers_of(vector)[0] for vector in made.vectors]
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        results: list[dict[str, Any]] = [
            {"index": index, "relevance_score": scores[index]}
            | ({"document": {"text": body.documents[index]}} if body.return_documents else {})
            for index in order[: body.top_n]
        ]
        model = engine.info.model_id if engine.info else body.model or ""
        document = {"object": "list", "model": model, "results": results, "usage": _usage(made)}
        return Response(_encoder.encode(document), media_type=JSON)


async def _written(vectors: Sequence[bytes], *, is_base64: bool) -> bytes:
    """The items of `data`, joined."""
    items: list[bytes] = []
    for index, vector in enumerate(vectors):
        shown: str | tuple[float, ...] = base64.b64encode(vector).decode() if is_base64 else numbers_of(vector)
        items.append(_encoder.encode({"object": "embedding", "index": index, "embedding": shown}))
        if index % TURN_TEXTS == TURN_TEXTS - 1:
            await asyncio.sleep(0)
    return b",".join(items)


def _usage(made: Embeddings) -> dict[str, int]:
    num_tokens = sum(made.num_tokens)
    return {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
