"""POST /v1/responses and /v1/responses/input_tokens: parse, generate, encode. What is stored is stored_responses.py's.

A response that is not stored ends when its client leaves.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.bare_answers import BareAnswers
from bdchat.api.answering.told import streamed_or_whole
from bdchat.api.durable.context import shortened
from bdchat.api.generation.streaming import unless_gone
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import Identity, require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import decode_object, validate
from bdchat.api.responses.response_events import ResponseEvents
from bdchat.api.responses.response_head import ResponseHead, echo_of, new_response_id
from bdchat.api.responses.stored_responses import StoredResponses
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.conversation.field_names import fields_named
from bdchat.api.schemas.responses.answers import InputTokens, ResponseDocument
from bdchat.api.schemas.responses.request import ResponsesRequest
from bdchat.settings import LimitSettings
from bdchat.store.errors import QuotaExceeded


class Responses:
    def __init__(self, answers: BareAnswers, stored: StoredResponses, limits: LimitSettings) -> None:
        self._answers = answers
        self._stored = stored
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/v1/responses",
                self.create,
                "Answer with a response",
                body=ResponsesRequest,
                response=ResponseDocument,
                response_media=(JSON, "text/event-stream"),
                auth="chat",
                errors=(404, 409, 500),
                description="OpenAI's responses; as server-sent events with stream. Stored unless store is false.",
            ),
            Endpoint(
                "POST",
                "/v1/responses/input_tokens",
                self.count,
                "How many tokens a response's prompt would have",
                body=ResponsesRequest,
                response=InputTokens,
                auth="chat",
                errors=(404, 500),
            ),
            *self._stored.endpoints(),
        )

    async def create(self, request: Request) -> Response:
        identity = require_chat(request)
        body = await self._read(request, identity)
        with fields_named(body.renamed):
            chat = await self._chat_request(identity, body)
            if not body.is_stored:
                return await self._answer(request, identity, body, chat)
            try:
                return await self._stored.answer(request, identity, body, chat)
            except QuotaExceeded:
                if body.store or body.background:
                    raise
            unstored = {"store": False}  # nobody asked for it, and the response says so
            body, chat = body.model_copy(update=unstored), chat.model_copy(update=unstored)
            return await self._answer(request, identity, body, chat)

    async def count(self, request: Request) -> Response:
        identity = require_chat(request)
        body = await self._read(request, identity)
        with fields_named(body.renamed):
            chat = await self._chat_request(identity, body)
            engine, generation_request = self._answers.prepared(chat, "count")
            tokens = await unless_gone(request.receive, engine.tokenize(generation_request.prompt))
        document = {"object": "response.input_tokens", "input_tokens": len(tokens)}
        return Response(msgspec.json.encode(document), media_type=JSON)

    async def _read(self, request: Request, identity: Identity) -> ResponsesRequest:
        fields = decode_object(await read_json_body(request))
        return validate(ResponsesRequest, await self._stored.with_named_items(identity, fields), self._limits)

    async def _chat_request(self, identity: Identity, body: ResponsesRequest) -> ChatCompletionRequest:
        earlier: Sequence[dict[str, Any]] = ()
        if body.previous_response_id is not None:
            earlier = await self._stored.earlier_turns(identity, body.previous_response_id)
        return self._answers.meant(body.to_chat_request(self._limits, earlier), identity)

    async def _answer(
        self, request: Request, identity: Identity, body: ResponsesRequest, chat: ChatCompletionRequest
    ) -> Response:
        response_id = new_response_id()
        fit = shortened if body.may_drop else None
        answer = await self._answers.begin(request, identity, chat, response_id, fit=fit)
        head = ResponseHead(response_id, answer.created, answer.model, echo_of(body))
        events = ResponseEvents(head, answer.reading, custom_tools=body.given_tools.custom)
        return await streamed_or_whole(request, answer, events, whole=None if body.stream else events.response)
