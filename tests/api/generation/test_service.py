"""The log of a generation, its readers, and the end of the server."""

import asyncio
from contextlib import aclosing

import pytest

from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.run import Run
from bdchat.api.generation.service import GenerationService
from bdchat.engine.errors import EngineUnavailable, GenerationFailed, QueueFull
from bdchat.engine.request import Accepted, EmbeddingRequest, Finished, FinishReason, GenerationRequest, TextPrompt
from tests.fake_engine import FakeEngine
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio


def start(engine: FakeEngine, service: GenerationService | None = None) -> Run:
    service = service or GenerationService(LatencyMeter())
    return service.start(engine, GenerationRequest(request_id="r", prompt=TextPrompt(text="a")))


async def read(generation: Run, number: int = 0) -> list[LogEvent]:
    async with aclosing(generation.follow(number)) as batches:
        return [event async for batch in batches for event in batch]


async def test_every_reader_sees_every_event_from_its_number() -> None:
    generation = start(FakeEngine())
    early, late = await asyncio.gather(read(generation), read(generation, 2))
    assert early == generation.events
    assert late == generation.events[2:]
    assert await read(generation, 3) == generation.events[3:]  # after the end
    assert isinstance(early[0], Accepted)
    assert isinstance(early[-1], Finished)


async def test_a_slow_reader_gets_what_piled_up_at_once() -> None:
    generation = start(FakeEngine())
    await until(lambda: generation.is_ended)
    async with aclosing(generation.follow()) as batches:
        assert [len(batch) async for batch in batches] == [len(generation.events)]


async def test_a_reader_that_goes_ends_nothing() -> None:
    gate = asyncio.Event()
    generation = start(FakeEngine(token_gate=gate.wait))
    reader = asyncio.create_task(read(generation))
    await generation.accepted()
    reader.cancel()
    gate.set()
    assert isinstance((await read(generation))[-1], Finished)


async def test_cancelling_ends_the_log_at_once_and_hears_the_engine_out() -> None:
    engine = FakeEngine(token_gate=asyncio.Event().wait)
    service = GenerationService(LatencyMeter())
    generation = start(engine, service)
    await generation.accepted()
    generation.cancel()
    assert len(await read(generation)) == 1
    await until(lambda: not service.num_running)
    assert (engine.num_running, engine.num_cancelled) == (0, 1)
    assert len(generation.events) == 1
    assert generation.spending.counts()["prompt_tokens"] == 1


async def test_stopping_keeps_the_last_words() -> None:
    engine = FakeEngine(token_gate=asyncio.Event().wait)
    generation = start(engine)
    await generation.accepted()
    generation.stop()
    last = (await read(generation))[-1]
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.CANCELLED


async def test_what_is_cancelled_before_it_began_never_reaches_the_engine() -> None:
    engine = FakeEngine()
    generation = start(engine)
    generation.cancel()
    assert await read(generation) == []
    assert engine.requests == []


async def test_what_is_stopped_before_it_began_ends_its_readers() -> None:
    """They waited for ever: the log had ended without a word."""
    generation = start(FakeEngine())
    reader = asyncio.create_task(read(generation))
    generation.stop()
    async with asyncio.timeout(PATIENCE_S):
        assert await reader == []


async def test_a_refusal_is_raised_to_whoever_waits() -> None:
    generation = start(FakeEngine(refusal=QueueFull(1)))
    with pytest.raises(QueueFull):
        await generation.accepted()


async def test_a_failure_comes_after_the_events_before_it() -> None:
    generation = start(FakeEngine(failure=GenerationFailed("no")))
    with pytest.raises(GenerationFailed):
        await read(generation)
    assert len(generation.events) == 4


async def test_draining_lets_running_answers_end_and_refuses_new_ones() -> None:
    gate = asyncio.Event()
    service = GenerationService(LatencyMeter())
    generation = start(FakeEngine(token_gate=gate.wait), service)
    await generation.accepted()
    draining = asyncio.create_task(service.drain(timeout_s=PATIENCE_S))
    await until(lambda: service.is_draining)
    with pytest.raises(EngineUnavailable):
        start(FakeEngine(), service)
    gate.set()
    await draining
    assert isinstance((await read(generation))[-1], Finished)
    assert service.num_running == 0


async def test_draining_ends_what_takes_too_long_with_an_error() -> None:
    service = GenerationService(LatencyMeter())
    generation = start(FakeEngine(token_gate=asyncio.Event().wait), service)
    await generation.accepted()
    await service.drain(timeout_s=0)
    with pytest.raises(EngineUnavailable):
        await read(generation)


async def test_a_draining_server_waits_for_vectors_and_begins_no_more() -> None:
    service, gate = GenerationService(LatencyMeter()), asyncio.Event()
    engine = FakeEngine(accept_gate=gate)
    wanted = EmbeddingRequest(request_id="e", texts=("abc",))
    made = asyncio.create_task(service.embed(engine, wanted))
    await until(lambda: engine.embedding_requests)
    draining = asyncio.create_task(service.drain(timeout_s=60))
    await until(lambda: service.is_draining)
    with pytest.raises(EngineUnavailable):
        await service.embed(engine, wanted)
    assert not draining.done()
    gate.set()
    await draining
    assert (await made).num_tokens == (3,)


async def test_a_guest_that_names_an_account_is_not_served_on_it() -> None:
    engine = FakeEngine()
    service = GenerationService(LatencyMeter())
    asked = GenerationRequest(request_id="r", prompt=TextPrompt(text="a"), user="account-7")
    for user_id in ("", "account-7"):
        await read(service.start(engine, asked, user_id=user_id))
    assert [request.user for request in engine.requests] == ["guest/account-7", "account-7"]
    assert [request.account for request in engine.requests] == ["", "account-7"]
