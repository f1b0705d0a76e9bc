"""Stored answers in the store: their log, their leases, their list; on both databases."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from bdchat.store.chats import generation_rows, generations, purges
from bdchat.store.chats.generation_rows import GenerationFilter
from bdchat.store.chats.generations import Ending
from bdchat.store.errors import NotAllowed, NotFound
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation, SessionMember
from tests.store.chat_rows import make_user, talk

pytestmark = pytest.mark.anyio
LATER = 2**50


async def begin(database: Database, name: str, *, owner: str = "a", expires_at_ms: int = LATER, **more: Any) -> str:
    row = Generation(
        generation_id=name,
        request=b"",
        created_at_ms=now_ms(),
        lease_owner=owner,
        lease_expires_at_ms=expires_at_ms,
        **more,
    )
    await database.write(lambda db: generations.create(db, row, {"model": "m"}))
    return name


def delta(name: str, seq: int) -> dict[str, Any]:
    return {"generation_id": name, "seq": seq, "kind": "deltas", "data": {"first": seq, "deltas": [{"text": "x"}]}}


def ending(state: str = "complete") -> Ending:
    return Ending(state=state, content="x", tokens=b"\1\0\0\0", finish_reason="stop", last_seq=3)


async def seqs(database: Database, name: str, after: int = 0) -> list[int]:
    return [row.seq for row in await database.read(lambda db: generations.events_after(db, name, after))]


async def test_only_the_owner_writes_the_log_and_its_end(database: Database) -> None:
    mine, other = await begin(database, "g1"), await begin(database, "g2", owner="b")
    rows = [delta(mine, 2), delta(other, 2)]
    lost = await database.write(lambda db: generations.append_events(db, "a", rows))
    assert lost == {other}
    assert (await seqs(database, mine), await seqs(database, other)) == ([1, 2], [1])
    assert await database.write(lambda db: generations.finish(db, other, "a", ending())) is None
    ended = await database.write(lambda db: generations.finish(db, mine, "a", ending()))
    assert ended is not None
    assert (ended.state, ended.content, ended.last_seq) == ("complete", "x", 3)
    assert await database.write(lambda db: generations.append_events(db, "a", [delta(mine, 4)])) == {mine}
    assert await database.write(lambda db: generations.finish(db, mine, "a", ending("failed"))) is None


async def test_a_commit_that_is_made_again_changes_nothing(database: Database) -> None:
    """Its answer was lost on the way: who made it cannot know that it was."""
    name = await begin(database, "g")
    for _ in range(2):
        assert await database.write(lambda db: generations.append_events(db, "a", [delta(name, 2)])) == set()
    assert await seqs(database, name) == [1, 2]


async def test_events_are_read_after_a_number(database: Database) -> None:
    name = await begin(database, "g")
    await database.write(lambda db: generations.append_events(db, "a", [delta(name, n) for n in range(2, 6)]))
    assert await seqs(database, name, 3) == [4, 5]


async def test_events_of_long_ended_answers_are_forgotten_and_their_text_is_not(database: Database) -> None:
    ended, running = await begin(database, "g1"), await begin(database, "g2")
    await database.write(lambda db: generations.finish(db, ended, "a", ending()))
    assert await purges.purge_logs(database, finished_before_ms=0) == 0
    assert await purges.purge_logs(database, finished_before_ms=LATER) == 1
    assert await purges.purge_logs(database, finished_before_ms=LATER) == 0
    assert (await seqs(database, ended), await seqs(database, running)) == ([], [1])
    assert (await database.read(lambda db: generations.get(db, ended))).content == "x"


# --- leases -----------------------------------------------------------------------------------------------------------


async def abandoned(database: Database, before: int | None) -> list[Generation]:
    return await database.read(lambda db: generations.abandoned(db, expired_before_ms=before))


async def test_what_is_abandoned_is_running_and_its_lease_is_over(database: Database) -> None:
    await begin(database, "fresh", expires_at_ms=1000)
    await begin(database, "stale", expires_at_ms=10)
    await begin(database, "ended", expires_at_ms=10)
    await database.write(lambda db: generations.finish(db, "ended", "a", ending()))
    assert [row.generation_id for row in await abandoned(database, 500)] == ["stale"]
    assert [row.generation_id for row in await abandoned(database, None)] == ["fresh", "stale"]


async def test_renewing_tells_what_is_lost_or_gone_and_not_what_one_ended_oneself(database: Database) -> None:
    for name in ("kept", "ended", "taken"):
        await begin(database, name, expires_at_ms=10)
    await database.write(lambda db: generations.finish(db, "ended", "a", ending()))
    (seen,) = [row for row in await abandoned(database, None) if row.generation_id == "taken"]
    await database.write(lambda db: generations.take_over(db, seen, "b", expires_at_ms=LATER))
    ids = ["kept", "ended", "taken", "deleted"]
    lost = await database.write(lambda db: generations.renew_leases(db, "a", ids, expires_at_ms=LATER))
    assert lost == ["taken", "deleted"]
    assert await abandoned(database, 500) == []
    await database.write(lambda db: generations.finish(db, "taken", "b", ending()))
    assert await database.write(lambda db: generations.renew_leases(db, "a", ["taken"], expires_at_ms=LATER))


async def test_a_server_that_ends_in_order_leaves_its_answers_to_the_next(database: Database) -> None:
    await begin(database, "mine")
    await begin(database, "others", owner="b")
    await database.write(lambda db: generations.release_leases(db, "a"))
    assert [row.generation_id for row in await abandoned(database, 1)] == ["mine"]


async def test_of_several_that_take_over_one_succeeds(database: Database) -> None:
    await begin(database, "g", expires_at_ms=10)
    (seen,) = await abandoned(database, 500)

    def taking(owner: str) -> Callable[[Session], bool]:
        return lambda db: generations.take_over(db, seen, owner, expires_at_ms=LATER) is not None

    won = await asyncio.gather(*(database.write(taking(owner)) for owner in "bcdef"))
    assert sum(won) == 1
    row = await database.read(lambda db: generations.get(db, "g"))
    assert (row.lease_owner, row.num_resumes) == ("bcdef"[won.index(True)], 1)
    assert not await database.write(taking("g"))


async def test_of_two_processes_that_take_over_at_once_one_succeeds(database: Database) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite has one writer in one process")
    assert database._open is not None
    engine = database._open.writer
    await begin(database, "g", expires_at_ms=10)
    (seen,) = await abandoned(database, 500)
    gate = threading.Barrier(2)

    def race(owner: str) -> bool:
        with Session(engine) as db:
            gate.wait()
            won = generations.take_over(db, seen, owner, expires_at_ms=LATER) is not None
            db.commit()
            return won

    won = await asyncio.gather(*(asyncio.to_thread(race, owner) for owner in "bc"))
    assert sorted(won) == [False, True]


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_pages_go_both_ways_through_the_users_own(database: Database) -> None:
    for number in range(5):
        wire = {"metadata": {"parity": "odd" if number % 2 else "even"}}
        await begin(database, f"g{number}", user_id="u", model=f"m{number // 3}", wire=wire)
    await begin(database, "strangers", user_id="v")

    async def ids(**wanted: Any) -> list[str]:
        page = GenerationFilter(**{"limit": 10, **wanted})
        found, _ = await database.read(lambda db: generation_rows.page(db, "u", page))
        return [each.row.generation_id for each in found]

    assert await ids(limit=2) == ["g0", "g1"]
    assert await ids(limit=2, after="g1") == ["g2", "g3"]
    assert await ids(limit=2, is_newest_first=True) == ["g4", "g3"]
    assert await ids(after="g3", is_newest_first=True) == ["g2", "g1", "g0"]
    assert await ids(model="m1") == ["g3", "g4"]
    assert await ids(metadata={"parity": "odd"}) == ["g1", "g3"]
    odd_ones = ('a"b', "a.b", "$", "a]", "\\", "'", "{", "한")
    await begin(database, "odd", user_id="u", wire={"metadata": dict.fromkeys(odd_ones, "x")})
    for odd in odd_ones:
        assert await ids(metadata={odd: "x"}) == ["odd"]
        assert await ids(metadata={odd: "y"}) == []


async def test_who_may_read_a_chat_reads_its_answers_and_who_may_write_changes_them(database: Database) -> None:
    ann, bob, eve = [await database.write(lambda db, n=name: make_user(db, n)) for name in ("ann", "bob", "eve")]  # type: ignore[misc]
    session_id, _ = await database.write(lambda db: talk(db, ann, "hi", "hello"))
    await database.write(lambda db: db.add(SessionMember(session_id=session_id, user_id=bob, created_at_ms=0)))
    await begin(database, "chats", user_id=ann, session_id=session_id)
    await begin(database, "own", user_id=ann)
    for name, user_id, reads in (("chats", bob, True), ("chats", eve, False), ("own", ann, True), ("own", bob, False)):
        if reads:
            assert (await database.read(lambda db: generations.get_readable(db, user_id, name))).user_id == ann  # noqa: B023
        else:
            with pytest.raises(NotFound):
                await database.read(lambda db: generations.get_readable(db, user_id, name))  # noqa: B023
    with pytest.raises(NotAllowed):
        await database.read(lambda db: generations.get_writable(db, bob, "chats"))
    found, _ = await database.read(
        lambda db: generation_rows.page(db, ann, GenerationFilter(limit=9, has_sessions=False))
    )
    assert [each.row.generation_id for each in found] == ["own"]
    await database.write(lambda db: generations.remove(db, generations.get(db, "own")))
    assert await seqs(database, "own") == []
