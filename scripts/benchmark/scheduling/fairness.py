"""Users who ask too much, and what is left for the others: accounts with API keys, on our own server.

Service is counted as a virtual token counter counts it: a computed prompt token once, a generated one twice.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx

from ..accounts import api_key
from ..bars import Bar
from ..client import ANSWER_TIMEOUT_S, Client, Reply
from ..compare import Log, Run
from ..figures import Spread, percentile
from ..hardening import Outcome
from ..prompts import Shape
from ..servers import Running, bdchat, started
from ..workloads import STREAM_PROMPT_TOKENS, Figures, stream_prompt
from .standing_load import Ask, StandingLoad, tokens_between

NUM_HEAVY = 32  # of one user at once: 16 run, 16 wait
DEMANDS = (1, 2, 3, 4, 5, 6, 7, 8)  # requests at once, of as many users
NEW_TOKENS = (64, 128)
LIGHT_TOKENS = 32
IDLE_TOKENS = 8
PROMPT_WEIGHT, NEW_WEIGHT = 1.0, 2.0
MAX_TTFT_RATIO = 2.0
MIN_JAIN = 0.95
OPEN = "auth.registration=open"
NO_TITLES = "generations.makes_titles=false"


@dataclass(frozen=True, slots=True)
class Size:
    num_heavy: int
    demands: tuple[int, ...]
    num_asked: int  # by the light user
    every_s: float
    window_s: float


WHOLE = Size(NUM_HEAVY, DEMANDS, num_asked=8, every_s=3.0, window_s=30.0)
QUICK = Size(4, DEMANDS[:2], num_asked=2, every_s=1.0, window_s=6.0)


async def fairness(
    model: Path, overrides: tuple[str, ...], logs: Path, log: Log, *, seed: int, num_rounds: int, is_short: bool
) -> list[Outcome]:
    """Each round on a server of its own."""
    found = []
    for number in range(num_rounds):
        rng = random.Random(f"fairness {seed * 1000 + number}")  # noqa: S311
        with TemporaryDirectory(prefix="bdchat-fairness-") as folder:
            contender = bdchat(model, Path(folder), (OPEN, NO_TITLES, *overrides))
            async with started(contender, logs) as running:
                found.append(await _round(running, rng, is_short=is_short))
        log(f"fairness · round {number + 1}: " + ", ".join(f"{name} {value:.4g}" for name, value in found[-1].items()))
    return outcomes(found, QUICK if is_short else WHOLE)


async def _round(running: Running, rng: random.Random, *, is_short: bool) -> Figures:
    shape = await Shape.measure(running.client, rng)
    clients = await _accounts(running.client, 1 + len(DEMANDS))
    size = QUICK if is_short else WHOLE
    light = await _beside_heavy(clients[0], clients[1], shape, rng, size)
    return light | await _unlike(clients[1:], shape, rng, size)


async def _accounts(guest: Client, num: int) -> list[Client]:
    """A client with a key of its own for each; the first account is an admin's, and none of these."""
    async with httpx.AsyncClient(base_url=guest.base_url.removesuffix("/v1"), timeout=60) as http:
        names = ["bench-admin", *(f"bench-{number}" for number in range(num))]
        keys = [await api_key(http, name) for name in names]
    return [Client(guest.base_url, model=guest.model, api_key=key) for key in keys[1:]]


async def _beside_heavy(light: Client, heavy: Client, shape: Shape, rng: random.Random, size: Size) -> Figures:
    """One asks now and then, on the idle server and while another user has requests waiting."""
    idle = [await light.stream(stream_prompt(rng, shape), IDLE_TOKENS) for _ in range(size.num_asked)]
    replies: list[Reply] = []
    async with StandingLoad(heavy, size.num_heavy, Asks(shape, rng), {}) as load:
        await load.until_busy()
        for _ in range(size.num_asked):
            replies.append(await light.stream(stream_prompt(rng, shape), LIGHT_TOKENS))
            await asyncio.sleep(size.every_s)
    idle_s = percentile([reply.ttft_s for reply in idle], 50)
    ttft_s = [reply.ttft_s for reply in replies]
    return {
        "idle_ttft_p50_ms": idle_s * 1000,
        "light_ttft_p50_ms": percentile(ttft_s, 50) * 1000,
        "light_ttft_max_ms": max(ttft_s) * 1000,
        "ttft_ratio": percentile(ttft_s, 50) / idle_s,
    }


async def _unlike(clients: list[Client], shape: Shape, rng: random.Random, size: Size) -> Figures:
    """Users who always have so many requests under way, and what each got while all were active."""
    async with AsyncExitStack() as stack:
        loads = [
            await stack.enter_async_context(StandingLoad(client, demand, Asks(shape, rng), {}))
            for client, demand in zip(clients, size.demands, strict=False)
        ]
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await asyncio.gather(*(load.until_served() for load in loads))
        start = perf_counter()
        await asyncio.sleep(size.window_s)
        end = perf_counter()
    services = [service(load.replies(), start, end) for load in loads]
    return {
        "jain": jain(services),
        "least_over_mean": min(services) * len(services) / sum(services),
        "most_over_mean": max(services) * len(services) / sum(services),
    }


class Asks:
    """Prompts that nobody has asked before."""

    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self._shape = shape
        self._rng = rng

    def __call__(self, place: int) -> Ask:
        return Ask(stream_prompt(self._rng, self._shape), self._rng.randint(*NEW_TOKENS))


def service(replies: list[Reply], start: float, end: float) -> float:
    """Weighted tokens within that time. A prompt counts where its first text came."""
    num_prompts = sum(bool(reply.deltas) and start <= reply.deltas[0].at < end for reply in replies)
    return PROMPT_WEIGHT * STREAM_PROMPT_TOKENS * num_prompts + NEW_WEIGHT * tokens_between(replies, start, end)


def jain(services: list[float]) -> float:
    """Jain's index: 1 when all got the same, 1 / n when one got everything."""
    squares = sum(each * each for each in services)
    return sum(services) ** 2 / (len(services) * squares) if squares else 0.0


def outcomes(found: list[Figures], size: Size) -> list[Outcome]:
    ratio, index = (Spread.of(figures[name] for figures in found) for name in ("ttft_ratio", "jain"))
    figures = {name: Spread.of(each[name] for each in found).median for name in found[0]}
    run = Run("bdchat", "fairness", len(size.demands), 0, figures)
    light = (
        f"a light user beside {size.num_heavy} requests of another: TTFT {ratio.low:.2f} / {ratio.median:.2f} /"
        f" {ratio.high:.2f} × idle (≤ {MAX_TTFT_RATIO:.0f})"
    )
    even = (
        f"Jain's index of service over {len(size.demands)} users with {size.demands[0]} to {size.demands[-1]}"
        f" requests at once: {index.low:.3f} / {index.median:.3f} / {index.high:.3f} (≥ {MIN_JAIN})"
    )
    return [
        Outcome(Bar(5, light, ratio.median <= MAX_TTFT_RATIO), run),
        Outcome(Bar(5, even, index.median >= MIN_JAIN), run),
    ]
