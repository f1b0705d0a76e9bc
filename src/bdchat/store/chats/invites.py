"""Pending invitations of users to chats. Functions of a Session, inside the caller's transaction.

An owner asks a name and hears of it only when somebody accepts: a name that nobody has, one that declines and one that
does not look are the same to the owner. Whose name it is says the account that answers, which must be older than the
invitation: who registers a name later is not who was meant.
"""

from typing import Any

from sqlmodel import col, func, select

from bdchat.store.accounts.users import username_key
from bdchat.store.chats import sharing
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ChatInvite, ChatSession, SessionMember, User

LIFETIME_MS = 30 * 86_400_000  # declined and withdrawn ones are remembered as long
MAX_PER_NAME = 10  # invitations of one owner that one name has not accepted
MAX_SHOWN = 100


def put(db: Db, session: ChatSession, username: str, role: str) -> tuple[ChatInvite, bool]:
    """Asks, or changes what is offered; whether it is new: who was asked already is not told again. Raises Conflict
    beyond sharing.MAX_MEMBERS of the chat and MAX_PER_NAME."""
    key = username_key(username)
    row = db.exec(
        select(ChatInvite).where(ChatInvite.session_id == session.session_id, ChatInvite.username_key == key)
    ).first()
    if row is not None and row.created_at_ms <= _oldest():
        db.delete(row)
        db.flush()
        row = None
    if row is not None:
        row.username, row.role, row.is_withdrawn = username, role, False
        db.flush()
        return row, False
    sharing.check_room(db, session.session_id)
    of_owner = (
        select(func.count())
        .select_from(ChatInvite)
        .join(ChatSession, col(ChatSession.session_id) == col(ChatInvite.session_id))
    )
    of_name = of_owner.where(
        ChatInvite.username_key == key, ChatInvite.created_at_ms > _oldest(), ChatSession.user_id == session.user_id
    )
    if db.exec(of_name).one() >= MAX_PER_NAME:
        raise Conflict(
            f"This name has {MAX_PER_NAME} invitations of yours that were not accepted.",
            code="too_many_invitations",
            param="username",
        )
    row = ChatInvite(
        invitation_id=new_id(),
        session_id=session.session_id,
        username=username,
        username_key=key,
        role=role,
        created_at_ms=now_ms(),
    )
    db.add(row)
    db.flush()
    return row, True


def of_chat(db: Db, session_id: str) -> list[ChatInvite]:
    """As the owner sees them: a declined one is not answered yet."""
    query = select(ChatInvite).where(ChatInvite.session_id == session_id, col(ChatInvite.is_withdrawn).is_(False))
    query = query.where(ChatInvite.created_at_ms > _oldest())
    return list(db.exec(query.order_by(col(ChatInvite.created_at_ms), col(ChatInvite.invitation_id))))


def withdraw(db: Db, session_id: str, invitation_id: str) -> None:
    """Raises NotFound."""
    row = db.get(ChatInvite, invitation_id)
    if row is None or row.session_id != session_id or row.is_withdrawn:
        raise NotFound("invitation", invitation_id)
    row.is_withdrawn = True
    db.flush()


def waiting_for(db: Db, user: User) -> list[tuple[ChatInvite, ChatSession, User]]:
    """(invitation, chat, its owner) of those that the user may answer, the newest first."""
    newest_first = (col(ChatInvite.created_at_ms).desc(), col(ChatInvite.invitation_id).desc())
    return list(db.exec(_waiting_for(user).order_by(*newest_first).limit(MAX_SHOWN)))


def accept(db: Db, user: User, invitation_id: str) -> ChatSession:
    """Raises NotFound, Conflict."""
    row, session = _get(db, user, invitation_id)
    db.delete(row)
    db.flush()  # it counts no longer
    sharing.put_member(db, session, user, row.role)
    return session


def decline(db: Db, user: User, invitation_id: str) -> None:
    """Raises NotFound."""
    row, _ = _get(db, user, invitation_id)
    row.is_declined = True
    db.flush()


def _get(db: Db, user: User, invitation_id: str) -> tuple[ChatInvite, ChatSession]:
    found = db.exec(_waiting_for(user).where(ChatInvite.invitation_id == invitation_id)).first()
    if found is None:
        raise NotFound("invitation", invitation_id)
    row, session, _ = found
    return row, session


def _waiting_for(user: User) -> Any:
    is_in = select(SessionMember.user_id).where(
        col(SessionMember.session_id) == col(ChatInvite.session_id), SessionMember.user_id == user.user_id
    )
    query: Any = select(ChatInvite, ChatSession, User)
    return (
        query.join(ChatSession, col(ChatSession.session_id) == col(ChatInvite.session_id))
        .join(User, col(User.user_id) == col(ChatSession.user_id))
        .where(ChatInvite.username_key == user.username_key, col(ChatInvite.created_at_ms) >= user.created_at_ms)
        .where(col(ChatInvite.is_declined).is_(False), col(ChatInvite.is_withdrawn).is_(False), ~is_in.exists())
        .where(ChatInvite.created_at_ms > _oldest(), col(ChatSession.deleted_at_ms).is_(None))
        .where(col(User.is_disabled).is_(False), col(User.user_id) != user.user_id)
    )


def _oldest() -> int:
    return now_ms() - LIFETIME_MS
