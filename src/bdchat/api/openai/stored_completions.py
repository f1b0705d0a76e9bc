"""/v1/chat/completions/{id} and its kin: stored completions, as OpenAI's SDKs read them. Event loop only.

Whose they are: those of the asking user, and those of chats that the user may read; a key without the scope "sessions"
sees no chat's. All who come without an account share those that were stored without one.
"""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.durable.service import DurableGenerations, readable, shown_to, writable
from bdchat.api.http.endpoints import Endpoint, path_id, read_query, reply
from bdchat.api.http.identity import Identity, require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.long_answer import LongAnswer, LongText, long_reply
from bdchat.api.http.parsing import parse, validate
from bdchat.api.openai.shown_messages import page_of, shown_messages
from bdchat.api.openai.stored_chat import StoredChat
from bdchat.api.schemas.chat import MAX_METADATA_KEY_CHARS, MAX_METADATA_KEYS, MAX_METADATA_VALUE_CHARS
from bdchat.api.schemas.stored import (
    CompletionChanges,
    CompletionList,
    CompletionQuery,
    DeletedCompletion,
    EventQuery,
    StoredCompletion,
    StoredMessageList,
    StoredMessageQuery,
)
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.chats import generation_rows, generations
from bdchat.store.chats.generation_rows import COMPLETION_PREFIX, GenerationFilter
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.sql.database import Database


class StoredCompletions:
    def __init__(
        self, durable: DurableGenerations, chat: StoredChat, database: Database, limits: LimitSettings
    ) -> None:
        self._durable = durable
        self._chat = chat
        self._database = database
        self._limits = limits

    def endpoints(self) -> list[Endpoint]:
        every = "/v1/chat/completions"
        one = f"{every}/{{completion_id}}"
        document: dict[str, Any] = {"response": StoredCompletion, "auth": "chat"}
        return [
            Endpoint(
                "GET",
                every,
                self.list,
                "Your stored completions",
                query=CompletionQuery,
                response=CompletionList,
                auth="chat",
                description="metadata[KEY]=VALUE, repeatable, lets only those through that have all these pairs.",
            ),
            Endpoint("GET", one, self.show, "A stored completion, as far as it is", **document),
            Endpoint("POST", one, self.change, "Change its metadata", body=CompletionChanges, **document),
            Endpoint(
                "DELETE",
                one,
                self.delete,
                "Forget it; the message that it wrote stays in its chat",
                response=DeletedCompletion,
                auth="chat",
                errors=(409,),
            ),
            Endpoint(
                "GET",
                f"{one}/messages",
                self.messages,
                "What the model was shown",
                query=StoredMessageQuery,
                response=StoredMessageList,
                auth="chat",
            ),
            Endpoint(
                "GET",
                f"{one}/events",
                self.events,
                "Its chunks, from any number on, until it ends",
                query=EventQuery,
                response=None,
                response_media=("text/event-stream",),
                auth="chat",
                description="Last-Event-ID or ?after= names the last number that was seen (a frame's id).",
            ),
            Endpoint("POST", f"{one}/cancel", self.cancel, "End it and keep its text", **document),
        ]

    async def list(self, request: Request) -> Response:
        identity = require_chat(request)
        fields, metadata = _split_metadata(dict(request.query_params))
        query = validate(CompletionQuery, fields, self._limits, strict=False)
        page = GenerationFilter(
            limit=query.limit,
            after=query.after,
            is_newest_first=query.order == "desc",
            model=query.model,
            metadata=metadata,
            has_sessions="sessions" in identity.scopes,
        )

        def read(db: Db) -> LongAnswer:
            found, has_more = generation_rows.page(db, identity.user_id, page)
            documents = [self._chat.stored_document(db, shown) for shown in found]
            body = _list_of([document for document, _ in documents], has_more=has_more)
            # nobody else's are here: the next pieces are as much the asker's as these
            return LongAnswer(body, [text for _, texts in documents for text in texts], lambda _: None)

        return await long_reply(request, self._database, read)

    async def show(self, request: Request) -> Response:
        return await self._show(request, require_chat(request), _id_in(request))

    async def change(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), _id_in(request)
        body = parse(CompletionChanges, await read_json_body(request), self._limits)

        def change(db: Db) -> None:
            row = writable(db, identity, completion_id)
            row.wire = {**row.wire, "metadata": body.metadata or {}}
            db.add(row)

        await self._database.write(change)
        return await self._show(request, identity, completion_id)

    async def delete(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), _id_in(request)
        await self._durable.stop(identity, completion_id)

        def remove(db: Db) -> None:
            row = writable(db, identity, completion_id)
            if row.state == generations.RUNNING:
                raise Conflict("It is being stopped: try again.", code="still_writing")
            generations.remove(db, row)

        await self._database.write(remove)
        return reply(DeletedCompletion(id=completion_id))

    async def messages(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), _id_in(request)
        query = read_query(StoredMessageQuery, request, self._limits)

        def read(db: Db) -> LongAnswer:
            shown = shown_messages(db, readable(db, identity, completion_id))
            found, has_more = page_of(shown, query.limit, after=query.after, is_newest_first=query.order == "desc")
            body = _list_of([message.to_wire() for message in found], has_more=has_more)
            texts = [LongText(message.read) for message in found if message.read is not None]
            return LongAnswer(body, texts, lambda db: shown_to(db, identity, completion_id))

        return await long_reply(request, self._database, read)

    async def events(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), _id_in(request)
        fields = dict(request.query_params)
        if (seen := request.headers.get("last-event-id")) is not None:
            fields["after"] = seen
        query = validate(EventQuery, fields, self._limits, strict=False)
        found = await self._chat.find(identity, completion_id)
        return self._chat.stream(request, found, after_id=query.after, includes_usage=query.include_usage)

    async def cancel(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), _id_in(request)
        await self._durable.stop(identity, completion_id)
        return await self._show(request, identity, completion_id)

    async def _show(self, request: Request, identity: Identity, completion_id: str) -> Response:
        def read(db: Db) -> LongAnswer:
            document, texts = self._chat.stored_document(db, shown_to(db, identity, completion_id))
            return LongAnswer(document, texts, lambda db: shown_to(db, identity, completion_id))

        return await long_reply(request, self._database, read)


def _id_in(request: Request) -> str:
    """Raises NotFound, also for what another wire has stored."""
    completion_id = path_id(request, "completion_id")
    if not completion_id.startswith(COMPLETION_PREFIX):
        raise NotFound("completion", completion_id)
    return completion_id


def _split_metadata(query: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(other parameters, pairs of metadata[KEY]=VALUE)"""
    metadata: dict[str, str] = {}
    for name in [name for name in query if name.startswith("metadata[") and name.endswith("]")]:
        key, value = name.removeprefix("metadata[").removesuffix("]"), query.pop(name)
        if len(metadata) == MAX_METADATA_KEYS:
            raise InvalidRequest("metadata", f"at most {MAX_METADATA_KEYS} pairs are compared.")
        if not 0 < len(key) <= MAX_METADATA_KEY_CHARS or len(value) > MAX_METADATA_VALUE_CHARS or "\x00" in key + value:
            raise InvalidRequest("metadata", "no stored completion has such a pair.")
        metadata[key] = value
    return query, metadata


def _list_of(data: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    ids = [item["id"] for item in data]
    body = {"object": "list", "data": data, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return body | {"has_more": has_more}
