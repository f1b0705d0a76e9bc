"""Sessions and messages for tests of search, made without the ways of the API."""

from sqlmodel import Session

from bdchat.store.ids import new_id
from bdchat.store.search import index as search
from bdchat.store.tables import ChatSession, Message, SessionMember, User


def add_user(db: Session, name: str) -> str:
    user = User(user_id=new_id(), username=name, username_key=name, password_hash="", created_at_ms=1)
    db.add(user)
    db.flush()
    return user.user_id


def add_session(db: Session, user_id: str, title: str = "", *, at_ms: int = 1000) -> str:
    session = ChatSession(session_id=new_id(), user_id=user_id, title=title, created_at_ms=at_ms, updated_at_ms=at_ms)
    db.add(session)
    db.flush()
    search.index_title(db, session)
    return session.session_id


def add_message(
    db: Session, session_id: str, content: str, *, at_ms: int = 2000, role: str = "user", status: str = "complete"
) -> str:
    message = Message(
        message_id=new_id(), session_id=session_id, role=role, content=content, status=status, created_at_ms=at_ms
    )
    db.add(message)
    search.index_message(db, message)
    return message.message_id


def share(db: Session, session_id: str, user_id: str) -> None:
    db.add(SessionMember(session_id=session_id, user_id=user_id, created_at_ms=1))
    db.flush()
