"""POST /v1/completion and /v1/infill, also without /v1: llama.cpp's own ways to go on with a text and to fill a gap."""

import uuid

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.generation.service import GenerationGroup, GenerationService
from bdchat.api.generation.streaming import StreamResponse, accept, complete
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.llamacpp.completion_chunks import NativeChunks, NativeCollector
from bdchat.api.schemas.llamacpp import InfillRequest, NativeCompletion, NativeCompletionRequest, NativeFields
from bdchat.engine.router import Router
from bdchat.settings import Settings


class NativeCompletions:
    def __init__(self, router: Router, generations: GenerationService, settings: Settings) -> None:
        self._router = router
        self._generations = generations
        self._limits = settings.limits

    def routes(self) -> list[Route]:
        return declared(
            *(
                Endpoint(
                    "POST",
                    path,
                    handler,
                    summary,
                    body=body,
                    response=NativeCompletion,
                    response_media=(JSON, "text/event-stream"),
                    auth="chat",
                    errors=(404, 409, 500),
                )
                for path, handler, summary, body in (
                    ("/v1/completion", self.go_on, "Go on with a text, in llama.cpp's words", NativeCompletionRequest),
                    ("/v1/infill", self.fill, "Fill a gap, in llama.cpp's words", InfillRequest),
                )
            )
        )

    async def go_on(self, request: Request) -> Response:
        require_chat(request)
        return await self._answer(request, parse(NativeCompletionRequest, await read_json_body(request), self._limits))

    async def fill(self, request: Request) -> Response:
        require_chat(request)
        return await self._answer(request, parse(InfillRequest, await read_json_body(request), self._limits))

    async def _answer(self, request: Request, body: NativeFields) -> Response:
        identity = require_chat(request)
        engine = self._router.engine_for(self._router.asked_for(body.model))
        body = body.with_defaults(engine.sampling_defaults, "model").asked_by(identity)
        generation_request = body.to_generation_request(f"native-{uuid.uuid4().hex}")
        group = GenerationGroup(self._generations, engine, [generation_request], width=1, user_id=identity.user_id)
        await accept(request, group)
        model = engine.info.model_id if engine.info else body.model or ""
        if body.stream:
            return StreamResponse(group, NativeChunks(model, body.response_fields), end=b"")
        return await complete(request, group, NativeCollector(model, body.response_fields))
