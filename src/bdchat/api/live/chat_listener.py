"""One session's events as one connection hears them, socket or stream: its answers, its messages, who is there.

Event loop only. The store is the truth: a connection first subscribes, then looks, so that it misses nothing in
between. Who may not read the session hears the same as for one that does not exist.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from bdchat.api.auth.right_watch import means
from bdchat.api.bus.interface import GAP, Message, Subscription, session_topic
from bdchat.api.live.admission import Admission, LiveParts
from bdchat.api.live.answers import LiveAnswers
from bdchat.api.live.connection import CloseCode, LiveConnection, SocketClosed
from bdchat.api.live.presence import Presence, PresenceEntry
from bdchat.api.live.protocol import frame_of
from bdchat.api.schemas.live import Present, Welcome
from bdchat.store.accounts import users
from bdchat.store.chats import sessions, sharing
from bdchat.store.chats.sessions import Role
from bdchat.store.db import Db
from bdchat.store.errors import NotFound

NO_SUCH_SESSION = "there is no such session"


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a user in a session."""

    role: Role = "reader"
    is_shared: bool = False  # others may come into it
    name: str = ""  # where it is shared: display name, else username


class ChatListener:
    """Owned by its connection's task."""

    def __init__(
        self,
        parts: LiveParts,
        connection: LiveConnection,
        admission: Admission,
        session_id: str,
        *,
        presence: Presence,
        answers: LiveAnswers,
        tells_notifications: bool = True,
    ) -> None:
        self._parts = parts
        self._presence = presence
        self._connection = connection
        self._admission = admission
        self._identity = admission.identity
        self.session_id = session_id
        self._answers = answers
        self._tells_notifications = tells_notifications
        self._standing = Standing()  # until looked up
        self._presence_entry: PresenceEntry | None = None  # while the session is shared
        self._looking = asyncio.Lock()  # news and heartbeats come together

    @property
    def may_be_seen_writing(self) -> bool:
        """Who is alone, or may only read, writes for nobody."""
        return self._presence_entry is not None and self._standing.role != "reader"

    async def run(self, heard: Subscription, *work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """`work` is done beside it. Raises SocketClosed, WebSocketDisconnect and the bus's errors."""
        await self._look()
        self._connection.send(self._welcome())
        await self._join()
        await self._connection.run(
            self._listen(heard),
            self._answers.watch(),
            self._admission.until_expired(),
            *(each() for each in work),
            beat=self._beat,
        )

    async def leave(self) -> None:
        """After `run`, however that ended."""
        self._answers.close()
        if self._presence_entry is not None:
            await self._presence_entry.leave()

    def _welcome(self) -> Welcome:
        return Welcome(
            server_id=self._parts.server_id,
            user_id=self._identity.user_id,
            session_id=self.session_id,
            role=self._standing.role,
        )

    async def _look(self) -> None:
        """What the user may do here now. Raises SocketClosed, the same for what is not there and what is not theirs."""

        look = partial(standing, user_id=self._identity.user_id, session_id=self.session_id)
        try:
            self._standing = await self._parts.database.read(look)
        except NotFound as error:
            raise SocketClosed(CloseCode.NOT_FOUND, NO_SUCH_SESSION) from error

    async def _look_again(self) -> None:
        async with self._looking:
            role = self._standing.role
            await self._look()
            if role != self._standing.role:
                self._connection.send(self._welcome())
            await self._join()

    async def _join(self) -> None:
        """Where others may come, everybody is seen."""
        if self._standing.is_shared and self._presence_entry is None:
            self._presence_entry = self._presence.entry(self.session_id, self._identity, self._standing.name)
            await self._presence_entry.renew()
            self._connection.send(Present(users=await self._presence.users(self.session_id)))
        elif not self._standing.is_shared and self._presence_entry is not None:
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
            if topic == session_topic(self.session_id):
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
        elif message["type"] == "notification" and self._tells_notifications:
            if (frame := frame_of(message, self._identity.user_id)) is not None:
                self._connection.send(frame)
        elif message["type"].startswith("session.") and _session_of(message) == self.session_id:
            await self._look_again()  # the role may be another


def standing(db: Db, user_id: str, session_id: str) -> Standing:
    """Raises NotFound."""
    _, role = sessions.get_readable(db, user_id, session_id)
    if not sharing.members(db, session_id):
        return Standing(role)
    user = users.get(db, user_id)
    return Standing(role, is_shared=True, name=user.display_name or user.username)


def _session_of(message: Message) -> str | None:
    session_id = message.get("session_id") or (message.get("session") or {}).get("session_id")
    return None if session_id is None else str(session_id)
