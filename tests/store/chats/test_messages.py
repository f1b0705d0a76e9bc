"""The tree of a chat: appending, its path, its branches."""

import itertools
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bdchat.store.chats import messages, sessions
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import SPENT, ChatSession, Generation, Message, MessageMetadata
from tests.store.chat_rows import make_user, say, talk

pytestmark = pytest.mark.anyio


async def begin(database: Database, *contents: str) -> tuple[str, str, list[str]]:
    """(user_id, session_id, message_ids)"""
    user_id = await database.write(make_user)
    session_id, ids = await database.write(lambda db: talk(db, user_id, *contents))
    return user_id, session_id, ids


async def append(database: Database, session_id: str, content: str, under: str | None, **more: str) -> Message:
    def work(db: Session) -> Message:
        session = db.get(ChatSession, session_id)
        assert session is not None
        return say(db, session, content, under=under, client_id=more.get("client_id"))

    return await database.write(work)


async def session_of(database: Database, session_id: str) -> ChatSession:
    found = await database.read(lambda db: db.get(ChatSession, session_id))
    assert found is not None
    return found


async def shown(database: Database, session_id: str, *, limit: int = 30, before: str | None = None) -> list[str]:
    session = await session_of(database, session_id)
    entries = await database.read(
        lambda db: messages.path(db, session_id, session.head_message_id, limit=limit, before=before)
    )
    return [str(entry.content) for entry in entries]


async def test_a_message_becomes_the_head_and_is_counted(database: Database) -> None:
    _, session_id, ids = await begin(database, "one", "two", "three")
    session = await session_of(database, session_id)
    assert (session.head_message_id, session.num_messages) == (ids[2], 3)
    assert session.updated_at_ms >= session.created_at_ms
    assert await shown(database, session_id) == ["one", "two", "three"]


async def test_the_same_client_message_id_twice_is_one_message(database: Database) -> None:
    _, session_id, ids = await begin(database, "one")
    first = await append(database, session_id, "again", ids[0], client_id="c1")
    second = await append(database, session_id, "something else", None, client_id="c1")
    assert (second.message_id, second.content) == (first.message_id, "again")
    session = await session_of(database, session_id)
    assert (session.num_messages, session.head_message_id) == (2, first.message_id)
    found = await database.read(lambda db: messages.find_sent(db, session_id, "c1"))
    assert found is not None
    assert found.message_id == first.message_id


async def test_two_processes_that_append_the_same_message_make_one(database: Database) -> None:
    """Two transactions of PostgreSQL at once: the second waits for the first, then sees it."""
    if database.dialect != "postgresql":
        pytest.skip("SQLite has one writer in one process")
    import threading

    assert database._open is not None
    engine = database._open.writer
    _, session_id, ids = await begin(database, "one")
    found: list[str] = []
    gate = threading.Barrier(2)

    def race() -> None:
        with Session(engine) as db:
            session = db.get(ChatSession, session_id)
            assert session is not None
            gate.wait()
            message = say(db, session, "raced", under=ids[0], client_id="race")
            found.append(message.message_id)
            db.commit()

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert (await session_of(database, session_id)).num_messages == 2


async def test_a_parent_of_another_session_is_not_found(database: Database) -> None:
    user_id, _, ids = await begin(database, "one")
    other_id, _ = await database.write(lambda db: talk(db, user_id))
    with pytest.raises(NotFound):
        await append(database, other_id, "strange", ids[0])
    assert (await session_of(database, other_id)).num_messages == 0


async def test_what_no_database_can_keep_is_replaced(database: Database) -> None:
    _, session_id, _ = await begin(database)
    assert (await append(database, session_id, "a\x00b", None)).content == "a\ufffdb"


async def test_the_path_is_read_from_its_end_in_pages(database: Database) -> None:
    _, session_id, ids = await begin(database, *"abcdefg")
    assert await shown(database, session_id, limit=3) == ["e", "f", "g"]
    assert await shown(database, session_id, limit=3, before=ids[4]) == ["b", "c", "d"]
    assert await shown(database, session_id, limit=3, before=ids[1]) == ["a"]
    assert await shown(database, session_id, limit=3, before=ids[0]) == []


async def test_a_page_costs_two_queries_whatever_its_length(database: Database) -> None:
    _, session_id, ids = await begin(database, *"abcdefghij")
    nothing = await _num_statements(database, lambda _: None)
    for limit in (1, 10):
        cost = await _num_statements(database, lambda db, n=limit: messages.path(db, session_id, ids[-1], limit=n))
        assert cost - nothing <= 2
    cost = await _num_statements(database, lambda db: messages.ancestors(db, ids[-1]))
    assert cost - nothing <= 1


async def test_a_branch_point_says_how_much_is_elsewhere(database: Database) -> None:
    _, session_id, ids = await begin(database, *"abcde")
    other = await append(database, session_id, "b2", ids[0])
    await append(database, session_id, "b3", ids[0])

    def read(db: Session) -> list[int]:
        return [entry.num_elsewhere for entry in messages.path(db, session_id, other.message_id, limit=9)]

    assert await database.read(read) == [0, 4 + 1]  # b to e, and b3
    nothing = await _num_statements(database, lambda _: None)
    cost = await _num_statements(database, lambda db: messages.path(db, session_id, ids[-1], limit=9))
    assert cost - nothing <= 3


