"""Exports chats as a stream of bytes: one of them, or all that a user owns. Memory: one page of messages.

An `Export` is made of steps, each inside one Database.read: between two of them nothing is held, neither a connection
nor a lock, however slowly the bytes go out. What is written meanwhile is in it or not; a chat that goes is left out.
"""

import contextlib
import io
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlmodel import Session, col, func, select

from bdchat.store.accounting.byte_length import byte_length
from bdchat.store.chats import generations, messages, sessions
from bdchat.store.db import Db
from bdchat.store.document_tables import MessageSource
from bdchat.store.errors import NotFound
from bdchat.store.ids import now_ms
from bdchat.store.tables import ChatSession, Generation, Message, MessageMetadata, SessionConfig, User
from bdchat.store.transfer import attached_files
from bdchat.store.transfer.document import MessagePart, SessionHead, SourcePart, head_part, message_part
from bdchat.store.transfer.rendering import (
    BdchatRenderer,
    Format,
    JSONLRenderer,
    Language,
    MarkdownRenderer,
    Renderer,
    is_example_part,
    safe_name,
)

CHUNK_BYTES = 256 * 1024  # a step goes on until it has so much
PAGE_BYTES = 256 * 1024  # of messages read together; a longer message is a page of its own
PAGE_MESSAGES = 500
_PAGE_SESSIONS = 200
_PAGE_FILES = 100
_EARLIEST_ZIP_MS = 315_619_200_000  # 1980, in every zone; a ZIP knows no earlier time
_LATEST_ZIP_MS = 4_354_732_798_000  # 2107, in every zone

Pieces = Generator[bytes, Session, Session]  # each piece is made with the Session that was sent for it


@dataclass(frozen=True, slots=True)
class _Plan:
    head: SessionHead
    owner_id: str
    reader_id: str
    is_whole: bool  # with all that hangs on its messages
    pages: Sequence[Sequence[str]]  # message_ids

    @property
    def num_messages(self) -> int:
        return sum(map(len, self.pages))


class Export:
    """`session_id` None: everything that the user owns and has not deleted."""

    def __init__(
        self,
        user_id: str,
        format_: Format,
        session_id: str | None = None,
        *,
        zone: tzinfo = UTC,
        language: Language = "en",
        with_files: bool = False,
    ) -> None:
        """`with_files`: of everything, as bdchat: a ZIP of it and of the account's files."""
        self.title = ""  # of the one session, after the first step
        self._zone = zone
        self._language = language
        self._user_id = user_id
        self._format = format_
        all_of_it = self._all_with_files if with_files else self._all
        pieces = self._one(session_id) if session_id is not None else all_of_it()
        next(pieces)
        self._pieces: Pieces | None = pieces

    def step(self, db: Db) -> bytes:
        """b"" when it is over. Raises NotFound at the first step of a session that the user may not read."""
        found: list[bytes] = []
        num_bytes = 0
        while self._pieces is not None and num_bytes < CHUNK_BYTES:
            try:
                found.append(self._pieces.send(db))
            except StopIteration:
                self._pieces = None
            else:
                num_bytes += len(found[-1])
        return b"".join(found)

    def _one(self, session_id: str) -> Pieces:
        db = yield b""
        plan = _plan(db, self._user_id, session_id, self._format)
        self.title = plan.head.title
        renderer = self._renderer()
        db = yield renderer.begin()
        db = yield from _chat(db, plan, renderer)
        return (yield renderer.end())

    def _all(self) -> Pieces:
        db = yield b""
        renderer = _ZipRenderer(self._zone, self._language) if self._format == "markdown" else self._renderer()
        db = yield renderer.begin()
        last_id = ""
        while ids := _owned(db, self._user_id, after=last_id):
            for session_id in ids:
                try:
                    plan = _plan(db, self._user_id, session_id, self._format)
                except NotFound:
                    continue
                db = yield from _chat(db, plan, renderer)
            last_id = ids[-1]
        return (yield renderer.end())

    def _all_with_files(self) -> Pieces:
        db = yield b""
        sink = _Sink()
        archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
        chats = archive.open(_entry("bdchat.json", now_ms(), self._zone, zipfile.ZIP_DEFLATED), "w")
        pieces = self._all()
        next(pieces)
        with contextlib.suppress(StopIteration):
            while True:
                chats.write(pieces.send(db))
                db = yield sink.take()
        chats.close()
        last_id = ""
        while files := attached_files.own_files(db, self._user_id, after=last_id, limit=_PAGE_FILES):
            for file in files:
                content = archive.open(_entry(file.path, file.created_at_ms, self._zone, zipfile.ZIP_STORED), "w")
                number = 0
                while (data := attached_files.part_of(db, file.document_id, number)) is not None:
                    content.write(data)
                    db = yield sink.take()
                    number += 1
                content.close()
            last_id = files[-1].document_id
        archive.close()
        return (yield sink.take())

    def _renderer(self) -> Renderer:
        if self._format == "bdchat":
            return BdchatRenderer(now_ms())
        return JSONLRenderer() if self._format == "jsonl" else MarkdownRenderer(self._zone, self._language)


