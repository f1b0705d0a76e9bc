"""What is booked is what the engines counted, to the token, whatever became of the requests."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlmodel import func, select

from bdchat.engine.request import Finished, FinishReason, GenerationRequest, Resumption, Usage
from bdchat.settings import GenerationSettings, Settings
from bdchat.store.accounts import usage
from bdchat.store.accounts.zoned_days import ZonedDays
from bdchat.store.tables import Message
from tests.api.serving import app_of, over_http, signed_in
from tests.api.talking import id_of
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
NUM_REQUESTS = 200
TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens")


class BreakingEngine(FakeEngine):
    """Says its pieces and then that it could not go on."""

    def _finished(
        self,
        request: GenerationRequest,
        usage: Usage,
        said: list[list[str]],
        resumption: Resumption | None,
        reasons: list[FinishReason] | None = None,
    ) -> list[Finished]:
        return super()._finished(request, usage, said, resumption, [FinishReason.ERROR for _ in said])


class Load:
    """Requests of every kind, by two users and the guest, each with a text of its own or one that was sent before."""

    def __init__(self, client: httpx.AsyncClient, users: list[dict[str, str]], seed: int) -> None:
        self._client = client
        self._users = users
        self._rng = random.Random(seed)
        self._numbers = itertools.count()
        self.kinds = Counter[str]()

    async def one(self) -> None:
        kinds = (self.whole, self.streamed, self.prompts, self.left, self.refused, self.broken, self.stored)
        kind = self._rng.choice((*kinds, self.stored, self.stopped, self.again, self.ended))
        self.kinds[kind.__name__] += 1
        await kind()

    def _body(self, **more: object) -> dict[str, object]:
        text = f"question {self._rng.randrange(40)} " * self._rng.randrange(1, 4)
        return {"messages": [{"role": "user", "content": text}], "n": self._rng.choice((1, 1, 2, 3)), **more}

    def _headers(self) -> dict[str, str]:
        return self._rng.choice([*self._users, {}])

    async def whole(self) -> None:
        assert (await self._client.post(CHAT, json=self._body(), headers=self._headers())).status_code == 200

    async def streamed(self) -> None:
        body = self._body(stream=True, max_tokens=self._rng.choice((3, 7, 100)))
        assert "[DONE]" in (await self._client.post(CHAT, json=body, headers=self._headers())).text

    async def prompts(self) -> None:
        body = {"prompt": ["one", "two", f"three {next(self._numbers)}"], "n": 2}
        assert (await self._client.post("/v1/completions", json=body, headers=self._headers())).status_code == 200

    async def left(self) -> None:
        """The client goes: at once, or after the first words."""
        body = self._body(stream=True)
        async with self._client.stream("POST", CHAT, json=body, headers=self._headers()) as response:
            raw = response.aiter_raw()
            for _ in range(self._rng.randrange(3)):
                await anext(raw, None)

    async def refused(self) -> None:
        body = {"messages": [{"role": "user", "content": "x" * 5000}]}
        assert (await self._client.post(CHAT, json=body, headers=self._headers())).status_code == 400

    async def broken(self) -> None:
        await self._client.post(CHAT, json=self._body(model="breaking"), headers=self._headers())

    async def _answer(self, *, waits: bool) -> tuple[dict[str, str], str, str]:
        """A stored one in a new chat: whose, which chat, which generation."""
        headers = self._rng.choice(self._users)
        session = (await self._client.post("/api/sessions", json={}, headers=headers)).json()["session_id"]
        body = self._body(n=1, store=True, stream=True, metadata={"session_id": session})
        async with self._client.stream("POST", CHAT, json=body, headers=headers) as response:
            assert response.status_code == 200
            if waits:
                await response.aread()
        running = [each for each in app_of(self._client).durable.running() if each.session_id == session]
        return headers, session, running[0].generation_id if running else ""

    async def stored(self) -> None:
        await self._answer(waits=self._rng.random() < 0.5)

    async def stopped(self) -> None:
        _, _, generation_id = await self._answer(waits=False)
        if generation_id:
            await app_of(self._client).durable.stop_any(generation_id)

    async def again(self) -> None:
        """Asked anew, and the question said otherwise."""
        headers, session, _ = await self._answer(waits=True)
        page = (await self._client.get(f"/api/sessions/{session}/messages", headers=headers)).json()
        question, answer = (message["message_id"] for message in page["data"])
        for path, body in ((f"{answer}/regenerate", {}), (f"{question}/edit", {"content": "otherwise"})):
            begun = await self._client.post(f"/api/messages/{path}", json=body, headers=headers)
            assert begun.status_code == 202, begun.text

    async def ended(self) -> None:
        """By an admin."""
        call = asyncio.create_task(self._client.post(CHAT, json=self._body(), headers=self._headers()))
        await asyncio.sleep(0)
        for generation in app_of(self._client).generations.running[:1]:
            root = await signed_in(self._client, "root", admin=True)
            path = f"/api/admin/generations/{generation.request.request_id}"
            await self._client.delete(path, headers=root)
        await call


@asynccontextmanager
async def two_engines() -> AsyncGenerator[tuple[httpx.AsyncClient, tuple[FakeEngine, FakeEngine]]]:
    engines = (FakeEngine(pieces=[f"w{n} " for n in range(12)]), BreakingEngine(model_id="breaking"))
    settings = Settings(generations=GenerationSettings(makes_titles=False))
    async with over_http(*engines, settings=settings) as client:
        yield client, engines


async def test_sums_are_the_engines_counters_after_a_mixed_load() -> None:
    async with two_engines() as (client, engines):
        people = [await signed_in(client, name) for name in ("ann", "bob")]
        load = Load(client, people, seed=9)
        room = asyncio.Semaphore(8)

        async def one() -> None:
            async with room:
                await load.one()

        await asyncio.gather(*(one() for _ in range(NUM_REQUESTS)))
        app = app_of(client)
        await until(lambda: not app.generations.num_running and not app.durable.running())
        await app.ledger.flush()
        rows = await app.database.read(lambda db: usage.sums(db, ZonedDays("2000-01-01", "9999-01-01"), by=("user",)))
        num_messages = await app.database.read(
            lambda db: db.exec(select(func.count()).select_from(Message).where(Message.role == "user")).one()
        )
        known = {await id_of(client, "ann"), await id_of(client, "bob"), ""}
    booked = Counter[str]()
    for row in rows:
        booked.update(row.counts)
    assert len(load.kinds) == 10
    assert all(count >= 5 for count in load.kinds.values()), load.kinds
    assert {row.user_id for row in rows} == known
    counted = {
        "prompt_tokens": sum(e.counts.prompt_tokens_computed + e.counts.prompt_tokens_cached for e in engines),
        "cached_tokens": sum(e.counts.prompt_tokens_cached for e in engines),
        "completion_tokens": sum(e.counts.tokens_generated for e in engines),
    }
    assert {name: booked[name] for name in TOKENS} == counted
    assert booked["num_messages"] == num_messages > 40
    assert min(counted.values()) > 1000
