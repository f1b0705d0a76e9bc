"""GET /api/export and /api/sessions/{id}/export: chats as files, streamed. Event loop; each chunk is one read of it."""

from collections import Counter
from collections.abc import AsyncGenerator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bdchat.api.auth.right_watch import rests_on_session
from bdchat.api.http.endpoints import JSON, Endpoint, declared, path_id, read_query
from bdchat.api.http.errors import TooManyAttempts
from bdchat.api.http.identity import require_user
from bdchat.api.schemas.transfer import ExportQuery, WholeExportQuery
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.accounts.zoned_days import today
from bdchat.store.sql.database import Database
from bdchat.store.transfer import attached_files, document
from bdchat.store.transfer.exporting import Export
from bdchat.store.transfer.rendering import MEDIA, SUFFIXES, Format, safe_name

ZIP = "application/zip"
MAX_AT_ONCE = 4  # of one account: each holds a page of messages
RETRY_S = 10.0
PIECE_BYTES = 64 * 1024
FILES_SHARE = 90  # per cent of limits.import_bytes; the chats are the rest
SCHEMA_MEDIA = "application/schema+json"
_ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")


class Exports:
    def __init__(self, database: Database, limits: LimitSettings) -> None:
        self._database = database
        self._limits = limits
        self._running: Counter[str] = Counter()  # by user_id

    def routes(self) -> list[Route]:
        media = (JSON, "text/markdown", "application/x-ndjson")
        return declared(
            Endpoint(
                "GET",
                "/api/sessions/{session_id}/export",
                self.one,
                "A session as a file",
                query=ExportQuery,
                response={"type": "object"},
                response_media=media,
                description="bdchat: the whole tree. markdown, jsonl: the path that is shown.",
            ),
            Endpoint(
                "GET",
                "/api/export",
                self.all,
                "All your sessions as one file",
                query=WholeExportQuery,
                response={"type": "object"},
                response_media=(*media, ZIP),
                description="markdown comes as a ZIP with a file per session; bdchat with files=true as a ZIP with your"
                " documents beside it, as many bytes as an import takes.",
            ),
            Endpoint(
                "GET",
                "/api/export/schema",
                self.schema,
                "The JSON Schema of the bdchat format",
                response_media=(SCHEMA_MEDIA,),
            ),
        )

    async def one(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        rests_on_session(request, session_id)
        query = read_query(ExportQuery, request, self._limits)
        format_ = query.format
        export = Export(user_id, format_, session_id, zone=query.zone, language=query.language)
        first = await self._database.read(export.step)
        name = f"{safe_name(export.title)}{SUFFIXES[format_]}"
        return self._reply(request, user_id, export, first=first, name=name, media_type=MEDIA[format_])

    async def all(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        query = read_query(WholeExportQuery, request, self._limits)
        format_ = query.format
        if query.files:
            await self._check_files(user_id, format_)
        export = Export(user_id, format_, zone=query.zone, language=query.language, with_files=query.files)
        first = await self._database.read(export.step)
        is_zip = format_ == "markdown" or query.files
        name = f"bdchat {today(query.zone)}{'.zip' if is_zip else SUFFIXES[format_]}"
        media_type = ZIP if is_zip else MEDIA[format_]
        return self._reply(request, user_id, export, first=first, name=name, media_type=media_type)

    async def _check_files(self, user_id: str, format_: Format) -> None:
        """Raises InvalidRequest for what no import would take back."""
        if format_ != "bdchat":
            raise InvalidRequest("files", "Documents go out with format=bdchat only.")
        num_bytes = await self._database.read(lambda db: attached_files.bytes_of_all(db, user_id))
        most = self._limits.import_bytes * FILES_SHARE // 100
        if num_bytes > most:
            raise InvalidRequest(
                "files",
                f"Your documents are {num_bytes:,} bytes, and one export takes {most:,}: export without files, and"
                " download the documents one by one.",
            )

    async def schema(self, request: Request) -> Response:
        return Response(document.schema(), media_type=SCHEMA_MEDIA)

    def _reply(
        self, request: Request, user_id: str, export: Export, *, first: bytes, name: str, media_type: str
    ) -> Response:
        headers = {"content-disposition": attachment(name)}
        if request.method == "HEAD":
            return Response(headers=headers, media_type=media_type)
        if self._running[user_id] >= MAX_AT_ONCE:
            raise TooManyAttempts(RETRY_S)
        chunks = self._chunks(export, first)
        return ExportResponse(chunks, self._running, user_id, headers=headers, media_type=media_type)

    async def _chunks(self, export: Export, first: bytes) -> AsyncGenerator[bytes]:
        """In small pieces: what is written waits in the connection until it is taken."""
        chunk = first
        while chunk:
            for at in range(0, len(chunk), PIECE_BYTES):
                yield chunk[at : at + PIECE_BYTES]
            chunk = await self._database.read(export.step)


class ExportResponse(StreamingResponse):
    """Counts among the account's own while it runs."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes],
        running: Counter[str],
        user_id: str,
        *,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        super().__init__(chunks, headers=headers, media_type=media_type)
        self._running = running
        self._user_id = user_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._running[self._user_id] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._running[self._user_id] -= 1
            if not self._running[self._user_id]:
                del self._running[self._user_id]


def attachment(name: str) -> str:
    """RFC 6266: the name in UTF-8, and for old clients in ASCII."""
    stem, dot, suffix = name.rpartition(".")
    plain = "".join(char if char in _ASCII else "_" for char in stem).strip("_ .") or "chat"
    return f"attachment; filename=\"{plain}{dot}{suffix}\"; filename*=UTF-8''{quote(name, safe='')}"
