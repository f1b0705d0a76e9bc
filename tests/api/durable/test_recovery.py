"""Servers that die, stall or stop while they answer: what another one, or the next start, makes of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest

from bdchat.api.app import App
from bdchat.api.bus.interface import session_topic
from bdchat.api.durable.event_cursor import EventCursor
from bdchat.api.durable.numbering import event_id
from bdchat.api.durable.plans import Plans
from bdchat.api.durable.recorded_run import Suspended
from bdchat.api.durable.recovery import MAX_RUNS, Recovery
from bdchat.api.durable.service import DurableGenerations, StartedGeneration
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.engine.errors import EngineUnavailable, QueueFull
from bdchat.engine.request import Priority
from bdchat.settings import GenerationSettings, LimitSettings, Settings
from bdchat.store.chats import generations
from bdchat.store.ids import now_ms
from bdchat.store.tables import Generation
from tests.api.durable_chat import Chat, Told, chatting, text_of, told, typed
from tests.fake_engine import FakeEngine, fake_router
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio
PIECES = ("a", "bc", "d", "é", "한", "!")
WHOLE = "".join(PIECES)
AT_ONCE = Settings(generations=GenerationSettings(commit_interval_ms=10))
NEVER = Settings(generations=GenerationSettings(commit_interval_ms=5000))


def slow(num_pieces: int) -> FakeEngine:
    """Stalls after some pieces."""
    return FakeEngine(pieces=PIECES, token_gate=asyncio.Semaphore(num_pieces).acquire)


async def die(app: App) -> None:
    """As kill -9 does it: nothing more is written."""
    runs = app.durable._runs
    tasks = [*app.durable._beginning, *(run.task for run in runs.running() if run.task), *runs._helpers]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    runs._runs.clear()


@asynccontextmanager
async def another_server(
    chat: Chat, engine: FakeEngine, settings: Settings = AT_ONCE
) -> AsyncGenerator[DurableGenerations]:
    """Over the same database and bus, started."""
    service = GenerationService(LatencyMeter())
    durable = DurableGenerations(
        settings,
        database=chat.app.database,
        bus=chat.app.bus,
        writes=chat.app.writes,
        router=fake_router(engine),
        service=service,
    )
    await durable.start()
    try:
        yield durable
    finally:
        await service.drain(timeout_s=0)
        await durable.aclose()


async def seen(chat: Chat, started: StartedGeneration, last_id: int) -> list[Told]:
    """What a reader has that was there until event `last_id`."""
    events: list[Told] = []
    async with aclosing(chat.durable.follow(started.generation_id)) as batches:
        async for batch in batches:
            events += told(batch)
            if events[-1][0] >= last_id:
                return events
    raise AssertionError("it ended before")


async def committed(chat: Chat, started: StartedGeneration) -> int:
    rows = await chat.app.database.read(lambda db: generations.events_after(db, started.generation_id, 0))
    return rows[-1].seq


async def read_all(durable: DurableGenerations, started: StartedGeneration, after_id: int = 0) -> list[Told]:
    async with aclosing(durable.follow(started.generation_id, after_id)) as batches:
        return [event async for batch in batches for event in told(batch)]


async def until_committed(chat: Chat, started: StartedGeneration, seq: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await committed(chat, started) < seq:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("num_pieces", range(len(PIECES)))
async def test_an_answer_goes_on_after_its_server_died(num_pieces: int) -> None:
    async with chatting(slow(num_pieces), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        before = await seen(chat, started, 1 + num_pieces)
        await until_committed(chat, started, 1 + num_pieces)
        await die(chat.app)
        engine = FakeEngine(pieces=PIECES)
        async with another_server(chat, engine) as server:
            events = await read_all(server, started)
            later = await read_all(server, started, before[-1][0])
        assert text_of(events) == text_of([*before, *later]) == WHOLE
        assert [number for number, _, _ in events] == [event_id(1, seq) for seq in range(1, len(events) + 1)]
        assert later[0][1] == "reset"
        assert later[0][0] >= event_id(1, 1 + num_pieces)
        cursor = EventCursor(before[-1][0])
        assert cursor.take(typed(later)) == typed(later)
        answer = await chat.message(started.message_id)
        assert (answer.content, answer.status, answer.token_count) == (WHOLE, "complete", len(WHOLE.encode()))
        assert bytes(token for _, kind, data in events if kind == "delta" for token in data["tokens"]) == WHOLE.encode()
        resumption = engine.resumptions[0]
        assert resumption is not None
        assert resumption.seed == chat_seed(await chat.row(started))
        assert bytes(resumption.choice_tokens[0]).decode() == "".join(PIECES[:num_pieces])


async def test_an_answer_that_may_wait_may_wait_after_its_server_died_too() -> None:
    async with chatting(slow(1), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi", service_tier="flex")
        await until_committed(chat, started, 2)
        await die(chat.app)
        engine = FakeEngine(pieces=PIECES)
        async with another_server(chat, engine) as server:
            await read_all(server, started)
        (request,) = engine.requests
        assert (request.priority, request.max_queued) == (Priority.BATCH, LimitSettings().account_queue)


def chat_seed(row: Generation) -> int | None:
    return row.seed


async def test_what_was_seen_but_never_committed_is_taken_back() -> None:
    async with chatting(slow(4), settings=NEVER) as chat:
        started = await chat.ask("Hi")
        before = await seen(chat, started, 5)
        assert text_of(before) == "abcdé"
        await die(chat.app)
        async with another_server(chat, FakeEngine(pieces=PIECES)) as server:
            later = await read_all(server, started, before[-1][0])
        assert later[0] == (event_id(1, 1), "reset", {"text": ""})
        assert text_of([*before, *later]) == WHOLE == (await chat.message(started.message_id)).content


async def test_an_answer_survives_many_servers() -> None:
    async with chatting(slow(1), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 2)
        await die(chat.app)
        for number in range(2, len(PIECES)):
            async with another_server(chat, slow(1)) as server:
                await until_committed(chat, started, number + 1)
                (answer,) = server.running()
                assert answer.num_written_tokens == len("".join(PIECES[:number]).encode())
        async with another_server(chat, FakeEngine(pieces=PIECES)) as server:
            assert text_of(await read_all(server, started, event_id(2, 3))) == WHOLE
        assert (await chat.row(started)).num_resumes == len(PIECES) - 1


async def test_a_server_that_stops_suspends_its_answers_and_tells_their_readers() -> None:
    async with chatting(slow(2), settings=NEVER) as chat:
        started = await chat.ask("Hi")
        await seen(chat, started, 3)
        reading = asyncio.create_task(read_all(chat.durable, started))
        await asyncio.sleep(0)
        await chat.app.generations.drain(timeout_s=0)
        await chat.durable.aclose()
        with pytest.raises(Suspended):
            await reading
        row = await chat.row(started)
        assert (row.state, row.lease_expires_at_ms) == ("running", 0)
        assert await committed(chat, started) == 3  # what was said is on the disk
        with pytest.raises(EngineUnavailable):
            await chat.ask("Hi again")
        async with another_server(chat, FakeEngine(pieces=PIECES)) as server:
            assert text_of(await read_all(server, started)) == WHOLE


async def test_without_resuming_it_is_interrupted_and_keeps_its_text() -> None:
    settings = Settings(generations=GenerationSettings(commit_interval_ms=10, resume_at_start=False))
    async with chatting(slow(2), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi", client_id="c")
        await until_committed(chat, started, 3)
        await die(chat.app)
        async with another_server(chat, FakeEngine(pieces=PIECES), settings) as server:
            answer = await chat.message(started.message_id)
            assert (answer.status, answer.content) == ("interrupted", "abc")
            events = await read_all(server, started, event_id(0, 9))
            assert [kind for _, kind, _ in events] == ["reset", "failed"]
            assert events[-1][2]["state"] == "interrupted"
            more = await server.go_on(chat.me, str(started.message_id))
            await read_all(server, more)
        assert (await chat.message(started.message_id)).content == WHOLE


async def test_an_answer_without_text_is_interrupted_and_can_be_asked_for_again() -> None:
    settings = Settings(generations=GenerationSettings(commit_interval_ms=10, resume_at_start=False))
    async with chatting(slow(0)) as chat:
        started = await chat.ask("Hi", client_id="c")
        await die(chat.app)
        async with another_server(chat, FakeEngine(pieces=PIECES), settings) as server:
            again = await server.begin(chat.me, chat.asking("Hi", client_id="c"))
            assert (again.is_new, again.message_id) == (True, started.message_id)
            assert again.generation_id != started.generation_id
            assert text_of(await read_all(server, again)) == WHOLE


async def test_an_answer_of_a_model_that_is_gone_is_interrupted_and_says_so() -> None:
    async with chatting(slow(2), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 3)
        await die(chat.app)
        async with another_server(chat, FakeEngine("other")):
            row = await chat.row(started)
        assert (row.state, row.content, row.error["error"]["code"]) == ("interrupted", "abc", "model_not_found")


async def test_what_cannot_be_read_or_ended_too_many_servers_is_interrupted() -> None:
    async with chatting(slow(1), settings=AT_ONCE) as chat:
        spoilt, cursed = await asyncio.gather(chat.ask("Hi"), chat.ask("Ho"))
        await die(chat.app)

        def spoil(db: object) -> None:
            generations.get(db, spoilt.generation_id).request = b"{}"  # type: ignore[arg-type]
            generations.get(db, cursed.generation_id).num_resumes = MAX_RUNS  # type: ignore[arg-type]

        await chat.app.database.write(spoil)
        async with another_server(chat, FakeEngine(pieces=PIECES)):
            assert {(await chat.row(each)).state for each in (spoilt, cursed)} == {"interrupted"}


async def test_a_model_that_refuses_the_rest_fails_the_answer_and_keeps_its_text() -> None:
    async with chatting(slow(2), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 3)
        await die(chat.app)
        async with another_server(chat, FakeEngine(refusal=QueueFull(1.0))) as server:
            events = await read_all(server, started)
        assert (events[-1][1], text_of(events)) == ("failed", "abc")
        assert (await chat.message(started.message_id)).content == "abc"


async def test_whoever_hears_the_bus_is_told_that_it_goes_on_from_what_was_committed() -> None:
    async with chatting(slow(4), settings=NEVER) as chat:
        async with chat.app.bus.subscribe(session_topic(chat.session_id)) as heard:
            started = await chat.ask("Hi")
            await seen(chat, started, 5)
            await die(chat.app)
            async with another_server(chat, FakeEngine(pieces=PIECES)) as server:
                await read_all(server, started)
                await until(lambda: not server.running())
            events: list[Told] = []
            async for _, message in heard:
                if message["type"] == "generation.event":
                    events.append((message["seq"], message["kind"], message))
                elif message["type"] == "generation.ended":
                    break
        assert EventCursor().take(typed(events)) == typed(events)
        assert text_of(events) == WHOLE


# --- several servers --------------------------------------------------------------------------------------------------


def recovery_of(server: DurableGenerations, chat: Chat, *, clock_ms: int) -> Recovery:
    """A look at the leases at another time."""
    router = chat.app.engine_router
    plans = Plans(router, chat.app.settings, server_id=server.server_id, lease_ms=6000)
    settings = AT_ONCE.generations
    return Recovery(chat.app.database, plans, server._runs, settings, clock_ms=lambda: clock_ms)


async def test_a_server_that_stalls_loses_its_answer_and_its_readers_follow_it() -> None:
    stalled = slow(2)
    async with chatting(stalled, settings=AT_ONCE) as chat, another_server(chat, FakeEngine(pieces=PIECES)) as other:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 3)
        reading = asyncio.create_task(read_all(chat.durable, started))
        await recovery_of(other, chat, clock_ms=now_ms()).sweep()
        assert not other.running()  # its lease is good
        await recovery_of(other, chat, clock_ms=now_ms() + 60_000).sweep()
        await until(lambda: not other.running())
        await recovery_of(chat.durable, chat, clock_ms=now_ms()).renew()
        events = await reading
        assert text_of(events) == WHOLE
        assert next(kind for number, kind, _ in events if number >= event_id(1, 1)) == "reset"
        await until(lambda: not stalled.num_running)
        row = await chat.row(started)
        assert (row.state, row.content, row.num_resumes) == ("complete", WHOLE, 1)


async def test_what_a_replaced_server_still_says_changes_nothing() -> None:
    gate = asyncio.Semaphore(2)
    stalled = FakeEngine(pieces=PIECES, token_gate=gate.acquire)
    other_engine = slow(3)
    async with chatting(stalled, settings=AT_ONCE) as chat, another_server(chat, other_engine) as other:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 3)
        await recovery_of(other, chat, clock_ms=now_ms() + 60_000).sweep()
        for _ in range(9):
            gate.release()  # it wakes up, says the rest, and finds itself replaced
        await until(lambda: not chat.durable.running())
        assert (await chat.row(started)).state == "running"
        await other.stop(chat.me, started.generation_id)
        row = await chat.row(started)
        assert (row.state, row.content) == ("stopped", text_of(await read_all(other, started)))


async def test_another_servers_answer_is_followed_and_stopped_from_here() -> None:
    async with chatting(slow(2), settings=AT_ONCE) as chat:
        started = await chat.ask("Hi")
        await until_committed(chat, started, 3)
        async with another_server(chat, FakeEngine(), NEVER) as other:  # alone, it takes it over
            await until(lambda: not other.running())
        assert (await chat.row(started)).state == "complete"
    async with chatting(slow(2), settings=AT_ONCE) as chat, another_server(chat, FakeEngine(), AT_ONCE) as other:
        started = await chat.ask("Hi")
        reading = asyncio.create_task(read_all(other, started))
        await until_committed(chat, started, 3)
        await other.stop(chat.me, started.generation_id)
        events = await reading
        assert (events[-1][1], events[-1][2]["state"], text_of(events)) == ("finished", "stopped", "abc")
