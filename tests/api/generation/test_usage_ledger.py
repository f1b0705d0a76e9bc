"""Bare API calls are booked, gathered, and never lost but with the process."""

import asyncio

import pytest

from bdchat.api.generation.usage_ledger import UsageLedger
from bdchat.settings import Settings, StoreSettings
from bdchat.store.accounts import usage
from bdchat.store.accounts.zoned_days import ZonedDays
from bdchat.store.sql.database import Database
from tests.api.serving import USER, app_of, fresh_data_dir, in_process, make_app, opened, over_http, signed_in
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def booked(database: Database) -> dict[str, int]:
    def total(db: object) -> dict[str, int]:
        rows = usage.sums(db, ZonedDays("2000-01-01", "9999-01-01"), by=())  # type: ignore[arg-type]
        return rows[0].counts if rows else {}

    return await database.read(total)


async def test_a_call_is_on_its_callers_account() -> None:
    async with in_process() as client:
        app = await opened(client)
        ann = await signed_in(client)
        for headers in (ann, ann, {}):
            await client.post(CHAT, json={"messages": USER}, headers=headers)
        await app.ledger.flush()
        mine = (await client.get("/api/profile/usage", headers=ann)).json()["total"]
        assert (mine["num_requests"], mine["num_messages"]) == (2, 0)
        everybody = await booked(app.database)
        assert everybody["num_requests"] == 3
        assert everybody["completion_tokens"] == 3 * len("Hello world")


async def test_vectors_are_on_their_callers_account_too() -> None:
    async with in_process() as client:
        app = await opened(client)
        ann = await signed_in(client)
        await client.post("/v1/embeddings", json={"input": ["abc", "de"]}, headers=ann)
        await client.post("/v1/embeddings", json={"input": ["abc", ""]}, headers=ann)
        await app.ledger.flush()
        booked_counts = await booked(app.database)
        assert (booked_counts["num_requests"], booked_counts["prompt_tokens"]) == (1, 5)
        mine = (await client.get("/api/profile/usage", headers=ann)).json()["total"]
        assert mine["num_requests"] == 1


async def test_an_account_waits_in_its_own_name_whatever_it_says() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        ann = await signed_in(client)
        for headers in (ann, {}):
            await client.post(CHAT, json={"messages": USER, "user": "somebody"}, headers=headers)
        own = (await client.get("/api/profile", headers=ann)).json()["user_id"]
    assert [request.user for request in engine.requests] == [own, "guest/somebody"]


async def test_many_calls_are_one_write() -> None:
    async with in_process() as client:
        app = await opened(client)
        await asyncio.gather(*(client.post(CHAT, json={"messages": USER}) for _ in range(20)))
        before = app.database.num_statements
        await app.ledger.flush()
        one = app.database.num_statements - before
        await app.ledger.flush()
        assert app.database.num_statements - before == one <= 4  # with BEGIN and savepoints
        assert (await booked(app.database))["num_requests"] == 20


async def test_what_the_server_had_when_it_ended_is_booked() -> None:
    settings = Settings(data_dir=fresh_data_dir(), store=StoreSettings(usage_flush_s=3600))
    async with over_http(settings=settings) as client:
        await client.post(CHAT, json={"messages": USER})
        assert await booked(app_of(client).database) == {}
    async with Database(settings.store, settings.data_dir) as database:
        assert (await booked(database))["num_requests"] == 1


async def test_what_cannot_be_written_now_is_kept() -> None:
    app = make_app()
    ledger = UsageLedger(app.database, flush_s=0)
    ledger.add("ann", "m", {"num_requests": 1})
    await ledger.flush()  # the database is closed
    ledger.add("ann", "m", {"num_requests": 2, "prompt_tokens": 5})
    ledger.add("ann", "m", {"num_requests": 0})
    async with app.database:
        running = asyncio.create_task(ledger.run())
        while not await booked(app.database):  # noqa: ASYNC110  # it flushes at every turn of the loop
            await asyncio.sleep(0)
        running.cancel()
        counts = await booked(app.database)
    assert (counts["num_requests"], counts["prompt_tokens"]) == (3, 5)


async def test_who_flushes_beside_another_waits_for_what_that_one_took() -> None:
    class SlowDatabase:
        def __init__(self) -> None:
            self.may_end = asyncio.Event()

        async def write(self, _: object) -> None:
            await self.may_end.wait()

    database = SlowDatabase()
    ledger = UsageLedger(database, flush_s=60.0)  # type: ignore[arg-type]
    ledger.add("ann", "m", {"num_requests": 1})
    first = asyncio.create_task(ledger.flush())
    await asyncio.sleep(0)
    second = asyncio.create_task(ledger.flush())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not second.done()
    database.may_end.set()
    await asyncio.gather(first, second)
