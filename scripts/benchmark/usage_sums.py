"""A mixed load of requests, after which what is booked must equal what the engine counted, to the token.

Streamed, whole, several choices, clients that leave, refused, stored, stopped, asked anew, said otherwise. Knows the
public API; the engine's counters are what an admin sees of them.
"""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from .accounts import sign_in
from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .hardening import Outcome
from .servers import Contender, started
from .stored_client import checked

NUM_REQUESTS = 200
AT_A_TIME = 8
LOG_EVERY = 20
SETTLE_TIMEOUT_S = 120.0
SETTLE_INTERVAL_S = 1.0
CHAT = "/v1/chat/completions"
NAMES = ("prompt_tokens", "cached_tokens", "completion_tokens")


class Load:
    def __init__(self, http: httpx.AsyncClient, rng: random.Random) -> None:
        self._http = http
        self._rng = rng
        self.num_messages = 0  # of users, stored
        self.num_done = 0
        self.kinds = Counter[str]()

    async def one(self) -> None:
        kinds = (self.whole, self.streamed, self.left, self.refused, self.stored, self.stopped, self.again)
        kind = self._rng.choice(kinds)
        self.kinds[kind.__name__] += 1
        await kind()

    def _body(self, **more: Any) -> dict[str, Any]:
        """A question of its own, or one that was asked before."""
        text = f"Tell me something about the number {self._rng.randrange(60)}. " * self._rng.randrange(1, 5)
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": self._rng.randrange(1, 12)}
        return {**body, "n": self._rng.choice((1, 1, 2, 3)), **more}

    async def _post(self, path: str, body: dict[str, Any], status: int) -> Any:
        answer = await self._http.post(path, json=body)
        if answer.status_code != status:
            raise ClientError(answer.status_code, answer.text)
        return answer.json()

    async def whole(self) -> None:
        await self._post(CHAT, self._body(), 200)

    async def streamed(self) -> None:
        await self._read(self._body(stream=True))

    async def _read(self, body: dict[str, Any], num_events: int | None = None) -> str:
        """The completion's id, after so many events; then the client is gone. None: to the end."""
        completion_id = ""
        async with self._http.stream("POST", CHAT, json=body) as response:
            if response.status_code != 200:
                raise ClientError(response.status_code, (await response.aread()).decode())
            num_seen = 0
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    completion_id = json.loads(line.removeprefix("data: ")).get("id", completion_id)
                    num_seen += 1
                if num_events is not None and num_seen >= num_events:
                    break
        return completion_id

    async def left(self) -> None:
        await self._read(self._body(stream=True, max_tokens=60), self._rng.randrange(1, 5))

    async def refused(self) -> None:
        wrong = self._rng.choice(({"max_tokens": 0}, {"logit_bias": {"9999999": 1}}, {"model": "no such"}))
        await self._post(CHAT, self._body(**wrong), 404 if "model" in wrong else 400)

    async def _answer(self, num_events: int | None, **more: Any) -> tuple[str, str]:
        """A stored one in a new chat: the chat, the answer."""
        session_id = (await self._post("/api/sessions", {}, 201))["session_id"]
        body = self._body(n=1, store=True, stream=True, metadata={"session_id": session_id}, **more)
        self.num_messages += 1
        return session_id, await self._read(body, num_events)

    async def stored(self) -> None:
        await self._answer(self._rng.choice((None, 1)))

    async def stopped(self) -> None:
        _, generation_id = await self._answer(self._rng.randrange(1, 5), max_tokens=60)
        await self._http.delete(f"/api/admin/generations/{generation_id}")  # 404: it was quicker

    async def again(self) -> None:
        session_id, _ = await self._answer(None)
        page = (await self._http.get(f"/api/sessions/{session_id}/messages")).json()
        question, answer = (message["message_id"] for message in page["data"])
        await self._post(f"/api/messages/{answer}/regenerate", {"params": {"max_tokens": 4}}, 202)
        await self._post(f"/api/messages/{question}/edit", {"content": "Otherwise.", "params": {"max_tokens": 4}}, 202)
        self.num_messages += 1


async def counted(http: httpx.AsyncClient) -> Counter[str]:
    """By the engines."""
    total = Counter[str]()
    for engine in (await http.get("/api/admin/engine")).json()["data"]:
        cached = sum(engine["prompt_tokens_cached"].values())
        total["prompt_tokens"] += engine["prompt_tokens_computed"] + cached
        total["cached_tokens"] += cached
        total["completion_tokens"] += engine["tokens_generated"]
    return total


async def booked(http: httpx.AsyncClient) -> Counter[str]:
    """For all accounts."""
    return Counter(checked(await http.get("/api/admin/usage", params={"by": ""}))["total"])


async def is_idle(http: httpx.AsyncClient) -> bool:
    overview = (await http.get("/api/admin/overview")).json()
    return not overview["num_running"] and not overview["num_waiting"]


async def settled(http: httpx.AsyncClient, books: Counter[str], counts: Counter[str]) -> dict[str, tuple[int, int]]:
    """Name → (booked, counted) since then, once both stand still: titles are made in quiet moments, sums are written
    every second."""
    former: dict[str, tuple[int, int]] = {}
    for _ in range(round(SETTLE_TIMEOUT_S / SETTLE_INTERVAL_S)):
        await asyncio.sleep(SETTLE_INTERVAL_S)
        now_booked, now_counted = await booked(http), await counted(http)
        found = {name: (now_booked[name] - books[name], now_counted[name] - counts[name]) for name in NAMES}
        if found == former and await is_idle(http):
            return found
        former = found
    return former


async def usage_sums(
    contender: Contender, logs: Path, seed: int, log: Log, num_requests: int = NUM_REQUESTS
) -> list[Outcome]:
    rng = random.Random(f"usage {seed}")  # noqa: S311
    async with started(contender, logs) as running:
        url = running.client.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(base_url=url, timeout=600) as http:  # a machine may be busy
            await sign_in(http)  # the first account of its data directory: an admin's
            await running.client.usage([{"role": "user", "content": "Say yes."}], 4)  # loaded
            await settled(http, Counter(), Counter())  # what an earlier run left unfinished goes on first
            log("idle")
            books, counts = await booked(http), await counted(http)
            load = Load(http, rng)
            room = asyncio.Semaphore(AT_A_TIME)

            async def one() -> None:
                async with room:
                    await load.one()
                load.num_done += 1
                if load.num_done % LOG_EVERY == 0:
                    log(f"{load.num_done} requests done")

            await asyncio.gather(*(one() for _ in range(num_requests)))
            log(f"{num_requests} requests: {', '.join(f'{n} {kind}' for kind, n in load.kinds.most_common())}")
            sums = await settled(http, books, counts)
            num_messages = (await booked(http))["num_messages"] - books["num_messages"]
    sums["messages"] = (num_messages, load.num_messages)
    for name, (own, theirs) in sums.items():
        log(f"{name}: {own} booked, {theirs} counted")
    text = ", ".join(f"{name} {own} booked and {theirs} counted" for name, (own, theirs) in sums.items())
    is_exact = all(own == theirs > 0 for own, theirs in sums.values())
    figures = {f"{name}_booked": float(own) for name, (own, _) in sums.items()}
    figures |= {f"{name}_counted": float(theirs) for name, (_, theirs) in sums.items()}
    bar = Bar(9, f"after {num_requests} mixed requests: {text}", is_exact)
    return [Outcome(bar, Run(contender.name, "usage", num_requests, 0, figures))]
