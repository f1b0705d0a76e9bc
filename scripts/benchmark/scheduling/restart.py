"""A stored chat after a restart: its next turn against a prompt of the same length that nobody has seen."""

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from ..bars import Bar
from ..client import Client, ClientError, Reply
from ..compare import Log, Run
from ..counters import read
from ..figures import Spread
from ..hardening import Outcome
from ..prompts import Shape, user, words
from ..servers import Contender, bdchat, started
from ..stored_client import StoredClient
from ..workloads import Figures

CHAT_TOKENS = 4000
QUICK_TOKENS = 600
TURN_WORDS = 24
ANSWER_TOKENS = 16
DISK_BYTES = "bdchat_disk_cache_bytes"
SAVE_TIMEOUT_S = 120.0
LOOK_S = 0.5
MAX_RATIO = {None: 0.10, "mistral-7b": 0.03}  # by --model-shape
NO_TITLES = "generations.makes_titles=false"


async def restart(
    model: Path,
    overrides: tuple[str, ...],
    logs: Path,
    log: Log,
    *,
    seed: int,
    num_rounds: int,
    is_short: bool,
    model_shape: str | None,
) -> list[Outcome]:
    """Each round with a data directory of its own."""
    found = []
    num_tokens = QUICK_TOKENS if is_short else CHAT_TOKENS
    for number in range(num_rounds):
        rng = random.Random(f"restart {seed * 1000 + number}")  # noqa: S311
        with TemporaryDirectory(prefix="bdchat-restart-") as folder:
            contender = bdchat(model, Path(folder), (NO_TITLES, *overrides))
            found.append(await _round(contender, logs, rng, num_tokens))
        log(f"restart · round {number + 1}: " + ", ".join(f"{name} {value:.4g}" for name, value in found[-1].items()))
    return [outcome(found, num_tokens, MAX_RATIO[model_shape])]


async def _round(contender: Contender, logs: Path, rng: random.Random, num_tokens: int) -> Figures:
    account = StoredClient({})
    async with started(contender, logs) as running:
        shape = await Shape.measure(running.client, rng)
        await account.register(running.client.base_url.removesuffix("/v1"))
        num_words = shape.num_words(num_tokens)
        session_id = await _session(running.client, account)
        first = await _turn(running.client, account, session_id, words(rng, num_words))
        await _until_saved(running.client)
    async with started(contender, logs) as running:
        await Shape.measure(running.client, rng)  # loaded and warm
        warm = await _turn(running.client, account, session_id, words(rng, TURN_WORDS))
        cold = await _turn(running.client, account, await _session(running.client, account), words(rng, num_words))
    return {
        "chat_tokens": float(first.usage.prompt_tokens or 0),
        "warm_cached_tokens": float(warm.usage.cached_tokens),
        "warm_ttft_ms": warm.ttft_s * 1000,
        "cold_ttft_ms": cold.ttft_s * 1000,
        "ttft_ratio": warm.ttft_s / cold.ttft_s,
    }


async def _session(client: Client, account: StoredClient) -> str:
    async with account.connected(client.base_url.removesuffix("/v1")) as http:
        return await account.begin_session(http)


async def _turn(client: Client, account: StoredClient, session_id: str, text: str) -> Reply:
    own = Client(client.base_url, model=client.model, api_key=account.token)
    return await own.stream([user(text)], ANSWER_TOKENS, store=True, metadata={"session_id": session_id})


async def _until_saved(client: Client) -> None:
    """The chat's state is on the disk, and nothing more is being written there."""
    deadline, former = perf_counter() + SAVE_TIMEOUT_S, 0.0
    while perf_counter() < deadline:
        await asyncio.sleep(LOOK_S)
        now = (await read(client)).get(DISK_BYTES, 0.0)
        if 0 < now == former:
            return
        former = now
    raise ClientError(0, f"nothing of the chat came to the disk within {SAVE_TIMEOUT_S:.0f} s")


def outcome(found: list[Figures], num_tokens: int, most: float) -> Outcome:
    ratio = Spread.of(figures["ttft_ratio"] for figures in found)
    figures = {name: Spread.of(each[name] for each in found).median for name in found[0]}
    text = (
        f"a chat of {num_tokens} tokens after a restart: TTFT {figures['warm_ttft_ms']:.0f} ms, cold"
        f" {figures['cold_ttft_ms']:.0f} ms: {ratio.low:.3f} / {ratio.median:.3f} / {ratio.high:.3f} (≤ {most})"
    )
    return Outcome(Bar(4, text, ratio.median <= most), Run("bdchat", "restart", num_tokens, 0, figures))
