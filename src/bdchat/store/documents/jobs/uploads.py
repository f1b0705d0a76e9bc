"""Takes a file's bytes in, part by part. Any event loop's task; each part is a write of its own, which gives way to
others.

Whatever ends an upload, nobody ever sees half a file: until its last write it has no checksum. What a process that died
has left is discarded when it has grown by nothing for a while (reading_state.drop_uploads), and purged.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from functools import partial

from bdchat.store.db import Db
from bdchat.store.document_tables import Document
from bdchat.store.documents import documents
from bdchat.store.documents.documents import PART_BYTES
from bdchat.store.documents.jobs import purges
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database


async def upload(
    database: Database,
    user_id: str,
    name: str,
    chunks: AsyncIterable[bytes],
    *,
    media_type: str = "",
    most: int | None = None,
) -> tuple[Document, bool]:
    """(what has these bytes now, is it new): the same bytes twice are one file. `most`: files of an account.

    What `chunks` raises ends it; so do Conflict (too many files), QuotaExceeded and StoreUnavailable's kinds. Then
    nothing of it is kept."""
    document = await database.write(partial(_create, user_id=user_id, name=name, media_type=media_type, most=most))
    document_id = document.document_id
    is_kept = False
    try:
        digest, num_bytes, number = hashlib.sha256(), 0, 0
        async for part in _parts(chunks):
            work = partial(documents.append_part, document_id=document_id, user_id=user_id, number=number, data=part)
            await asyncio.to_thread(digest.update, part)
            await database.write_slice(work, num_bytes=len(part))
            num_bytes, number = num_bytes + len(part), number + 1
        finish = partial(
            documents.finish_upload,
            document_id=document_id,
            user_id=user_id,
            sha256=digest.hexdigest(),
            num_bytes=num_bytes,
        )
        found, is_kept = await database.write(finish)
        return found, is_kept
    finally:
        if not is_kept:
            await asyncio.shield(_discard(database, document_id, user_id))


async def _discard(database: Database, document_id: str, user_id: str) -> None:
    """What cannot be removed now (no database), housekeeping removes."""
    with contextlib.suppress(StoreError):
        await database.write(lambda db: documents.discard(db, document_id, user_id))
        await purges.purge_document(database, document_id, purges.is_discarded)


def _create(db: Db, *, user_id: str, name: str, media_type: str, most: int | None) -> Document:
    return documents.create(db, user_id, name, media_type, most=most)


async def _parts(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Of PART_BYTES each, but the last."""
    kept = bytearray()
    async for chunk in chunks:
        kept += chunk
        while len(kept) >= PART_BYTES:
            yield bytes(kept[:PART_BYTES])
            del kept[:PART_BYTES]
    if kept:
        yield bytes(kept)
