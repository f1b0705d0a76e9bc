"""How long chats take to list, open, write in and search when there are 100,000 messages: a server without a model."""

import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .archive import NUM_MESSAGES, NUM_SESSIONS, Archive, Owner, archive_in, store_settings
from .bars import Bar
from .client import Client, ClientError
from .compare import Log, Run
from .corpus import SEARCHES, message
from .figures import percentile, quantiles
from .hardening import Outcome
from .servers import bdchat, started

NUM_REQUESTS = 300  # of each kind
NUM_SEARCHES = 60  # of each query and user
NUM_WARM_UP = 20
MAX_P95_MS = 15.0
MAX_SEARCH_P95_MS = 50.0
MUST_FIND = ("환불", "환불은", "refund 환불", "rare Korean", "rare English")


class Caller:
    """One user's requests, timed from before the connection is made to the last byte."""

    def __init__(self, base_url: str, owner: Owner) -> None:
        self._client = Client(base_url, api_key=owner.token)
        self.session_ids = owner.session_ids

    async def get(self, path: str) -> Any:
        status, body = await self._client.get(path)
        if status != 200:
            raise ClientError(status, body[:300].decode())
        return json.loads(body)

    async def post(self, path: str, body: dict[str, Any]) -> None:
        exchange = await self._client.send("POST", path, json.dumps(body).encode())
        await exchange.closed
        if exchange.status not in {200, 201}:
            raise ClientError(exchange.status, bytes(exchange.body[:300]).decode())


async def timed(work: Callable[[], Awaitable[Any]], num_times: int) -> list[float]:
    """Seconds of each, once it is warm."""
    for _ in range(min(NUM_WARM_UP, num_times)):
        await work()
    seconds = []
    for _ in range(num_times):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return seconds


async def store(data_dir: Path, overrides: Sequence[str], logs: Path, seed: int, log: Log) -> list[Outcome]:
    """With `store.url` among the overrides that database must be empty."""
    began = time.perf_counter()
    archive = await archive_in(store_settings(overrides), data_dir, seed)
    log(f"{NUM_MESSAGES:,} messages in {NUM_SESSIONS:,} sessions there after {time.perf_counter() - began:.0f} s")
    contender = bdchat("none", data_dir, tuple(overrides))
    async with started(contender, logs) as running:
        base_url = running.client.base_url
        seconds = await _chats(Caller(base_url, archive.owner), random.Random(seed))  # noqa: S311
        searches, misses = await _searches(base_url, archive, log)
    figures: dict[str, float] = {}
    for name, times in (seconds | {f"search {name}": times for name, times in searches.items()}).items():
        figures |= quantiles(name, times)
        log(f"{name}: p50 {percentile(times, 50) * 1000:.1f}, p95 {percentile(times, 95) * 1000:.1f} ms")
    p95 = {name: percentile(times, 95) * 1000 for name, times in seconds.items()}
    told = ", ".join(f"{name} {value:.1f}" for name, value in p95.items())
    slowest = max(searches, key=lambda name: percentile(searches[name], 95))
    search_p95 = percentile(searches[slowest], 95) * 1000
    kind = "PostgreSQL" if store_settings(overrides).url else "SQLite"
    found = f"not found: {', '.join(misses)}" if misses else "all found"
    run = Run(contender.name, "store", NUM_MESSAGES, 0, figures)
    return [
        Outcome(
            Bar(
                4,
                f"{kind}, {NUM_MESSAGES:,} messages, p95 in ms: {told} (≤ {MAX_P95_MS:g})",
                max(p95.values()) <= MAX_P95_MS,
            ),
            run,
        ),
        Outcome(
            Bar(
                4,
                f"{kind}, search p95 {search_p95:.1f} ms for {slowest!r} (≤ {MAX_SEARCH_P95_MS:g}); {found}",
                search_p95 <= MAX_SEARCH_P95_MS and not misses,
            ),
            run,
        ),
    ]


async def _chats(caller: Caller, rng: random.Random) -> dict[str, list[float]]:
    async def show_list() -> None:
        await caller.get("/api/sessions?limit=50&archived=false")

    cursor = (await caller.get("/api/sessions?limit=50"))["next_cursor"]
    for _ in range(20):
        cursor = (await caller.get(f"/api/sessions?limit=50&cursor={cursor}"))["next_cursor"]

    async def show_older() -> None:
        await caller.get(f"/api/sessions?limit=50&cursor={cursor}")

    async def open_one() -> None:
        session_id = rng.choice(caller.session_ids)
        await caller.get(f"/api/sessions/{session_id}")
        await caller.get(f"/api/sessions/{session_id}/messages?limit=30")

    async def send() -> None:
        body = {"content": message(rng, rng.randrange(100)), "client_message_id": f"{rng.random()}"}
        await caller.post(f"/api/sessions/{rng.choice(caller.session_ids)}/messages", body)

    kinds = {"list": show_list, "older": show_older, "open": open_one, "send": send}
    return {name: await timed(work, NUM_REQUESTS) for name, work in kinds.items()}


async def _searches(base_url: str, archive: Archive, log: Log) -> tuple[dict[str, list[float]], list[str]]:
    """Times by query and user, and the queries that found nothing though they should."""
    times: dict[str, list[float]] = {}
    misses: list[str] = []
    for who, owner in (("", archive.owner), (", newcomer", archive.newcomer)):
        caller = Caller(base_url, owner)
        for name, typed in SEARCHES.items():
            for endpoint, what in (("search", ""), ("search/chats", " by chat")):
                path = f"/api/{endpoint}?q={quote(typed)}"
                num_found = len((await caller.get(path))["data"])
                if name in MUST_FIND and not who and not num_found:
                    misses.append(name + what)
                times[name + what + who] = await timed(partial(caller.get, path), NUM_SEARCHES)
    return times, misses
