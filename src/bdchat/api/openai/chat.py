"""POST /v1/chat/completions: parse, generate, encode; with `store` it hands over to stored_chat.py. With `store: true`
the answer is the server's, and stored_chat.py's.
"""

import time
import uuid

from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.generation.answer_reading import Reading
from bdchat.api.generation.service import GenerationGroup, GenerationService
from bdchat.api.generation.streaming import StreamResponse, accept, complete, unless_gone
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.openai.annotations import AnswerSources
from bdchat.api.openai.chat_answer import ChatHead
from bdchat.api.openai.chat_chunks import ChatChunks
from bdchat.api.openai.chat_document import ChatCollector
from bdchat.api.openai.stored_chat import StoredChat
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.router import Router
from bdchat.settings import Settings


class ChatCompletions:
    def __init__(
        self,
        router: Router,
        generations: GenerationService,
        settings: Settings,
        stored: StoredChat,
        questions: DocumentQuestions | None = None,
    ) -> None:
        self._stored = stored
        self._questions = questions
        self._router = router
        self._generations = generations
        self._limits = settings.limits
        self._sampling_source = settings.generations.sampling_defaults

    async def create(self, request: Request) -> Response:
        require_chat(request)
        return await self.answer(request, parse(ChatCompletionRequest, await read_json_body(request), self._limits))

    async def answer(self, request: Request, body: ChatCompletionRequest) -> Response:
        identity = require_chat(request)
        body = body.naming(self._router.asked_for(body.model)).asked_by(identity)
        if body.store:
            return await self._stored.answer(request, identity, body)
        engine = self._router.engine_for(body.model)
        completion_id = f"chatcmpl-{uuid.uuid4().hex}"
        body = body.with_defaults(engine.sampling_defaults, self._sampling_source)
        generation_request = body.to_generation_request(completion_id)
        sources = AnswerSources()
        if (asked := body.asked_documents) and self._questions is not None:
            material = await self._questions.material(identity.user_id, asked, body.messages[-1].content or "")
            if material is not None:
                asking = self._questions.outside_chats(engine, generation_request, material)
                generation_request, passages = await unless_gone(request.receive, asking)
                sources = AnswerSources(passages)
        group = GenerationGroup(self._generations, engine, [generation_request], width=1, user_id=identity.user_id)
        await accept(request, group)
        info = engine.info
        head = ChatHead(
            completion_id=completion_id,
            created=int(time.time()),
            model=info.model_id if info else body.model or "",
            fingerprint=info.fingerprint if info else None,
            num_choices=body.num_choices,
            service_tier=body.echoed_service_tier,
        )
        reading = Reading.of(generation_request.prompt, **body.wanted_of_parts)
        if info is not None:
            reading = reading.by(info.answer_format, opens_thought=False)  # Accepted tells of this prompt
        if body.stream:
            chunks = ChatChunks(
                head,
                includes_usage=body.includes_usage,
                reading=reading,
                includes_speeds=body.includes_speeds,
                sources=sources,
            )
            return StreamResponse(group, chunks)
        collector = ChatCollector(
            head,
            has_logprobs=bool(body.logprobs),
            reading=reading,
            has_speeds=body.includes_speeds,
            sources=sources,
        )
        return await complete(request, group, collector)
