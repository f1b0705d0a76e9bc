"""A chat's path copied into a chat of its own. Inside the caller's transaction; who may read it, others have asked."""

from sqlmodel import Session, col, select

from bdchat.store import books, configs, messages, quotas, search, sessions
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id
from bdchat.store.tables import ChatSession, Message, MessageMetadata


def fork(db: Session, user_id: str, source: ChatSession, message_id: str) -> ChatSession:
    """A new chat of `user_id` that says what `source` says from the root down to `message_id`, with its settings. It is
    charged to `user_id`, whoever's `source` is, before anything is copied.

    Raises NotFound when the message is not in `source`, Conflict while an answer on the way is being written, and
    QuotaExceeded."""
    path = messages.ancestors(db, message_id)
    if not path or path[-1].session_id != source.session_id:
        raise NotFound("message", message_id)
    if any(message.status == "running" for message in path):
        raise Conflict("An answer in it is still being written.", code="still_writing", param="message_id")
    quotas.charge(db, user_id, sum(books.num_bytes(Message, message.__dict__) for message in path))
    session = sessions.create(db, user_id, title=source.title)
    session.title_source = source.title_source
    configs.copy(db, source.session_id, session.session_id)
    copies = _copies(path, session.session_id)
    db.add_all(copies)
    db.flush()
    new_ids = {message.message_id: copy.message_id for message, copy in zip(path, copies, strict=True)}
    for metadata in _metadata(db, list(new_ids)):
        db.add(MessageMetadata(**{**metadata.model_dump(), "message_id": new_ids[metadata.message_id]}))
    session.head_message_id = copies[-1].message_id
    session.num_messages = len(copies)
    search.index_new_messages(db, user_id, copies)
    db.flush()
    return session


def _copies(path: list[Message], session_id: str) -> list[Message]:
    copies: list[Message] = []
    for message in path:
        copy = Message(**{**message.model_dump(), "message_id": new_id(), "session_id": session_id})
        copy.parent_id = copies[-1].message_id if copies else None
        copy.client_message_id = None
        copies.append(copy)
    return copies


def _metadata(db: Session, message_ids: list[str]) -> list[MessageMetadata]:
    found: list[MessageMetadata] = []
    for at in range(0, len(message_ids), 500):  # SQLite takes 32,766 parameters
        some = message_ids[at : at + 500]
        found += db.exec(select(MessageMetadata).where(col(MessageMetadata.message_id).in_(some)))
    return found
