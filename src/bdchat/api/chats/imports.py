"""POST /api/import: a file of chats as the body, answered by a report that comes while it is read. Event loop only.

The body goes to an unnamed file in the data directory: however the process ends, nothing of it stays. One import per
user at a time, a few in all. A client that disconnects stops its import after the chats that are being written.
"""

import asyncio
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bdchat.api.bus.writes import Writes
from bdchat.api.chats.import_run import Config, ImportRun
from bdchat.api.http.endpoints import Endpoint, declared
from bdchat.api.http.errors import (
    ClientGone,
    MalformedBody,
    TooManyAttempts,
    UnsupportedMediaType,
    UnsupportedParameter,
)
from bdchat.api.http.identity import require_user
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.sessions import ConfigBody
from bdchat.api.schemas.transfer import ReportLine
from bdchat.disk_margin import has_room
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import MIB, LimitSettings, Settings
from bdchat.store.errors import Conflict, StoreFull
from bdchat.store.sql.database import Database
from bdchat.store.transfer.chat import BadChat
from bdchat.store.transfer.reading import looks_readable

IMPORT_PATH = "/api/import"
MEDIA = frozenset(
    {
        "",
        "application/json",
        "application/jsonl",
        "application/x-ndjson",
        "application/zip",
        "application/x-zip-compressed",
        "application/octet-stream",
    }
)
REPORT_MEDIA = "application/x-ndjson"
MAX_AT_ONCE = 4  # each may hold limits.import_bytes on the disk
RETRY_S = 30.0


class Imports:
    """Invariant: a user in `_busy` has a body coming in or a task in `_tasks`."""

    def __init__(
        self, settings: Settings, database: Database, writes: Writes, *, on_documents: Callable[[], None] = lambda: None
    ) -> None:
        """`on_documents`: files came along, and wait to be read."""
        self._on_documents = on_documents
        self._settings = settings
        self._database = database
        self._writes = writes
        self._busy: set[str] = set()
        self._tasks: dict[asyncio.Task[None], ImportRun] = {}

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                IMPORT_PATH,
                self.create,
                "Import chats from a file",
                body_media="application/octet-stream",
                response_media=(REPORT_MEDIA,),
                line=ReportLine,
                errors=(409, 429),
                description="The body is the file: an export of bdchat, ChatGPT, Claude, Open WebUI, LibreChat, LM"
                " Studio, Jan, AnythingLLM, llama.cpp's page or Gemini (Takeout), as JSON, JSON lines or a ZIP of"
                " these; it may also be called application/json, application/jsonl or application/zip. The answer is a"
                " line of JSON per chat and, in the end, a summary.",
            )
        )

    async def create(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in MEDIA:
            raise UnsupportedMediaType(media_type[:100])
        if user_id in self._busy:
            raise Conflict("An import of yours is running already.", code="import_running")
        if len(self._busy) >= MAX_AT_ONCE:
            raise TooManyAttempts(RETRY_S)
        self._busy.add(user_id)
        try:
            source = await received(request, self._settings.data_dir)
        except BaseException:
            self._busy.discard(user_id)
            raise
        return ReportResponse(self._start(user_id, source))

    async def aclose(self) -> None:
        """Stops what runs, after the chats that are being written."""
        for run in self._tasks.values():
            run.stop()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, user_id: str, source: IO[bytes]) -> ImportRun:
        limits = self._settings.limits
        run = ImportRun(
            user_id,
            source,
            database=self._database,
            writes=self._writes,
            max_bytes=limits.import_bytes,
            cpu_s=limits.import_cpu_s,
            quota_bytes=self._settings.store.user_quota_bytes,
            document_bytes=self._settings.documents.file_bytes,
            most_documents=self._settings.documents.num_per_account,
            on_documents=self._on_documents,
            check_config=partial(config_columns, limits=limits),
        )
        task = asyncio.create_task(run.run(), name="import")
        self._tasks[task] = run
        task.add_done_callback(partial(self._ended, user_id))
        return run

    def _ended(self, user_id: str, task: asyncio.Task[None]) -> None:
        self._busy.discard(user_id)
        del self._tasks[task]


class ReportResponse(StreamingResponse):
    """Goes when its client goes, and stops the import then."""

    def __init__(self, run: ImportRun) -> None:
        super().__init__(run.report.lines(), media_type=REPORT_MEDIA, headers={"x-accel-buffering": "no"})
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._run.stop()


async def received(request: Request, folder: Path) -> IO[bytes]:
    """The body, on the disk. Raises ClientGone, MalformedBody, StoreFull; its size is security.BodyLimits' matter."""
    source: IO[bytes] = await asyncio.to_thread(tempfile.TemporaryFile, dir=folder)
    try:
        chunks: list[bytes] = []
        num_bytes = num_waiting = 0
        is_complete = False
        while not is_complete:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            num_bytes += len(chunks[-1])
            num_waiting += len(chunks[-1])
            if is_complete or num_waiting >= MIB:
                if not has_room(folder, num_waiting):
                    raise StoreFull("the disk is full but for the room to delete in")
                await asyncio.to_thread(source.write, b"".join(chunks))
                chunks, num_waiting = [], 0
        if not num_bytes:
            raise MalformedBody("The request body is empty: it must be the file with the chats.", code="file_empty")
        if not await asyncio.to_thread(looks_readable, source):
            raise MalformedBody("The request body is neither JSON nor a ZIP.", code="file_unknown")
    except BaseException:
        source.close()
        raise
    return source


def config_columns(config: Config, limits: LimitSettings) -> Config:
    """A session's settings out of a file. Raises BadChat."""
    try:
        return validate(ConfigBody, config, limits).to_columns()
    except (InvalidRequest, UnsupportedParameter) as error:
        raise BadChat("malformed", field=f"config.{error.param}", detail=error.reason) from error
    except MalformedBody as error:
        raise BadChat("malformed", field="config", detail=error.reason) from error
