"""POST /v1/completions: raw text in, raw text out; no chat template."""

import asyncio
import time
import uuid
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.generation.service import GenerationGroup, GenerationService
from bdchat.api.generation.streaming import StreamResponse, accept, complete, unless_gone
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.openai.completion_chunks import (
    BestCompletionCollector,
    CompletionChunks,
    CompletionCollector,
    CompletionHead,
)
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.engine.engine import Engine
from bdchat.engine.errors import ContextLengthExceeded
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import Prompt, TextPrompt, TokenPrompt
from bdchat.engine.router import Router
from bdchat.settings import Settings

MAX_WIDTH = 16  # prompts of one call in the engine at a time, so that one long list does not fill the queue


class Completions:
    def __init__(self, router: Router, generations: GenerationService, settings: Settings) -> None:
        self._router = router
        self._generations = generations
        self._limits = settings.limits
        self._sampling_source = settings.generations.sampling_defaults

    async def create(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(CompletionRequest, await read_json_body(request), self._limits).asked_by(identity)
        engine = self._router.engine_for(self._router.asked_for(body.model))
        completion_id = f"cmpl-{uuid.uuid4().hex}"
        if engine.info is not None:
            _refuse_long_token_lists(body.prompts, engine.info)
        await unless_gone(request.receive, _refuse_bad_prompts(body.prompts[MAX_WIDTH:], engine))
        body = body.with_defaults(engine.sampling_defaults, self._sampling_source)
        generation_requests = body.to_generation_requests(completion_id)
        group = GenerationGroup(
            self._generations, engine, generation_requests, width=MAX_WIDTH, user_id=identity.user_id
        )
        await accept(request, group)
        info = engine.info
        head = CompletionHead(
            completion_id=completion_id,
            created=int(time.time()),
            model=info.model_id if info else body.model or "",
            fingerprint=info.fingerprint if info else None,
            num_choices=body.num_written,
            num_prompts=len(body.prompts),
            echo=bool(body.echo),
            has_logprobs=body.logprobs is not None,
            has_speeds=body.includes_speeds,
        )
        if body.stream:
            return StreamResponse(group, CompletionChunks(head, includes_usage=body.includes_usage))
        if body.chooses:
            return await complete(request, group, BestCompletionCollector(head, body.num_choices))
        return await complete(request, group, CompletionCollector(head))


def _refuse_long_token_lists(prompts: Sequence[Prompt], info: ModelInfo) -> None:
    """Millions of ids need no trip to the engine to be too many."""
    for prompt in prompts:
        if isinstance(prompt, TokenPrompt) and len(prompt.tokens) > info.n_ctx:
            raise ContextLengthExceeded(len(prompt.tokens), info.n_ctx, prompt.field)


async def _refuse_bad_prompts(prompts: Sequence[Prompt], engine: Engine) -> None:
    """Those that are not in the engine when the answer begins: a status line cannot be taken back. Raises what the
    engine would refuse them with later."""
    for start in range(0, len(prompts), MAX_WIDTH):
        for tokens in await asyncio.gather(*map(engine.tokenize, prompts[start : start + MAX_WIDTH])):
            if engine.info is not None and len(tokens) >= engine.info.n_ctx:
                raise ContextLengthExceeded(len(tokens), engine.info.n_ctx, TextPrompt.field)
