"""Chat completions with `store: true`, and the events of stored ones, over HTTP. Event loop only.

The response is only a reader: when its client leaves, or its right ends, the answer goes on. Headers name what was
written: x-bdchat-generation-id, and in a chat x-bdchat-message-id and x-bdchat-user-message-id.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.auth.right_watch import interruptible, rests_on_session
from bdchat.api.durable.service import DurableGenerations, StartedGeneration, shown_to
from bdchat.api.generation.streaming import DONE, FrameStream, unless_gone
from bdchat.api.http.errors import error_event, seconds_left
from bdchat.api.http.identity import Identity
from bdchat.api.http.long_answer import GAP, LongAnswer, LongText, long_reply
from bdchat.api.openai.chat_chunks import ChatChunks, ChatCollector, ChatHead
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.errors import EngineError, EngineUnavailable, ModelNotFound
from bdchat.engine.router import Router
from bdchat.store.chats import generation_rows
from bdchat.store.chats.generation_rows import GenerationRow
from bdchat.store.db import Db
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database


class StoredChat:
    def __init__(self, durable: DurableGenerations, database: Database, router: Router) -> None:
        self._durable = durable
        self._database = database
        self._router = router

    async def answer(self, request: Request, identity: Identity, body: ChatCompletionRequest) -> Response:
        """As one document or as a stream, as `body` says."""
        if body.stream:
            with interruptible(request):
                started = await unless_gone(request.receive, self._durable.begin(identity, body))
            shown = await self.find(identity, started.generation_id)
            return self.stream(request, shown, headers=headers_of(started), includes_usage=body.includes_usage)
        with interruptible(request):
            return await unless_gone(request.receive, self._whole(request, identity, body))

    async def find(self, identity: Identity, generation_id: str) -> GenerationRow:
        """Raises NotFound."""
        return await self._database.read(lambda db: shown_to(db, identity, generation_id))

    def document(
        self, shown: GenerationRow, read: ChatCollector, last_event_id: int, *, content: str | None
    ) -> tuple[dict[str, Any], list[LongText]]:
        """Of a completion, with what fills its gaps. `content` None: as it is stored."""
        texts = [_part(shown, "content")] if content is None else []
        texts += [_part(shown, "prefix")] if shown.prefix is None else []
        return read.stored_document(shown, last_event_id, content=GAP if content is None else content), texts

    def head(self, shown: GenerationRow) -> ChatHead:
        try:
            info = self._router.engine_for(shown.row.model).info
        except ModelNotFound:
            info = None
        return ChatHead.of(shown, info.fingerprint if info else None)

    def stream(
        self,
        request: Request,
        shown: GenerationRow,
        *,
        after_id: int = 0,
        headers: Mapping[str, str] | None = None,
        includes_usage: bool = False,
    ) -> Response:
        rests_on_session(request, shown.row.session_id)
        chunks = ChatChunks(self.head(shown), includes_usage=includes_usage)
        return FrameStream(self._frames(shown.row.generation_id, after_id, chunks), headers=headers)

    async def _whole(self, request: Request, identity: Identity, request_body: ChatCompletionRequest) -> Response:
        started = await self._durable.begin(identity, request_body)
        rests_on_session(request, started.session_id)
        headers = headers_of(started)
        read = ChatCollector(self.head(await self.find(identity, started.generation_id)), has_logprobs=False)
        last_event_id = 0
        async with aclosing(self._durable.follow(started.generation_id, 0)) as batches:
            async for batch in batches:
                read.add(0, batch.events)
                last_event_id = batch.last_id
        if (failed := read.failed) is not None:
            if (retry_after_s := seconds_left(failed.retry_at_ms)) is not None:
                headers["retry-after"] = str(retry_after_s)
            body = msgspec.json.encode({"error": failed.error})
            return Response(body, failed.status, headers, media_type="application/json")
        if read.ended is None:
            raise EngineUnavailable("the answer goes on without this reader", 1.0)

        def show(db: Db) -> LongAnswer:
            shown = shown_to(db, identity, started.generation_id)
            document, texts = self.document(shown, read, last_event_id, content=read.text)
            return LongAnswer(document, texts, lambda db: shown_to(db, identity, started.generation_id))

        return await long_reply(request, self._database, show, headers=headers)

    async def _frames(self, generation_id: str, after_id: int, chunks: ChatChunks) -> AsyncGenerator[bytes]:
        is_last = False
        try:
            async with aclosing(self._durable.follow(generation_id, after_id)) as batches:
                async for batch in batches:
                    is_last = batch.is_last
                    yield chunks.encode(0, batch.events, batch.first_id)
        except (EngineError, StoreError) as error:  # the status line is long gone: it becomes an event
            yield b"data: " + error_event(error) + b"\n\n" + DONE
            return
        if is_last:
            yield DONE


def _part(shown: GenerationRow, name: Literal["content", "prefix"]) -> LongText:
    generation_id = shown.row.generation_id
    return LongText(
        lambda db, start, num_chars: generation_rows.part_of(db, generation_id, name, start=start, num_chars=num_chars)
    )


def headers_of(started: StartedGeneration) -> dict[str, str]:
    named = {
        "x-bdchat-generation-id": started.generation_id,
        "x-bdchat-message-id": started.message_id,
        "x-bdchat-user-message-id": started.user_message_id,
    }
    return {name: value for name, value in named.items() if value}
