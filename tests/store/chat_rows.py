"""Users and chats for tests of the store and of what stands on it."""

from sqlmodel import Session

from bdchat.store.chats import messages, sessions
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ChatSession, Message, User


def make_user(db: Session, username: str = "ada") -> str:
    user_id = new_id()
    db.add(
        User(
            user_id=user_id,
            username=username,
            username_key=username,
            display_name=username.title(),
            password_hash="",
            created_at_ms=now_ms(),
        )
    )
    db.flush()
    return user_id


def say(
    db: Session,
    session: ChatSession,
    content: str,
    *,
    under: str | None,
    role: str = "user",
    client_id: str | None = None,
) -> Message:
    return messages.append(
        db,
        session,
        parent_id=under,
        role=role,
        content=content,
        author_id=session.user_id,
        client_message_id=client_id,
    )


def talk(db: Session, user_id: str, *contents: str) -> tuple[str, list[str]]:
    """A new chat that says `contents`, each under the one before, by user and assistant in turn: its id and theirs."""
    session = sessions.create(db, user_id)
    ids: list[str] = []
    for number, content in enumerate(contents):
        role = "assistant" if number % 2 else "user"
        ids.append(say(db, session, content, under=ids[-1] if ids else None, role=role).message_id)
    return session.session_id, ids
