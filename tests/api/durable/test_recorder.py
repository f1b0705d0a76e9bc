"""The numbered events: no gaps, the end on the disk before it is seen, rows that hold many and read back the same."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from bdchat.api.durable.numbering import event_id, reset, seq_after, text_and_tokens
from bdchat.api.durable.recorder import RecordedLog, Recorder
from bdchat.api.durable.rows import pack, unpack
from bdchat.api.generation.events import Batch, Ended, Failed, LogEvent, Reset, Started
from bdchat.api.generation.log import GenerationLog
from bdchat.engine.request import Delta
from bdchat.settings import StoreSettings
from bdchat.store.chats import generations
from bdchat.store.errors import StoreFull
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.tables import Generation, GenerationEvent
from tests.api.serving import fresh_data_dir
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
STARTED = Started()
ENDED = Ended(reason="stop", state="complete")


@pytest.fixture
async def database() -> AsyncGenerator[Database]:
    folder: Path = fresh_data_dir()
    assert (folder / FILE_NAME).exists()
    async with Database(StoreSettings(), folder) as opened:
        yield opened


def delta(text: str = "x", *tokens: int) -> Delta:
    return Delta(request_id="g", index=0, text=text, tokens=tokens)


async def begun(database: Database, recorder: Recorder, name: str = "g") -> RecordedLog:
    row = Generation(generation_id=name, request=b"", created_at_ms=0, lease_owner="a")
    await database.write(lambda db: generations.create(db, row, {}))
    recorded = RecordedLog(name, [STARTED])
    recorder.open(recorded)
    return recorded


async def stored(database: Database, name: str = "g") -> list[LogEvent]:
    return unpack(await database.read(lambda db: generations.events_after(db, name, 0)))


def rows_of(events: list[LogEvent], first_seq: int = 1) -> list[GenerationEvent]:
    return [GenerationEvent(**row) for row in pack("g", events, first_seq=first_seq)]


def some_events(kinds: list[str]) -> list[LogEvent]:
    made: dict[str, Callable[[int], LogEvent]] = {
        "started": lambda n: Started(prefix=str(n)),
        "delta": lambda n: delta(str(n), n),
        "finished": lambda n: Ended(reason=str(n)),
        "failed": lambda n: Failed(error={"message": str(n)}, status=500, state="failed"),
    }
    return [made[kind](n) for n, kind in enumerate(kinds, start=1)]


# --- rows -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["started", "delta", "finished", "failed"])), st.data())
def test_what_is_packed_is_read_back_however_it_was_cut_and_from_any_number(kinds: list[str], data: Any) -> None:
    events = some_events(kinds)
    cut = data.draw(st.integers(0, len(events)))
    rows = [*rows_of(events[:cut]), *rows_of(events[cut:], cut + 1)]
    assert unpack(rows) == events
    after = data.draw(st.integers(0, len(events)))
    later = [row for row in rows if row.seq > after]
    assert unpack(later, after_seq=after) == events[after:]


@given(st.integers(1, 12), st.data())
def test_a_commit_that_was_made_twice_is_read_once(num_events: int, data: Any) -> None:
    """The second time there was more: its rows overlap the first's."""
    events = some_events(["delta"] * num_events)
    first = data.draw(st.integers(1, num_events))
    rows = {row.seq: row for row in [*rows_of(events), *rows_of(events[:first])]}
    assert unpack([rows[seq] for seq in sorted(rows)]) == events


def test_deltas_that_follow_each_other_share_a_row() -> None:
    rows = pack("g", some_events(["started", "delta", "delta", "finished"]), first_seq=1)
    assert [(row["seq"], row["kind"]) for row in rows] == [(1, "started"), (3, "deltas"), (4, "finished")]


def test_the_text_and_the_tokens_are_those_of_the_deltas() -> None:
    assert text_and_tokens([STARTED, delta("a", 1, 2), delta("b")]) == ("ab", [1, 2])


# --- numbers outside --------------------------------------------------------------------------------------------------


def test_a_reader_of_another_run_begins_anew() -> None:
    assert seq_after(0, 3) == 0
    assert seq_after(event_id(3, 7), 3) == 7
    assert seq_after(event_id(2, 7), 3) is None
    assert seq_after(7, 3) is None


def test_a_reset_holds_all_the_text_and_never_the_end() -> None:
    events = some_events(["started", "delta", "delta", "finished"])
    assert reset(2, events) == (3, Batch(event_id(2, 3), [Reset(text="23")]))
    assert reset(2, events[:2]) == (2, Batch(event_id(2, 2), [Reset(text="2")]))
    assert reset(1, []) == (0, Batch(event_id(1, 0), [Reset(text="")]))


# --- the log ----------------------------------------------------------------------------------------------------------


