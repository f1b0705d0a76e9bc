"""Background task that writes long texts into the search index. A task of one event loop.

What is to be done stands in the database (search.index_message), so an end at any moment loses nothing. Terms are found
in a thread; the writer gets an entry that is ready, when nobody else waits for it.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from bdchat.store.db import Db
from bdchat.store.errors import StoreError
from bdchat.store.search import index as search
from bdchat.store.sql.database import Database
from bdchat.store.tables import Message, ServerState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Note:
    name: str
    value: dict[str, Any]
    message: Message | None  # None: it is gone

    @property
    def message_to_index(self) -> Message | None:
        """An answer that goes on is noted again at its end."""
        return self.message if self.message is not None and self.message.status != "running" else None


class Indexer:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Until cancelled."""
        bell = self._database.index_bell
        bell.listen()
        while True:
            try:
                await self.index_all()
            except StoreError as error:  # a full disk: the notes stay
                log.warning("long texts could not be indexed: %s", error)
            await bell.wait()

    async def index_all(self) -> None:
        """What was noted before this was called."""
        await self._database.write_slice(_nothing)  # a bell rings before its note is committed: the writer is through
        while (note := await self._database.read(_first_note)) is not None:
            message = note.message_to_index
            row = await asyncio.to_thread(_entry, message) if message is not None else None
            num_bytes = len(row["terms"]) if row is not None else 0
            await self._database.write_slice(partial(_put, note=note, row=row), num_bytes=num_bytes)


def _nothing(_: Session) -> None:
    pass


def _first_note(db: Db) -> _Note | None:
    name = col(ServerState.name)
    query = select(ServerState).where(name.startswith(search.TO_INDEX, autoescape=True))  # however a locale sorts signs
    found = db.exec(query.order_by(name).limit(1)).first()
    if found is None:
        return None
    return _Note(found.name, found.value, db.get(Message, found.name.removeprefix(search.TO_INDEX)))


def _entry(message: Message) -> dict[str, Any]:
    return search.entry(message.session_id, message.message_id, message.role, message.content, message.created_at_ms)


def _put(db: Db, *, note: _Note, row: dict[str, Any] | None) -> None:
    """Unless it was noted again since it was read, or is gone."""
    now = db.get(ServerState, note.name)
    if now is None or now.value != note.value:
        return
    db.exec(delete(ServerState).where(col(ServerState.name) == note.name))
    if row is not None and db.exec(_is_there(row["message_id"])).first() is not None:
        search.replace_entry(db, row)


def _is_there(message_id: str) -> Any:
    return select(Message.message_id).where(Message.message_id == message_id)
