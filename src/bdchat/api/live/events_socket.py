"""WS /ws/events: events of a user outside any session: lists, notifications. Event loop only.

Changes of the list of sessions, notifications (somebody shared a session), and for admins what the server does.

The first frame names the server process: another name than before the connection broke means that it was restarted.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from bdchat.api.auth.right_watch import means
from bdchat.api.bus.interface import ADMIN_TOPIC, GAP, Subscription, user_topic
from bdchat.api.http.identity import Identity
from bdchat.api.live.admission import Admission, LiveParts, admit, next_frame
from bdchat.api.live.connection import (
    CloseCode,
    LiveConnection,
    SocketClosed,
    SocketConnection,
    answer_heartbeat,
    closing_with_the_bus,
)
from bdchat.api.live.protocol import admin_frame, frame_of
from bdchat.api.schemas.live import Welcome
from bdchat.engine.errors import InvalidRequest


class LiveEvents:
    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute("/ws/events", self.connect)]

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        connection = SocketConnection(websocket, self._parts.timing)

        async def handle() -> None:
            """Only the heart is heard here."""
            while True:
                frame = await next_frame(connection, self._parts.limits)
                if not answer_heartbeat(connection, frame):
                    connection.send_error(InvalidRequest("type", "this socket only tells; sessions have their own."))

        async with closing_with_the_bus(connection):
            admission = await admit(connection, websocket, self._parts)
            with self._parts.open_sockets.another(admission.identity.user_id):
                await tell_events(self._parts, connection, admission, handle)


async def tell_events(
    parts: LiveParts, connection: LiveConnection, admission: Admission, *work: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """`work` is done beside it. Raises SocketClosed, WebSocketDisconnect and the bus's errors."""
    identity = admission.identity
    async with parts.bus.subscribe(*topics_of(identity)) as heard:
        await admission.check()  # it may have ended before we listened
        connection.send(Welcome(server_id=parts.server_id, user_id=identity.user_id))
        await connection.run(
            hear_events(connection, heard, admission),
            admission.until_expired(),
            *(each() for each in work),
            beat=admission.check,
        )


def topics_of(identity: Identity) -> list[str]:
    """What is told outside any session."""
    return [user_topic(identity.user_id), *([ADMIN_TOPIC] if identity.is_admin else [])]


async def hear_events(connection: LiveConnection, heard: Subscription, admission: Admission) -> None:
    identity = admission.identity
    async for topic, message in heard:
        if message["type"] == "auth.ended" and means(message, identity):
            raise SocketClosed(CloseCode.AUTH_ENDED, "the login has ended")
        if message["type"] == GAP:
            await admission.check()
            if topic == ADMIN_TOPIC:
                continue  # said once is enough
        frame = admin_frame(message) if topic == ADMIN_TOPIC else frame_of(message, identity.user_id)
        if frame is not None:
            connection.send(frame)
