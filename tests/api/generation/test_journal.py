"""The last requests, as an admin sees them; and the refusals of the last hour."""

import asyncio

import pytest

from bdchat.api.generation.journal import RequestJournal
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.api.http.envelope import Refusals
from bdchat.api.http.errors import EndedByAdmin
from bdchat.engine.errors import GenerationFailed, QueueFull
from bdchat.engine.request import ChatMessage, ChatPrompt, GenerationRequest
from bdchat.store.ids import now_ms
from tests.fake_engine import FakeEngine
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
PROMPT = ChatPrompt(messages=(ChatMessage(role="user", content="hi"),))


def request(request_id: str, num_choices: int = 1) -> GenerationRequest:
    return GenerationRequest(request_id=request_id, prompt=PROMPT, num_choices=num_choices)


async def test_an_entry_says_who_asked_and_what_it_cost() -> None:
    service = GenerationService(LatencyMeter())
    for n in range(2):
        generation = service.start(FakeEngine(), request(f"r{n}", num_choices=2), user_id="ann")
        assert [each.request.request_id for each in service.running] == [f"r{n}"]
        async for _ in generation.follow():
            pass
        await asyncio.sleep(0)
    assert service.running == ()
    last, first = service.journal.latest()
    assert (first.request_id, last.request_id) == ("r0", "r1")
    assert (last.user_id, last.model, last.state) == ("ann", "fake", "complete")
    num_prompt_tokens = len("<user>hi")
    assert last.num_read_tokens + last.num_cached_tokens == 2 * num_prompt_tokens
    assert last.num_written_tokens == 2 * len("Hello world") + 3  # the second choice bears its number
    assert last.first_text_ms is not None
    assert last.queue_ms is not None


async def test_how_it_ended_is_told() -> None:
    service = GenerationService(LatencyMeter())
    gate = asyncio.Event()
    waiting = service.start(FakeEngine(token_gate=gate.wait), request("left"))
    await waiting.accepted()
    waiting.cancel()
    broken = service.start(FakeEngine(failure=GenerationFailed("x")), request("broken"))
    refused = service.start(FakeEngine(refusal=QueueFull(1)), request("refused"))
    await service.drain(timeout_s=PATIENCE_S)
    assert broken.is_ended
    assert refused.is_ended
    states = {entry.request_id: (entry.state, entry.first_text_ms is not None) for entry in service.journal.latest()}
    assert service.journal.num_broken(since_ms=0) == 1
    assert service.journal.num_broken(since_ms=now_ms() + 1) == 0
    assert states == {"left": ("cancelled", False), "broken": ("failed", True), "refused": ("failed", False)}


async def test_what_an_admin_ended_is_no_failure() -> None:
    service = GenerationService(LatencyMeter())
    ended = service.start(FakeEngine(token_gate=asyncio.Event().wait), request("ended"))
    await ended.accepted()
    ended.cancel(EndedByAdmin())
    await service.drain(timeout_s=PATIENCE_S)
    (entry,) = service.journal.latest()
    assert entry.state == "cancelled"


async def test_a_journal_keeps_the_last_ones() -> None:
    service = GenerationService(LatencyMeter())
    service.journal = RequestJournal(num_kept=3)
    for n in range(5):
        async for _ in service.start(FakeEngine(), request(f"r{n}")).follow():
            pass
    await service.drain(timeout_s=PATIENCE_S)
    assert [entry.request_id for entry in service.journal.latest()] == ["r4", "r3", "r2"]


def test_refusals_are_counted_for_an_hour_and_for_good() -> None:
    now = [0.0]
    refusals = Refusals(clock=lambda: now[0])
    for minute, code in ((0, "not_found"), (30, "queue_full"), (30, "queue_full"), (59, "not_found")):
        now[0] = minute * 60.0
        refusals.note(code, is_failure=code == "queue_full")
    assert refusals.last_hour() == {"not_found": 2, "queue_full": 2}
    assert refusals.failures_last_hour() == 2  # a mistyped address is no failure of the server's
    now[0] = 60 * 60.0
    assert refusals.last_hour() == {"queue_full": 2, "not_found": 1}
    now[0] = 200 * 60.0
    assert refusals.last_hour() == {}
    assert refusals.num_by_code == {"not_found": 2, "queue_full": 2}