async def test_readers_see_events_at_once_and_the_disk_has_them_after_a_flush(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    recorded = await begun(database, recorder)
    async with aclosing(recorded.follow(1)) as batches:
        recorded.append(delta())
        assert await anext(batches) == [delta()]
    assert recorded.has_uncommitted
    assert len(await stored(database)) == 1
    await recorder.flush()
    assert not recorded.has_uncommitted
    assert await stored(database) == recorded.events


async def test_all_answers_share_one_commit(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    logs = [await begun(database, recorder, f"g{n}") for n in range(5)]
    for recorded in logs:
        recorded.append(delta())
    await recorder.flush()
    await recorder.flush()  # nothing new
    assert recorder.num_commits == 1


async def test_the_end_is_on_the_disk_before_anybody_sees_it(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    recorded = await begun(database, recorder)
    recorded.append(delta())

    async def write(rows: list[dict[str, Any]]) -> bool:
        assert (rows[-1]["seq"], recorded.last_seq) == (3, 2)
        await database.write(lambda db: generations.append_events(db, "a", rows))
        await recorder.flush()  # must not write them a second time
        assert recorded.last_seq == 2
        return True

    await recorder.end(recorded, ENDED, write)
    assert await stored(database) == recorded.events
    assert recorded.events[-1] == ENDED


async def test_an_end_that_cannot_be_written_is_not_shown_and_can_be_tried_again(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    recorded = await begun(database, recorder)

    async def fail(rows: list[dict[str, Any]]) -> bool:
        raise StoreFull("no room")

    with pytest.raises(StoreFull):
        await recorder.end(recorded, ENDED, fail)
    assert recorded.last_seq == 1
    recorded.append(delta())
    await recorder.flush()
    assert len(await stored(database)) == 2


async def test_the_end_of_a_lost_log_is_not_shown(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    recorded = await begun(database, recorder)

    async def lose(rows: list[dict[str, Any]]) -> bool:
        return False

    await recorder.end(recorded, ENDED, lose)
    assert recorded.is_lost
    assert recorded.last_seq == 1


async def test_a_full_disk_keeps_the_events_for_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    recorded = await begun(database, recorder)
    recorded.append(delta())
    write = database.write

    async def full(work: Any) -> Any:
        raise StoreFull("no room")

    monkeypatch.setattr(database, "write", full)
    await recorder.flush()
    assert recorded.has_uncommitted
    monkeypatch.setattr(database, "write", write)
    await recorder.flush()
    assert await stored(database) == recorded.events


async def test_a_log_that_another_server_has_is_lost_and_its_neighbour_is_not(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=60)
    mine, taken = await begun(database, recorder, "g1"), await begun(database, recorder, "g2")

    def take(db: Session) -> None:
        (seen,) = [row for row in generations.abandoned(db, expired_before_ms=None) if row.generation_id == "g2"]
        assert generations.take_over(db, seen, "b", expires_at_ms=1) is not None

    await database.write(take)
    for recorded in (mine, taken):
        recorded.append(delta())
    await recorder.flush()
    assert (mine.is_lost, taken.is_lost) == (False, True)
    assert (len(await stored(database, "g1")), len(await stored(database, "g2"))) == (2, 1)


async def test_news_are_committed_within_the_interval(database: Database) -> None:
    recorder = Recorder(database, owner="a", interval_s=0.001)
    recorded = await begun(database, recorder)
    running = asyncio.create_task(recorder.run())
    recorded.append(delta())
    recorder.note_news(recorded)
    async with asyncio.timeout(PATIENCE_S):
        while recorded.has_uncommitted:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    running.cancel()
    assert await stored(database) == recorded.events


async def test_a_closed_log_ends_its_readers_and_says_why() -> None:
    for error in (None, StoreFull("x")):
        recorded = GenerationLog()
        reader = asyncio.ensure_future(anext(recorded.follow(0)))
        await asyncio.sleep(0)
        recorded.close(error)
        with pytest.raises(StopAsyncIteration if error is None else StoreFull):
            await reader


# --- readers of committed events --------------------------------------------------------------------------------------


@pytest.fixture
async def unhurried(database: Database) -> AsyncGenerator[Recorder]:
    """It would take a minute to commit by itself."""
    recorder = Recorder(database, owner="a", interval_s=60, shown_interval_s=0.001)
    running = asyncio.create_task(recorder.run())
    yield recorder
    running.cancel()


def say(recorder: Recorder, recorded: RecordedLog, text: str) -> None:
    recorded.append(delta(text))
    recorder.note_news(recorded)


async def test_who_sees_committed_events_alone_does_not_wait_the_interval(
    database: Database, unhurried: Recorder
) -> None:
    """Neither for what was said before it came, while the recorder slept, nor for what is said then."""
    recorded = await begun(database, unhurried)
    say(unhurried, recorded, "before")
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S), aclosing(recorded.follow_committed()) as batches:
        assert await anext(batches) == [STARTED]
        assert await anext(batches) == [delta("before")]
        for text in ("a", "b"):
            say(unhurried, recorded, text)
            assert await anext(batches) == [delta(text)]
            assert await stored(database) == recorded.events


async def test_nobody_else_hurries_a_commit(database: Database, unhurried: Recorder) -> None:
    """Who waits for the end, and who reads another log that has no news."""
    recorded, quiet = await begun(database, unhurried, "g1"), await begun(database, unhurried, "g2")
    async with (
        aclosing(recorded.follow_committed(1, is_hurried=False)) as batches,
        aclosing(quiet.follow_committed(1)) as others,
    ):
        waiting = [asyncio.ensure_future(anext(each)) for each in (batches, others)]
        say(unhurried, recorded, "a")
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert unhurried.num_commits == 0
        await unhurried.flush()
        assert await waiting[0] == [delta("a")]
        waiting[1].cancel()
        await asyncio.wait(waiting)


async def test_what_another_server_has_is_not_shown_as_committed(database: Database) -> None:
    """Its rows were left out of the commit, but its readers were shown them, under numbers that the other gives to
    other events."""
    recorder = Recorder(database, owner="a", interval_s=60)
    recorded = await begun(database, recorder)

    def take(db: Session) -> None:
        (seen,) = generations.abandoned(db, expired_before_ms=None)
        assert generations.take_over(db, seen, "b", expires_at_ms=1) is not None

    await database.write(take)
    recorded.append(delta())
    async with aclosing(recorded.follow_committed(1)) as batches:
        reading = asyncio.ensure_future(anext(batches))
        await recorder.flush()
        recorded.close(StoreFull("x"))
        with pytest.raises(StoreFull):
            await reading
    assert recorded.num_committed == 1