async def test_an_answer_that_broke_off_says_why_its_last_run_ended(database: Database) -> None:
    user_id, session_id, ids = await begin(database, "one", "two")

    def fail(db: Session) -> None:
        answer = messages.get(db, ids[1])
        answer.status = "failed"
        for number, code in enumerate(("engine_unavailable", "queue_full")):
            run = Generation(
                generation_id=f"g{number}", message_id=ids[1], user_id=user_id, request=b"", created_at_ms=number
            )
            run.state, run.error = "failed", {"error": {"code": code, "message": "No."}, "status": 503}
            db.add(run)

    await database.write(fail)
    path = await database.read(lambda db: messages.path(db, session_id, ids[1], limit=9))
    assert [entry.error for entry in path] == [{}, {"code": "queue_full", "message": "No."}]


async def _num_statements(database: Database, work: object) -> int:
    def reading(db: Session) -> None:
        db.connection()  # its BEGIN is a statement too
        work(db)  # type: ignore[operator]

    before = database.num_statements
    await database.read(reading)
    return database.num_statements - before


async def test_a_path_is_of_its_own_session_only(database: Database) -> None:
    user_id, session_id, ids = await begin(database, "mine")
    other_id, others = await database.write(lambda db: talk(db, user_id, "other", "more"))
    assert await database.read(lambda db: messages.path(db, other_id, ids[0], limit=9)) == []
    assert await database.read(lambda db: messages.path(db, session_id, ids[0], limit=9, before=others[1])) == []


async def test_siblings_are_told_in_order_with_what_is_beside_a_message(database: Database) -> None:
    _, session_id, ids = await begin(database, "one", "two")
    again = await append(database, session_id, "two again", ids[0])
    root = await append(database, session_id, "another root", None)

    def finish(db: Session) -> None:
        messages.finish_answer(
            db,
            ids[1],
            content="two!",
            status="complete",
            finish_reason="stop",
            token_count=2,
            processing_time_ms=10,
            metadata=MessageMetadata(message_id="", model="m"),
        )

    await database.write(finish)
    first, second = await database.read(lambda db: messages.path(db, session_id, ids[1], limit=9))
    assert first.sibling_ids == (ids[0], root.message_id)
    assert second.sibling_ids == (ids[1], again.message_id)
    assert (second.content, second.message.token_count) == ("two!", 2)
    assert second.metadata is not None
    assert second.metadata.model == "m"
    assert await database.read(lambda db: messages.siblings(db, messages.get(db, again.message_id))) == [
        ids[1],
        again.message_id,
    ]


async def test_finishing_again_replaces_what_was_said_of_the_answer(database: Database) -> None:
    _, session_id, ids = await begin(database, "one", "two")
    for number in (1, 2):
        await database.write(
            lambda db, n=number: messages.finish_answer(  # type: ignore[misc]
                db,
                ids[1],
                content="x" * n,
                status="complete",
                finish_reason="length",
                token_count=n,
                processing_time_ms=n,
                metadata=MessageMetadata(message_id="", model="m", completion_tokens=n, extra={SPENT: {"saved_ms": n}}),
            )
        )
    entries = await database.read(lambda db: messages.path(db, session_id, ids[1], limit=1))
    assert entries[0].content == "xx"
    assert entries[0].metadata is not None
    assert entries[0].metadata.completion_tokens == 2
    assert entries[0].spent == {"saved_ms": 2}


async def test_switching_branches_goes_to_the_newest_leaf(database: Database) -> None:
    _, session_id, ids = await begin(database, "one", "two", "three")
    branch = await append(database, session_id, "two b", ids[0])
    leaf = await append(database, session_id, "three b", branch.message_id)
    await append(database, session_id, "two c", ids[0])

    async def switch(message_id: str) -> list[str]:
        def work(db: Session) -> None:
            session = db.get(ChatSession, session_id)
            assert session is not None
            messages.set_head(db, session, message_id)

        await database.write(work)
        return await shown(database, session_id)

    assert await switch(branch.message_id) == ["one", "two b", "three b"]
    assert await switch(ids[1]) == ["one", "two", "three"]
    assert await switch(leaf.message_id) == ["one", "two b", "three b"]
    assert await switch(ids[0]) == ["one", "two c"]
    with pytest.raises(NotFound):
        await switch("nowhere")


async def test_ancestors_are_the_path_from_the_root(database: Database) -> None:
    _, _, ids = await begin(database, *"abcd")
    found = await database.read(lambda db: messages.ancestors(db, ids[2]))
    assert [message.content for message in found] == ["a", "b", "c"]
    last = await database.read(lambda db: messages.ancestors(db, ids[2], limit=2))
    assert [message.content for message in last] == ["b", "c"]
    assert await database.read(lambda db: messages.ancestors(db, "nowhere")) == []


async def test_a_chat_of_three_thousand_turns_is_read_and_purged(database: Database) -> None:
    """SQLite follows a chain of cascades only 1,000 deep."""
    user_id, session_id, ids = await begin(database, "first")
    ids += [f"{number:032}" for number in range(3000)]

    def add(db: Session) -> None:
        for parent_id, message_id in itertools.pairwise(ids):
            place: dict[str, Any] = {"message_id": message_id, "session_id": session_id, "parent_id": parent_id}
            db.add(Message(**place, created_at_ms=1, role="user", content="x"))

    await database.write(add)
    assert len(await database.read(lambda db: messages.ancestors(db, ids[-1]))) == 3001
    await database.write(lambda db: sessions.purge(db, sessions.get_owned(db, user_id, session_id)))
    left = select(Message).where(col(Message.session_id) == session_id)
    assert await database.read(lambda db: db.exec(left).first()) is None
