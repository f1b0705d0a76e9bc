"""Presence in shared sessions: who has one open, who is typing. Event loop only.

Presence counts a user once however many tabs there are, over all server processes: each socket joins the session's
place on the bus and renews that with its heartbeat. Whose server died is gone when the time is over.
"""

import asyncio
import uuid

from bdchat.api.bus.interface import Bus, session_topic
from bdchat.api.http.identity import Identity

MEMBER_TTL_S = 60.0  # three heartbeats
SEPARATOR = "\x1f"  # in no user name; what others see a person by comes last
Users = list[dict[str, str]]


class Presence:
    """For all sockets of this process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._said: dict[str, Users] = {}  # session → what was published last; only while somebody here is in it
        self._num_here: dict[str, int] = {}

    def entry(self, session_id: str, identity: Identity, name: str) -> "PresenceEntry":
        """To be taken by its first `renew`, and left once, taken or not. `name`: as the chat shows who wrote."""
        self._num_here[session_id] = self._num_here.get(session_id, 0) + 1
        member = SEPARATOR.join((identity.user_id, identity.username, uuid.uuid4().hex, name))
        return PresenceEntry(self, session_id, member)

    async def users(self, session_id: str) -> Users:
        """By user id, each once."""
        members = await self._bus.members(session_id)
        found: dict[str, dict[str, str]] = {}
        for user_id, username, _, name in sorted(member.split(SEPARATOR, 3) for member in members):
            found[user_id] = {"user_id": user_id, "username": username, "name": name}
        return list(found.values())

    async def join(self, session_id: str, member: str) -> None:
        await self._bus.join(session_id, member, MEMBER_TTL_S)
        await self._say(session_id)

    async def leave(self, session_id: str, member: str) -> None:
        await self._bus.leave(session_id, member)
        await self._say(session_id)
        self._num_here[session_id] -= 1
        if not self._num_here[session_id]:
            del self._num_here[session_id]
            self._said.pop(session_id, None)

    async def _say(self, session_id: str) -> None:
        """Publishes what has changed."""
        users = await self.users(session_id)
        if users != self._said.get(session_id):
            self._said[session_id] = users
            await self._bus.publish(session_topic(session_id), {"type": "presence", "users": users})


class PresenceEntry:
    """One socket's place in a session. Left once."""

    def __init__(self, presence: Presence, session_id: str, member: str) -> None:
        self._presence = presence
        self._session_id = session_id
        self._member = member

    async def renew(self) -> None:
        await self._presence.join(self._session_id, self._member)

    async def leave(self) -> None:
        await self._presence.leave(self._session_id, self._member)


class TypingSign:
    """Says that somebody writes, and says that it is over when nothing more was heard for `timeout_s`. One socket's."""

    def __init__(self, bus: Bus, session_id: str, identity: Identity, *, timeout_s: float) -> None:
        self._bus = bus
        self._topic = session_topic(session_id)
        self._identity = identity
        self._timeout_s = timeout_s
        self._expiring: asyncio.Task[None] | None = None

    async def show(self) -> None:
        was_shown = self._stop_expiring()
        self._expiring = asyncio.create_task(self._expire(), name="typing expires")
        if not was_shown:
            await self._publish(is_typing=True)

    async def hide(self) -> None:
        if self._stop_expiring():
            await self._publish(is_typing=False)

    @property
    def is_shown(self) -> bool:
        return self._expiring is not None and not self._expiring.done()

    def _stop_expiring(self) -> bool:
        expiring, self._expiring = self._expiring, None
        if expiring is None or expiring.done():
            return False
        expiring.cancel()
        return True

    async def _expire(self) -> None:
        await asyncio.sleep(self._timeout_s)
        await self._publish(is_typing=False)

    async def _publish(self, *, is_typing: bool) -> None:
        message = {
            "type": "typing",
            "user_id": self._identity.user_id,
            "username": self._identity.username,
            "is_typing": is_typing,
        }
        await self._bus.publish(self._topic, message)


class TypingSigns:
    """Of who says so by requests: one per person and session, over all requests to this process."""

    def __init__(self, bus: Bus, *, timeout_s: float) -> None:
        self._bus = bus
        self._timeout_s = timeout_s
        self._signs: dict[tuple[str, str], TypingSign] = {}  # by session and user

    async def show(self, session_id: str, identity: Identity) -> None:
        self._signs = {place: sign for place, sign in self._signs.items() if sign.is_shown}
        sign = TypingSign(self._bus, session_id, identity, timeout_s=self._timeout_s)
        await self._signs.setdefault((session_id, identity.user_id), sign).show()

    async def hide(self, session_id: str, identity: Identity) -> None:
        if (sign := self._signs.pop((session_id, identity.user_id), None)) is not None:
            await sign.hide()
