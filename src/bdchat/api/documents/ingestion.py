"""Reads the documents that wait, a few at once, and goes on with what a server that ended was reading. Event loop only.

A document is read by the server that holds its lease. Between servers the store decides; within one, pausing and
deleting end the reading at once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bdchat.api.documents.reading_run import ReadFile, ReadingRun
from bdchat.settings.documents import DocumentSettings
from bdchat.store.document_tables import Document
from bdchat.store.documents import reading_state
from bdchat.store.documents.documents import DISCARDED_AT_MS
from bdchat.store.documents.jobs import purges
from bdchat.store.errors import StoreError
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

LEASE_S = 60.0  # a server that stalls so long has died; a page takes less (documents.page_timeout_s)
RENEWALS_PER_LEASE = 3
LOOK_S = 20.0  # between looks for what other servers left or put there, when no bell rings here
UPLOAD_S = 24 * 3600.0  # a body that was not complete after that belongs to a server that has died


class Ingestion:
    """`read_file`: reading.process.read. `tell`: a document has changed; `on_passages`: there are new ones."""

    def __init__(
        self,
        settings: DocumentSettings,
        database: Database,
        *,
        folder: Path,
        server_id: str,
        read_file: ReadFile,
        tell: Callable[[str], None],
        on_passages: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._server_id = server_id
        self._run_of = partial(
            ReadingRun,
            database=database,
            settings=settings,
            folder=folder,
            owner=server_id,
            read_file=read_file,
            tell=tell,
            on_passages=on_passages,
        )
        self._bell = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}  # by document_id

    @property
    def reading_ids(self) -> list[str]:
        return list(self._running)

    def ring(self) -> None:
        """There is one that waits."""
        self._bell.set()

    def stop(self, document_id: str) -> None:
        """It is not to be read any more; its row says so already."""
        if (task := self._running.get(document_id)) is not None:
            task.cancel()

    async def start(self) -> None:
        """What this store's only server was reading when it ended waits again, and half uploads are gone. Raises
        StoreError."""
        is_alone = self._database.dialect == "sqlite"
        before_ms = now_ms() + 1 if is_alone else now_ms() - round(UPLOAD_S * 1000)
        await self._database.write(lambda db: reading_state.drop_uploads(db, before_ms=before_ms))
        if is_alone:
            await self._database.write(lambda db: reading_state.release(db, None))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.num_readers):
                group.create_task(self._read_on())
            group.create_task(self._renew())
            group.create_task(self._purge_half_uploads())

    async def aclose(self) -> None:
        """After `run` has ended: whoever comes next may go on at once."""
        with contextlib.suppress(StoreError):
            await self._database.write(lambda db: reading_state.release(db, self._server_id))

    async def _purge_half_uploads(self) -> None:
        try:
            await purges.purge_overdue(self._database, deleted_before_ms=DISCARDED_AT_MS + 1)
        except StoreError as error:
            log.warning("half uploads are left to the next housekeeping: %s", error)

    async def _read_on(self) -> None:
        while True:
            document = await self._next()
            if document is not None:
                await self._read(document)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._bell.wait()
            self._bell.clear()

    async def _next(self) -> Document | None:
        lease_ms = round(LEASE_S * 1000)
        try:
            return await self._database.write(
                lambda db: reading_state.next_waiting(db, self._server_id, now_ms(), lease_ms)
            )
        except StoreError as error:
            log.warning("no document could be taken up: %s", error)
            return None

    async def _read(self, document: Document) -> None:
        task = asyncio.create_task(self._run_of(document).run(), name="reading")
        self._running[document.document_id] = task
        try:
            await asyncio.wait({task})  # until its end, which somebody may have brought about
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            del self._running[document.document_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a reading broke off", exc_info=error, extra={"document_id": document.document_id})

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / RENEWALS_PER_LEASE)
            ids, expires_at_ms = self.reading_ids, now_ms() + round(LEASE_S * 1000)
            if not ids:
                continue
            try:
                renew = partial(reading_state.renew, server_id=self._server_id, ids=ids, expires_at_ms=expires_at_ms)
                for document_id in await self._database.write(renew):
                    self.stop(document_id)
            except StoreError as error:
                log.warning("leases of documents could not be renewed: %s", error)
