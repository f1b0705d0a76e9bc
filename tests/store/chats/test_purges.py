"""Laws of what goes for good: bytes bound a slice; others write in between; what is wanted back stays."""

import pytest
from sqlmodel import Session, SQLModel, select

from bdchat.store import tables
from bdchat.store.accounting import books
from bdchat.store.chats import purges, sessions
from bdchat.store.search.indexing import Indexer
from bdchat.store.sql.database import Database
from bdchat.store.sql.write_queue import MAX_SLICE_BYTES
from bdchat.store.tables import ChatSession, Generation, GenerationEvent, Message, SearchEntry
from tests.store.chat_rows import make_user, say, talk
from tests.store.slicing import Watched

pytestmark = pytest.mark.anyio
SIZES = (10, 90_000, 10, 2_000_000, 10, 300_000, 130_000, 130_000, 10)


async def rows_of(database: Database, kind: type[SQLModel]) -> int:
    return len(await database.read(lambda db: list(db.exec(select(kind)))))


async def deleted_chat(database: Database) -> str:
    """Of messages of any size, with an answer's log, in the trash."""

    def fill(db: Session) -> str:
        user_id = make_user(db)
        session_id, ids = talk(db, user_id, *("환불 " + "x" * size for size in SIZES))
        session = sessions.get_owned(db, user_id, session_id)
        for number in range(3):
            generation = Generation(
                generation_id=f"g{number}",
                session_id=session_id,
                message_id=ids[1],
                user_id=user_id,
                request=b"r" * 200_000,
                created_at_ms=1,
            )
            db.add(generation)
        db.flush()
        db.add_all(
            GenerationEvent(generation_id="g1", seq=seq, kind="deltas", data={"text": "y" * 10_000})
            for seq in range(1, 60)
        )
        say(db, session, "beside", under=None)
        sessions.delete(db, session)
        return session_id

    session_id = await database.write(fill)
    await Indexer(database).index_all()
    return session_id


def is_deleted(session: ChatSession) -> bool:
    return session.deleted_at_ms is not None


async def test_rows_of_any_size_go_within_the_bound_of_a_slice(database: Database) -> None:
    """200 rows at once were up to 1.6 GB, overwritten page by page while everybody waited."""
    session_id = await deleted_chat(database)
    watched = Watched(database)
    assert await purges.purge_chat(watched, session_id, is_deleted)  # type: ignore[arg-type]
    alone = sorted(size for size in watched.slice_bytes if size > MAX_SLICE_BYTES)
    assert [size // 100_000 for size in alone] == [3, 20]  # the messages that are larger by themselves
    assert sum(watched.slice_bytes) > sum(SIZES) + 600_000 + 590_000
    for kind in (ChatSession, Message, SearchEntry, Generation, GenerationEvent, tables.ServerState):
        assert await rows_of(database, kind) == 0, kind
    if database.dialect == "sqlite":
        check = "INSERT INTO search_index(search_index) VALUES ('integrity-check')"
        await database.write(lambda db: db.connection().exec_driver_sql(check))


async def test_anothers_write_comes_between_any_two_slices(database: Database) -> None:
    session_id = await deleted_chat(database)

    async def write() -> None:
        await database.write(lambda db: make_user(db, f"u{watched.num_slices}"))

    watched = Watched(database, between=write)
    await purges.purge_chat(watched, session_id, is_deleted)  # type: ignore[arg-type]
    assert await rows_of(database, tables.User) == 1 + watched.num_slices > 10


async def test_a_chat_that_is_brought_back_meanwhile_stays(database: Database) -> None:
    session_id = await deleted_chat(database)

    async def restore() -> None:
        if watched.num_slices == 2:
            await database.write(lambda db: sessions.restore(db, db.get_one(ChatSession, session_id)))

    watched = Watched(database, between=restore)
    assert not await purges.purge_chat(watched, session_id, is_deleted)  # type: ignore[arg-type]
    assert await rows_of(database, ChatSession) == 1
    assert await rows_of(database, Message) == len(SIZES) + 1


async def test_children_go_before_their_parents_in_whatever_order_they_were_named(database: Database) -> None:
    def fill(db: Session) -> str:
        user_id = make_user(db)
        session_id, _ = talk(db, user_id)
        names = [f"{99 - number:02}" for number in range(50)]
        for number, name in enumerate(names):
            db.add(
                Message(
                    message_id=name,
                    session_id=session_id,
                    parent_id=names[number - 1] if number else None,
                    role="user",
                    content="x" * 20_000,
                    created_at_ms=1,
                )
            )
            db.flush()
        return session_id

    session_id = await database.write(fill)
    assert await purges.purge_chat(database, session_id, lambda _: True)
    assert await rows_of(database, Message) == 0


async def test_a_slice_counts_what_the_books_count(database: Database) -> None:
    session_id = await deleted_chat(database)
    watched = Watched(database)
    before = await database.read(lambda db: sum(books.recount(db.connection()).values()))
    await purges.purge_chat(watched, session_id, is_deleted)  # type: ignore[arg-type]
    after = await database.read(lambda db: sum(books.recount(db.connection()).values()))
    assert before - after <= sum(watched.slice_bytes) + 2 * books.ROW_BYTES  # the chat's own row
