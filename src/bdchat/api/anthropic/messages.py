"""POST /v1/messages and /v1/messages/count_tokens: parse, generate, encode."""

import uuid

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.bare_answers import BareAnswers
from bdchat.api.answering.told import streamed_or_whole
from bdchat.api.anthropic.message_events import MessageEvents
from bdchat.api.generation.streaming import unless_gone
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.anthropic.answers import AnthropicMessage, CountedTokens
from bdchat.api.schemas.anthropic.request import MessagesRequest
from bdchat.api.schemas.conversation.field_names import fields_named
from bdchat.settings import LimitSettings


class AnthropicMessages:
    def __init__(self, answers: BareAnswers, limits: LimitSettings) -> None:
        self._answers = answers
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/v1/messages",
                self.create,
                "Answer a conversation, as Anthropic's API does",
                body=MessagesRequest,
                response=AnthropicMessage,
                response_media=(JSON, "text/event-stream"),
                auth="chat",
                error="AnthropicError",
                errors=(404, 500),
            ),
            Endpoint(
                "POST",
                "/v1/messages/count_tokens",
                self.count,
                "How many tokens a message's prompt would have",
                body=MessagesRequest,
                response=CountedTokens,
                auth="chat",
                error="AnthropicError",
                errors=(404, 500),
            ),
        )

    async def create(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(MessagesRequest, await read_json_body(request), self._limits).with_room()
        message_id = f"msg_{uuid.uuid4().hex}"
        with fields_named(body.renamed):
            chat = self._answers.meant(body.to_chat_request(self._limits), identity)
            answer = await self._answers.begin(request, identity, chat, message_id)
        skipped = list(dict.fromkeys(body.given_tools.skipped))
        events = MessageEvents(message_id, answer.model, answer.reading, skipped_tools=skipped)
        return await streamed_or_whole(request, answer, events, whole=None if body.stream else events.message)

    async def count(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(MessagesRequest, await read_json_body(request), self._limits)
        with fields_named(body.renamed):
            chat = self._answers.meant(body.to_chat_request(self._limits), identity)
            engine, generation_request = self._answers.prepared(chat, "count")
            tokens = await unless_gone(request.receive, engine.tokenize(generation_request.prompt))
        return Response(msgspec.json.encode({"input_tokens": len(tokens)}), media_type=JSON)
