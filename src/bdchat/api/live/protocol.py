"""Bus messages and log events → frames of a socket. Pure."""

from collections.abc import Iterable

from bdchat.api.bus.interface import GAP, Message
from bdchat.api.generation.events import NumberedEvent, Reset, Started
from bdchat.api.schemas.live import (
    AiChunk,
    AiReset,
    AiStart,
    CollectionChange,
    CollectionGone,
    DocumentChange,
    DocumentGone,
    MessageChange,
    Notification,
    OutFrame,
    Prefill,
    Present,
    Queue,
    Resync,
    SessionChange,
    TypingNow,
)
from bdchat.engine.request import Delta

MAX_CHUNK_EVENTS = 2048  # of the log, in one frame: some ten kilobytes of text


def frame_of(message: Message, user_id: str) -> OutFrame | None:
    """Of a message that is passed on as it comes. None: it is nobody's business at the other end of this socket, or an
    answer's event, which must come once and in order (answers.py)."""
    kind = str(message["type"])
    room, _, event = kind.partition(".")
    frame: OutFrame | None = None
    if kind == "typing":
        frame = _typing(message, user_id)
    elif kind == "presence":
        frame = Present(users=message["users"])
    elif kind == "notification":
        rest = {name: value for name, value in message.items() if name not in {"type", "kind"}}
        frame = Notification(kind=str(message.get("kind", "")), data=rest)
    elif kind == GAP:
        frame = Resync()
    elif room == "message":
        frame = MessageChange(event=event, message=message["message"])
    elif room == "session":
        frame = _session_change(message, event)
    elif room in {"document", "collection"}:
        frame = _document_change(message, kind)
    return frame


def admin_frame(message: Message) -> OutFrame:
    """Whatever the server tells its admins: a download's progress, a model that was loaded."""
    rest = {name: value for name, value in message.items() if name != "type"}
    return Notification(kind=f"admin.{message['type']}", data=rest)


def answer_frames(generation_id: str, message_id: str | None, events: Iterable[NumberedEvent]) -> list[OutFrame]:
    """Deltas that follow each other become one frame. An answer's last event makes none: how it ended is told with more
    than the event holds."""
    frames: list[OutFrame] = []
    pieces: list[str] = []
    last_seq = 0

    def flush() -> None:
        if text := "".join(pieces):
            frames.append(AiChunk(generation_id=generation_id, message_id=message_id, seq=last_seq, text=text))
        pieces.clear()

    for seq, event in events:
        if not isinstance(event, Delta) or len(pieces) >= MAX_CHUNK_EVENTS:
            flush()
        last_seq = seq
        if isinstance(event, Delta):
            pieces.append(event.text)
        elif isinstance(event, Reset):
            frames.append(AiReset(generation_id=generation_id, message_id=message_id, seq=seq, text=event.text))
        elif isinstance(event, Started):
            frames.append(
                AiStart(
                    generation_id=generation_id,
                    message_id=message_id,
                    seq=seq,
                    prefix=event.prefix,
                    model=event.model,
                    num_dropped_messages=event.num_dropped_messages,
                )
            )
    flush()
    return frames


def progress_frame(message: Message) -> OutFrame | None:
    """What is said of an answer before its first word; it is not numbered, and the latest counts."""
    if message["type"] == "generation.queued":
        return Queue(
            generation_id=message["generation_id"],
            position=message.get("position"),
            is_paused=message.get("is_paused", False),
            eta_s=message.get("eta_s"),
        )
    if message["type"] == "generation.prefill":
        return Prefill(
            generation_id=message["generation_id"],
            done=message["num_done"],
            total=message["num_total"],
            cached=message.get("num_cached", 0),
            eta_s=message.get("eta_s"),
        )
    return None


def _typing(message: Message, user_id: str) -> OutFrame | None:
    if message["user_id"] == user_id:
        return None
    return TypingNow(user_id=message["user_id"], username=message["username"], is_typing=message["is_typing"])


def _session_change(message: Message, event: str) -> OutFrame:
    session = message.get("session")
    session_id = message.get("session_id") or (session or {}).get("session_id")
    ids = message.get("session_ids")
    if message.get("is_deleted"):
        event = "deleted_many"
    return SessionChange(event=event, session_id=session_id, session=session, session_ids=ids)


def _document_change(message: Message, kind: str) -> OutFrame | None:
    match kind:
        case "document.changed":
            return DocumentChange(document=message["document"])
        case "document.deleted":
            return DocumentGone(document_id=message["document_id"])
        case "collection.changed":
            return CollectionChange(collection=message["collection"])
        case "collection.deleted":
            return CollectionGone(collection_id=message["collection_id"])
    return None
