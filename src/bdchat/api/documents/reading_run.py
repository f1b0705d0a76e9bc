"""Reads one document: its bytes out of the store, through a process of their own, its pages into the store. Event loop.

Each page is committed with its passages and with how far the reading is, so that it goes on behind the last one
whatever ends it. Who has lost the lease writes nothing any more.
"""

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from bdchat.api.schemas.documents import QUOTA_EXCEEDED, SERVER_ERROR
from bdchat.disk_margin import has_room
from bdchat.reading.pieces import FileFinished, FileOpened, Frame, PageRead
from bdchat.settings.documents import DocumentSettings
from bdchat.store.document_tables import Document
from bdchat.store.documents import documents, pages
from bdchat.store.documents.reading_state import failed, finished, opened
from bdchat.store.errors import NotFound, QuotaExceeded, StoreError, StoreFull
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)


class ReadFile(Protocol):
    """reading.process.read."""

    def __call__(
        self, fd: int, name: str, settings: DocumentSettings, *, first_page: int = 1
    ) -> AsyncGenerator[Frame]: ...


class ReadingRun:
    """`owner`: the server, which holds the document's lease. `tell`: it has changed; `on_passages`: there are new
    ones."""

    def __init__(
        self,
        document: Document,
        *,
        database: Database,
        settings: DocumentSettings,
        folder: Path,
        owner: str,
        read_file: ReadFile,
        tell: Callable[[str], None],
        on_passages: Callable[[], None],
    ) -> None:
        self._document = document
        self._database = database
        self._settings = settings
        self._folder = folder
        self._owner = owner
        self._read_file = read_file
        self._tell = tell
        self._on_passages = on_passages

    async def run(self) -> None:
        """To its end; what the store refuses is left to the next who takes it."""
        extra = {"document_id": self._document.document_id}
        try:
            with await self._copied() as source:
                await self._read(source)
        except NotFound:
            log.info("a document went while it was read", extra=extra)
        except QuotaExceeded:
            await self._fail(QUOTA_EXCEEDED)
        except StoreError as error:
            log.warning("the reading of a document broke off: %s", error, extra=extra)
        except Exception:  # the border: one file's fault is no other's
            log.exception("a document could not be read", extra=extra)
            await self._fail(SERVER_ERROR)

    async def _copied(self) -> IO[bytes]:
        """Its bytes in a file without a name: however this ends, nothing of it stays. Raises StoreFull, NotFound."""
        if not has_room(self._folder, self._document.num_bytes):
            raise StoreFull("the disk is full but for the room to delete in")
        source: IO[bytes] = await asyncio.to_thread(tempfile.TemporaryFile, dir=self._folder)
        try:
            async for part in documents.open_parts(self._database, self._document.document_id):
                await asyncio.to_thread(source.write, part)
            await asyncio.to_thread(source.seek, 0)  # writes what is left, too
        except BaseException:
            source.close()
            raise
        return source

    async def _read(self, source: IO[bytes]) -> None:
        document = self._document
        frames = self._read_file(source.fileno(), document.name, self._settings, first_page=document.num_pages_read + 1)
        async with aclosing(frames):
            async for frame in frames:
                await self._take(frame)
                self._tell(document.document_id)

    async def _take(self, frame: Frame) -> None:
        """Raises NotFound when the document is not this server's to read any more."""
        document_id, owner = self._document.document_id, self._owner
        if isinstance(frame, PageRead):
            await pages.put(self._database, document_id, owner, frame.page, frame.passages)
            self._on_passages()
        elif isinstance(frame, FileOpened):
            work = partial(opened, format_name=frame.format, media_type=frame.media_type, num_pages=frame.num_pages)
            await self._database.write(lambda db: work(db, document_id, owner))
        elif isinstance(frame, FileFinished):
            end = partial(finished, num_pages=frame.num_pages, notes=frame.notes)
            await self._database.write(lambda db: end(db, document_id, owner))
        else:
            await self._fail(frame.code, frame.detail)

    async def _fail(self, code: str, detail: str = "") -> None:
        document_id, owner = self._document.document_id, self._owner
        try:
            await self._database.write(lambda db: failed(db, document_id, owner, code=code, detail=detail))
        except NotFound:  # it went meanwhile
            return
        self._tell(self._document.document_id)
