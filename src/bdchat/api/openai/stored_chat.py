"""Chat completions with `store: true`, and the events of stored ones, over HTTP. Event loop only.

The response is only a reader: when its client leaves, or its right ends, the answer goes on. Headers name what was
written: x-bdchat-generation-id, and in a chat x-bdchat-message-id and x-bdchat-user-message-id.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.auth.right_watch import interruptible, rests_on_session
from bdchat.api.citations.passage import PromptPassage
from bdchat.api.documents.chat_sources import passages_by_id
from bdchat.api.durable.numbering import event_id
from bdchat.api.durable.opening import reading_of
from bdchat.api.durable.reader import MAX_CHARS, last_event, stored_events
from bdchat.api.durable.service import DurableGenerations, StartedGeneration, shown_to
from bdchat.api.generation.answer_reading import ChoiceReader, Reading
from bdchat.api.generation.events import Reset, Started
from bdchat.api.generation.streaming import DONE, FrameStream, unless_gone
from bdchat.api.http.errors import error_event, seconds_left
from bdchat.api.http.identity import Identity
from bdchat.api.http.long_answer import LongAnswer, LongText, long_reply
from bdchat.api.openai.annotations import AnswerSources
from bdchat.api.openai.chat_answer import ChatHead
from bdchat.api.openai.chat_chunks import ChatChunks
from bdchat.api.openai.chat_document import ChatCollector
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.answers.parts import Content
from bdchat.engine.errors import EngineError, EngineUnavailable, ModelNotFound
from bdchat.engine.router import Router
from bdchat.store.chats import answers, generation_rows, generations
from bdchat.store.chats.generation_rows import GenerationRow
from bdchat.store.db import Db
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

HEAD_CHARS = 1024  # of an answer, in which a thought would have begun


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    shown: GenerationRow
    reading: Reading  # how its text is read
    sources: AnswerSources  # what it may cite


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
            found = await self.find(identity, started.generation_id)
            return self.stream(request, found, headers=headers_of(started), includes_usage=body.includes_usage)
        with interruptible(request):
            return await unless_gone(request.receive, self._whole(request, identity, body))

    async def find(self, identity: Identity, generation_id: str) -> FoundAnswer:
        """Raises NotFound."""

        def read(db: Db) -> FoundAnswer:
            shown = shown_to(db, identity, generation_id)
            return FoundAnswer(shown, reading_of(db, shown), _sources_of(db, shown))

        return await self._database.read(read)

    def stored_document(self, db: Db, shown: GenerationRow) -> tuple[dict[str, Any], list[LongText]]:
        """Of a completion as far as it is, with what fills its gaps. In a store's reader."""
        row, reading = shown.row, reading_of(db, shown)
        sources = _sources_of(db, shown)
        read = ChatCollector(self.head(shown), has_logprobs=False, reading=reading, sources=sources)
        if row.state == generations.RUNNING:
            last_event_id = 0
            for batch in stored_events(db, row, 0):
                read.add(0, batch.events)
                last_event_id = batch.last_id
            return self.document(shown, read, last_event_id)
        content = shown.content
        if content is None and (sources or _is_read_on(db, shown, reading)):
            content = _text(db, shown, "content")
        if content is not None:
            read.add(0, [Started(prefix=_text(db, shown, "prefix")), Reset(text=content)])
        read.add(0, [last_event(row)])
        return self.document(shown, read, event_id(row.num_resumes, row.last_seq), has_content_gap=content is None)

    def document(
        self, shown: GenerationRow, read: ChatCollector, last_event_id: int, *, has_content_gap: bool = False
    ) -> tuple[dict[str, Any], list[LongText]]:
        """What was read, with what fills its gaps; the content is one when it is long and plain."""
        texts = [_part(shown, "content")] if has_content_gap else []
        texts += [_part(shown, "prefix")] if shown.prefix is None else []
        return read.stored_document(shown, last_event_id, has_content_gap=has_content_gap), texts

    def head(self, shown: GenerationRow) -> ChatHead:
        try:
            info = self._router.engine_for(shown.row.model).info
        except ModelNotFound:
            info = None
        return ChatHead.of(shown, info.fingerprint if info else None)

    def stream(
        self,
        request: Request,
        found: FoundAnswer,
        *,
        after_id: int = 0,
        headers: Mapping[str, str] | None = None,
        includes_usage: bool = False,
    ) -> Response:
        shown, reading = found.shown, found.reading
        rests_on_session(request, shown.row.session_id)
        head = self.head(shown)
        chunks = ChatChunks(head, includes_usage=includes_usage, reading=reading, sources=found.sources)
        return FrameStream(self._frames(shown.row.generation_id, after_id, chunks), headers=headers)

    async def _whole(self, request: Request, identity: Identity, request_body: ChatCompletionRequest) -> Response:
        started = await self._durable.begin(identity, request_body)
        rests_on_session(request, started.session_id)
        headers = headers_of(started)
        found = await self.find(identity, started.generation_id)
        head = self.head(found.shown)
        read = ChatCollector(head, has_logprobs=False, reading=found.reading, sources=found.sources)
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
            document, texts = self.document(shown, read, last_event_id)
            return LongAnswer(document, texts, lambda db: shown_to(db, identity, started.generation_id))

        return await long_reply(request, self._database, show, headers=headers)

    async def _frames(self, generation_id: str, after_id: int, chunks: ChatChunks) -> AsyncGenerator[bytes]:
        is_last = False
        try:
            await self._catch_up(generation_id, after_id, chunks)
            async with aclosing(self._durable.follow(generation_id, after_id)) as batches:
                async for batch in batches:
                    is_last = batch.is_last
                    yield chunks.encode(0, batch.events, batch.first_id)
        except (EngineError, StoreError) as error:  # the status line is long gone: it becomes an event
            yield b"data: " + error_event(error) + b"\n\n" + DONE
            return
        if is_last:
            yield DONE

    async def _catch_up(self, generation_id: str, after_id: int, chunks: ChatChunks) -> None:
        """Reads what the caller has seen, where the rest cannot be told apart without it."""
        if after_id and not chunks.is_plain:
            chunks.encode(0, await self._durable.seen(generation_id, after_id), 1)


def _sources_of(db: Db, shown: GenerationRow) -> AnswerSources:
    row = shown.row
    if row.session_id is None:
        return AnswerSources(msgspec.convert(shown.sources, list[PromptPassage]))
    path = answers.sizes_before(db, row)
    ids = [size.message_id for size in path if size.role == "user"]
    found = passages_by_id(db, ids)
    brought = found.get(ids[-1], ()) if ids else ()
    return AnswerSources(brought, [passage for some in found.values() for passage in some])


def _text(db: Db, shown: GenerationRow, name: Literal["content", "prefix"]) -> str:
    known = shown.content if name == "content" else shown.prefix
    if known is not None:
        return known
    return generation_rows.part_of(db, shown.row.generation_id, name, start=0, num_chars=MAX_CHARS)


def _is_read_on(db: Db, shown: GenerationRow, reading: Reading) -> bool:
    """Whether a long answer's beginning leaves something to be read: a thought, or calls anywhere."""
    if reading.is_raw:
        return False
    reader = ChoiceReader(reading)
    reader.feed(_text(db, shown, "prefix"))
    head = generation_rows.part_of(db, shown.row.generation_id, "content", start=0, num_chars=HEAD_CHARS)
    return reader.feed(head) != [Content(head)] or not reader.is_plain


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
