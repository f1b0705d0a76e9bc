"""What a server holds: idle after its start, while 16 long conversations are written, and when nobody asks any more.

Proportional set sizes (Pss in /proc/PID/smaps_rollup) of all its processes: pages that several share count once. Linux.
"""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from .bars import Bar
from .client import Client, ClientError
from .compare import Log, Run
from .hardening import Outcome
from .processes import ProcessTree
from .prompts import Shape, user, words
from .servers import Contender, Running, started

NUM_STREAMS = 16
STREAM_TOKENS = 4000  # of prompt and answer
NEW_TOKENS = 128
LOOK_S = 0.5
SETTLE_S = 5.0  # after a start
MORE_S = 15.0  # beyond the time that the server waits before idle conversations leave
MAX_START_MB = 500 * 1.048576
MAX_IDLE_MB = 800 * 1.048576
MAX_GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    started_mb: float
    peak_mb: float
    after_mb: float  # at the end of the last answer
    idle_mb: float
    longest_gap_s: float
    again_ttft_s: float  # the last conversation asked once more


async def memory(
    contender: Contender, logs: Path, log: Log, *, seed: int, idle_s: float, is_short: bool = False
) -> list[Outcome]:
    """`idle_s`: how long the server is given until it must have given back; settings may shorten it."""
    num_streams, num_tokens = (4, 1000) if is_short else (NUM_STREAMS, STREAM_TOKENS)
    rng = random.Random(f"memory {seed}")  # noqa: S311
    async with started(contender, logs) as running:
        held = await _held(running, rng, num_streams, num_tokens, idle_s + MORE_S)
    log(
        f"{contender.name}: {held.started_mb:.0f} MB after the start, {held.peak_mb:.0f} at most, {held.after_mb:.0f}"
        f" after the last answer, {held.idle_mb:.0f} idle"
    )
    figures = {
        "started_mb": held.started_mb,
        "peak_mb": held.peak_mb,
        "after_mb": held.after_mb,
        "idle_mb": held.idle_mb,
        "longest_gap_s": held.longest_gap_s,
        "again_ttft_s": held.again_ttft_s,
    }
    run = Run(contender.name, "memory", num_streams, 0, figures)
    text = (
        f"{held.started_mb:.0f} MB after the start (≤ {MAX_START_MB:.0f}), {held.idle_mb:.0f} MB {idle_s:.0f} s after"
        f" {num_streams} streams of {num_tokens} tokens (≤ {MAX_IDLE_MB:.0f}), longest gap {held.longest_gap_s:.2f} s"
        f" (≤ {MAX_GAP_S:.0f})"
    )
    is_good = held.started_mb <= MAX_START_MB and held.idle_mb <= MAX_IDLE_MB and held.longest_gap_s <= MAX_GAP_S
    return [Outcome(Bar(4, text, is_good), run)]


async def _held(running: Running, rng: random.Random, num_streams: int, num_tokens: int, wait_s: float) -> Held:
    tree = running.tree
    if tree is None:
        raise ClientError(0, "the memory of a server elsewhere cannot be read")
    await asyncio.sleep(SETTLE_S)
    started_mb = tree.proportional_bytes() / 1e6
    shape = await Shape.measure(running.client, rng)
    prompts = [[user(words(rng, shape.num_words(num_tokens - NEW_TOKENS)))] for _ in range(num_streams)]
    peaks = [started_mb]
    watching = asyncio.create_task(_watch(tree, peaks))
    try:
        replies = await asyncio.gather(*(running.client.stream(prompt, NEW_TOKENS) for prompt in prompts))
    finally:
        watching.cancel()
    after_mb = tree.proportional_bytes() / 1e6
    gaps = [gap for reply in replies for gap in reply.gaps_s]
    await asyncio.sleep(wait_s)
    idle_mb = tree.proportional_bytes() / 1e6
    again = await _again(running.client, prompts[-1])
    return Held(started_mb, max(*peaks, after_mb), after_mb, idle_mb, max(gaps, default=0.0), again)


async def _again(client: Client, prompt: list[dict[str, str]]) -> float:
    return (await client.stream(prompt, 8)).ttft_s


async def _watch(tree: ProcessTree, peaks: list[float]) -> None:
    while True:
        peaks.append(await asyncio.to_thread(tree.proportional_bytes) / 1e6)
        await asyncio.sleep(LOOK_S)
