"""WS /ws/chat/{session_id}: events of one session, to everybody who has it open. Event loop only.

The store is the truth: a socket first subscribes, then looks, so that it misses nothing in between. Who may not read
the session hears the same as for one that does not exist. docs/live.md describes the frames.
"""

import asyncio
import logging

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bdchat.api.auth.right_watch import means
from bdchat.api.bus.interface import GAP, Message, Subscription, session_topic, user_topic
from bdchat.api.durable.service import DurableGenerations
from bdchat.api.http.endpoints import path_id
from bdchat.api.http.errors import TooManyAttempts, is_expected
from bdchat.api.live.admission import Admission, LiveParts, admit, next_frame
from bdchat.api.live.answers import LiveAnswers
from bdchat.api.live.commands import Command, Commands
from bdchat.api.live.connection import CloseCode, SocketClosed, SocketConnection, answer_heartbeat, closing_with_the_bus
from bdchat.api.live.presence import Presence, PresenceEntry, TypingSign
from bdchat.api.live.protocol import frame_of
from bdchat.api.schemas.live import Auth, Hello, InFrame, Present, Stop, Typing, Welcome
from bdchat.engine.errors import InvalidRequest
from bdchat.store.chats import sessions, sharing
from bdchat.store.chats.sessions import Role
from bdchat.store.db import Db
from bdchat.store.errors import NotFound

log = logging.getLogger(__name__)

NO_SUCH_SESSION = "there is no such session"
MAX_WAITING = 16  # commands of one socket; they are obeyed one after the other


class LiveChat:
    def __init__(self, parts: LiveParts, durable: DurableGenerations) -> None:
        self._parts = parts
        self._durable = durable
        self._presence = Presence(parts.bus)

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute("/ws/chat/{session_id}", self.connect)]

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        connection = SocketConnection(websocket, self._parts.timing)
        async with closing_with_the_bus(connection):
            admission = await admit(connection, websocket, self._parts)
            with self._parts.open_sockets.another(admission.identity.user_id):
                await self._serve(connection, admission, _session_named(websocket))

    async def _serve(self, connection: SocketConnection, admission: Admission, session_id: str) -> None:
        topics = (session_topic(session_id), user_topic(admission.identity.user_id))
        async with self._parts.bus.subscribe(*topics) as heard:
            await admission.check()  # it may have ended before we listened
            commands = Commands(
                self._durable,
                self._parts.database,
                self._parts.limits,
                identity=admission.identity,
                session_id=session_id,
            )
            answers = LiveAnswers(connection, self._durable, self._parts.database, session_id)
            chat_socket = ChatSocket(
                self._parts,
                connection,
                admission,
                session_id,
                presence=self._presence,
                answers=answers,
                commands=commands,
            )
            await chat_socket.run(heard)


