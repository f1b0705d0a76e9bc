"""Laws of long texts: the writer never reads them for search, and no end of the process loses one."""

import tracemalloc
from pathlib import Path

import pytest
from sqlmodel import Session, func, select

from bdchat.settings import StoreSettings
from bdchat.store.accounting.books import MAX_TERM_BYTES
from bdchat.store.chats import messages, sessions
from bdchat.store.search import index as search
from bdchat.store.search.indexing import Indexer
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import find
from bdchat.store.sql.database import Database
from bdchat.store.tables import Message, SearchEntry, ServerState
from tests.store.chat_rows import make_user, say, talk

pytestmark = pytest.mark.anyio
LONG = "낱말 and words " * 2000


async def long_chat(database: Database) -> tuple[str, str, str]:
    def fill(db: Session) -> tuple[str, str, str]:
        user_id = make_user(db)
        session_id, ids = talk(db, user_id, f"환불 {LONG}")
        return user_id, session_id, ids[0]

    return await database.write(fill)


async def num_found(database: Database, user_id: str, typed: str) -> int:
    return len((await database.read(lambda db: find(db, user_id, typed, SearchFilter(), limit=9))).hits)


async def num_notes(database: Database) -> int:
    return await database.read(lambda db: db.exec(select(func.count()).select_from(ServerState)).one())


async def test_a_long_text_is_not_indexed_where_it_is_written_and_found_after(database: Database) -> None:
    """Its terms were found inside the one writer: 0.9 s and 300 MB for a message of 8 MiB."""
    user_id, _, _ = await long_chat(database)
    assert (await num_found(database, user_id, "환불"), await num_notes(database)) == (0, 1)
    await Indexer(database).index_all()
    assert (await num_found(database, user_id, "환불"), await num_notes(database)) == (1, 0)


async def test_what_waited_when_the_process_ended_is_indexed_by_the_next(tmp_path: Path) -> None:
    async with Database(StoreSettings(), tmp_path) as database:
        user_id, _, _ = await long_chat(database)
    async with Database(StoreSettings(), tmp_path) as database:
        await Indexer(database).index_all()
        assert await num_found(database, user_id, "환불") == 1


async def test_a_text_that_was_completed_meanwhile_is_found_whole(database: Database) -> None:
    """Between reading the text and writing its entry the answer went on and ended."""
    user_id, _, message_id = await long_chat(database)

    def finish(db: Session) -> None:
        messages.finish_answer(
            db,
            message_id,
            content=f"환불 {LONG} 마지막",
            status="complete",
            finish_reason="stop",
            token_count=1,
            processing_time_ms=1,
        )

    class Late(Database):
        async def write_slice(self, work, *, num_bytes=0):  # type: ignore[no-untyped-def]
            if num_bytes and await num_notes(database) and not await self._was_finished():
                await database.write(finish)
            return await database.write_slice(work, num_bytes=num_bytes)

        async def read(self, work):  # type: ignore[no-untyped-def]
            return await database.read(work)

        async def _was_finished(self) -> bool:
            content = await database.read(lambda db: messages.get(db, message_id).content)
            return content.endswith("마지막")

    await Indexer(Late(StoreSettings(), Path())).index_all()
    assert await num_found(database, user_id, "마지막") == 1
    assert await num_notes(database) == 0


async def test_a_note_of_what_is_gone_goes(database: Database) -> None:
    user_id, session_id, _ = await long_chat(database)
    await database.write(lambda db: sessions.purge(db, sessions.get_owned(db, user_id, session_id)))
    await Indexer(database).index_all()
    assert await num_notes(database) == 0
    assert await database.read(lambda db: db.exec(select(func.count()).select_from(SearchEntry)).one()) == 0


async def test_an_answer_that_goes_on_is_left_to_its_end(database: Database) -> None:
    user_id, _, message_id = await long_chat(database)
    await database.write(lambda db: setattr(db.get_one(Message, message_id), "status", "running"))
    await Indexer(database).index_all()
    assert (await num_found(database, user_id, "환불"), await num_notes(database)) == (0, 0)


async def test_a_short_text_is_found_at_once(database: Database) -> None:
    user_id, session_id, _ = await long_chat(database)
    await database.write(lambda db: say(db, sessions.get_owned(db, user_id, session_id), "짧은 글", under=None))
    assert await num_found(database, user_id, "짧은") == 1


@pytest.mark.parametrize("text", ["낱말을 찾아서 and words ", "가나다라마바사아자차"])
def test_the_largest_message_takes_a_few_megabytes_of_terms(text: str) -> None:
    content = (text * 400_000)[: 8 * 1024 * 1024 // 3]
    tracemalloc.start()
    try:
        entry = search.entry("s", "m", "user", content, 1)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(entry["terms"].encode()) > MAX_TERM_BYTES - 20_000
    assert peak_bytes < 40_000_000
