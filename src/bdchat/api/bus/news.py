"""The messages that a transaction collects for the bus: changes of sessions, messages, documents and rights.

No I/O: `Writes` (writes.py) says it, once the change is on the disk. On "session:{id}" a session is what all its
readers share; on "user:{id}" it is that user's own view; "rights" is for what rests on a right that has ended.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bdchat.api.bus.interface import RIGHTS_TOPIC, session_topic, user_topic
from bdchat.api.schemas.collections import CollectionView
from bdchat.api.schemas.documents import DocumentView
from bdchat.api.schemas.messages import MessageView
from bdchat.api.schemas.sessions import SessionView
from bdchat.api.schemas.sharing import ChatInvitationView
from bdchat.store.chats.sessions import Audience, Seen
from bdchat.store.tables import ChatSession, Message

SHARED_FIELDS = {"session_id", "title", "title_source", "head_message_id", "num_messages", "updated_at_ms"}


class News:
    """Owned by the work of one transaction. Record what the rows say at its end: what is changed later is not seen."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []  # (topic, message), in the order of their telling
        self.ended_user_ids: list[str] = []  # whose rights must be looked up again before any of it is told

    def _add(self, topic: str, message: dict[str, Any]) -> None:
        self.messages.append((topic, message))

    # --- sessions -----------------------------------------------------------------------------------------------------

    def session_changed(self, audience: Audience, *, kind: Literal["created", "changed"] = "changed") -> None:
        """`audience` as read after the change; the owner is always in it."""
        session = audience[0][1].session
        self._add(session_topic(session.session_id), {"type": f"session.{kind}", "session": shared_view(session)})
        for user_id, seen in audience:
            self._add(user_topic(user_id), {"type": f"session.{kind}", "session": SessionView.of(seen).model_dump()})

    def sessions_changed(self, audiences: Sequence[Audience], *, is_deleted: bool) -> None:
        """One message per person, however many sessions: a list that changed so much is read again."""
        everybody: dict[str, list[str]] = {}
        for audience in audiences:
            session = audience[0][1].session
            kind = "deleted" if is_deleted else "changed"
            message: dict[str, Any] = {"type": f"session.{kind}", "session_id": session.session_id}
            self._add(session_topic(session.session_id), {**message, "session": shared_view(session)})
            if is_deleted:
                self._ended(session_id=session.session_id)
            for user_id, _ in audience:
                everybody.setdefault(user_id, []).append(session.session_id)
        for user_id, session_ids in everybody.items():
            message = {"type": "session.changed_many", "session_ids": session_ids, "is_deleted": is_deleted}
            self._add(user_topic(user_id), message)

    def sessions_imported(self, user_id: str, session_ids: Sequence[str]) -> None:
        """New ones of this user's, which nobody else sees yet."""
        message = {"type": "session.changed_many", "session_ids": list(session_ids), "is_deleted": False}
        self._add(user_topic(user_id), message)

    def session_changed_for(self, user_id: str, seen: Seen) -> None:
        """Somebody's list has it now, or has it otherwise."""
        self._add(user_topic(user_id), {"type": "session.changed", "session": SessionView.of(seen).model_dump()})

    def session_deleted(self, session_id: str, user_ids: Sequence[str] = ()) -> None:
        self._ended(session_id=session_id)
        message = {"type": "session.deleted", "session_id": session_id}
        self._add(session_topic(session_id), message)
        for user_id in user_ids:
            self._add(user_topic(user_id), message)

    def member_left(self, session_id: str, user_id: str) -> None:
        """One person sees it no longer: their sockets and streams on it must end."""
        self._ended(session_id=session_id, user_id=user_id)
        self._add(session_topic(session_id), {"type": "session.left", "session_id": session_id, "user_id": user_id})
        self._add(user_topic(user_id), {"type": "session.deleted", "session_id": session_id})

    def invited(self, user_id: str, invitation: ChatInvitationView) -> None:
        """All that is heard of a chat before one has accepted."""
        notice = {"type": "notification", "kind": "session.invited", **invitation.model_dump()}
        self._add(user_topic(user_id), notice)

    # --- messages -----------------------------------------------------------------------------------------------------

    def message(self, message: Message, *, kind: Literal["created", "changed"] = "created") -> None:
        view = MessageView.of(message).model_dump()
        self._add(session_topic(message.session_id), {"type": f"message.{kind}", "message": view})

    def answer_finished(self, user_id: str, session: ChatSession, message_id: str | None, state: str) -> None:
        """To who asked, wherever they are: `state` is the generation's."""
        notice = {"kind": "answer.finished", "session_id": session.session_id, "message_id": message_id}
        told = {"title": session.title, "state": state}
        self._add(user_topic(user_id), {"type": "notification", **notice, **told})

    # --- documents ----------------------------------------------------------------------------------------------------

    def document_changed(self, views: Mapping[str, DocumentView]) -> None:
        """`views`: as each of those who see it does."""
        for user_id, view in views.items():
            self._add(user_topic(user_id), {"type": "document.changed", "document": view.model_dump()})

    def document_deleted(self, document_id: str, user_ids: Sequence[str]) -> None:
        """They see it no longer."""
        for user_id in user_ids:
            self._add(user_topic(user_id), {"type": "document.deleted", "document_id": document_id})

    def collection_changed(self, views: Mapping[str, CollectionView]) -> None:
        for user_id, view in views.items():
            self._add(user_topic(user_id), {"type": "collection.changed", "collection": view.model_dump()})

    def collection_deleted(self, collection_id: str, user_ids: Sequence[str]) -> None:
        for user_id in user_ids:
            self._add(user_topic(user_id), {"type": "collection.deleted", "collection_id": collection_id})

    # --- rights -------------------------------------------------------------------------------------------------------

    def rights_ended(self, user_id: str, *, login_id: str | None = None, key_id: str | None = None) -> None:
        """A login or a key has ended, or (neither named) the user may otherwise: their sockets and streams hear it."""
        named = {"login_id": login_id, "key_id": key_id}
        self.ended_user_ids.append(user_id)
        self._add(user_topic(user_id), {"type": "auth.ended", **named})
        self._ended(user_id=user_id, **named)

    def link_revoked(self, link_id: str) -> None:
        self._ended(link_id=link_id)

    def _ended(self, **named: str | None) -> None:
        """Responses that rest on it end (right_watch.py)."""
        self._add(RIGHTS_TOPIC, {"type": "right.ended", **named})


def shared_view(session: ChatSession) -> dict[str, Any]:
    return {name: getattr(session, name) for name in sorted(SHARED_FIELDS)}
