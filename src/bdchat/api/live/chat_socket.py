"""WS /ws/chat/{session_id}: events of one session, to everybody who has it open; and commands. Event loop only.

docs/live.md describes the frames.
"""

import asyncio
import logging

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bdchat.api.bus.interface import Subscription, session_topic, user_topic
from bdchat.api.durable.service import DurableGenerations
from bdchat.api.http.endpoints import path_id
from bdchat.api.http.errors import TooManyAttempts, is_expected
from bdchat.api.live.admission import Admission, LiveParts, admit, next_frame
from bdchat.api.live.answers import LiveAnswers
from bdchat.api.live.chat_listener import NO_SUCH_SESSION, ChatListener
from bdchat.api.live.commands import Command, Commands
from bdchat.api.live.connection import CloseCode, SocketClosed, SocketConnection, answer_heartbeat, closing_with_the_bus
from bdchat.api.live.presence import Presence, TypingSign
from bdchat.api.schemas.live import Auth, Hello, InFrame, Stop, Typing
from bdchat.engine.errors import InvalidRequest
from bdchat.store.errors import NotFound

log = logging.getLogger(__name__)

MAX_WAITING = 16  # commands of one socket; they are obeyed one after the other


class LiveChat:
    def __init__(self, parts: LiveParts, durable: DurableGenerations, presence: Presence) -> None:
        self._parts = parts
        self._durable = durable
        self._presence = presence

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
            listener = ChatListener(
                self._parts, connection, admission, session_id, presence=self._presence, answers=answers
            )
            typing_sign = TypingSign(
                self._parts.bus, session_id, admission.identity, timeout_s=self._parts.timing.typing_timeout_s
            )
            chat_socket = ChatSocket(
                self._parts, connection, listener, answers=answers, commands=commands, typing_sign=typing_sign
            )
            await chat_socket.run(heard)


class ChatSocket:
    """What one socket's client says, from its admission to its end."""

    def __init__(
        self,
        parts: LiveParts,
        connection: SocketConnection,
        listener: ChatListener,
        *,
        answers: LiveAnswers,
        commands: Commands,
        typing_sign: TypingSign,
    ) -> None:
        self._parts = parts
        self._connection = connection
        self._listener = listener
        self._answers = answers
        self._commands = commands
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(MAX_WAITING)
        self._typing = typing_sign
        self._has_spoken = asyncio.Event()

    async def run(self, heard: Subscription) -> None:
        """Raises SocketClosed, WebSocketDisconnect and the bus's errors."""
        try:
            await self._listener.run(heard, self._read, self._work, self._greet_the_silent)
        finally:
            await self._typing.hide()
            await self._listener.leave()

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
            log.error("a frame could not be obeyed", exc_info=error, extra={"session_id": self._listener.session_id})
        self._connection.send_error(error, to=frame)

    async def _show_typing(self, *, is_typing: bool) -> None:
        if not is_typing:
            await self._typing.hide()
        elif self._listener.may_be_seen_writing:
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
