"""POST /v1/chat/completions: parse, generate, encode. With `store: true` the answer is the server's, and
stored_chat.py's.
"""

import uuid

from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.answering.bare_answers import BareAnswers
from bdchat.api.generation.streaming import StreamResponse, complete
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.openai.annotations import AnswerSources
from bdchat.api.openai.chat_answer import ChatHead
from bdchat.api.openai.chat_chunks import ChatChunks
from bdchat.api.openai.chat_document import ChatCollector
from bdchat.api.openai.stored_chat import StoredChat
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.settings import LimitSettings


class ChatCompletions:
    def __init__(self, answers: BareAnswers, stored: StoredChat, limits: LimitSettings) -> None:
        self._answers = answers
        self._stored = stored
        self._limits = limits

    async def create(self, request: Request) -> Response:
        require_chat(request)
        return await self.answer(request, parse(ChatCompletionRequest, await read_json_body(request), self._limits))

    async def answer(self, request: Request, body: ChatCompletionRequest) -> Response:
        identity = require_chat(request)
        body = self._answers.meant(body, identity)
        if body.store:
            return await self._stored.answer(request, identity, body)
        completion_id = f"chatcmpl-{uuid.uuid4().hex}"
        answer = await self._answers.begin(request, identity, body, completion_id)
        head = ChatHead(
            completion_id=completion_id,
            created=answer.created,
            model=answer.model,
            fingerprint=answer.fingerprint,
            num_choices=body.num_choices,
            service_tier=body.echoed_service_tier,
        )
        sources = AnswerSources(answer.passages)
        if body.stream:
            chunks = ChatChunks(
                head,
                includes_usage=body.includes_usage,
                reading=answer.reading,
                includes_speeds=body.includes_speeds,
                sources=sources,
            )
            return StreamResponse(answer.group, chunks)
        collector = ChatCollector(
            head,
            has_logprobs=bool(body.logprobs),
            reading=answer.reading,
            has_speeds=body.includes_speeds,
            sources=sources,
        )
        return await complete(request, answer.group, collector)
