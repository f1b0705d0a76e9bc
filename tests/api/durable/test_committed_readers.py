"""Readers of committed events alone, through servers that die, stall, stop and say other words than the one before."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from bdchat.api.durable.reader import EventsForgotten
from bdchat.api.durable.recorded_run import Suspended
from bdchat.api.durable.rows import unpack
from bdchat.api.durable.service import DurableGenerations, StartedGeneration
from bdchat.api.generation.events import LAST, LogEvent
from bdchat.engine.request import Delta
from bdchat.store.chats import generations
from bdchat.store.errors import NotFound
from tests.api.durable.test_recovery import AT_ONCE, NEVER, PIECES, another_server, die, slow, until_committed
from tests.api.durable_chat import Chat, chatting
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
OTHER_WORDS = ("A", "BC", "D", "È", "글", "?")  # as long as PIECES


class CommittedReader:
    """In a task of its own."""

    def __init__(
        self, durable: DurableGenerations, started: StartedGeneration, seen: Sequence[LogEvent] = (), *, after: int = 0
    ) -> None:
        self.seen = list(seen)
        self._after = after
        self._batches = durable.follow_committed(started.generation_id, after + len(self.seen))
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> list[LogEvent]:
        async with aclosing(self._batches) as batches:
            async for batch in batches:
                self.seen += batch
        return self.seen


async def stored(chat: Chat, started: StartedGeneration) -> list[LogEvent]:
    return unpack(await chat.app.database.read(lambda db: generations.events_after(db, started.generation_id, 0)))


def text_of(events: Sequence[LogEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


@pytest.mark.parametrize("num_pieces", range(len(PIECES)))
async def test_what_a_reader_saw_stays_when_the_answer_goes_on_otherwise(num_pieces: int) -> None:
    async with chatting(slow(num_pieces), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        before = CommittedReader(chat.durable, started)
        await until(lambda: len(before.seen) == 1 + num_pieces)
        await die(chat.app)
        with pytest.raises(Suspended):
            await before.task
        async with another_server(chat, FakeEngine(pieces=OTHER_WORDS)) as server:
            readers = [CommittedReader(server, started, before.seen), *(_from(server, started, n) for n in range(9))]
            await asyncio.gather(*(reader.task for reader in readers))
        events = await stored(chat, started)
        assert text_of(events) == "".join((*PIECES[:num_pieces], *OTHER_WORDS[num_pieces:]))
        assert [reader.seen for reader in readers] == [events, *(events[n:] for n in range(9))]


def _from(server: DurableGenerations, started: StartedGeneration, after: int) -> CommittedReader:
    return CommittedReader(server, started, after=after)


async def test_what_was_never_committed_is_never_shown() -> None:
    async with chatting(slow(4), settings=NEVER) as chat:
        started = await chat.ask("Hi")
        (run,) = chat.durable.running()
        await until(lambda: run.log.last_seq == 5)
        await die(chat.app)
        async with another_server(chat, FakeEngine(pieces=OTHER_WORDS)) as server:
            seen = await CommittedReader(server, started).task
        assert text_of(seen) == "".join(OTHER_WORDS)
        assert seen == await stored(chat, started)


async def test_the_reader_of_a_server_that_stalled_goes_on_with_the_other_ones_events() -> None:
    """The first server is alive, and says words of its own under numbers that are the other's by now."""
    gate = asyncio.Semaphore(2)
    async with chatting(FakeEngine(pieces=PIECES, token_gate=gate.acquire), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 3)
        reader = CommittedReader(chat.durable, started)
        await until(lambda: len(reader.seen) == 3)
        other_gate = asyncio.Semaphore(0)
        async with another_server(chat, FakeEngine(pieces=OTHER_WORDS, token_gate=other_gate.acquire)) as server:
            elsewhere = CommittedReader(server, started)
            for _ in PIECES:
                gate.release()
            (run,) = chat.durable.running()
            await until(lambda: run.log.is_lost)
            for _ in OTHER_WORDS:
                other_gate.release()
            await asyncio.gather(reader.task, elsewhere.task)
        events = await stored(chat, started)
        assert text_of(events) == "".join((*PIECES[:2], *OTHER_WORDS[2:]))
        assert reader.seen == elsewhere.seen == events


async def test_the_answer_of_another_server_is_read_from_the_store() -> None:
    async with chatting(slow(len(PIECES)), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        with pytest.raises(NotFound):
            await _of_nothing(chat.durable)
        seen = await CommittedReader(chat.durable, started).task
        assert isinstance(seen[-1], LAST)
        again = CommittedReader(chat.durable, started, seen)
        assert await again.task == seen == await stored(chat, started)
        await chat.app.database.write(
            lambda db: db.connection().exec_driver_sql("delete from generation_event")  # as housekeeping does
        )
        with pytest.raises(EventsForgotten):
            await CommittedReader(chat.durable, started).task


async def _of_nothing(durable: DurableGenerations) -> None:
    async with aclosing(durable.follow_committed("resp_nothing")) as batches:
        async for _ in batches:
            pass
