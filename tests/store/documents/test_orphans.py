"""Whatever was done in whatever order: no row hangs on nothing, the books are right, and who goes takes all along."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlmodel import Session, SQLModel, func, select

from bdchat.store import document_tables as tables
from bdchat.store import retention
from bdchat.store.chats import forks, sessions, sharing
from bdchat.store.documents import attachments, collections, documents, pages, reading_state, sources, vector_rows
from bdchat.store.documents.jobs import purges
from bdchat.store.errors import StoreError
from bdchat.store.ids import new_id, now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, Message, User
from tests.store.accounting.test_books import books_of
from tests.store.chat_rows import make_user, talk
from tests.store.document_rows import SERVER, page_of, put_file

pytestmark = pytest.mark.anyio
KINDS: tuple[type[SQLModel], ...] = tuple(
    kind for kind in vars(tables).values() if isinstance(kind, type) and hasattr(kind, "__table__")
)


class Crowd:
    """Somebody does something with documents, one after the other and at random."""

    def __init__(self, seed: int, database: Database) -> None:
        self._rng = random.Random(seed)
        self._database = database

    async def step(self) -> None:
        often = (self._upload, self._read)
        await self._rng.choice((*often, *often, self._share, self._chat, self._end))()

    def _some(self, db: Session, kind: Any) -> Any:
        rows = sorted(db.exec(select(kind)), key=lambda row: str(row.model_dump()))
        if not rows:
            raise StoreError("there is none")
        return self._rng.choice(rows)

    async def _do(self, work: Callable[[Session], Any]) -> Any:
        return await self._database.write(work)

    async def _upload(self) -> None:
        user_id = await self._do(
            lambda db: make_user(db, new_id()) if self._rng.random() < 0.3 else self._some(db, User).user_id
        )
        await put_file(self._database, user_id, bytes([self._rng.randrange(4)] * 9))

    async def _read(self) -> None:
        taken = await self._do(lambda db: reading_state.next_waiting(db, SERVER, now_ms(), 0))
        if taken is None:
            raise StoreError("nothing waits")
        for number in range(1, self._rng.randrange(1, 4)):
            words = (f"낱말 {self._rng.random()}", "second")
            await pages.put(self._database, taken.document_id, SERVER, *page_of(number, *words))
        ends = [
            lambda db: reading_state.finished(db, taken.document_id, SERVER, num_pages=2, notes={"pages_scanned": 1}),
            lambda db: reading_state.failed(db, taken.document_id, SERVER, code="reader_died"),
            lambda db: reading_state.release(db, None),
        ]
        await self._do(self._rng.choice(ends))
        some = await self._do(lambda db: vector_rows.missing(db, "a", 3))
        await self._do(lambda db: vector_rows.put(db, "a", [(each.passage_id, b"1234") for each in some]))

    async def _share(self) -> None:
        def share(db: Session) -> None:
            document = self._some(db, tables.Document)
            collection = collections.create(db, document.user_id, "c", "d")
            collections.put_document(db, document.user_id, collection.collection_id, document.document_id)
            collections.put_member(db, collection, self._some(db, User), "writer")
            member = self._some(db, tables.CollectionMember)
            own = collections.get_writable(db, member.user_id, member.collection_id)
            collections.put_document(db, member.user_id, own.collection_id, self._some(db, tables.Document).document_id)

        await self._do(share)

    async def _chat(self) -> None:
        def begin(db: Session) -> str:
            document = self._some(db, tables.Document)
            session_id, (asked, _) = talk(db, document.user_id, "q", "a [1]")
            attachments.set_of_chat(
                db, document.user_id, session_id, document_ids=[document.document_id], collection_ids=[], most=9
            )
            told = {"document_id": document.document_id, "document_name": document.name, "text": "told"}
            row = tables.MessageSource(message_id="", number=1, page=1, start=0, end=4, **told)
            sources.put(db, asked, [row])
            user = self._some(db, User)
            if user.user_id != document.user_id:
                sharing.put_member(db, sessions.get_owned(db, document.user_id, session_id), user, "reader")
            return session_id

        session_id = await self._do(begin)
        owner_id = await self._do(lambda db: _there(db, ChatSession, session_id).user_id)
        await forks.fork(self._database, owner_id, session_id, None, furnish=attachments.copy)

    async def _end(self) -> None:
        kind = self._rng.choice((tables.Document, tables.Document, tables.Collection, ChatSession, User))
        row = await self._do(lambda db: self._some(db, kind))
        if isinstance(row, User):
            await retention.erase_user(self._database, row.user_id)
        elif isinstance(row, ChatSession):
            await self._do(lambda db: sessions.delete(db, _there(db, ChatSession, row.session_id)))
            await retention.erase_chat(self._database, row.session_id)
        elif isinstance(row, tables.Collection):
            await self._do(
                lambda db: collections.delete_collection(db, _there(db, tables.Collection, row.collection_id))
            )
            await purges.purge_overdue(self._database, deleted_before_ms=now_ms() + 1)
        else:
            await self._do(lambda db: documents.delete(db, _there(db, tables.Document, row.document_id)))
            purge = self._rng.choice((purges.purge_with_sources, None))
            if purge is not None:
                await purge(self._database, row.document_id)


def _there(db: Session, kind: Any, key: str) -> Any:
    row = db.get(kind, key)
    assert row is not None
    return row


def num_of(db: Session, kind: Any) -> int:
    return int(db.exec(select(func.count()).select_from(kind)).one())


def orphans(db: Session) -> dict[str, int]:
    """Rows whose row above is not there, by table and column."""
    found: dict[str, int] = {}
    kinds: tuple[Any, ...] = (*KINDS, Message)
    for kind in kinds:
        for column in inspect(kind).columns:
            for key in column.foreign_keys:
                above = key.column
                query = select(func.count()).select_from(kind).where(column.is_not(None), column.not_in(select(above)))
                if number := db.exec(query).one():
                    found[f"{kind.__tablename__}.{column.name}"] = number
    return found


async def test_no_row_hangs_on_nothing(database: Database) -> None:
    crowd = Crowd(0, database)
    num_done = 0
    for _ in range(120):
        try:
            await crowd.step()
            num_done += 1
        except StoreError:
            pass
    assert num_done > 50
    assert await database.read(orphans) == {}
    said, counted = await books_of(database)
    assert said == counted
    documents_there = await database.read(lambda db: list(db.exec(select(tables.Document))))
    for row in documents_there:
        own = select(func.count()).where(tables.Passage.document_id == row.document_id)
        assert await database.read(lambda db, own=own: db.exec(own).one()) == row.num_passages  # type: ignore[misc]
    for user_id in await database.read(lambda db: list(db.exec(select(User.user_id)))):
        await retention.erase_user(database, user_id)
    left = await database.read(lambda db: {num_of(db, kind) for kind in KINDS})
    assert left == {0}
