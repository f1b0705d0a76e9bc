"""Loads of stored answers on our own server: killed servers, stops, and what the log costs. Linux."""

import asyncio
import itertools
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from .bars import Bar
from .client import Client, ClientError, Reply
from .compare import Log, Run
from .figures import percentile
from .hardening import Outcome
from .prompts import user
from .server_kills import kill_servers
from .servers import bdchat, started
from .stored_client import StoredClient

NUM_SERVER_KILLS = 100
NUM_STOPS = 100
STREAMS_PER_ROUND = 4
MAX_STOP_MS = 250.0
LOG_STREAMS = 8
LOG_NEW_TOKENS = 320
LOG_PAUSE_S = 4.0  # in which the engine writes to disk what it has of the chats
NUM_LOG_PAIRS = 8
MAX_LOG_OVERHEAD = 0.02
MAX_CPU_RATIO = 1.3  # of the server process, a stored token to an unstored one
NO_TITLES = "generations.makes_titles=false"


async def server_kills(
    model: Path, overrides: Sequence[str], logs: Path, *, seed: int, log: Log, num_kills: int = NUM_SERVER_KILLS
) -> list[Outcome]:
    """kill -9 to the whole server, over one database."""
    with tempfile.TemporaryDirectory(prefix="bdchat-kills-") as folder:
        data = Path(folder)
        contender = bdchat(model, data, (NO_TITLES, *overrides))
        found = await kill_servers(contender, data / "bdchat.db", logs, seed=seed, num_kills=num_kills, log=log)
    text = (
        f"{found.num_kills} kills of the server, {found.num_answers} stored answers, {found.num_cut} of them cut,"
        f" {found.num_unacknowledged} messages sent again: {len(found.problems)} lost, doubled, incomplete or otherwise"
        " than read"
    )
    figures = {"kills": float(found.num_kills), "answers": float(found.num_answers), "cut": float(found.num_cut)}
    figures["problems"] = float(len(found.problems))
    run = Run(contender.name, "server-kills", num_kills, 0, figures)
    return [Outcome(Bar(1, text, not found.problems and found.num_cut > 0), run)]


async def stops(
    model: Path, overrides: Sequence[str], logs: Path, *, seed: int, log: Log, num_stops: int = NUM_STOPS
) -> list[Outcome]:
    """From the request to stop to its answer, which is given when the sequence is free and the text is stored."""
    rng = random.Random(f"stops {seed}")  # noqa: S311
    times_ms: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bdchat-stops-") as folder:
        contender = bdchat(model, Path(folder), (NO_TITLES, *overrides))
        async with started(contender, logs) as running:
            client, account = running.client, StoredClient({})
            await account.register(client.base_url.removesuffix("/v1"))
            client = Client(client.base_url, model=client.model, api_key=account.token)
            while len(times_ms) < num_stops:
                times_ms += await _one_round(client, account, rng)
                log(f"{len(times_ms)} stops, the last took {times_ms[-1]:.0f} ms")
            still_running = await _num_running(client)
    p99 = percentile(times_ms, 99)
    text = f"{len(times_ms)} stops of {STREAMS_PER_ROUND} streams: {median(times_ms):.0f} ms median, p99 {p99:.0f} ms"
    figures = {"stop_ms": median(times_ms), "stop_p99_ms": p99}
    bar = Bar(
        6, f"{text} (≤ {MAX_STOP_MS:.0f}), {still_running:.0f} left running", p99 <= MAX_STOP_MS and not still_running
    )
    return [Outcome(bar, Run(contender.name, "stop", len(times_ms), 0, figures))]


async def _one_round(client: Client, account: StoredClient, rng: random.Random) -> list[float]:
    """Streams together, stopped one after the other."""
    async with account.connected(client.base_url.removesuffix("/v1")) as http:
        session_ids = [await account.begin_session(http) for _ in range(STREAMS_PER_ROUND)]
    exchanges = [
        await client.start([user("Tell me a long story.")], 2000, store=True, metadata={"session_id": session_id})
        for session_id in session_ids
    ]
    times_ms: list[float] = []
    for exchange in exchanges:
        await exchange.until(rng.randint(2, 40))
        generation_id = json.loads(exchange.events[0][1])["id"]
        began = time.perf_counter()
        answer = await client.send("POST", f"/v1/chat/completions/{generation_id}/cancel")
        await answer.closed
        times_ms.append((time.perf_counter() - began) * 1000)
        state = json.loads(answer.body)["bdchat"]["state"]
        if state != "stopped":
            raise ClientError(answer.status, f"it is {state}")
        reply = await exchange.reply()
        if not reply.is_done:
            raise ClientError(0, "a stopped stream did not end")
    return times_ms


