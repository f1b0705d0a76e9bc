"""Members of a chat, who accepted an invitation, and links that show it to whoever has them.

Functions of a Session, inside the caller's transaction. A link's token is kept as SHA-256 only; the caller makes it and
shows it once.
"""

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, func, select

from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ChatInvite, ChatSession, SessionMember, ShareLink, User

MAX_MEMBERS = 100  # each is told of every message
MAX_LINKS = 100
MAX_COMPANIONS = 100


# --- members ----------------------------------------------------------------------------------------------------------


def members(db: Db, session_id: str) -> list[tuple[SessionMember, User]]:
    query = (
        select(SessionMember, User)
        .join(User, col(User.user_id) == col(SessionMember.user_id))
        .where(col(SessionMember.session_id) == session_id)
        .order_by(col(SessionMember.created_at_ms), col(SessionMember.user_id))
    )
    return list(db.exec(query))


def put_member(db: Db, session: ChatSession, user: User, role: str) -> SessionMember:
    """Lets in, or changes the role of who is there. Raises Conflict beyond MAX_MEMBERS."""
    assert user.user_id != session.user_id
    member = db.get(SessionMember, (session.session_id, user.user_id))
    if member is None:
        check_room(db, session.session_id)
        member = SessionMember(session_id=session.session_id, user_id=user.user_id, role=role, created_at_ms=now_ms())
        db.add(member)
    member.role = role
    db.flush()
    return member


def check_room(db: Db, session_id: str) -> None:
    """For one more. Who is asked takes a place. Raises Conflict."""
    there = select(func.count()).where(SessionMember.session_id == session_id)
    asked = select(func.count()).where(ChatInvite.session_id == session_id, col(ChatInvite.is_withdrawn).is_(False))
    if db.exec(there).one() + db.exec(asked).one() >= MAX_MEMBERS:
        raise Conflict(f"A session has at most {MAX_MEMBERS} members.", code="too_many_members")


def member_named(db: Db, session_id: str, username_key: str) -> User | None:
    """Of those who are in the chat."""
    query = select(User).join(SessionMember, col(SessionMember.user_id) == col(User.user_id))
    return db.exec(query.where(SessionMember.session_id == session_id, User.username_key == username_key)).first()


def companions(db: Db, user_id: str) -> list[User]:
    """Those whom the user shares a chat with already: members of their own, and owners of those that they are in. The
    first MAX_COMPANIONS by name."""
    query = select(User).where(_is_companion(user_id)).order_by(col(User.username_key)).limit(MAX_COMPANIONS)
    return list(db.exec(query))


def companion_named(db: Db, user_id: str, username_key: str) -> User:
    """Of all of them. Raises NotFound for every other name, somebody's or nobody's."""
    found = db.exec(select(User).where(User.username_key == username_key, _is_companion(user_id))).first()
    if found is None:
        raise NotFound("person")
    return found


def _is_companion(user_id: str) -> ColumnElement[bool]:
    link = col(SessionMember.session_id) == col(ChatSession.session_id)
    is_there = col(ChatSession.deleted_at_ms).is_(None)
    guests = select(SessionMember.user_id).join(ChatSession, link).where(ChatSession.user_id == user_id, is_there)
    hosts = select(ChatSession.user_id).join(SessionMember, link).where(SessionMember.user_id == user_id, is_there)
    return and_(or_(col(User.user_id).in_(guests), col(User.user_id).in_(hosts)), col(User.is_disabled).is_(False))


def remove_member(db: Db, session_id: str, user_id: str) -> None:
    """Raises NotFound."""
    member = db.get(SessionMember, (session_id, user_id))
    if member is None:
        raise NotFound("member", user_id)
    db.delete(member)
    db.flush()


# --- links ------------------------------------------------------------------------------------------------------------


def links(db: Db, session_id: str) -> list[ShareLink]:
    """Those that still open, the newest first."""
    query = select(ShareLink).where(col(ShareLink.session_id) == session_id, *_is_good())
    return list(db.exec(query.order_by(col(ShareLink.created_at_ms).desc(), col(ShareLink.link_id).desc())))


def create_link(db: Db, session_id: str, *, token_hash: str, expires_at_ms: int | None) -> ShareLink:
    """Raises Conflict beyond MAX_LINKS."""
    if len(links(db, session_id)) >= MAX_LINKS:
        raise Conflict(f"A session has at most {MAX_LINKS} links.", code="too_many_links")
    link = ShareLink(
        link_id=new_id(),
        token_hash=token_hash,
        session_id=session_id,
        created_at_ms=now_ms(),
        expires_at_ms=expires_at_ms,
    )
    db.add(link)
    db.flush()
    return link


def revoke_link(db: Db, session_id: str, link_id: str) -> None:
    """Raises NotFound, also for a link of another session."""
    link = db.get(ShareLink, link_id)
    if link is None or link.session_id != session_id or link.revoked_at_ms is not None:
        raise NotFound("link", link_id)
    link.revoked_at_ms = now_ms()
    db.flush()


def opened_by(db: Db, token_hash: str) -> tuple[ChatSession, User, ShareLink]:
    """The chat that a link shows, its owner, and the link. Raises NotFound for whatever opens nothing (any more)."""
    query = (
        select(ChatSession, User, ShareLink)
        .join(ShareLink, col(ShareLink.session_id) == col(ChatSession.session_id))
        .join(User, col(User.user_id) == col(ChatSession.user_id))
        .where(col(ShareLink.token_hash) == token_hash, *_is_good())
        .where(col(ChatSession.deleted_at_ms).is_(None), col(User.is_disabled).is_(False))
    )
    found = db.exec(query).first()
    if found is None:
        raise NotFound("link")
    return found[0], found[1], found[2]


def _is_good() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    expires_at = col(ShareLink.expires_at_ms)
    return col(ShareLink.revoked_at_ms).is_(None), or_(expires_at.is_(None), expires_at > now_ms())
