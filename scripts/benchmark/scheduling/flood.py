"""Batch requests take every place; then somebody asks who waits for the answer.

Prompts and answers of both are of one length, so that a mix of them is the same work a token as the batch alone: what
total throughput loses is what making room costs.
"""

import asyncio
import random
from dataclasses import dataclass, field
from time import perf_counter

from ..client import ANSWER_TIMEOUT_S, Client, ClientError, Exchange, Reply
from ..figures import percentile, quantiles
from ..prompts import Shape
from ..workloads import Figures, Measure, Workload, stream_prompt
from .standing_load import FIRST_TEXT, Ask, StandingLoad, seen, tokens_between

NUM_PLACES = 16
QUICK_PLACES = 4
BATCH_TOKENS = (128, 256)  # new ones, at least and at most
EVERY_S = 4.0
IDLE_TOKENS = 8
BATCH = {"service_tier": "flex", "user": "batch"}  # a server that knows neither passes over them
PERSON = {"user": "person"}


@dataclass(frozen=True, slots=True)
class Length:
    num_idle: int  # requests to the idle server
    window_s: float  # of the batch alone, and with the others
    num_rounds: int  # of four windows each: alone, with, with, alone
    settle_s: float  # after those who wait have left: their places are taken again


WHOLE = Length(num_idle=5, window_s=16.0, num_rounds=1, settle_s=2.0)
QUICK = Length(num_idle=2, window_s=5.0, num_rounds=1, settle_s=2.0)


@dataclass(slots=True)
class Turns:
    """Windows of one kind: (start, end) each."""

    alone: list[tuple[float, float]] = field(default_factory=list)
    mixed: list[tuple[float, float]] = field(default_factory=list)


def measure(length: Length) -> Measure:
    async def flood(client: Client, shape: Shape, level: int, seed: int) -> Figures:
        return await _flood(client, shape, level, random.Random(f"flood {seed}"), length)  # noqa: S311

    return flood


def workload(*, is_short: bool) -> Workload:
    title = f"{NUM_PLACES} batch requests, and one every {EVERY_S:.0f} s that somebody waits for"
    level = QUICK_PLACES if is_short else NUM_PLACES
    return Workload("flood", "batch requests", (level,), measure(QUICK if is_short else WHOLE), title)


async def _flood(client: Client, shape: Shape, level: int, rng: random.Random, length: Length) -> Figures:
    began = perf_counter()
    idle = [
        await client.stream(stream_prompt(rng, shape), IDLE_TOKENS, **PERSON)  # one after the other
        for _ in range(length.num_idle)
    ]
    first = iter(_spread(level))

    def ask(place: int) -> Ask:
        return Ask(stream_prompt(rng, shape), next(first, None) or rng.randint(*BATCH_TOKENS))

    turns = Turns()
    people: list[Exchange] = []
    async with StandingLoad(client, level, ask, dict(BATCH)) as load:
        await load.until_busy()
        for _ in range(length.num_rounds):
            for is_mixed in (False, True, True, False):
                if is_mixed:
                    turns.mixed.append(await _with_people(client, shape, rng, length.window_s, people))
                    await asyncio.sleep(length.settle_s)
                else:
                    start = perf_counter()
                    await asyncio.sleep(length.window_s)
                    turns.alone.append((start, perf_counter()))
        batch, asked = load.replies(), seen(people)
    replies = [*batch, *asked]
    alone, mixed = rate(replies, turns.alone), rate(replies, turns.mixed)
    return {
        "wall_s": perf_counter() - began,
        **flood_figures([reply.ttft_s for reply in idle], [reply.ttft_s for reply in asked]),
        "tokens_per_s": mixed,
        "alone_tokens_per_s": alone,
        "throughput_ratio": mixed / alone,
        "num_events": sum(len(reply.events) for reply in (*idle, *replies)),
        **quantiles("gap", [gap for reply in asked for gap in reply.gaps_s]),
    }


def flood_figures(idle_s: list[float], ttfts_s: list[float]) -> Figures:
    idle = percentile(idle_s, 50)
    return {
        "idle_ttft_p50_ms": idle * 1000,
        **quantiles("ttft", ttfts_s),
        "ttft_ratio": percentile(ttfts_s, 50) / idle,
    }


async def _with_people(
    client: Client, shape: Shape, rng: random.Random, window_s: float, people: list[Exchange]
) -> tuple[float, float]:
    """One asks every EVERY_S seconds, whether or not the one before has been answered. All are given up once each has
    its first text, after the window."""
    start, mine = perf_counter(), []
    while (now := perf_counter()) - start < window_s:
        mine.append(await client.start(stream_prompt(rng, shape), rng.randint(*BATCH_TOKENS), **PERSON))
        await asyncio.sleep(min(EVERY_S, max(0.0, start + window_s - now)))
    end = perf_counter()
    people += mine
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        await asyncio.gather(*(exchange.until(FIRST_TEXT) for exchange in mine))
    for exchange in mine:
        if len(exchange.events) < FIRST_TEXT:
            raise ClientError(exchange.status, bytes(exchange.body[:300]).decode("utf-8", "replace"))
        exchange.abort()
    return start, end


def _spread(num_places: int) -> list[int]:
    """New tokens of the first request of each place: evenly apart, so that afterwards they end one by one, as they do
    in a load that has run for long."""
    mean = sum(BATCH_TOKENS) / 2
    return [max(1, round(mean * (place + 1) / num_places)) for place in range(num_places)]


def rate(replies: list[Reply], windows: list[tuple[float, float]]) -> float:
    """Tokens a second within the windows (start, end) together."""
    return sum(tokens_between(replies, *each) for each in windows) / sum(end - start for start, end in windows)
