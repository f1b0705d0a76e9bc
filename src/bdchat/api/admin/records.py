"""/api/admin/usage and /api/admin/audit: usage and audit log of all accounts. Event loop only.

As JSON by pages, and whole as files: usage.csv for a spreadsheet, audit.jsonl for an archive. Reading changes nothing;
taking the audit log away is itself recorded.
"""

import csv
import io
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bdchat.api.accounts.profile import usage_days
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.http.endpoints import Endpoint, declared, read_query, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.schemas.accounts import UsageSums
from bdchat.api.schemas.admin_records import (
    AllUsage,
    AllUsageQuery,
    AllUsageRow,
    AuditFilters,
    AuditPage,
    AuditQuery,
    to_audit_view,
)
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.accounts import audit, oversight, usage
from bdchat.store.accounts.oversight import AuditFilter
from bdchat.store.accounts.usage import COUNTS
from bdchat.store.db import Db
from bdchat.store.sql.database import Database
from bdchat.store.tables import AuditEntry

MAX_ROWS = 12_000  # about 4 MiB
EXPORT_BATCH = 500
CSV = "text/csv; charset=utf-8"
JSONL = "application/jsonl"
NAMES = ("day", "user_id", "username", "model")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins with one


class AdminRecords:
    def __init__(self, limits: LimitSettings, database: Database, authenticator: Authenticator) -> None:
        self._limits = limits
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/admin/usage",
                self.usage,
                "What was spent, by day, user and model",
                query=AllUsageQuery,
                response=AllUsage,
                auth="admin",
            ),
            Endpoint(
                "GET",
                "/api/admin/usage.csv",
                self.usage_csv,
                "The same for a spreadsheet",
                query=AllUsageQuery,
                response_media=(CSV,),
                auth="admin",
            ),
            Endpoint(
                "GET",
                "/api/admin/audit",
                self.audit,
                "Who did what, the newest first",
                query=AuditQuery,
                response=AuditPage,
                auth="admin",
            ),
            Endpoint(
                "GET",
                "/api/admin/audit.jsonl",
                self.audit_jsonl,
                "All of it, one entry a line, the newest first",
                query=AuditFilters,
                response_media=(JSONL,),
                auth="admin",
            ),
        )

    # --- usage --------------------------------------------------------------------------------------------------------

    async def usage(self, request: Request) -> Response:
        require_admin(request)
        return reply(await self._usage(request))

    async def usage_csv(self, request: Request) -> Response:
        require_admin(request)
        report = await self._usage(request)
        headers = {"content-disposition": f'attachment; filename="usage-{report.first_day}-{report.last_day}.csv"'}
        return Response(_as_csv(report.data), headers=headers, media_type=CSV)

    async def _usage(self, request: Request) -> AllUsage:
        query = read_query(AllUsageQuery, request, self._limits)
        days = usage_days(query)
        rows = await self._database.read(
            lambda db: usage.sums(
                db,
                days,
                by=query.dimensions,
                limit=MAX_ROWS + 1,
                user_id=query.user_id,
                model=query.model,
            )
        )
        if len(rows) > MAX_ROWS:
            raise InvalidRequest("from", f"asks for more than {MAX_ROWS} rows; ask for fewer days.")
        shown = [
            AllUsageRow(day=row.day, user_id=row.user_id, username=row.username, model=row.model, **row.counts)
            for row in rows
        ]
        total = UsageSums(**{name: sum(row.counts[name] for row in rows) for name in COUNTS})
        return AllUsage(first_day=days.first, last_day=days.last, time_zone=query.time_zone, data=shown, total=total)

    # --- audit --------------------------------------------------------------------------------------------------------

    async def audit(self, request: Request) -> Response:
        require_admin(request)
        query = read_query(AuditQuery, request, self._limits)
        filters = _filters(query)

        def read(db: Db) -> tuple[list[AuditEntry], dict[str, str]]:
            found = oversight.audit(db, filters, limit=query.limit + 1, before=query.cursor)
            return found, oversight.names_in(db, found[: query.limit])

        found, names = await self._database.read(read)
        shown = [to_audit_view(entry) for entry in found[: query.limit]]
        next_cursor = shown[-1].entry_id if len(found) > query.limit else None
        return reply(AuditPage(data=shown, names=names, next_cursor=next_cursor))

    async def audit_jsonl(self, request: Request) -> Response:
        admin = require_admin(request)
        filters = _filters(read_query(AuditFilters, request, self._limits))
        peer = self._authenticator.peer(request.scope)

        def record(db: Db) -> None:
            audit.record(db, admin, "audit.export", ip=peer.address)

        await self._database.write(record)
        headers = {"content-disposition": 'attachment; filename="audit.jsonl"'}
        return StreamingResponse(self._lines(filters), media_type=JSONL, headers=headers)

    async def _lines(self, filters: AuditFilter) -> AsyncIterator[bytes]:
        """Some at a time, however long the log is."""
        before: str | None = None
        while True:
            page = await self._database.read(
                lambda db, before=before: oversight.audit(db, filters, limit=EXPORT_BATCH, before=before)  # type: ignore[misc]
            )
            if page:
                yield b"".join(to_audit_view(entry).model_dump_json().encode() + b"\n" for entry in page)
            if len(page) < EXPORT_BATCH:
                return
            before = page[-1].entry_id


def _filters(query: AuditFilters) -> AuditFilter:
    return AuditFilter(query.action, query.actor, query.since_ms, query.until_ms)


def _as_csv(rows: Sequence[AllUsageRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*NAMES, *COUNTS))
    for row in rows:
        names = (_harmless(getattr(row, name) or "") for name in NAMES)
        writer.writerow((*names, *(getattr(row, count) for count in COUNTS)))
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell
