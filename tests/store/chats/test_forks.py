"""Laws of a fork that is written in slices: it is the source's copy, others write in between, and it is whole or not
there."""

from typing import Any

import pytest
from sqlalchemy import func, text
from sqlmodel import Session, SQLModel, select

from bdchat.store.accounting import storage
from bdchat.store.chats import configs, forks, messages, purges, sessions
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.search.indexing import Indexer
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import find
from bdchat.store.sql.database import Database
from bdchat.store.sql.write_queue import MAX_SLICE_BYTES
from bdchat.store.tables import ChatSession, Message, MessageMetadata, SearchEntry, SessionConfig
from tests.store.chat_rows import make_user, say, talk
from tests.store.slicing import Killed, Watched

pytestmark = pytest.mark.anyio
LARGE = "환불 정책을 보세요. " * 3000  # 80 kB


async def large_chat(database: Database, *, num_messages: int = 8) -> tuple[str, str]:
    """Of five slices or so, indexed; the user's id and its own."""

    def fill(db: Session) -> tuple[str, str]:
        user_id = make_user(db, new_id())
        session_id, ids = talk(db, user_id, *(f"number{n} {LARGE}" for n in range(num_messages)))
        session = sessions.get_owned(db, user_id, session_id)
        sessions.change(db, session, {"title": "원래"})
        configs.put(db, session_id, {"system_prompt": "짧게"})
        for message_id in ids[1::2]:
            metadata = MessageMetadata(message_id=message_id, model="m", model_params={"top_p": 0.5}, decode_ms=7)
            db.add(metadata)
        answer = messages.get(db, ids[3])
        answer.status, answer.finish_reason, answer.token_count = "stopped", "stop", 5
        return user_id, session_id

    found = await database.write(fill)
    await Indexer(database).index_all()
    return found


async def told(database: Database, session_id: str) -> list[dict[str, Any]]:
    """What it says, without its names."""

    def read(db: Session) -> list[dict[str, Any]]:
        leaf_id = db.exec(select(ChatSession.head_message_id).where(ChatSession.session_id == session_id)).one()
        rows = []
        for entry in messages.path(db, session_id, leaf_id, limit=100):
            row = entry.message.model_dump(exclude={"message_id", "session_id", "parent_id", "client_message_id"})
            metadata = entry.metadata.model_dump(exclude={"message_id"}) if entry.metadata is not None else None
            terms = db.exec(select(SearchEntry.terms).where(SearchEntry.message_id == entry.message.message_id)).one()
            rows.append({**row, "metadata": metadata, "terms": terms.split(" ", 2)[2]})
        return rows

    return await database.read(read)


async def counts(database: Database) -> dict[str, int]:
    kinds: tuple[type[SQLModel], ...] = (ChatSession, Message, MessageMetadata, SearchEntry, SessionConfig)

    def read(db: Session) -> dict[str, int]:
        return {kind.__name__: db.exec(select(func.count()).select_from(kind)).one() for kind in kinds}

    return await database.read(read)


async def seen(database: Database, user_id: str) -> dict[str, list[str]]:
    """Every list and search that could show a chat of the user's."""

    def read(db: Session) -> dict[str, list[str]]:
        lists = {
            f"{is_deleted}": [
                each.session.session_id
                for each in sessions.recent(db, user_id, sessions.SessionFilter(is_deleted=is_deleted), limit=50)
            ]
            for is_deleted in (False, True)
        }
        hits = [hit for typed in ("환불", "원래") for hit in find(db, user_id, typed, SearchFilter(), limit=50).hits]
        return {**lists, "found": [hit.session_id for hit in hits]}

    return await database.read(read)


async def test_a_fork_equals_its_source_message_for_message(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    watched = Watched(database)
    audience = await forks.fork(watched, user_id, session_id, None)  # type: ignore[arg-type]
    fork = audience[0][1].session
    assert watched.num_slices > 4
    assert await told(database, fork.session_id) == await told(database, session_id)
    assert (fork.title, fork.num_messages, fork.deleted_at_ms) == ("원래 (2)", 8, None)
    assert (await database.read(lambda db: configs.of(db, fork.session_id))).system_prompt == "짧게"
    hits = (await database.read(lambda db: find(db, user_id, "number3 환불", SearchFilter(), limit=9))).hits
    assert {hit.session_id for hit in hits} == {session_id, fork.session_id}


async def test_a_fork_is_told_from_its_source_by_its_name(database: Database) -> None:
    """The fork of a chat that had no title yet stayed without one for ever; two forks had one name."""
    user_id = await database.write(make_user)
    session_id, _ = await database.write(lambda db: talk(db, user_id, "여우는 무엇을 먹나요?", "쥐를 먹어요"))

    async def titles_of_fork(of: str) -> tuple[str, str, str]:
        fork = (await forks.fork(database, user_id, of, None))[0][1].session
        return fork.session_id, fork.title, fork.title_source

    fork_id, *named = await titles_of_fork(session_id)
    assert named == ["여우는 무엇을 먹나요? (2)", ""]
    assert (await titles_of_fork(session_id))[1:] == ("여우는 무엇을 먹나요? (3)", "")
    assert (await titles_of_fork(fork_id))[1:] == ("여우는 무엇을 먹나요? (4)", "")

    def rename(db: Session) -> None:
        sessions.change(db, sessions.get_owned(db, user_id, session_id), {"title": "50%_여우"})

    await database.write(rename)
    assert (await titles_of_fork(session_id))[1:] == ("50%_여우 (2)", "user")


async def test_no_slice_is_larger_than_its_bound_and_a_large_message_is_alone(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    watched = Watched(database)
    await forks.fork(watched, user_id, session_id, None)  # type: ignore[arg-type]
    one_bytes = max(watched.slice_bytes)
    assert one_bytes <= max(MAX_SLICE_BYTES, 4 * len(LARGE.encode()))


async def test_anothers_send_is_stored_between_any_two_slices(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    other_id = await database.write(lambda db: make_user(db, "bob"))
    others = await database.write(lambda db: sessions.create(db, other_id).session_id)

    async def send() -> None:
        await database.write(lambda db: say(db, sessions.get_writable(db, other_id, others), "hi", under=None))

    watched = Watched(database, between=send)
    await forks.fork(watched, user_id, session_id, None)  # type: ignore[arg-type]
    sent = await database.read(lambda db: sessions.see(db, other_id, others).session.num_messages)
    assert sent == watched.num_slices - 1 > 3  # the last is no slice: somebody waits for it


async def test_a_fork_that_is_cut_anywhere_is_not_seen_and_is_removed_at_the_next_start(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    before, seen_before = await counts(database), await seen(database, user_id)
    kept_before = await database.read(lambda db: storage.account_bytes(db, user_id))
    whole = Watched(database)
    audience = await forks.fork(whole, user_id, session_id, None)  # type: ignore[arg-type]
    fork_id = audience[0][1].session.session_id
    await database.write(lambda db: sessions.purge(db, sessions.get_owned(db, user_id, fork_id)))
    for num in range(whole.num_slices):
        with pytest.raises(Killed):
            await forks.fork(Watched(database, max_slices=num), user_id, session_id, None)  # type: ignore[arg-type]
        assert await seen(database, user_id) == seen_before
        assert await purges.purge_abandoned(database, touched_before_ms=now_ms() + 1) == min(num, 1)
        assert await counts(database) == before
    assert await database.read(lambda db: storage.account_bytes(db, user_id)) == kept_before


async def test_a_chat_that_is_being_written_can_be_neither_read_nor_restored_nor_changed(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    with pytest.raises(Killed):
        await forks.fork(Watched(database, max_slices=2), user_id, session_id, None)  # type: ignore[arg-type]
    staged = await database.read(lambda db: next(each for each in sessions.ids_of(db, user_id) if each != session_id))
    for is_deleted in (None, False, True):
        with pytest.raises(NotFound):
            await database.read(
                lambda db, is_deleted=is_deleted: sessions.get_owned(db, user_id, staged, is_deleted=is_deleted)  # type: ignore[misc]
            )
    changes = {"deleted_at_ms": None}
    assert await database.write(lambda db: sessions.change_many(db, user_id, [staged], changes, is_deleted=True)) == []


async def test_a_fork_whose_source_goes_leaves_nothing(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    num_before = 0

    async def delete_late() -> None:
        nonlocal num_before
        num_before += 1
        if num_before == 4:
            await database.write(lambda db: sessions.delete(db, sessions.get_owned(db, user_id, session_id)))

    before = await counts(database)
    with pytest.raises(NotFound):
        await forks.fork(Watched(database, between=delete_late), user_id, session_id, None)  # type: ignore[arg-type]
    assert await counts(database) == before


async def test_a_fork_whose_answer_goes_on_meanwhile_leaves_nothing(database: Database) -> None:
    user_id, session_id = await large_chat(database)
    path = await database.read(lambda db: messages.path(db, session_id, _head(db, session_id), limit=9))
    num_before = 0

    async def go_on() -> None:
        nonlocal num_before
        num_before += 1
        if num_before == 3:
            values = {"id": path[-1].message.message_id}
            await database.write(
                lambda db: db.execute(text("UPDATE message SET status = 'running' WHERE message_id = :id"), values)
            )

    before = await counts(database)
    with pytest.raises(Conflict) as refused:
        await forks.fork(Watched(database, between=go_on), user_id, session_id, None)  # type: ignore[arg-type]
    assert refused.value.code == "still_writing"
    assert await counts(database) == before


async def test_what_is_not_indexed_yet_is_found_in_the_fork_too(database: Database) -> None:
    def fill(db: Session) -> tuple[str, str]:
        user_id = make_user(db)
        return user_id, talk(db, user_id, LARGE)[0]

    user_id, session_id = await database.write(fill)
    audience = await forks.fork(database, user_id, session_id, None)
    await Indexer(database).index_all()
    hits = (await database.read(lambda db: find(db, user_id, "환불", SearchFilter(), limit=9))).hits
    assert {hit.session_id for hit in hits} == {session_id, audience[0][1].session.session_id}
    if database.dialect == "sqlite":
        check = "INSERT INTO search_index(search_index) VALUES ('integrity-check')"
        await database.write(lambda db: db.execute(text(check)))


def _head(db: Session, session_id: str) -> str | None:
    return db.exec(select(ChatSession.head_message_id).where(ChatSession.session_id == session_id)).one()
