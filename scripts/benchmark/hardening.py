"""Loads that only our own server must stand: its engine killed, its start timed, hostile requests. Linux."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from .bars import Bar
from .client import Client, ClientError, Reply
from .compare import Log, Run
from .figures import Spread
from .hostile import bodies
from .prompts import Shape, user, words
from .servers import Contender, Running, started

NUM_KILLS = 20
STREAMS_PER_KILL = 3
KILL_NEW_TOKENS = 128
NUM_STARTS = 5
MAX_IDLE_MEMORY_MB = 120.0
MAX_START_S = 1.5
MAX_HEALTH_SILENCE_S = 2.0
HEALTH_INTERVAL_S = 0.1
HOSTILE_TIMEOUT_S = 300.0  # some are long prompts that are answered
AT_A_TIME = 4
MIN_STATUS = 200
CONNECTION_LOST, NO_ANSWER = 0, 1  # where a status stands for them
TROUBLE = {CONNECTION_LOST: "connection lost", NO_ANSWER: f"no answer within {HOSTILE_TIMEOUT_S:.0f} s"}


@dataclass(frozen=True, slots=True)
class Outcome:
    bar: Bar
    run: Run


async def kills(contender: Contender, logs: Path, seed: int, log: Log, num_kills: int = NUM_KILLS) -> list[Outcome]:
    """kill -9 to the engine process while streams run, again and again on one server."""
    rng = random.Random(f"kills {seed}")  # noqa: S311
    problems: list[str] = []
    pauses: list[float] = []
    async with started(contender, logs) as running:
        shape = await Shape.measure(running.client, rng)
        for count in range(num_kills):
            replies, num_events = await _one_kill(running, shape, rng)
            found = [problem for reply in replies if (problem := flaw(reply)) is not None]
            longest = max(
                (max(reply.gaps_s, default=0.0) for reply in replies if isinstance(reply, Reply)), default=0.0
            )
            problems += found
            pauses.append(longest)
            log(f"kill {count + 1} after {num_events} events: {'; '.join(found) or 'whole'}, pause {longest:.2f} s")
    total = num_kills * STREAMS_PER_KILL
    pause = Spread.of(pauses)
    text = f"{total - len(problems)} of {total} answers whole over {num_kills} kills; pause {pause.median:.2f} s median"
    figures = {"answers": float(total), "whole": float(total - len(problems)), "pause_s": pause.median}
    bar = Bar(6, f"{text}, {pause.high:.2f} s at most", not problems)
    return [Outcome(bar, Run(contender.name, "kills", num_kills, 0, figures))]


async def _one_kill(running: Running, shape: Shape, rng: random.Random) -> tuple[list[Reply | ClientError], int]:
    prompts = [[user(words(rng, shape.num_words(80)))] for _ in range(STREAMS_PER_KILL)]
    exchanges = [await running.client.start(prompt, KILL_NEW_TOKENS, logprobs=True) for prompt in prompts]
    await exchanges[0].until(rng.randint(2, KILL_NEW_TOKENS // 2))
    num_events = min(len(exchange.events) for exchange in exchanges)
    engine = running.tree.largest_child() if running.tree else None
    if engine is None:
        raise ClientError(0, "there is no engine process to kill")
    try:
        engine.kill()
    except psutil.NoSuchProcess as error:
        raise ClientError(0, "the engine process is gone by itself") from error
    replies: list[Reply | ClientError] = []
    for exchange in exchanges:
        try:
            replies.append(await asyncio.wait_for(exchange.reply(), 300))
        except ClientError as error:
            replies.append(error)
    return replies, num_events


def flaw(reply: Reply | ClientError) -> str | None:
    """What shows that an answer was not continued where it stopped, without a second run to compare with: greedy text
    depends on the batch. Every token's bytes are in the logprobs: their number and their text must be exactly right."""
    if isinstance(reply, ClientError):
        return str(reply)
    entries = [entry for delta in reply.deltas for entry in delta.logprobs]
    spelled = b"".join(bytes(entry["bytes"] or b"") for entry in entries).decode("utf-8", "replace")
    if reply.error is not None:
        return reply.error
    if not reply.is_done or reply.finish_reason != "length":
        return f"ended with {reply.finish_reason}, [DONE] {'seen' if reply.is_done else 'missing'}"
    if reply.usage.completion_tokens != KILL_NEW_TOKENS or len(entries) != KILL_NEW_TOKENS:
        return f"{reply.usage.completion_tokens} tokens in usage, {len(entries)} listed, {KILL_NEW_TOKENS} asked for"
    if spelled.rstrip("\N{REPLACEMENT CHARACTER}") != reply.text.rstrip("\N{REPLACEMENT CHARACTER}"):
        return f"the text is not what its tokens spell: {reply.text!r} and {spelled!r}"
    return None


