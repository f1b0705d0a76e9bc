"""Members, invitations and links of a session on the wire of /api."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text
from bdchat.store.chats.messages import EDITED, PathEntry
from bdchat.store.tables import ChatInvite, ChatSession, SessionMember, ShareLink, User

MAX_LINK_DAYS = 3650

# --- in ---------------------------------------------------------------------------------------------------------------


class NewMember(Strict):
    """Again with another role: changes it. Whether anybody has that name is not told."""

    username: Annotated[Text, Field(min_length=1, max_length=64)]
    role: Literal["reader", "writer"] = "reader"


class NewLink(Strict):
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_LINK_DAYS)] | None = None  # none: until it is revoked


class SharedQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=200)] = 30
    before: Annotated[Text, Field(min_length=1, max_length=64)] | None = None


# --- out --------------------------------------------------------------------------------------------------------------


class MemberView(View):
    """Somebody who is in the chat, or a name that was asked and has not answered: then `username` is what was typed."""

    state: Literal["member", "invited"]
    user_id: str | None  # of a member
    invitation_id: str | None  # of an invitation
    username: str
    display_name: str
    role: Literal["reader", "writer"]
    created_at_ms: int

    @classmethod
    def of(cls, member: SessionMember, user: User) -> "MemberView":
        return cls.model_construct(
            state="member",
            user_id=user.user_id,
            invitation_id=None,
            username=user.username,
            display_name=user.display_name,
            role=member.role,
            created_at_ms=member.created_at_ms,
        )

    @classmethod
    def asked(cls, invite: ChatInvite) -> "MemberView":
        return cls.model_construct(
            state="invited",
            user_id=None,
            invitation_id=invite.invitation_id,
            username=invite.username,
            display_name="",
            role=invite.role,
            created_at_ms=invite.created_at_ms,
        )


class MemberList(View):
    data: list[MemberView]


class PersonView(View):
    username: str
    display_name: str

    @classmethod
    def of(cls, user: User) -> "PersonView":
        return cls.model_construct(username=user.username, display_name=user.display_name)


class PersonList(View):
    data: list[PersonView]


class ChatInvitationView(View):
    """What the invited is shown of a chat: nothing else of it."""

    invitation_id: str
    title: str
    owner_name: str
    owner_username: str  # several may have one display name
    role: Literal["reader", "writer"]
    created_at_ms: int

    @classmethod
    def of(cls, invite: ChatInvite, session: ChatSession, owner: User) -> "ChatInvitationView":
        return cls.model_construct(
            invitation_id=invite.invitation_id,
            title=session.title,
            owner_name=owner.display_name or owner.username,
            owner_username=owner.username,
            role=invite.role,
            created_at_ms=invite.created_at_ms,
        )


class ChatInvitationList(View):
    data: list[ChatInvitationView]


class LinkView(View):
    link_id: str
    created_at_ms: int
    expires_at_ms: int | None

    @classmethod
    def of(cls, link: ShareLink) -> "LinkView":
        return cls.model_construct(
            link_id=link.link_id, created_at_ms=link.created_at_ms, expires_at_ms=link.expires_at_ms
        )


class NewLinkView(LinkView):
    token: str  # shown this once
    path: str  # where the view is read: "/api/shared/{token}"


class LinkList(View):
    data: list[LinkView]


class SharedMessage(View):
    message_id: str
    role: Literal["user", "assistant", "tool"]
    author_name: str | None  # of a user's message; null: that account is gone, or it came without a name
    content: str
    status: Literal["complete", "running", "stopped", "interrupted", "failed"]
    is_edited: bool  # an answer whose words a person changed
    created_at_ms: int

    @classmethod
    def of(cls, entry: PathEntry) -> "SharedMessage":
        """Content None: it comes later (long_answer.py)."""
        message = entry.message
        return cls.model_construct(
            message_id=message.message_id,
            role=message.role,
            author_name=entry.author_name if message.role == "user" else None,
            content=entry.content or "",
            is_edited=message.finish_reason == EDITED,
            status=message.status,
            created_at_ms=message.created_at_ms,
        )


class SharedSession(View):
    """What a link shows: no ids of people, no settings, no system prompt."""

    title: str
    owner_name: str
    updated_at_ms: int
    data: list[SharedMessage]  # in reading order
    next_cursor: str | None
