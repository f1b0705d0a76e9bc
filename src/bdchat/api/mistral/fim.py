"""POST /v1/fim/completions: what belongs between a prompt and a suffix."""

import time
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
from bdchat.api.mistral.fim_chunks import FimChunks, FimCollector, FimHead
from bdchat.api.schemas.fim import FimCompletion, FimRequest
from bdchat.engine.router import Router
from bdchat.settings import Settings


class FimCompletions:
    def __init__(self, router: Router, generations: GenerationService, settings: Settings) -> None:
        self._router = router
        self._generations = generations
        self._limits = settings.limits
        self._sampling_source = settings.generations.sampling_defaults

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/v1/fim/completions",
                self.create,
                "Fill the gap between a prompt and a suffix",
                body=FimRequest,
                response=FimCompletion,
                response_media=(JSON, "text/event-stream"),
                auth="chat",
                errors=(404, 409, 500),
                description="Mistral's fill in the middle, for models that have tokens for it.",
            )
        )

    async def create(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(FimRequest, await read_json_body(request), self._limits).asked_by(identity)
        engine = self._router.engine_for(self._router.asked_for(body.model))
        completion_id = f"fim-{uuid.uuid4().hex}"
        body = body.with_defaults(engine.sampling_defaults, self._sampling_source)
        generation_request = body.to_generation_request(completion_id)
        group = GenerationGroup(self._generations, engine, [generation_request], width=1, user_id=identity.user_id)
        await accept(request, group)
        info = engine.info
        head = FimHead(completion_id, int(time.time()), info.model_id if info else body.model or "")
        if body.stream:
            return StreamResponse(group, FimChunks(head, includes_usage=body.includes_usage))
        return await complete(request, group, FimCollector(head))
