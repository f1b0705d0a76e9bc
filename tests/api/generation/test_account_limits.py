"""What an account may ask at once and in a minute: the settings' bounds, an account's own, and what an answer costs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlmodel import select

from bdchat.api.generation.account_limits import AccountBounds, AccountLimits
from bdchat.engine.errors import AccountLimitReached
from bdchat.settings import LimitSettings, Settings
from bdchat.store.accounts.users import OwnLimits
from bdchat.store.tables import Generation, Message
from tests.api.serving import USER, app_of, error_of, over_http, signed_in
from tests.api.talking import begin, got, id_of
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
COST = len("<user>hi") + len("Hello world")  # of one answer: nothing is cached the first time
MINUTE = Settings(limits=LimitSettings(account_tokens_per_minute=COST))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def bounded(engine: FakeEngine, settings: Settings = MINUTE) -> AsyncGenerator[tuple[httpx.AsyncClient, Clock]]:
    """A server whose minute is the test's."""
    clock = Clock()
    async with over_http(engine, settings=settings) as client:
        app_of(client).account_limits._window._clock = clock
        yield client, clock


async def test_an_accounts_own_limits_go_before_the_settings_one_by_one() -> None:
    limits = AccountLimits(LimitSettings(account_running=2, account_queue=5, account_tokens_per_minute=7))
    assert limits.of("ann") == limits.of("") == AccountBounds(2, 5, 7)
    limits.note_change("ann", OwnLimits(max_running=0, tokens_per_minute=9))
    assert limits.of("ann") == AccountBounds(0, 5, 9)
    limits.note_change("ann", OwnLimits())
    assert (limits.of("ann"), limits.own()) == (AccountBounds(2, 5, 7), {})


async def test_what_the_cache_spared_is_not_counted() -> None:
    limits = AccountLimits(LimitSettings(account_tokens_per_minute=10))
    limits.book("ann", {"prompt_tokens": 100, "cached_tokens": 95, "completion_tokens": 4, "engine_ms": 5})
    limits.admit("ann")
    limits.book("ann", {"prompt_tokens": 1})
    with pytest.raises(AccountLimitReached) as refused:
        limits.admit("ann")
    assert (refused.value.limit, refused.value.allowed) == ("tokens a minute", 10)
    limits.admit("bob")


async def test_an_account_that_has_used_its_minute_is_told_when_there_is_room_again() -> None:
    engine = FakeEngine()
    async with bounded(engine) as (client, clock):
        ann, bob = await signed_in(client, "ann"), await signed_in(client, "bob")
        assert (await client.post(URL, json={"messages": USER}, headers=ann)).status_code == 200
        clock.now += 20
        refused = await client.post(URL, json={"messages": USER}, headers=ann)
        error = error_of(refused, 429)
        assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")
        assert refused.headers["retry-after"] == "41"  # a minute after the end of the second in which it was used
        assert len(engine.requests) == 1
        clock.now += 41
        assert (await client.post(URL, json={"messages": USER}, headers=ann)).status_code == 200
        assert (await client.post(URL, json={"messages": USER}, headers=bob)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (URL, {"messages": USER}),
        (URL, {"messages": USER, "store": True}),
        ("/v1/completions", {"prompt": ["a", "b"]}),
        ("/v1/fim/completions", {"prompt": "a"}),
        ("/v1/completion", {"prompt": "a"}),
        ("/v1/embeddings", {"input": "a"}),
    ],
)
async def test_every_way_to_a_model_asks_first_also_for_those_without_an_account(path: str, body: object) -> None:
    engine = FakeEngine(has_fim=True)
    async with bounded(engine) as (client, _):
        app_of(client).account_limits.book("", {"completion_tokens": COST})
        assert error_of(await client.post(path, json=body), 429)["code"] == "rate_limit_exceeded"
        assert not engine.requests and not engine.embedding_requests  # noqa: PT018
        found = await app_of(client).database.read(lambda db: list(db.exec(select(Generation))))
        assert found == []


