"""On a full disk an upload is refused, leaves nothing, and what is there can still be deleted."""

from pathlib import Path

import pytest
from sqlmodel import func, select

from bdchat.settings import StoreSettings
from bdchat.store.document_tables import Document, DocumentPart
from bdchat.store.documents import documents
from bdchat.store.documents.jobs import purges
from bdchat.store.documents.jobs.uploads import upload
from bdchat.store.errors import StoreFull
from bdchat.store.sql.database import Database
from tests.small_disk import MIB, small_disk
from tests.store.chat_rows import make_user
from tests.store.document_rows import chunks_of, put_file

pytestmark = pytest.mark.anyio


async def test_an_upload_that_has_no_room_is_refused_and_a_purge_makes_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=32 * MIB) as disk:
        async with Database(StoreSettings(), disk) as database:
            user_id = await database.write(make_user)
            first = await put_file(database, user_id, b"1" * (6 * MIB))
            with pytest.raises(StoreFull):
                await upload(database, user_id, "too large", chunks_of(b"2" * (60 * MIB)))
            rows = await database.read(lambda db: list(db.exec(select(Document.document_id))))
            num_parts = await database.read(lambda db: db.exec(select(func.count()).select_from(DocumentPart)).one())
            assert (rows, num_parts) == ([first.document_id], 6)
            await database.write(lambda db: documents.delete(db, documents.get_owned(db, first.document_id, user_id)))
            assert await purges.purge_document(database, first.document_id, purges.is_deleted)
            assert (await put_file(database, user_id, b"3" * (6 * MIB))).status == "waiting"