async def _num_running(client: Client) -> float:
    _, body = await client.get("/metrics")
    lines = [line for line in body.decode().splitlines() if line.startswith("bdchat_sequences_running")]
    return sum(float(line.split()[-1]) for line in lines)


async def log_overhead(
    model: Path, overrides: Sequence[str], logs: Path, *, seed: int, log: Log, num_pairs: int
) -> list[Outcome]:
    """Streams, not stored and stored in chats, in turn on one server: A B B A, each of new prompts and after a pause:
    what the cache holds of the run before, and what it writes to disk of it, is no part of the log."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    cpu_ms: dict[bool, list[float]] = {False: [], True: []}  # of the server process, a token
    with tempfile.TemporaryDirectory(prefix="bdchat-log-") as folder:
        contender = bdchat(model, Path(folder), (NO_TITLES, *overrides))
        async with started(contender, logs) as running:
            account = StoredClient({})
            base_url = running.client.base_url
            await account.register(base_url.removesuffix("/v1"))
            client = Client(base_url, model=running.client.model, api_key=account.token)
            assert running.tree is not None
            seeds = itertools.count(1000 * seed)
            await _rate(client, account, next(seeds), is_stored=True)  # warm
            for pair in range(num_pairs):
                for is_stored in (False, True) if pair % 2 else (True, False):
                    await asyncio.sleep(LOG_PAUSE_S)
                    before = running.tree.root_cpu_seconds()
                    rates[is_stored].append(await _rate(client, account, next(seeds), is_stored=is_stored))
                    spent_ms = (running.tree.root_cpu_seconds() - before) * 1000
                    cpu_ms[is_stored].append(spent_ms / (LOG_STREAMS * LOG_NEW_TOKENS))
                log(
                    f"pair {pair + 1}: {rates[False][-1]:.1f} tokens/s unstored, {rates[True][-1]:.1f} stored;"
                    f" {cpu_ms[False][-1]:.3f} and {cpu_ms[True][-1]:.3f} ms of the server's CPU a token"
                )
    ratios = [stored / bare for bare, stored in zip(rates[False], rates[True], strict=True)]
    overhead = 1 - median(ratios)
    text = (
        f"{LOG_STREAMS} streams: {median(rates[False]):.1f} tokens/s unstored, {median(rates[True]):.1f} stored,"
        f" overhead {overhead:.1%} in the median of {num_pairs} pairs (≤ {MAX_LOG_OVERHEAD:.0%})"
    )
    cpu_ratio = median(cpu_ms[True]) / median(cpu_ms[False])
    cpu_text = (
        f"the server process spends {median(cpu_ms[True]):.3f} ms of CPU on a stored token,"
        f" {median(cpu_ms[False]):.3f} on an unstored one: {cpu_ratio:.2f} (≤ {MAX_CPU_RATIO})"
    )
    figures = {"bare_tok_s": median(rates[False]), "stored_tok_s": median(rates[True]), "overhead": overhead}
    run = Run(contender.name, "log-overhead", LOG_STREAMS, 0, figures | {"cpu_ratio": cpu_ratio})
    return [
        Outcome(Bar(5, text, overhead <= MAX_LOG_OVERHEAD), run),
        Outcome(Bar(5, cpu_text, cpu_ratio <= MAX_CPU_RATIO), run),
    ]


async def _rate(client: Client, account: StoredClient, seed: int, *, is_stored: bool) -> float:
    """Tokens per second from the moment when all streams have begun to the end of the first."""
    fields: list[dict[str, object]] = [{} for _ in range(LOG_STREAMS)]
    if is_stored:
        async with account.connected(client.base_url.removesuffix("/v1")) as http:
            ids = [await account.begin_session(http) for _ in fields]
        fields = [{"store": True, "metadata": {"session_id": session_id}} for session_id in ids]
    prompts = [[user(f"Number {number} of {seed}: tell me a story.")] for number in range(LOG_STREAMS)]
    exchanges = [await client.start(p, LOG_NEW_TOKENS, **more) for p, more in zip(prompts, fields, strict=True)]
    replies: list[Reply] = await asyncio.gather(*(exchange.reply() for exchange in exchanges))
    begin = max(reply.deltas[0].at for reply in replies)
    end = min(reply.deltas[-1].at for reply in replies)
    return sum(begin < delta.at <= end for reply in replies for delta in reply.deltas) / (end - begin)
