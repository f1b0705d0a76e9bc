"""/api/admin/storage and /api/admin/backups: stored bytes by table and account, shrinking the file, backups. Event loop
only; disks are looked at in threads.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bdchat.api.admin.backups import FOLDER, Backup, Backups
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.schemas.admin_storage import AccountView, BackupList, BackupView, Compacted, GuestView, Storage
from bdchat.engine.models.catalog import Catalog
from bdchat.settings import Settings
from bdchat.store.accounting import storage
from bdchat.store.accounts import audit
from bdchat.store.db import Db
from bdchat.store.errors import Conflict
from bdchat.store.sql.database import Database

NUM_ACCOUNTS = 20
CHUNK_BYTES = 1 << 20
BINARY = "application/octet-stream"


class AdminStorage:
    def __init__(
        self, settings: Settings, *, database: Database, authenticator: Authenticator, catalog: Catalog
    ) -> None:
        self._data_dir = settings.data_dir
        self._quota_bytes = settings.store.user_quota_bytes
        self._guest_quota_bytes = settings.store.guest_quota_bytes
        self._database = database
        self._authenticator = authenticator
        self._catalog = catalog
        self._backups = Backups(database.path, settings.data_dir)

    def routes(self) -> list[Route]:
        one = "/api/admin/backups/{name}"
        return declared(
            Endpoint(
                "GET", "/api/admin/storage", self.show, "What is kept, and its size", response=Storage, auth="admin"
            ),
            Endpoint(
                "POST",
                "/api/admin/storage/compact",
                self.compact,
                "Give free room inside SQLite's file back to the disk; others write in between",
                response=Compacted,
                auth="admin",
                errors=(409,),
            ),
            Endpoint(
                "GET", "/api/admin/backups", self.list, "Backups, the newest first", response=BackupList, auth="admin"
            ),
            Endpoint(
                "POST",
                "/api/admin/backups",
                self.make,
                "Copy the database into the data directory's folder of backups",
                response=BackupView,
                status=201,
                auth="admin",
                errors=(409,),
            ),
            Endpoint("GET", one, self.download, "Take a backup away", response_media=(BINARY,), auth="admin"),
            Endpoint("DELETE", one, self.delete, "Delete a backup", response=Nothing, auth="admin"),
        )

    async def show(self, request: Request) -> Response:
        require_admin(request)

        def read(db: Db) -> tuple[str, storage.DatabaseSize, storage.Kept]:
            return storage.version(db), storage.size(db), storage.kept(db, num_accounts=NUM_ACCOUNTS)

        version, size, kept = await self._database.read(read)
        folders = await asyncio.to_thread(self._folders)
        document = Storage(
            database_version=version,
            database_warning=storage.warning(version),
            database_bytes=size.num_bytes,
            database_free_bytes=size.num_free_bytes,
            num_rows=size.num_rows,
            quota_bytes=self._quota_bytes,
            largest_accounts=[self._account_view(account) for account in kept.largest_accounts],
            guest=GuestView(
                num_bytes=kept.guest_bytes,
                quota_bytes=self._guest_quota_bytes,
                num_completions=kept.num_guest_completions,
            ),
            charged_bytes=kept.charged_bytes,
            **folders,
        )
        return reply(document)

    def _folders(self) -> dict[str, Any]:
        """In a thread."""
        wal = Path(f"{self._database.path}-wal") if self._database.path is not None else None
        partial_bytes = self._catalog.partial_bytes()
        return {
            "wal_bytes": (wal.stat().st_size if wal.exists() else 0) if wal is not None else None,
            "model_bytes": storage.folder_bytes(self._catalog.models_dir) - partial_bytes,
            "partial_bytes": partial_bytes,
            "cache_bytes": storage.folder_bytes(self._data_dir / "cache"),
            "backup_bytes": storage.folder_bytes(self._data_dir / FOLDER),
            "free_disk_bytes": shutil.disk_usage(self._data_dir).free,
        }

    def _account_view(self, account: storage.AccountSize) -> AccountView:
        quota_bytes = self._quota_bytes if account.quota_bytes is None else account.quota_bytes
        return AccountView(
            user_id=account.user_id,
            username=account.username,
            num_messages=account.num_messages,
            num_bytes=account.num_bytes,
            quota_bytes=quota_bytes,
        )

    async def compact(self, request: Request) -> Response:
        require_admin(request)
        if self._database.path is None:
            raise Conflict("The database is PostgreSQL's: it gives room back by itself.", code="postgres_room")
        before = (await self._database.read(storage.size)).num_bytes
        num_free = await self._database.write(storage.shrink)
        while num_free and (left := await self._database.write(storage.shrink)) < num_free:
            num_free = left
        after = (await self._database.read(storage.size)).num_bytes
        await self._record(request, "storage.compact", "")
        return reply(Compacted(num_bytes_given_back=max(0, before - after)))

    # --- backups ------------------------------------------------------------------------------------------------------

    async def list(self, request: Request) -> Response:
        require_admin(request)
        found = await asyncio.to_thread(self._backups.list)
        return reply(BackupList(data=[_backup_view(backup) for backup in found]))

    async def make(self, request: Request) -> Response:
        """Recorded before it is made, so that the copy knows of itself."""
        require_admin(request)
        await self._record(request, "backup.create", "")
        return reply(_backup_view(await asyncio.to_thread(self._backups.make)), status=201)

    async def download(self, request: Request) -> Response:
        """It holds everybody's chats: who takes it away is recorded."""
        require_admin(request)
        backup = await asyncio.to_thread(self._backups.get, path_id(request, "name"))
        await self._record(request, "backup.download", backup.name)
        headers = {
            "content-disposition": f'attachment; filename="{backup.name}"',
            "content-length": str(backup.num_bytes),
        }
        return StreamingResponse(_pieces(backup.path), media_type=BINARY, headers=headers)

    async def delete(self, request: Request) -> Response:
        require_admin(request)
        name = path_id(request, "name")
        await asyncio.to_thread(self._backups.delete, name)
        await self._record(request, "backup.delete", name)
        return reply(Nothing())

    async def _record(self, request: Request, action: str, target: str) -> None:
        admin = require_admin(request)
        address = self._authenticator.peer(request.scope).address

        def record(db: Db) -> None:
            audit.record(db, admin, action, target, ip=address)

        await self._database.write(record)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield piece


def _backup_view(backup: Backup) -> BackupView:
    return BackupView(name=backup.name, num_bytes=backup.num_bytes, made_at_ms=backup.made_at_ms)