def _chat(db: Db, plan: _Plan, renderer: Renderer) -> Pieces:
    db = yield renderer.open_chat(plan.head, plan.num_messages)
    for ids in plan.pages:
        sources = attached_files.sources_of(db, plan.reader_id, ids) if plan.is_whole else {}
        db = yield renderer.add(_parts(db, plan.owner_id, ids, sources))
    return (yield renderer.close_chat())


class _ZipRenderer:
    """Each chat a Markdown file, in its folder. zipfile writes to what cannot seek: sizes follow the contents."""

    def __init__(self, zone: tzinfo, language: Language) -> None:
        self._zone = zone
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)
        self._chat = MarkdownRenderer(zone, language)
        self._file: Any = None

    def begin(self) -> bytes:
        return b""

    def open_chat(self, head: SessionHead, num_messages: int) -> bytes:
        folder = f"{safe_name(head.folder)}/" if head.folder else ""
        name = f"{folder}{safe_name(head.title)} {head.session_id[-8:]}.md"  # titles repeat
        self._file = self._zip.open(_entry(name, head.updated_at_ms, self._zone, zipfile.ZIP_DEFLATED), "w")
        return self._written(self._chat.open_chat(head, num_messages))

    def add(self, parts: Sequence[MessagePart]) -> bytes:
        return self._written(self._chat.add(parts))

    def close_chat(self) -> bytes:
        self._file.close()
        return self._sink.take()

    def end(self) -> bytes:
        self._zip.close()
        return self._sink.take()

    def _written(self, text: bytes) -> bytes:
        self._file.write(text)
        return self._sink.take()


def _entry(name: str, at_ms: int, zone: tzinfo, packing: int) -> zipfile.ZipInfo:
    at_ms = min(max(at_ms, _EARLIEST_ZIP_MS), _LATEST_ZIP_MS)
    info = zipfile.ZipInfo(name, datetime.fromtimestamp(at_ms / 1000, zone).timetuple()[:6])
    info.compress_type = packing
    return info


