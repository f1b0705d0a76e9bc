"""Who may see a session besides its owner, on the wire of /api."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.endpoints import View
from bdchat.api.schemas.wire import Strict, Text
from bdchat.store.tables import Message, SessionMember, ShareLink, User

MAX_LINK_DAYS = 3650

# --- in ---------------------------------------------------------------------------------------------------------------


class NewMember(Strict):
    """Again with another role: changes it."""

    username: Annotated[Text, Field(min_length=1, max_length=64)]
    role: Literal["reader", "writer"] = "reader"


class NewLink(Strict):
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_LINK_DAYS)] | None = None  # none: until it is revoked


class SharedQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=200)] = 30
    before: Annotated[Text, Field(min_length=1, max_length=64)] | None = None


# --- out --------------------------------------------------------------------------------------------------------------


class MemberView(View):
    user_id: str
    username: str
    display_name: str
    role: Literal["reader", "writer"]
    created_at_ms: int

    @classmethod
    def of(cls, member: SessionMember, user: User) -> "MemberView":
        return cls.model_construct(
            user_id=user.user_id,
            username=user.username,
            display_name=user.display_name,
            role=member.role,
            created_at_ms=member.created_at_ms,
        )


class MemberList(View):
    items: list[MemberView]


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
    items: list[LinkView]


class SharedMessage(View):
    message_id: str
    role: Literal["user", "assistant", "tool"]
    content: str
    status: Literal["complete", "running", "stopped", "interrupted", "failed"]
    created_at_ms: int

    @classmethod
    def of(cls, message: Message, content: str | None) -> "SharedMessage":
        """`content` None: it comes later (long_answer.py)."""
        named = {name: getattr(message, name) for name in cls.model_fields if name != "content"}
        return cls.model_construct(**named, content=content or "")


class SharedSession(View):
    """What a link shows: no ids of people, no settings, no system prompt."""

    title: str
    owner_name: str
    updated_at_ms: int
    items: list[SharedMessage]  # in reading order
    next_cursor: str | None
