"""POST /api/chat and /api/generate: parse, generate, encode. Streams are lines, and the usual."""

import uuid
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.answering.bare_answers import BareAnswer, BareAnswers
from bdchat.api.answering.told import streamed_or_whole
from bdchat.api.generation.streaming import unless_gone
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import Identity, require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.ollama.answer_lines import AnswerLines, timestamp, written
from bdchat.api.ollama.names import ModelNames
from bdchat.api.schemas.conversation.field_names import fields_named
from bdchat.api.schemas.ollama.chat import OllamaChatRequest, load_request
from bdchat.api.schemas.ollama.generate import OllamaGenerateRequest
from bdchat.api.schemas.ollama.models import OllamaAnswer
from bdchat.settings import LimitSettings

NDJSON = "application/x-ndjson"
Way = Literal["chat", "generate"]
Body = OllamaChatRequest | OllamaGenerateRequest


class OllamaAnswers:
    def __init__(self, answers: BareAnswers, names: ModelNames, limits: LimitSettings) -> None:
        self._answers = answers
        self._names = names
        self._limits = limits

    def routes(self) -> list[Route]:
        about: dict[str, Any] = {
            "response": OllamaAnswer,
            "response_media": (NDJSON, JSON),
            "line": OllamaAnswer,
            "auth": "chat",
            "error": "OllamaError",
            "errors": (404, 500),
        }
        return declared(
            Endpoint(
                "POST",
                "/api/chat",
                self.chat,
                "Answer a conversation, as Ollama does",
                body=OllamaChatRequest,
                **about,
            ),
            Endpoint(
                "POST",
                "/api/generate",
                self.generate,
                "Answer a prompt, as Ollama does",
                body=OllamaGenerateRequest,
                **about,
            ),
        )

    async def chat(self, request: Request) -> Response:
        return await self._answer(request, OllamaChatRequest, "chat")

    async def generate(self, request: Request) -> Response:
        return await self._answer(request, OllamaGenerateRequest, "generate")

    async def _answer(self, request: Request, schema: type[Body], way: Way) -> Response:
        identity = require_chat(request)
        body: Body = parse(schema, await read_json_body(request, takes_curls=True), self._limits)
        asked = body.model
        body = body.model_copy(update={"model": self._names.served(asked)})
        with fields_named(body.renamed):
            if body.asks_nothing:
                return await self._load(request, identity, body, asked, way)
            answer_id = f"ollama-{uuid.uuid4().hex}"
            answer = await self._begin(request, identity, body, answer_id)
        lines = AnswerLines(answer_id, asked, answer.reading, way=way)
        whole = None if body.is_streamed else lines.whole
        return await streamed_or_whole(request, answer, lines, whole=whole, written=written, media_type=NDJSON)

    async def _begin(self, request: Request, identity: Identity, body: Body, answer_id: str) -> BareAnswer:
        if isinstance(body, OllamaGenerateRequest) and body.is_text:
            text = body.to_completion_request(self._limits)
            return await self._answers.begin_text(request, identity, text, answer_id)
        chat = self._answers.meant(body.to_chat_request(self._limits), identity)
        return await self._answers.begin(request, identity, chat, answer_id)

    async def _load(self, request: Request, identity: Identity, body: Body, asked: str, way: Way) -> Response:
        """Waits until the model is loaded. One line, streamed or not."""
        if not body.asks_to_unload:
            chat = self._answers.meant(load_request(body, self._limits), identity)
            engine, generation_request = self._answers.prepared(chat, "load")
            await unless_gone(request.receive, engine.tokenize(generation_request.prompt))
        said = {"message": {"role": "assistant", "content": ""}} if way == "chat" else {"response": ""}
        reason = "unload" if body.asks_to_unload else "load"
        line = {"model": asked, "created_at": timestamp(), **said, "done": True, "done_reason": reason}
        if body.is_streamed:
            return Response(written(line), media_type=NDJSON)
        return Response(msgspec.json.encode(line), media_type=JSON)