async def startup(contender: Contender, logs: Path, log: Log) -> list[Outcome]:
    """A server without a model, from exec to the first /health 200, and what it holds in memory then."""
    times, sizes = [], []
    for count in range(NUM_STARTS):
        async with started(contender, logs) as running:
            times.append(running.start_s)
            await running.client.get("/v1/models")
            sizes.append(running.tree.memory_bytes() / 1e6 if running.tree else 0.0)
        log(f"start {count + 1}: {times[-1]:.2f} s, {sizes[-1]:.0f} MB")
    time_s, size = Spread.of(times), Spread.of(sizes)
    figures = {"start_s": time_s.median, "memory_mb": size.median}
    run = Run(contender.name, "startup", 0, 0, figures)
    memory = (
        f"resident memory without a model {size.median:.0f} MB, {size.high:.0f} at most (≤ {MAX_IDLE_MEMORY_MB:.0f})"
    )
    start = f"exec to /health {time_s.median:.2f} s, {time_s.high:.2f} at most (≤ {MAX_START_S})"
    return [
        Outcome(Bar(7, memory, size.high <= MAX_IDLE_MEMORY_MB), run),
        Outcome(Bar(7, start, time_s.median <= MAX_START_S), run),
    ]


async def hostile(contender: Contender, logs: Path, log: Log) -> list[Outcome]:
    """Bad bodies and values, four at a time, while /health is asked all along."""
    async with started(contender, logs) as running:
        watch = asyncio.create_task(longest_silence(running.client))
        queue = iter(bodies(running.client.model))
        statuses: dict[str, int] = {}

        async def work() -> None:
            for name, path, body in queue:
                statuses[name] = await _status(running.client, path, body)

        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
        watch.cancel()
        silence = (await asyncio.gather(watch, return_exceptions=True))[0]
        alive = (await running.client.get("/health"))[0] == 200
        answers = await running.client.usage([user("Say yes.")], 4)
    bad = {name: status for name, status in statuses.items() if not MIN_STATUS <= status < 500}
    for name, status in bad.items():
        log(f"hostile: {name} → {TROUBLE.get(status, status)}")
    longest = silence if isinstance(silence, float) else float("inf")
    text = (
        f"{len(statuses)} hostile requests, {len(bad)} with 5xx or a lost connection, longest /health {longest:.2f} s"
    )
    passed = not bad and alive and answers.completion_tokens is not None and longest <= MAX_HEALTH_SILENCE_S
    figures = {"requests": float(len(statuses)), "bad": float(len(bad)), "health_silence_s": longest}
    return [Outcome(Bar(8, text, passed), Run(contender.name, "hostile", len(statuses), 0, figures))]


async def _status(client: Client, path: str, body: bytes) -> int:
    try:
        exchange = await client.send("POST", path, body)
        try:
            await asyncio.wait_for(exchange.closed, HOSTILE_TIMEOUT_S)
        finally:
            exchange.abort()
    except TimeoutError:
        return NO_ANSWER
    except ClientError:
        return CONNECTION_LOST
    return exchange.status


async def longest_silence(client: Client) -> float:
    """Until cancelled; then the longest time between two good answers."""
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            try:
                status, _ = await client.get("/health")
            except ClientError:
                status = 0
            now = time.perf_counter()
            longest = max(longest, now - last)
            if status == 200:
                last = now
            await asyncio.sleep(HEALTH_INTERVAL_S)
    except asyncio.CancelledError:
        return max(longest, time.perf_counter() - last)
