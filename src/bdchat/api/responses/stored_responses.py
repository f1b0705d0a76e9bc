"""Stored responses: begun, read from any event on, cancelled, deleted; their input, and what later ones go on from.

A stored response is a generation like every other: it goes on when its client leaves and after a crash. Its readers see
committed events alone, so that a number in its stream means the same event whatever was killed.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.answering.told import sse
from bdchat.api.auth.right_watch import interruptible
from bdchat.api.durable.plans import NewResponse
from bdchat.api.durable.service import DurableGenerations, shown_to, writable
from bdchat.api.generation.streaming import FrameStream, unless_gone
from bdchat.api.http.endpoints import JSON, Endpoint, path_id, reply
from bdchat.api.http.errors import error_event, seconds_left
from bdchat.api.http.identity import Identity, require_chat
from bdchat.api.http.parsing import validate
from bdchat.api.responses.earlier import earlier_turns, input_items, page_of_items
from bdchat.api.responses.item_references import names_items, with_named_items
from bdchat.api.responses.response_events import ResponseEvents
from bdchat.api.responses.response_head import echo_of, new_response_id
from bdchat.api.responses.response_rows import StoredResponse, stored_response
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.responses.answers import DeletedResponse, InputItemList, ResponseDocument
from bdchat.api.schemas.responses.queries import InputItemQuery, ResponseQuery
from bdchat.api.schemas.responses.request import ResponsesRequest
from bdchat.api.schemas.sampling import FLEX
from bdchat.engine.errors import EngineError, EngineUnavailable, InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.chats import generations, purges
from bdchat.store.chats.generation_rows import IS_UNASKED, RESPONSE_PREFIX
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound, QuotaExceeded, StoreError
from bdchat.store.sql.database import Database

MOST_ROOM_MADE = 3  # times a quarter; what does not fit then is too much
FORGOTTEN = "the events of this response are no longer kept: read it without stream, or from its beginning."


class StoredResponses:
    def __init__(self, durable: DurableGenerations, database: Database, limits: LimitSettings) -> None:
        self._durable = durable
        self._database = database
        self._limits = limits

    def endpoints(self) -> list[Endpoint]:
        one = "/v1/responses/{response_id}"
        return [
            Endpoint(
                "GET",
                one,
                self.show,
                "A stored response, as far as it is",
                query=ResponseQuery,
                response=ResponseDocument,
                response_media=(JSON, "text/event-stream"),
                auth="chat",
                description="With stream=true its events, from starting_after on, until it ends.",
            ),
            Endpoint("DELETE", one, self.delete, "Forget it", response=DeletedResponse, auth="chat", errors=(409,)),
            Endpoint(
                "POST",
                f"{one}/cancel",
                self.cancel,
                "End it and keep what it has said",
                response=ResponseDocument,
                auth="chat",
            ),
            Endpoint(
                "GET",
                f"{one}/input_items",
                self.items,
                "What it was asked",
                query=InputItemQuery,
                response=InputItemList,
                auth="chat",
            ),
        ]

    # --- to begin -----------------------------------------------------------------------------------------------------

    async def earlier_turns(self, identity: Identity, response_id: str) -> list[dict[str, Any]]:
        """What was said up to the end of that response. Raises InvalidRequest."""
        try:
            return await self._database.read(lambda db: earlier_turns(db, _found(db, identity, response_id)))
        except NotFound as error:
            reason = "no response of that id is stored."
            raise InvalidRequest("previous_response_id", reason, code="previous_response_not_found") from error

    async def with_named_items(self, identity: Identity, fields: dict[str, Any]) -> dict[str, Any]:
        """A request's fields with the items that its input names. Raises InvalidRequest."""
        if not names_items(fields):
            return fields

        def found(db: Db) -> dict[str, Any]:
            def output_of(response_id: str) -> list[dict[str, Any]]:
                output: list[dict[str, Any]] = _found(db, identity, response_id).as_it_is.response()["output"]
                return output

            return with_named_items(fields, output_of, most_bytes=self._limits.body_bytes)

        return await self._database.read(found)

    async def answer(
        self, request: Request, identity: Identity, body: ResponsesRequest, chat: ChatCompletionRequest
    ) -> Response:
        response_id = new_response_id()
        about: dict[str, Any] = {"echo": echo_of(body), "custom_tools": sorted(body.given_tools.custom)}
        about |= {IS_UNASKED: True} if body.store is None and not body.background else {}
        if body.background and chat.service_tier is None:
            chat = chat.model_copy(update={"service_tier": FLEX})  # nobody waits at its end
        new = NewResponse(response_id, about, may_drop=body.may_drop)
        with interruptible(request):
            await unless_gone(request.receive, self._begin(identity, chat, new))
            found = await self._find(identity, response_id)
            if body.stream:
                return FrameStream(self._frames(found, after_number=-1))
            if not body.background:
                return await unless_gone(request.receive, self._whole(found))
        return await self._as_it_is(identity, response_id)

    async def _begin(self, identity: Identity, chat: ChatCompletionRequest, new: NewResponse) -> None:
        """Where there is no room, the oldest of those that are stored unasked go first. Raises QuotaExceeded."""
        for _ in range(MOST_ROOM_MADE):
            try:
                await self._durable.begin_response(identity, chat, new)
                return
            except QuotaExceeded:
                if not await purges.purge_unasked(self._database, identity.user_id):
                    raise
        await self._durable.begin_response(identity, chat, new)

    async def _whole(self, found: StoredResponse) -> Response:
        events = found.new_events()
        async with aclosing(self._durable.follow_committed(found.response_id, is_hurried=False)) as batches:
            async for batch in batches:
                events.encode(batch)
                if events.has_ended:
                    break
        if (failed := events.last_failure) is None:
            if not events.has_ended:
                raise EngineUnavailable("the response goes on without this reader", 1.0)
            return _document(events.response())
        headers = {}
        if (retry_after_s := seconds_left(failed.retry_at_ms)) is not None:
            headers["retry-after"] = str(retry_after_s)
        return Response(msgspec.json.encode({"error": failed.error}), failed.status, headers, media_type=JSON)

    # --- to read ------------------------------------------------------------------------------------------------------

    async def show(self, request: Request) -> Response:
        identity, response_id = require_chat(request), path_id(request, "response_id")
        query = validate(ResponseQuery, _known(request), self._limits, strict=False)
        if not query.stream:
            return await self._as_it_is(identity, response_id)
        found = await self._find(identity, response_id)
        after = -1 if query.starting_after is None else query.starting_after
        if found.is_forgotten and after >= 0:
            raise InvalidRequest("starting_after", FORGOTTEN)
        return FrameStream(self._frames(found, after_number=after))

    async def delete(self, request: Request) -> Response:
        identity, response_id = require_chat(request), path_id(request, "response_id")
        await self._stop(identity, response_id)

        def remove(db: Db) -> None:
            row = writable(db, identity, response_id)
            if row.state == generations.RUNNING:
                raise Conflict("It is being stopped: try again.", code="still_writing")
            generations.remove(db, row)

        await self._database.write(remove)
        return reply(DeletedResponse(id=response_id))

    async def cancel(self, request: Request) -> Response:
        identity, response_id = require_chat(request), path_id(request, "response_id")
        await self._stop(identity, response_id)
        return await self._as_it_is(identity, response_id)

    async def items(self, request: Request) -> Response:
        identity, response_id = require_chat(request), path_id(request, "response_id")
        query = validate(InputItemQuery, _known(request), self._limits, strict=False)
        items = await self._database.read(lambda db: input_items(db, _found(db, identity, response_id)))
        return _document(page_of_items(items, query))

    async def _stop(self, identity: Identity, response_id: str) -> None:
        await self._find(identity, response_id)
        await self._durable.stop(identity, response_id)

    async def _as_it_is(self, identity: Identity, response_id: str) -> Response:
        """Told where it is read: of a long one the events are many thousands."""

        def read(db: Db) -> bytes:
            return msgspec.json.encode(_found(db, identity, response_id).as_it_is.response())

        return Response(await self._database.read(read), media_type=JSON)

    async def _find(self, identity: Identity, response_id: str) -> StoredResponse:
        """Raises NotFound."""
        return await self._database.read(lambda db: _found(db, identity, response_id))

    async def _frames(self, found: StoredResponse, *, after_number: int) -> AsyncGenerator[bytes]:
        """Events whose number is greater."""
        events = found.new_events()
        if found.is_forgotten:
            yield _told(events, found.log_as_it_is, after_number)
            return
        try:
            async with aclosing(self._durable.follow_committed(found.response_id)) as batches:
                async for batch in batches:
                    if frames := _told(events, batch, after_number):
                        yield frames
        except (EngineError, StoreError) as error:  # the status line is long gone
            yield b"event: error\ndata: " + _error_of(error) + b"\n\n"


def _told(events: ResponseEvents, batch: Any, after_number: int) -> bytes:
    return b"".join(sse(event) for event in events.encode(batch) if event["sequence_number"] > after_number)


def _error_of(error: Exception) -> bytes:
    """This reader's, not the response's: it may come back."""
    told = msgspec.json.decode(error_event(error))["error"]
    return msgspec.json.encode({"type": "error", **{name: told[name] for name in ("code", "message", "param")}})


def _found(db: Db, identity: Identity, response_id: str) -> StoredResponse:
    if not response_id.startswith(RESPONSE_PREFIX):
        raise NotFound("response", response_id)
    try:
        shown = shown_to(db, identity, response_id)
    except NotFound as error:
        raise NotFound("response", response_id) from error
    return stored_response(db, shown)


def _known(request: Request) -> dict[str, str]:
    """Clients send lists (include[]) that change nothing here."""
    return {name: value for name, value in request.query_params.items() if not name.startswith("include")}


def _document(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type=JSON)