async def test_one_call_of_many_prompts_is_finished_and_the_next_refused() -> None:
    async with bounded(FakeEngine()) as (client, _):
        body = {"prompt": ["a"] * 40, "max_tokens": 16}
        answer = await client.post("/v1/completions", json=body)
        assert len(answer.json()["choices"]) == 40
        error_of(await client.post("/v1/completions", json=body), 429)


async def test_one_call_of_many_prompts_leaves_room_in_its_accounts_queue() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(accept_gate=gate)
    async with over_http(engine, settings=Settings(limits=LimitSettings(account_queue=5))) as client:
        asked = asyncio.create_task(client.post("/v1/completions", json={"prompt": ["a"] * 10, "n": 2}))
        await until(lambda: engine.num_running > 0)
        assert engine.num_running == 2  # of two answers each
        gate.set()
        assert len((await asked).json()["choices"]) == 20


async def test_vectors_count_and_so_does_what_an_ended_request_had_used() -> None:
    gate = asyncio.Semaphore(2)
    engine = FakeEngine(token_gate=gate.acquire)
    async with bounded(engine) as (client, _):
        limits = app_of(client).account_limits
        assert (await client.post("/v1/embeddings", json={"input": "abc"})).status_code == 200
        assert limits.used() == {"": 3}
        running = asyncio.create_task(client.post(URL, json={"messages": USER}))
        await until(lambda: engine.num_running == 1 and gate.locked())
        (run,) = app_of(client).generations.running
        await until(lambda: run.num_written_tokens == 5)
        run.stop()
        await running
        await until(lambda: limits.used() == {"": 3 + len("<user>hi") + len("Hello")})


async def test_what_runs_goes_on_beyond_the_bound_and_nothing_begins_beyond_it() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(token_gate=gate.wait)
    async with bounded(engine) as (client, _):
        asked = [asyncio.create_task(client.post(URL, json={"messages": USER})) for _ in range(3)]
        await until(lambda: engine.num_running == 3)
        gate.set()
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200, 200, 200]
        assert app_of(client).account_limits.used()[""] > COST
        error_of(await client.post(URL, json={"messages": USER}), 429)


async def test_a_refused_message_is_not_stored_and_a_repeated_one_not_refused() -> None:
    async with bounded(FakeEngine(), Settings(limits=LimitSettings(account_tokens_per_minute=5))) as (client, _):
        ann = await signed_in(client)
        session_id = await begin(client, ann)

        async def send(client_id: str) -> httpx.Response:
            under = {"session_id": session_id, "client_message_id": client_id}
            body = {"messages": USER, "store": True, "metadata": under}
            return await client.post(URL, json=body, headers=ann)

        first = await send("one")
        assert first.status_code == 200
        error_of(await send("two"), 429)
        again = await send("one")
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
        said = await app_of(client).database.read(lambda db: list(db.exec(select(Message))))
        assert len(said) == 2
        for path in ("regenerate", "continue"):
            answer_id = (await got(client, f"/api/sessions/{session_id}/messages", ann))["data"][-1]["message_id"]
            refused = await client.post(f"/api/messages/{answer_id}/{path}", json={}, headers=ann)
            assert refused.status_code in {409, 429}, refused.text


async def test_the_engine_is_told_an_accounts_bounds_stored_or_not() -> None:
    engine = FakeEngine()
    settings = Settings(limits=LimitSettings(account_running=3, account_queue=4))
    async with over_http(engine, settings=settings) as client:
        ann = await signed_in(client)
        limits = app_of(client).account_limits
        limits.note_change(await id_of(client, "ann"), OwnLimits(max_running=1))
        for more in ({}, {"store": True}):
            body: dict[str, Any] = {"messages": USER, **more}
            await client.post(URL, json=body, headers=ann)
        await client.post(URL, json={"messages": USER})
        assert [(each.max_running, each.max_queued) for each in engine.requests] == [(1, 4), (1, 4), (3, 4)]
