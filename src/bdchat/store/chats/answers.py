"""The transactions that begin, resume and end an answer in a chat. Of a Session, the caller's.

The message, its answer, the generation and the first event are there together or not at all; so are the last event, the
answer's text, how it came to be, and what it cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import select

from bdchat.store.accounting import quotas
from bdchat.store.accounts import usage
from bdchat.store.chats import configs, generations, messages, sessions
from bdchat.store.chats.generations import Ending
from bdchat.store.chats.messages import MessageSize
from bdchat.store.chats.sessions import Audience
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.ids import now_ms
from bdchat.store.tables import ChatSession, Generation, Message, MessageMetadata, SessionConfig


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """Where a message goes: `path` ends with its parent."""

    session: ChatSession
    config: SessionConfig
    path: list[Message]
    num_dropped_before: int  # messages left out of the prompt of the path's last answer
    model_before: str  # which wrote that answer; "": there is none, or it came from elsewhere
    sent: Message | None  # what came under the same client_message_id before


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """`texts`: (role, content) of the messages to write first. `answer_id`: of the answer to be made, or of one that is
    there already and is taken up again."""

    user_id: str
    parent_id: str | None
    texts: Sequence[tuple[str, str]]
    client_message_id: str | None
    answer_id: str | None
    is_new_answer: bool
    generation: Generation


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """What is written with the last event. `counts`: columns of UsageBucket; `num_tokens`: of the whole message."""

    ending: Ending
    metadata: MessageMetadata
    counts: Mapping[str, int]
    num_tokens: int
    is_refused: bool = False  # the engine never took it in


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """What was written, to tell of it; outside chats that is nothing."""

    generation: Generation
    session: ChatSession | None = None
    messages: tuple[Message, ...] = ()  # the answer last
    audience: Audience = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NewSibling:
    """A message of the same role beside `beside`, with no answer. Of an answer it says that it was edited."""

    user_id: str
    beside: Message
    content: str
    client_message_id: str | None
    message_id: str


class AlreadySent(Exception):
    """Somebody was faster with the same client_message_id; nothing is written."""


def place(
    db: Db, user_id: str, session_id: str, *, parent_id: str | None, client_message_id: str | None
) -> MessagePlace:
    """`parent_id` None: the session's head; "": no parent. Raises NotFound, NotAllowed."""
    session = sessions.get_writable(db, user_id, session_id)
    sent = messages.find_sent(db, session_id, client_message_id) if client_message_id is not None else None
    leaf_id = session.head_message_id if parent_id is None else parent_id
    path = messages.ancestors(db, leaf_id) if leaf_id else []
    if leaf_id and (not path or path[-1].session_id != session_id):
        raise NotFound("message", leaf_id)
    made = _last_made(db, path)
    return MessagePlace(session, configs.of(db, session_id), path, made.num_dropped_messages, made.model, sent)


def place_beside(db: Db, user_id: str, message: Message, *, client_message_id: str | None = None) -> MessagePlace:
    """Where a sibling of a message goes. Raises NotFound, NotAllowed."""
    return place(
        db, user_id, message.session_id, parent_id=message.parent_id or "", client_message_id=client_message_id
    )


def own_message(db: Db, user_id: str, message_id: str) -> Message:
    """For who may write in its chat. Raises NotFound, NotAllowed."""
    message = messages.get(db, message_id)
    try:
        sessions.get_writable(db, user_id, message.session_id)
    except NotFound as error:
        raise NotFound("message", message_id) from error
    return message


def asked_before(db: Db, generation: Generation) -> list[Message]:
    """The path that a chat's answer continues: what its prompt is made of. Nothing of it changes."""
    answer = messages.get(db, str(generation.message_id))
    return messages.ancestors(db, answer.parent_id) if answer.parent_id else []


def sizes_before(db: Db, generation: Generation) -> list[MessageSize]:
    """The same path without its texts."""
    answer = db.exec(select(Message.parent_id).where(Message.message_id == generation.message_id)).first()
    return messages.ancestor_sizes(db, answer) if answer else []


def is_leaf(db: Db, message: Message) -> bool:
    return messages.newest_leaf(db, message.session_id, message.message_id) == message.message_id


def _last_made(db: Db, path: Sequence[Message]) -> MessageMetadata:
    """How the path's last answer came to be; nothing of it where there is none."""
    answer = next((message for message in reversed(path) if message.role == "assistant"), None)
    metadata = db.get(MessageMetadata, answer.message_id) if answer else None
    return metadata or MessageMetadata(message_id="")


def started(generation: Generation) -> dict[str, Any]:
    """The data of its event 1."""
    return {
        "message_id": generation.message_id,
        "session_id": generation.session_id,
        "model": generation.model,
        "created_at_ms": generation.created_at_ms,
        "prefix": generation.prefix,
        "num_dropped_messages": generation.wire.get("num_dropped_messages", 0),
    }


