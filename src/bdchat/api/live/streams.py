"""/api/live: what the sockets tell, as server-sent events, and what is said to them, as requests. Event loop only.

GET /api/live/chat/{session_id} and GET /api/live/events send the frames of /ws/chat/{session_id} and /ws/events, under
the same numbers; POST /api/live/chat/{session_id} takes one command of the socket. A client may change from one to the
other at any time: it names the last number of each answer, as in the socket's "hello".
"""

import asyncio
import re
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.interface import session_topic, user_topic
from bdchat.api.durable.service import DurableGenerations
from bdchat.api.generation.streaming import FrameStream
from bdchat.api.http.endpoints import JSON, Endpoint, declared, path_id
from bdchat.api.http.identity import Identity, require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import validate
from bdchat.api.live.admission import Admission, LiveParts
from bdchat.api.live.answers import LiveAnswers
from bdchat.api.live.chat_listener import ChatListener, standing
from bdchat.api.live.commands import Command, Commands
from bdchat.api.live.events_socket import hear_events, tell_events, topics_of
from bdchat.api.live.presence import Presence, TypingSigns
from bdchat.api.live.stream_connection import StreamConnection
from bdchat.api.schemas.live import Accepted, ChatQuery, LiveCommand, Stop, Typing, parse_command
from bdchat.store.chats import sessions

EVENT_STREAM = ("text/event-stream",)
LAST = re.compile(r"last\[(.*)\]", re.DOTALL)
TAKEN = 202
NOTHING = b"{}"


class LiveStreams:
    def __init__(self, parts: LiveParts, durable: DurableGenerations, presence: Presence) -> None:
        self._parts = parts
        self._durable = durable
        self._presence = presence
        self._typing = TypingSigns(parts.bus, timeout_s=parts.timing.typing_timeout_s)

    def routes(self) -> list[Route]:
        chat = "/api/live/chat/{session_id}"
        return declared(
            Endpoint(
                "GET",
                chat,
                self.follow_chat,
                "What happens in a session, as the frames of its socket",
                response_media=EVENT_STREAM,
                errors=(404,),
                description="last[GENERATION_ID]=SEQ, repeatable: the last number that was seen of an answer. "
                "Running answers that are not named are told from their beginning. events=true: the frames of "
                "/api/live/events come too, for who has few connections.",
            ),
            Endpoint(
                "POST",
                chat,
                self.command,
                "One command of the session's socket",
                body=LiveCommand,
                response={"anyOf": [msgspec.json.schema(Accepted)["$defs"]["Accepted"], {"type": "object"}]},
                status=TAKEN,
                errors=(403, 404, 409),
                description="Of stop and typing there is nothing to tell: {}.",
            ),
            Endpoint(
                "GET",
                "/api/live/events",
                self.follow_events,
                "What happens outside any session, as the frames of /ws/events",
                response_media=EVENT_STREAM,
            ),
        )

    async def follow_chat(self, request: Request) -> Response:
        identity, session_id = require_user(request), path_id(request, "session_id")
        query = self._query(request)
        await self._parts.database.read(lambda db: sessions.get_readable(db, identity.user_id, session_id))
        connection, admission = StreamConnection(self._parts.timing), self._admission(request, identity)
        return FrameStream(connection.frames(self._tell_chat(connection, admission, session_id, query)))

    async def follow_events(self, request: Request) -> Response:
        identity = require_user(request)
        connection, admission = StreamConnection(self._parts.timing), self._admission(request, identity)
        return FrameStream(connection.frames(self._tell_events(connection, admission)))

    async def command(self, request: Request) -> Response:
        identity, session_id = require_user(request), path_id(request, "session_id")
        limits = self._parts.limits
        frame = parse_command(await read_json_body(request), limits)
        commands = Commands(self._durable, self._parts.database, limits, identity=identity, session_id=session_id)
        body = NOTHING
        if isinstance(frame, Typing):
            await self._show_typing(identity, session_id, is_typing=frame.is_typing)
        elif isinstance(frame, Stop):
            await commands.stop(frame.generation_id)
        else:
            assert isinstance(frame, Command)
            body = msgspec.json.encode(await commands.handle(frame))
            await self._typing.hide(session_id, identity)
        return Response(body, TAKEN, media_type=JSON)

    async def _tell_chat(
        self, connection: StreamConnection, admission: Admission, session_id: str, query: ChatQuery
    ) -> None:
        user_id, subscribe = admission.identity.user_id, self._parts.bus.subscribe
        with self._parts.open_sockets.another(user_id):
            async with (
                subscribe(session_topic(session_id), user_topic(user_id)) as heard,
                subscribe(*(topics_of(admission.identity) if query.events else ())) as events,
            ):
                await admission.check()  # it may have ended before we listened
                answers = LiveAnswers(connection, self._durable, self._parts.database, session_id)
                listener = ChatListener(
                    self._parts,
                    connection,
                    admission,
                    session_id,
                    presence=self._presence,
                    answers=answers,
                    tells_notifications=not query.events,
                )

                async def resume() -> None:
                    await answers.resume(query.last)
                    await asyncio.Event().wait()  # the connection ends with the first of its tasks

                try:
                    await listener.run(heard, resume, lambda: hear_events(connection, events, admission))
                finally:
                    await listener.leave()

    async def _tell_events(self, connection: StreamConnection, admission: Admission) -> None:
        with self._parts.open_sockets.another(admission.identity.user_id):
            await tell_events(self._parts, connection, admission)

    async def _show_typing(self, identity: Identity, session_id: str, *, is_typing: bool) -> None:
        """Raises NotFound. Who is alone, or may only read, writes for nobody."""

        look = partial(standing, user_id=identity.user_id, session_id=session_id)
        here = await self._parts.database.read(look)
        if here.role == "reader" or not here.is_shared or not is_typing:
            await self._typing.hide(session_id, identity)
        else:
            await self._typing.show(session_id, identity)

    def _admission(self, request: Request, identity: Identity) -> Admission:
        return Admission(identity, lambda: self._parts.authenticator.resolve(request.scope))

    def _query(self, request: Request) -> ChatQuery:
        """Raises InvalidRequest."""
        query = dict(request.query_params)
        last = {match[1]: query.pop(name) for name in tuple(query) if (match := LAST.fullmatch(name))}
        return validate(ChatQuery, {"last": last, **query}, self._parts.limits, strict=False)
