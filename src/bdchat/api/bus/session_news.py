"""Publishes changes of sessions and messages on the bus, after they are stored, to all who see the session.

Event loop only. On "session:{id}" a session is what all its readers share; on "user:{id}" it is that user's own view.
"""

from collections.abc import Sequence
from typing import Any, Literal

from bdchat.api.bus.interface import RIGHTS_TOPIC, Bus, session_topic, user_topic
from bdchat.api.schemas.messages import MessageView
from bdchat.api.schemas.sessions import SessionView
from bdchat.api.schemas.sharing import ChatInvitationView
from bdchat.store.chats.sessions import Audience, Seen
from bdchat.store.tables import ChatSession, Message

SHARED_FIELDS = {"session_id", "title", "title_source", "head_message_id", "num_messages", "updated_at_ms"}


class SessionNews:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def changed(self, audience: Audience, *, kind: Literal["created", "changed"] = "changed") -> None:
        """`audience` as read after the change; the owner is always in it."""
        session = audience[0][1].session
        message = {"type": f"session.{kind}", "session": shared_view(session)}
        await self._bus.publish(session_topic(session.session_id), message)
        for user_id, seen in audience:
            view = SessionView.of(seen).model_dump()
            await self._bus.publish(user_topic(user_id), {"type": f"session.{kind}", "session": view})

    async def changed_many(self, audiences: Sequence[Audience], *, is_deleted: bool) -> None:
        """One message per person, however many sessions: a list that changed so much is read again."""
        everybody: dict[str, list[str]] = {}
        for audience in audiences:
            session = audience[0][1].session
            kind = "deleted" if is_deleted else "changed"
            message: dict[str, Any] = {"type": f"session.{kind}", "session_id": session.session_id}
            await self._bus.publish(session_topic(session.session_id), {**message, "session": shared_view(session)})
            if is_deleted:
                await self._ended(session_id=session.session_id)
            for user_id, _ in audience:
                everybody.setdefault(user_id, []).append(session.session_id)
        for user_id, session_ids in everybody.items():
            message = {"type": "session.changed_many", "session_ids": session_ids, "is_deleted": is_deleted}
            await self._bus.publish(user_topic(user_id), message)

    async def imported(self, user_id: str, session_ids: Sequence[str]) -> None:
        """New ones of this user's, which nobody else sees yet."""
        message = {"type": "session.changed_many", "session_ids": list(session_ids), "is_deleted": False}
        await self._bus.publish(user_topic(user_id), message)

    async def changed_for(self, user_id: str, seen: Seen) -> None:
        """Somebody's list has it now, or has it otherwise."""
        view = SessionView.of(seen).model_dump()
        await self._bus.publish(user_topic(user_id), {"type": "session.changed", "session": view})

    async def _ended(self, **named: str) -> None:
        """Responses that rest on it end (right_watch.py)."""
        await self._bus.publish(RIGHTS_TOPIC, {"type": "right.ended", **named})

    async def link_revoked(self, link_id: str) -> None:
        await self._ended(link_id=link_id)

    async def deleted(self, session_id: str, user_ids: list[str]) -> None:
        await self._ended(session_id=session_id)
        message = {"type": "session.deleted", "session_id": session_id}
        await self._bus.publish(session_topic(session_id), message)
        for user_id in user_ids:
            await self._bus.publish(user_topic(user_id), message)

    async def left(self, session_id: str, user_id: str) -> None:
        """One person sees it no longer: their sockets and streams on it must end."""
        await self._ended(session_id=session_id, user_id=user_id)
        await self._bus.publish(
            session_topic(session_id), {"type": "session.left", "session_id": session_id, "user_id": user_id}
        )
        await self._bus.publish(user_topic(user_id), {"type": "session.deleted", "session_id": session_id})

    async def invited(self, user_id: str, invitation: ChatInvitationView) -> None:
        """All that is heard of a chat before one has accepted."""
        notice = {"type": "notification", "kind": "session.invited", **invitation.model_dump()}
        await self._bus.publish(user_topic(user_id), notice)

    async def message(self, message: Message, *, kind: Literal["created", "changed"] = "created") -> None:
        view = MessageView.of(message).model_dump()
        topic = session_topic(message.session_id)
        await self._bus.publish(topic, {"type": f"message.{kind}", "message": view})


def shared_view(session: ChatSession) -> dict[str, Any]:
    return {name: getattr(session, name) for name in sorted(SHARED_FIELDS)}
