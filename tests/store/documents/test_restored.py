"""A backup holds files and all that was read of them; what is made after its restoration has numbers of its own. And a
process that is killed while it writes leaves nothing half."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, func, select

from bdchat.settings import StoreSettings
from bdchat.store.document_tables import Document, DocumentPage, DocumentPart, MessageSource, Passage
from bdchat.store.documents import documents, reading_state, sources, vector_rows
from bdchat.store.documents.jobs import purges
from bdchat.store.ids import now_ms
from bdchat.store.sql.backup import back_up, restore
from bdchat.store.sql.database import FILE_NAME, Database
from tests.store.chat_rows import make_user, talk
from tests.store.document_rows import SERVER, put_file, read_file, take

pytestmark = pytest.mark.anyio
KILLS = 4
DATA = bytes(range(256)) * 20_000  # five parts


def newest(db: Session) -> int:
    return int(db.exec(select(func.max(Passage.passage_id))).one() or 0)


def killed_after(num_steps: int, folder: Path) -> None:
    """So many steps that the process tells; then it is in the middle of one."""
    environment = {**os.environ, "PYTHONPATH": "."}
    command = [sys.executable, "-c", _WORKER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout is not None
        for _ in range(num_steps):
            assert worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)


async def test_a_backup_holds_files_pages_and_vectors(tmp_path: Path) -> None:
    folder, kept = tmp_path / "data", tmp_path / "kept.db"
    async with Database(StoreSettings(), folder) as database:
        user_id = await database.write(make_user)
        document = await read_file(database, user_id, "하나", "둘")
        some = await database.read(lambda db: vector_rows.missing(db, "a", 1))
        await database.write(lambda db: vector_rows.put(db, "a", [(some[0].passage_id, b"1234")]))
        _, (asked, _) = await database.write(lambda db: talk(db, user_id, "q", "a [1]"))
        told: dict[str, Any] = {"document_id": document.document_id, "document_name": "a", "text": "told", "page": 1}
        row = MessageSource(message_id="", number=1, start=0, end=4, **told)
        await database.write(lambda db: sources.put(db, asked, [row]))
        back_up(folder / FILE_NAME, kept)
        await read_file(database, user_id, "셋", name="after the backup")
        after = await database.read(newest)
    restore(kept, folder)
    async with Database(StoreSettings(), folder) as database:
        (only,) = await database.read(lambda db: list(db.exec(select(Document))))
        assert (only.name, only.num_passages, only.status) == ("a.txt", 2, "ready")
        parts = [part async for part in documents.open_parts(database, only.document_id)]
        assert b"".join(parts) == "하나\f둘".encode()
        assert [row.text for row in await database.read(lambda db: sources.of_message(db, asked))] == ["told"]
        assert len(await database.read(lambda db: vector_rows.all_of(db, "a", 0, 9))) == 1
        assert [each.text for each in await database.read(lambda db: vector_rows.missing(db, "a", 9))] == ["둘"]
        await read_file(database, user_id, "넷")
        assert await database.read(newest) > after + 1_000_000  # the index may still know the former ones


async def test_a_kill_at_any_moment_leaves_no_half_and_nothing_twice(tmp_path: Path) -> None:
    """Uploads and reads on in a loop, in a process that is killed; each start goes on where it was."""
    for number in range(KILLS):
        killed_after(1 + 5 * number % 23, tmp_path)
    async with Database(StoreSettings(), tmp_path) as database:
        await database.write(lambda db: reading_state.drop_uploads(db, before_ms=now_ms() + 1))
        await purges.purge_overdue(database, deleted_before_ms=1)
        await database.write(lambda db: reading_state.release(db, None))
        rows = await database.read(lambda db: list(db.exec(select(Document))))
        assert rows
        assert len({row.sha256 for row in rows}) == len(rows)
        for row in rows:
            assert row.status in {"waiting", "ready"}
            parts = [part async for part in documents.open_parts(database, row.document_id)]
            assert b"".join(parts)[:-4] == DATA
            for kind, most in ((DocumentPage, 5), (Passage, 10)):
                count = select(func.count()).select_from(kind).where(kind.document_id == row.document_id)
                found = await database.read(lambda db, count=count: db.exec(count).one())  # type: ignore[misc]
                assert found == most if row.status == "ready" else found == most // 5 * row.num_pages_read
        num_parts = await database.read(lambda db: db.exec(select(func.count()).select_from(DocumentPart)).one())
        assert num_parts == 5 * len(rows)
        user_id = rows[0].user_id
        assert (await put_file(database, user_id, DATA + b"last")).status == "waiting"
        assert await database.write(lambda db: take(db, SERVER)) is not None


_WORKER = """
import asyncio, sys
from pathlib import Path
from sqlmodel import func, select
from bdchat.settings import StoreSettings
from bdchat.store.document_tables import Document
from bdchat.store.documents import pages, reading_state
from bdchat.store.sql.database import Database
from bdchat.store.tables import User
from tests.store.chat_rows import make_user
from tests.store.document_rows import SERVER, page_of, put_file, take

DATA = bytes(range(256)) * 20_000

def user_of(db):
    found = db.exec(select(User.user_id)).first()
    return found or make_user(db)

async def main():
    async with Database(StoreSettings(), Path(sys.argv[1])) as database:
        user_id = await database.write(user_of)
        await database.write(lambda db: reading_state.release(db, None))
        number = await database.read(lambda db: db.exec(select(func.count()).select_from(Document)).one())
        while True:
            await put_file(database, user_id, DATA + number.to_bytes(4, "big"))
            print("put", flush=True)
            taken = await database.write(take)
            for page in range(taken.num_pages_read + 1, 6):
                await pages.put(database, taken.document_id, SERVER, *page_of(page, f"word{number}", "둘째 문단"))
                print("page", flush=True)
            end = lambda db: reading_state.finished(db, taken.document_id, SERVER, num_pages=5, notes={})
            await database.write(end)
            number += 1

asyncio.run(main())
"""