def begin(db: Db, new: NewAnswer) -> WrittenAnswer:
    """Raises AlreadySent, NotFound, NotAllowed."""
    generation = new.generation
    if generation.session_id is None:
        generations.create(db, generation, started(generation))
        return WrittenAnswer(generation)
    session = sessions.get_writable(db, new.user_id, generation.session_id)
    written = _write(db, session, new)
    if new.is_new_answer:
        parent_id = written[-1].message_id if written else new.parent_id
        if not written and new.client_message_id and parent_id and generations.answer_to(db, parent_id):
            raise AlreadySent
        answer = messages.append(
            db,
            session,
            parent_id=parent_id,
            role="assistant",
            content="",
            author_id=new.user_id,
            status=generations.RUNNING,
            message_id=new.answer_id,
        )
    else:
        answer = _take_up(db, str(new.answer_id))
    generations.create(db, generation, started(generation))
    num_messages = sum(message.role == "user" for message in written)
    usage.add(db, new.user_id, generation.model, num_messages=num_messages)
    return WrittenAnswer(generation, session, (*written, answer), sessions.audience(db, session))


def _write(db: Db, session: ChatSession, new: NewAnswer) -> list[Message]:
    written: list[Message] = []
    parent_id = new.parent_id
    for number, (role, content) in enumerate(new.texts, start=1):
        is_last = number == len(new.texts)
        before = session.num_messages
        message = messages.append(
            db,
            session,
            parent_id=parent_id,
            role=role,
            content=content,
            author_id=new.user_id,
            client_message_id=new.client_message_id if is_last else None,
        )
        if session.num_messages == before:
            raise AlreadySent
        if role == "user":
            sessions.name_by(db, session, content)
        written.append(message)
        parent_id = message.message_id
    return written


def write_beside(db: Db, new: NewSibling) -> tuple[Message, Audience]:
    """Another message than `new.message_id`: it was sent under the same client_message_id before. Raises NotFound,
    NotAllowed."""
    session = sessions.get_writable(db, new.user_id, new.beside.session_id)
    message = messages.append(
        db,
        session,
        parent_id=new.beside.parent_id,
        role=new.beside.role,
        content=new.content,
        author_id=new.user_id,
        client_message_id=new.client_message_id,
        finish_reason=messages.EDITED if new.beside.role == "assistant" else None,
        message_id=new.message_id,
    )
    made = db.get(MessageMetadata, new.beside.message_id)
    if made is not None and message.message_id == new.message_id:
        # No run's numbers; but what is asked next goes to the same model, with the same beginning of its prompt.
        dropped = made.num_dropped_messages
        db.add(MessageMetadata(message_id=new.message_id, model=made.model, num_dropped_messages=dropped))
    return message, sessions.audience(db, session)


def withdraw(db: Db, owner: str, generation_id: str, *, counts: Mapping[str, int]) -> bool:
    """Instead of `end`, outside chats: the engine refused it, so nothing of it is kept. False when `owner` has lost it,
    or it is gone."""
    if not generations.owned(db, owner, [generation_id]):
        return False
    generation = generations.get(db, generation_id)
    usage.add(db, generation.user_id, generation.model, None, **counts)
    generations.remove(db, generation)
    return True


def _take_up(db: Db, answer_id: str) -> Message:
    answer = db.get(Message, answer_id, with_for_update=True, populate_existing=True)
    if answer is None:
        raise NotFound("message", answer_id)
    if answer.status == generations.RUNNING:
        raise AlreadySent
    answer.status = generations.RUNNING
    db.add(answer)
    db.flush()
    return answer


def end(
    db: Db, owner: str, generation_id: str, answer_end: AnswerEnd, rows: Sequence[dict[str, Any]]
) -> WrittenAnswer | None:
    """`rows`: the rest of the log. None when `owner` has lost it, or it is gone."""
    quotas.let_pass(db)
    ending = answer_end.ending
    if rows and generations.append_events(db, owner, rows):
        return None
    generation = generations.finish(db, generation_id, owner, ending)
    if generation is None:
        return None
    usage.add(db, generation.user_id, generation.model, None, **answer_end.counts)
    if generation.message_id is None:
        return WrittenAnswer(generation)
    message = messages.finish_answer(
        db,
        generation.message_id,
        content=generation.prefix + ending.content,
        status=ending.state,
        finish_reason=ending.finish_reason,
        token_count=answer_end.num_tokens,
        processing_time_ms=max(0, now_ms() - generation.created_at_ms),
        metadata=answer_end.metadata,
    )
    session = db.get(ChatSession, message.session_id)
    assert session is not None  # the foreign key
    return WrittenAnswer(generation, session, (message,), sessions.audience(db, session))