class _Sink(io.RawIOBase):
    """What zipfile writes to; taken away after each write."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._written.append(bytes(data))
        return len(self._written[-1])

    def take(self) -> bytes:
        taken, self._written = b"".join(self._written), []
        return taken


# --- queries ----------------------------------------------------------------------------------------------------------


def _owned(db: Db, user_id: str, *, after: str) -> list[str]:
    query = select(ChatSession.session_id).where(
        col(ChatSession.user_id) == user_id,
        col(ChatSession.deleted_at_ms).is_(None),
        col(ChatSession.session_id) > after,
    )
    return list(db.exec(query.order_by(col(ChatSession.session_id)).limit(_PAGE_SESSIONS)))


def _plan(db: Db, user_id: str, session_id: str, format_: Format) -> _Plan:
    """Raises NotFound."""
    session, role = sessions.get_readable(db, user_id, session_id)
    head = head_part(session, db.get(SessionConfig, session_id), is_own=role == "owner")
    is_whole = format_ == "bdchat"
    if is_whole:
        head.documents = attached_files.files_of_chat(db, user_id, session_id)
        known = list(_sizes(db, col(Message.session_id) == session_id))
    else:
        ids = messages.path_ids(db, session_id, session.head_message_id)
        sizes = {each["message_id"]: each for at in _slices(ids) for each in _sizes(db, _is_in(at))}
        known = [sizes[message_id] for message_id in ids if message_id in sizes]
    if format_ == "jsonl":
        known = _example(known)
    return _Plan(head, session.user_id, user_id, is_whole, list(_pages(known)))


def _sizes(db: Db, condition: Any) -> Iterator[dict[str, Any]]:
    told = select(func.coalesce(func.sum(byte_length(col(MessageSource.text))), 0))
    told = told.where(col(MessageSource.message_id) == col(Message.message_id)).correlate(Message)
    size = byte_length(col(Message.content)) + told.scalar_subquery()
    columns: Any = select(Message.message_id, Message.role, Message.status, size)
    columns = columns.where(condition).order_by(col(Message.created_at_ms), col(Message.message_id))
    for message_id, role, status, num_bytes in db.exec(columns):
        yield {"message_id": message_id, "role": role, "status": status, "num_bytes": num_bytes}


def _example(known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Up to the last answer."""
    parts = [part for part in known if is_example_part(part)]
    while parts and parts[-1]["role"] != "assistant":
        parts.pop()
    return parts


def _pages(known: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    page: list[str] = []
    num_bytes = 0
    for each in known:
        if page and (len(page) == PAGE_MESSAGES or num_bytes + each["num_bytes"] > PAGE_BYTES):
            yield page
            page, num_bytes = [], 0
        page.append(each["message_id"])
        num_bytes += each["num_bytes"]
    if page:
        yield page


def _parts(db: Db, owner_id: str, ids: Sequence[str], sources: Mapping[str, Sequence[SourcePart]]) -> list[MessagePart]:
    """In the order of `ids`."""
    query = select(Message, MessageMetadata).join(
        MessageMetadata, col(MessageMetadata.message_id) == col(Message.message_id), isouter=True
    )
    rows = {message.message_id: (message, metadata) for message, metadata in db.exec(query.where(_is_in(ids)))}
    authors = _names(db, {message.author_id for message, _ in rows.values()} - {None, owner_id})
    parts = []
    for message, metadata in (rows[message_id] for message_id in ids if message_id in rows):
        name = authors.get(message.author_id)
        told = sources.get(message.message_id, ())
        part = message_part(message, metadata, owner_id=owner_id, author_name=name, sources=told)
        if message.status == "running":
            part.content = _text_so_far(db, message.message_id)
        parts.append(part)
    return parts


def _names(db: Db, user_ids: set[str | None]) -> dict[str | None, str]:
    if not user_ids:
        return {}
    query = select(User.user_id, User.display_name, User.username).where(col(User.user_id).in_(user_ids))
    return {user_id: display_name or username for user_id, display_name, username in db.exec(query)}


def _text_so_far(db: Db, message_id: str) -> str:
    """Of an answer that is being written: what was there before, then its logged events."""
    running = select(Generation).where(col(Generation.message_id) == message_id, col(Generation.state) == "running")
    generation = db.exec(running).first()
    if generation is None:
        return ""
    texts = [generation.prefix]
    for row in generations.events_after(db, generation.generation_id, 0):
        texts += [delta["text"] for delta in row.data.get("deltas", [row.data]) if "text" in delta]
    return "".join(texts)


def _is_in(ids: Sequence[str]) -> Any:
    return col(Message.message_id).in_(ids)


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), PAGE_MESSAGES):
        yield ids[at : at + PAGE_MESSAGES]
