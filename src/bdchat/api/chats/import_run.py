"""Runs the import of one file of chats and reports on it. Event loop; store/importing reads and parses.

Chats come in small batches: each is a transaction of its own and a batch shares a commit; a large one is several. Other
people's writes go first. The report never makes the import wait: a client that does not read it loses lines, not chats.
"""

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from functools import partial
from typing import IO, Any, Literal

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.endpoints import View
from bdchat.api.schemas.transfer import ChatLine, FileLine, OmittedLine, ProgressLine, SummaryLine, explained
from bdchat.store.accounting import storage
from bdchat.store.accounts import users
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, QuotaExceeded, StoreError, StoreFull
from bdchat.store.ids import new_id
from bdchat.store.importing.batches import ImportBounds, ReadyChat
from bdchat.store.importing.readers import ImportReader, OpenReader, open_reader
from bdchat.store.sql.database import Database
from bdchat.store.transfer import attached_files
from bdchat.store.transfer.chat import BadChat
from bdchat.store.transfer.reading import Problem
from bdchat.store.transfer.reasons import Reason, because
from bdchat.store.transfer.writing import AlreadyImported, Known, known, own_fingerprint, put, with_config

log = logging.getLogger(__name__)

MAX_CHATS = 200_000
MAX_LINES = 10_000  # that wait for the client
PROGRESS_INTERVAL_S = 0.5
FAULT = because("server_error")
OF_ONE_CHAT = (Conflict, QuotaExceeded)  # the others may still come in
Config = dict[str, Any]
Status = Literal["imported", "skipped", "failed"]


