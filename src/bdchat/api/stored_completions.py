"""/v1/chat/completions/{id} and its kin: stored completions, as OpenAI's SDKs read them. Event loop only.

Whose they are: those of the asking user, and those of chats that the user may read; a key without the scope "sessions"
sees no chat's. All who come without an account share those that were stored without one.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.durable import DurableGenerations, readable, writable
from bdchat.api.durable_plans import messages_of
from bdchat.api.durable_reader import snapshot
from bdchat.api.endpoints import Endpoint, path_id, read_query, reply
from bdchat.api.event_cursor import NumberedEvent
from bdchat.api.identity import Identity, require_chat
from bdchat.api.json_body import read_json_body
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
from bdchat.api.schemas.wire import parse, validate
from bdchat.api.stored_answer import StoredCollector, completion
from bdchat.api.stored_chat import StoredChat
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatMessage
from bdchat.settings import LimitSettings
from bdchat.store import answers, generations
from bdchat.store.database import Database, Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.generations import Page
from bdchat.store.tables import Generation

Shown = tuple[Generation, list[NumberedEvent]]


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
        query, metadata = _split_metadata(dict(request.query_params))
        wanted = validate(CompletionQuery, query, self._limits, strict=False)
        page = Page(
            limit=wanted.limit + 1,
            after=wanted.after,
            is_newest_first=wanted.order == "desc",
            model=wanted.model,
            metadata=metadata,
            has_sessions="sessions" in identity.scopes,
        )

        def read(db: Db) -> list[Shown]:
            return [(row, snapshot(db, row)) for row in generations.page(db, identity.user_id, page)]

        found = await self._database.read(read)
        return _list_reply([self._document(*shown) for shown in found], wanted.limit)

    async def show(self, request: Request) -> Response:
        return await self._show(require_chat(request), path_id(request, "completion_id"))

    async def change(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), path_id(request, "completion_id")
        wanted = parse(CompletionChanges, await read_json_body(request), self._limits)

        def change(db: Db) -> None:
            row = writable(db, identity, completion_id)
            row.wire = {**row.wire, "metadata": wanted.metadata or {}}
            db.add(row)

        await self._database.write(change)
        return await self._show(identity, completion_id)

    async def delete(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), path_id(request, "completion_id")
        await self._durable.stop(identity, completion_id)

        def remove(db: Db) -> None:
            row = writable(db, identity, completion_id)
            if row.state == generations.RUNNING:
                raise Conflict("It is being stopped: try again.", code="still_writing")
            generations.remove(db, row)

        await self._database.write(remove)
        return reply(DeletedCompletion(id=completion_id))

    async def messages(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), path_id(request, "completion_id")
        wanted = read_query(StoredMessageQuery, request, self._limits)

        def read(db: Db) -> Sequence[ChatMessage]:
            row = readable(db, identity, completion_id)
            return messages_of(row, answers.asked_before(db, row) if row.session_id is not None else ())

        shown = await self._database.read(read)
        items = [_message(f"{completion_id}-{number}", message) for number, message in enumerate(shown)]
        if wanted.order == "desc":
            items.reverse()
        if wanted.after is not None:
            ids = [item["id"] for item in items]
            if wanted.after not in ids:
                raise NotFound("message", wanted.after)
            items = items[ids.index(wanted.after) + 1 :]
        return _list_reply(items[: wanted.limit + 1], wanted.limit)

    async def events(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), path_id(request, "completion_id")
        query = dict(request.query_params)
        if (seen := request.headers.get("last-event-id")) is not None:
            query["after"] = seen
        wanted = validate(EventQuery, query, self._limits, strict=False)
        row = await self._chat.find(identity, completion_id)
        return self._chat.stream(identity, row, after_id=wanted.after, includes_usage=wanted.include_usage)

    async def cancel(self, request: Request) -> Response:
        identity, completion_id = require_chat(request), path_id(request, "completion_id")
        await self._durable.stop(identity, completion_id)
        return await self._show(identity, completion_id)

    async def _show(self, identity: Identity, completion_id: str) -> Response:
        def read(db: Db) -> Shown:
            row = readable(db, identity, completion_id)
            return row, snapshot(db, row)

        return _json(self._document(*await self._database.read(read)))

    def _document(self, row: Generation, events: Sequence[NumberedEvent]) -> dict[str, Any]:
        read = StoredCollector()
        read.add(events)
        return completion(row, self._chat.head(row), read)


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


def _message(item_id: str, message: ChatMessage) -> dict[str, Any]:
    return {
        "id": item_id,
        "role": message.role,
        "content": message.content,
        "name": message.name,
        "content_parts": None,
    }


def _list_reply(items: Sequence[dict[str, Any]], limit: int) -> Response:
    """`items`: one more than `limit`, if there are more."""
    data = items[:limit]
    ids = [item["id"] for item in data]
    body = {"object": "list", "data": data, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return _json(body | {"has_more": len(items) > limit})


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
