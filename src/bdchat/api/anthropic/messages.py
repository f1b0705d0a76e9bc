"""POST /v1/messages and /v1/messages/count_tokens: parse, generate, encode."""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.bare_answers import BareAnswers
from bdchat.api.anthropic.message_events import MessageEvents, sse
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.streaming import StreamResponse, complete, unless_gone
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.anthropic.answers import AnthropicMessage, CountedTokens
from bdchat.api.schemas.anthropic.request import MessagesRequest
from bdchat.api.schemas.conversation.field_names import fields_named
from bdchat.engine.errors import EngineError
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
        if body.stream:
            stream = MessageStream(events)
            return StreamResponse(answer.group, stream, end=b"", failed=stream.failed)
        return await complete(request, answer.group, MessageCollector(events))

    async def count(self, request: Request) -> Response:
        identity = require_chat(request)
        body = parse(MessagesRequest, await read_json_body(request), self._limits)
        with fields_named(body.renamed):
            chat = self._answers.meant(body.to_chat_request(self._limits), identity)
            engine, generation_request = self._answers.prepared(chat, "count")
            tokens = await unless_gone(request.receive, engine.tokenize(generation_request.prompt))
        return Response(msgspec.json.encode({"input_tokens": len(tokens)}), media_type=JSON)


class MessageStream:
    """StreamEncoder."""

    def __init__(self, events: MessageEvents) -> None:
        self._events = events

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        return b"".join(map(sse, self._events.encode(events)))

    def close(self) -> bytes:
        return b""

    def failed(self, error: EngineError) -> bytes:
        return b"".join(map(sse, self._events.failed(error)))


class MessageCollector:
    """Collector."""

    def __init__(self, events: MessageEvents) -> None:
        self._events = events

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        self._events.encode(events)

    def document(self) -> dict[str, Any]:
        return self._events.message()