class Report:
    """Lines for one reader. `close` must come in the end."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._num_omitted = 0
        self._is_closed = False
        self._news = asyncio.Event()

    def add(self, line: View) -> None:
        if len(self._lines) >= MAX_LINES:
            self._num_omitted += 1
        elif not (isinstance(line, ProgressLine) and self._lines):  # the reader is behind: it needs no more of these
            self._put(line)

    def close(self, summary: SummaryLine) -> None:
        self._add_omitted()
        self._put(summary)
        self._is_closed = True

    async def lines(self) -> AsyncGenerator[bytes]:
        while not (self._is_closed and not self._lines):
            await self._news.wait()
            self._news.clear()
            taken = b"".join(self._lines)
            self._lines.clear()
            self._add_omitted()
            if taken:
                yield taken

    def _put(self, line: View) -> None:
        self._lines.append(line.model_dump_json().encode() + b"\n")
        self._news.set()

    def _add_omitted(self) -> None:
        if self._num_omitted:
            self._put(OmittedLine(num_lines=self._num_omitted))
            self._num_omitted = 0


class ImportRun:
    """Owns `source`, a file that it closes. `cpu_s`: for the smallest file. `document_bytes`, `most_documents`: of one,
    and of an account's; `on_documents`: some came. `check_config`: a session's settings as they came → columns, or
    BadChat."""

    def __init__(
        self,
        user_id: str,
        source: IO[bytes],
        *,
        database: Database,
        writes: Writes,
        max_bytes: int,
        cpu_s: float,
        quota_bytes: int,
        document_bytes: int,
        most_documents: int,
        on_documents: Callable[[], None] = lambda: None,
        check_config: Callable[[Config], Config],
        open_reader: OpenReader = open_reader,
    ) -> None:
        self.report = Report()
        self._user_id = user_id
        self._source = source
        self._database = database
        self._writes = writes
        self._quota_bytes = quota_bytes
        self._document_bytes = document_bytes
        self._most_documents = most_documents
        self._on_documents = on_documents
        self._check_config = check_config
        self._log = logging.LoggerAdapter(log, {"user_id": user_id, "import_id": new_id()})
        self._bounds = ImportBounds(source.seek(0, 2), max_bytes, cpu_s)
        self._open_reader = open_reader
        self._reader: ImportReader | None = None
        self._num_left_bytes = 0  # of the quota
        self._known = Known()
        self._own: dict[str, str | None] = {}  # sessions here that the file names → their fingerprints
        self._is_stopped = False
        self._is_incomplete = False
        self._counts = {"imported": 0, "skipped": 0, "failed": 0}
        self._num_messages = 0
        self._num_documents = 0
        self._unannounced: list[str] = []
        self._told_at = 0.0

    def stop(self) -> None:
        """After the chats that are being written."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()

    async def run(self) -> None:
        """To the end of the file. Whatever happens, the report has its summary."""
        reason: Reason | None = None
        status: Literal["finished", "incomplete", "empty", "stopped", "failed"] = "failed"
        try:
            self._num_documents = await attached_files.take_in(
                self._database,
                self._user_id,
                self._source,
                max_bytes=self._document_bytes,
                most=self._most_documents,
                tell=lambda name, reason: self._tell_problem(Problem(reason, name)),
            )
            if self._num_documents:
                self._on_documents()
            await self._begin()
            self._reader = await self._open_reader(self._source, self._user_id, self._bounds)
            await self._read_all(self._reader)
            status = self._status()
        except StoreError as error:
            self._log.warning("an import broke off: %s", error)
            reason = _stored_not(error)
        except Exception:  # the border: a report without an end would look like a network fault
            self._log.exception("an import failed")
            reason = FAULT
        finally:
            await self._close()
            await self._announce()
            self.report.close(
                SummaryLine(
                    status=status,
                    **explained(reason),
                    num_imported=self._counts["imported"],
                    num_skipped=self._counts["skipped"],
                    num_failed=self._counts["failed"],
                    num_messages=self._num_messages,
                    num_documents=self._num_documents,
                )
            )

    def _status(self) -> Literal["finished", "incomplete", "empty", "stopped"]:
        if self._is_stopped:
            return "stopped"
        if self._is_incomplete:
            return "incomplete"
        return "finished" if any(self._counts.values()) or self._num_documents else "empty"

    async def _begin(self) -> None:
        def read(db: Db) -> tuple[Known, int]:
            own = users.get(db, self._user_id).quota_bytes
            quota_bytes = self._quota_bytes if own is None else own
            return known(db, self._user_id), quota_bytes - storage.account_bytes(db, self._user_id)

        self._known, self._num_left_bytes = await self._database.read(read)

    async def _read_all(self, reader: ImportReader) -> None:
        while not self._is_stopped and (batch := await self._next(reader)):
            await self._store([self._checked(entry) for entry in batch], reader)
            await self._tell_progress()
            if sum(self._counts.values()) >= MAX_CHATS:
                self._tell_problem(Problem(because("too_many_chats", num=MAX_CHATS), ""))
                return

    async def _next(self, reader: ImportReader) -> list[ReadyChat | Problem]:
        """Says how far it is meanwhile: a file may hold nothing for a long time."""
        reading = asyncio.ensure_future(reader.next_batch())
        while not (await asyncio.wait({reading}, timeout=PROGRESS_INTERVAL_S))[0]:
            await self._tell_progress()
        return reading.result()

    def _checked(self, entry: ReadyChat | Problem) -> ReadyChat | Problem:
        """With its settings as columns."""
        if isinstance(entry, Problem) or entry.prepared.config is None:
            return entry
        try:
            config = self._check_config(entry.prepared.config)
        except BadChat as error:
            return Problem(error.reason, entry.file, title=entry.prepared.title)
        except Exception:  # as in store/importing: its fault is no other chat's
            fault = traceback.format_exc()
            return Problem(because("unreadable"), entry.file, title=entry.prepared.title, fault=fault)
        return replace(entry, prepared=with_config(entry.prepared, config))

    async def _close(self) -> None:
        if self._reader is not None:
            await self._reader.aclose()
        await asyncio.to_thread(self._source.close)

    # --- a batch ------------------------------------------------------------------------------------------------------

    async def _store(self, batch: list[ReadyChat | Problem], reader: ImportReader) -> None:
        """The report keeps the file's order: what is not written waits for what is."""
        waiting: list[ReadyChat] = []
        for entry in batch:
            is_repeated = isinstance(entry, ReadyChat) and any(entry.source_id == other.source_id for other in waiting)
            if is_repeated or isinstance(entry, Problem):
                await self._write(waiting, reader)
                waiting = []
            if isinstance(entry, Problem):
                self._tell_problem(entry)
            elif (refusal := await self._refusal(entry)) is None:
                self._num_left_bytes -= entry.prepared.num_bytes
                waiting.append(entry)
            else:
                await self._write(waiting, reader)
                waiting = []
                self._tell(entry, *refusal)
        await self._write(waiting, reader)

    async def _refusal(self, entry: ReadyChat) -> tuple[Status, Reason, str | None] | None:
        """None: it is to be written."""
        prepared = entry.prepared
        same_id = self._known.by_source.get(prepared.source_id)
        own_id = prepared.own_id
        if same_id is None and own_id is not None:
            if own_id not in self._own:  # each is read whole, so once, however often the file names it
                ours = await self._database.read(partial(own_fingerprint, user_id=self._user_id, session_id=own_id))
                self._own[own_id] = ours
            same_id = own_id if self._own[own_id] == prepared.fingerprint else None
        if same_id is not None:
            return "skipped", because("unchanged"), same_id
        if prepared.num_bytes > self._num_left_bytes:
            return "failed", because("quota_exceeded"), None
        return None

    async def _write(self, entries: list[ReadyChat], reader: ImportReader) -> None:
        """Those that wait together share a commit."""
        writes = (self._put(entry, reader) for entry in entries)
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        for entry, outcome in zip(entries, outcomes, strict=True):
            if isinstance(outcome, str):
                self._stored(entry, outcome)
            else:
                self._num_left_bytes += entry.prepared.num_bytes
                self._tell_failure(entry, outcome)
        broken = (each for each in outcomes if isinstance(each, StoreError) and not isinstance(each, OF_ONE_CHAT))
        if error := next(broken, None):
            raise error

    async def _put(self, entry: ReadyChat, reader: ImportReader) -> str:
        was_deleted = entry.prepared.source_id in self._known.deleted
        return await put(self._database, entry.prepared, reader.next_slice, was_deleted=was_deleted)

    def _stored(self, entry: ReadyChat, session_id: str) -> None:
        prepared = entry.prepared
        is_other_version = self._known.has_other_version(prepared)
        self._known.add(prepared.source_id, session_id)
        self._num_messages += prepared.num_messages
        self._unannounced.append(session_id)
        self._tell(entry, "imported", because("changed_since") if is_other_version else None, session_id)

    def _tell_failure(self, entry: ReadyChat, error: BaseException) -> None:
        if isinstance(error, AlreadyImported):  # by another server, just now
            self._tell(entry, "skipped", because("imported_already"), None)
        elif isinstance(error, QuotaExceeded):  # somebody wrote meanwhile
            self._tell(entry, "failed", because("quota_exceeded"), None)
        elif isinstance(error, StoreError):
            self._tell(entry, "failed", _stored_not(error), None)
        elif isinstance(error, Exception):
            self._log.error("a chat could not be imported", exc_info=error)
            self._tell(entry, "failed", FAULT, None)
        else:
            raise error

    # --- the report ---------------------------------------------------------------------------------------------------

    def _tell(self, entry: ReadyChat, status: Status, reason: Reason | None, session_id: str | None) -> None:
        self._counts[status] += 1
        prepared = entry.prepared
        self.report.add(
            ChatLine(
                title=prepared.title,
                status=status,
                **explained(reason),
                session_id=session_id,
                num_messages=prepared.num_messages,
                num_branches=prepared.num_branches,
                file=entry.file,
                not_kept=prepared.not_kept,
            )
        )

    def _tell_problem(self, problem: Problem) -> None:
        if problem.fault is not None:
            self._log.error("a chat could not be read:\n%s", problem.fault)
        if problem.title is None:
            self._is_incomplete |= problem.is_failure
            status: Literal["skipped", "failed"] = "failed" if problem.is_failure else "skipped"
            self.report.add(FileLine(file=problem.file, status=status, **explained(problem.reason)))
            return
        self._counts["failed"] += 1
        self.report.add(
            ChatLine(
                title=problem.title,
                status="failed",
                **explained(problem.reason),
                session_id=None,
                num_messages=0,
                num_branches=0,
                file=problem.file,
                not_kept={},
            )
        )

    async def _tell_progress(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= PROGRESS_INTERVAL_S:
            self._told_at = now
            read = await asyncio.to_thread(self._source.tell)
            done = sum(self._counts.values())
            self.report.add(ProgressLine(num_read_bytes=read, num_bytes=self._bounds.num_bytes, num_chats=done))
            await self._announce()

    async def _announce(self) -> None:
        """To the user's other windows; at most twice a second."""
        while self._unannounced:
            some, self._unannounced = self._unannounced[:500], self._unannounced[500:]
            news = News()
            news.sessions_imported(self._user_id, some)
            await self._writes.publish(news)


def _stored_not(error: StoreError) -> Reason:
    return because("disk_full") if isinstance(error, StoreFull) else because("storage", detail=str(error))