class ChatSocket:
    """One socket in one session, from its admission to its end."""

    def __init__(
        self,
        parts: LiveParts,
        connection: SocketConnection,
        admission: Admission,
        session_id: str,
        *,
        presence: Presence,
        answers: LiveAnswers,
        commands: Commands,
    ) -> None:
        identity = admission.identity
        self._parts = parts
        self._presence = presence
        self._connection = connection
        self._admission = admission
        self._identity = identity
        self._session_id = session_id
        self._answers = answers
        self._commands = commands
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(MAX_WAITING)
        self._typing = TypingSign(parts.bus, session_id, identity, timeout_s=parts.timing.typing_timeout_s)
        self._role: Role = "reader"  # this and the next: until looked up
        self._is_shared = False
        self._presence_entry: PresenceEntry | None = None  # while the session is shared
        self._looking = asyncio.Lock()  # news and heartbeats come together
        self._has_spoken = asyncio.Event()

    async def run(self, heard: Subscription) -> None:
        """Raises SocketClosed, WebSocketDisconnect and the bus's errors."""
        try:
            await self._look()
            self._connection.send(self._welcome())
            await self._join()
            await self._connection.run(
                self._listen(heard),
                self._read(),
                self._work(),
                self._greet_the_silent(),
                self._answers.watch(),
                self._admission.until_expired(),
                beat=self._beat,
            )
        finally:
            self._answers.close()
            await self._typing.hide()
            if self._presence_entry is not None:
                await self._presence_entry.leave()

    def _welcome(self) -> Welcome:
        return Welcome(
            server_id=self._parts.server_id,
            user_id=self._identity.user_id,
            session_id=self._session_id,
            role=self._role,
        )

    async def _look(self) -> None:
        """What the user may do here now. Raises SocketClosed, the same for what is not there and what is not theirs."""

        def look(db: Db) -> tuple[Role, bool]:
            _, role = sessions.get_readable(db, self._identity.user_id, self._session_id)
            return role, bool(sharing.members(db, self._session_id))

        try:
            self._role, self._is_shared = await self._parts.database.read(look)
        except NotFound as error:
            raise SocketClosed(CloseCode.NOT_FOUND, NO_SUCH_SESSION) from error

    async def _look_again(self) -> None:
        async with self._looking:
            role = self._role
            await self._look()
            if role != self._role:
                self._connection.send(self._welcome())
            await self._join()

    async def _join(self) -> None:
        """Where others may come, everybody is seen."""
        if self._is_shared and self._presence_entry is None:
            self._presence_entry = self._presence.entry(self._session_id, self._identity)
            await self._presence_entry.renew()
            self._connection.send(Present(users=await self._presence.users(self._session_id)))
        elif not self._is_shared and self._presence_entry is not None:
            entry, self._presence_entry = self._presence_entry, None
            await entry.leave()

    async def _beat(self) -> None:
        await self._admission.check()
        await self._look_again()
        if self._presence_entry is not None:
            await self._presence_entry.renew()

    # --- from the bus -------------------------------------------------------------------------------------------------

    async def _listen(self, heard: Subscription) -> None:
        async for topic, message in heard:
            if topic == session_topic(self._session_id):
                await self._hear(message)
            else:
                await self._hear_of_user(message)

    async def _hear(self, message: Message) -> None:
        kind = message["type"]
        if kind.startswith("generation."):
            self._answers.hear(message)
            return
        if kind == GAP:
            self._answers.catch_up()
            await self._look_again()
        elif (kind == "session.left") or (kind == "presence" and self._presence_entry is None):
            await self._look_again()
        if (frame := frame_of(message, self._identity.user_id)) is not None:
            self._connection.send(frame)
        if kind == "session.deleted":
            raise SocketClosed(CloseCode.NOT_FOUND, "the session was deleted")

    async def _hear_of_user(self, message: Message) -> None:
        if message["type"] == "auth.ended" and means(message, self._identity):
            raise SocketClosed(CloseCode.AUTH_ENDED, "the login has ended")
        if message["type"] == GAP:
            await self._admission.check()
        elif message["type"] == "notification":
            if (frame := frame_of(message, self._identity.user_id)) is not None:
                self._connection.send(frame)
        elif message["type"].startswith("session.") and _session_of(message) == self._session_id:
            await self._look_again()  # the role may be another

    # --- from the client ----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            frame = await next_frame(self._connection, self._parts.limits)
            try:
                await self._take(frame)
            except Exception as error:
                self._refuse(error, frame)
            self._has_spoken.set()

    async def _take(self, frame: InFrame) -> None:
        if isinstance(frame, Hello):
            await self._answers.resume(frame.last)
        elif answer_heartbeat(self._connection, frame):
            pass
        elif isinstance(frame, Typing):
            await self._show_typing(is_typing=frame.is_typing)
        elif isinstance(frame, Stop):
            await self._commands.stop(frame.generation_id)
        elif isinstance(frame, Command):
            await self._answers.resume({})  # who asks wants the answer
            if self._waiting.full():
                raise TooManyAttempts(1.0)
            self._waiting.put_nowait(frame)
        else:
            assert isinstance(frame, Auth)
            raise InvalidRequest("type", "this socket is authenticated already.")

    async def _work(self) -> None:
        while True:
            frame = await self._waiting.get()
            try:
                accepted = await self._commands.handle(frame)
            except Exception as error:
                self._refuse(error, frame)
                continue
            await self._typing.hide()
            self._connection.send(accepted)
            if not accepted.is_new:
                self._answers.take_up(accepted.generation_id, accepted.message_id)

    def _refuse(self, error: Exception, frame: InFrame) -> None:
        """What ends the connection goes on."""
        if isinstance(error, (WebSocketDisconnect, SocketClosed)):
            raise error
        if not is_expected(error):
            log.error("a frame could not be obeyed", exc_info=error, extra={"session_id": self._session_id})
        self._connection.send_error(error, to=frame)

    async def _show_typing(self, *, is_typing: bool) -> None:
        """Who is alone, or may only read, writes for nobody."""
        if self._presence_entry is None:
            return
        if not is_typing:
            await self._typing.hide()
        elif self._role != "reader":
            await self._typing.show()

    async def _greet_the_silent(self) -> None:
        """A client that names no last number gets running answers from their beginning."""
        try:
            async with asyncio.timeout(self._parts.timing.hello_timeout_s):
                await self._has_spoken.wait()
        except TimeoutError:
            await self._answers.resume({})
        await asyncio.Event().wait()  # the connection ends with the first of its tasks


def _session_named(websocket: WebSocket) -> str:
    try:
        return path_id(websocket, "session_id")
    except NotFound as error:
        raise SocketClosed(CloseCode.NOT_FOUND, NO_SUCH_SESSION) from error


def _session_of(message: Message) -> str | None:
    session_id = message.get("session_id") or (message.get("session") or {}).get("session_id")
    return None if session_id is None else str(session_id)
