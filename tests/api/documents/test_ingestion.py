"""Waiting documents are read, whatever ends a server, with a reader that the test drives."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import Session, func, select

from bdchat.api.documents.ingestion import Ingestion
from bdchat.reading.pieces import FileFinished, FileOpened, FileRefused, Frame, PageRead, PageText, PassageDraft
from bdchat.settings import Settings
from bdchat.settings.documents import DocumentSettings
from bdchat.store.accounting import storage
from bdchat.store.accounts import users
from bdchat.store.document_tables import Document, DocumentPage, DocumentPart, Passage
from bdchat.store.documents import documents, reading_state
from bdchat.store.documents.jobs import purges, uploads
from bdchat.store.ids import new_id
from bdchat.store.sql.database import Database
from tests.api.serving import fresh_data_dir
from tests.patience import eventually, until

pytestmark = pytest.mark.anyio
NUM_PAGES = 5


class ScriptedReader:
    """Reads NUM_PAGES pages of every file. `before_page`: awaited before each, with NUM_PAGES + 1 before the end."""

    def __init__(self, before_page: Callable[[int], Awaitable[None]] | None = None) -> None:
        self._before_page = before_page
        self.first_pages: list[int] = []
        self.num_open = 0

    async def read(
        self, fd: int, name: str, settings: DocumentSettings, *, first_page: int = 1
    ) -> AsyncGenerator[Frame]:
        self.first_pages.append(first_page)
        self.num_open += 1
        try:
            yield FileOpened("text", "text/plain", NUM_PAGES)
            for number in range(1, NUM_PAGES + 2):
                if self._before_page is not None:
                    await self._before_page(number)
                if first_page <= number <= NUM_PAGES:
                    text = f"쪽 {number}"
                    yield PageRead(PageText(number, text), (PassageDraft(number, 0, len(text), num_tokens=2),))
            yield FileFinished(NUM_PAGES, {"pages_scanned": 1})
        finally:
            self.num_open -= 1


class Shelf:
    def __init__(self, database: Database, folder: Path, user_id: str) -> None:
        self.database = database
        self.user_id = user_id
        self._folder = folder
        self.told: list[str] = []

    def ingestion(self, reader: ScriptedReader) -> Ingestion:
        """Of another server process each."""
        return Ingestion(
            DocumentSettings(),
            self.database,
            folder=self._folder,
            server_id=new_id(),
            read_file=reader.read,
            tell=self.told.append,
        )

    async def upload(self, data: bytes = b"text") -> str:
        async def chunks() -> AsyncGenerator[bytes]:
            yield data

        document, _ = await uploads.upload(self.database, self.user_id, "a.txt", chunks())
        return document.document_id

    async def document(self, document_id: str) -> Document:
        return await self.database.read(lambda db: db.exec(_by_id(document_id)).one())

    async def pages(self, document_id: str) -> list[tuple[int, int]]:
        """(number of the page, how many passages), as they are stored."""

        def read(db: Session) -> list[tuple[int, int]]:
            numbers = db.exec(select(DocumentPage.number).where(DocumentPage.document_id == document_id)).all()
            count = select(func.count()).where(Passage.document_id == document_id)
            return [(number, db.exec(count.where(Passage.page == number)).one()) for number in sorted(numbers)]

        return await self.database.read(read)

    async def until_status(self, document_id: str, status: str) -> Document:
        async def row() -> Document | None:
            found = await self.document(document_id)
            return found if found.status == status else None

        return await eventually(row)


def _by_id(document_id: str):  # type: ignore[no-untyped-def]
    return select(Document).where(Document.document_id == document_id)


@asynccontextmanager
async def shelf() -> AsyncGenerator[Shelf]:
    folder = fresh_data_dir()
    async with Database(Settings().store, folder) as database:
        user = await database.write(lambda db: users.create_user(db, username="ann", password_hash="x", role="user"))
        yield Shelf(database, folder, user.user_id)


@asynccontextmanager
async def running(ingestion: Ingestion, *, ends_in_order: bool = True) -> AsyncGenerator[Ingestion]:
    """Otherwise its server dies: nobody gives anything back."""
    await ingestion.start()
    task = asyncio.create_task(ingestion.run())
    try:
        yield ingestion
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if ends_in_order:
            await ingestion.aclose()


ALL_PAGES = [(number, 1) for number in range(1, NUM_PAGES + 1)]


async def test_what_a_dead_server_was_reading_goes_on_behind_its_last_page() -> None:
    """It dies before each page in turn, and before the end; each page is there once."""
    async with shelf() as there:
        for dies_before in range(1, NUM_PAGES + 2):
            reached = asyncio.Event()

            async def die(number: int, at: int = dies_before, reached: asyncio.Event = reached) -> None:
                if number == at:
                    reached.set()
                    await asyncio.Event().wait()

            document_id = await there.upload(f"{dies_before}".encode())
            async with running(there.ingestion(ScriptedReader(die)), ends_in_order=False):
                await reached.wait()
            assert (await there.document(document_id)).status == "reading"  # as it lies there after a kill
            second = ScriptedReader()
            async with running(there.ingestion(second)):
                row = await there.until_status(document_id, "ready")
            assert second.first_pages == [dies_before]
            assert await there.pages(document_id) == ALL_PAGES
            assert (row.num_pages, row.num_pages_read, row.num_passages) == (NUM_PAGES, NUM_PAGES, NUM_PAGES)
            assert row.notes == {"pages_scanned": 1}


async def test_a_paused_document_is_read_on_where_it_was() -> None:
    async with shelf() as there:
        paused = asyncio.Event()

        async def wait(number: int) -> None:
            if number == 3 and not paused.is_set():
                paused.set()
                await asyncio.Event().wait()

        reader = ScriptedReader(wait)
        document_id = await there.upload()
        async with running(there.ingestion(reader)) as ingestion:
            await paused.wait()
            await there.database.write(lambda db: reading_state.pause(db, db.exec(_by_id(document_id)).one()))
            ingestion.stop(document_id)
            await until(lambda: not ingestion.reading_ids)
            assert reader.num_open == 0
            assert await there.pages(document_id) == ALL_PAGES[:2]
            await there.database.write(lambda db: reading_state.resume(db, db.exec(_by_id(document_id)).one()))
            ingestion.ring()
            await there.until_status(document_id, "ready")
        assert reader.first_pages == [1, 3]
        assert await there.pages(document_id) == ALL_PAGES


async def test_a_document_that_is_deleted_while_it_is_read_gets_no_more_pages() -> None:
    async with shelf() as there:
        document_id = await there.upload()

        async def delete(number: int) -> None:
            if number == 3:
                await there.database.write(lambda db: documents.delete(db, db.exec(_by_id(document_id)).one()))

        async with running(there.ingestion(reader := ScriptedReader(delete))) as ingestion:
            await until(lambda: bool(reader.first_pages) and not ingestion.reading_ids)
        assert await there.pages(document_id) == ALL_PAGES[:2]
        assert await purges.purge_with_sources(there.database, document_id)
        assert await there.pages(document_id) == []


async def test_an_account_without_room_for_the_text_is_told_so() -> None:
    async with shelf() as there:
        document_id = await there.upload()

        async def fill(number: int) -> None:
            if number == 2:
                await there.database.write(
                    lambda db: users.change(db, there.user_id, quota_bytes=storage.account_bytes(db, there.user_id))
                )

        async with running(there.ingestion(ScriptedReader(fill))):
            row = await there.until_status(document_id, "failed")
        assert row.error_code == "quota_exceeded"
        assert await there.pages(document_id) == ALL_PAGES[:1]


async def test_why_a_file_cannot_be_read_is_kept() -> None:
    class Refusing(ScriptedReader):
        async def read(
            self, fd: int, name: str, settings: DocumentSettings, *, first_page: int = 1
        ) -> AsyncGenerator[Frame]:
            yield FileRefused("encrypted", "a password")

    async with shelf() as there:
        document_id = await there.upload()
        async with running(there.ingestion(Refusing())):
            row = await there.until_status(document_id, "failed")
        assert (row.error_code, row.error_detail) == ("encrypted", "a password")


async def test_of_an_upload_that_a_dead_server_had_half_nothing_stays() -> None:
    async with shelf() as there:

        def begin(db: Session) -> None:
            row = documents.create(db, there.user_id, "half.txt")
            documents.append_part(db, row.document_id, there.user_id, 0, b"half")

        await there.database.write(begin)
        async with running(there.ingestion(ScriptedReader())):

            def is_empty(db: Session) -> bool:
                counts = (select(func.count()).select_from(table) for table in (Document, DocumentPart))
                return not any(db.exec(count).one() for count in counts)

            await eventually(lambda: there.database.read(is_empty))
