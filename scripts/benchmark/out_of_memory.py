"""Memory ends in several ways, each on a server of its own: it stays up, says so in a sentence, and answers.

A limit of the address space stands for a machine that has no more, kill -9 for the system's out-of-memory killer: what
bounds a group's real memory needs rights that a test has not. Linux.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from .bars import Bar
from .client import ClientError, Reply
from .compare import Log, Run
from .hardening import Outcome
from .prompts import user
from .servers import Contender, Running, bdchat, started

MIB = 1 << 20
ANSWER_S = 300.0
NEW_TOKENS = 48
SMALLER = "memory ended, so this is 1/"
QUESTION = [user("Say something of the sea.")]


@dataclass(frozen=True, slots=True)
class Way:
    """`limit_mib`: of the addresses of the server and, each for itself, of its children. `told`: in /v1/models."""

    name: str
    model: Path | str
    told: str
    overrides: tuple[str, ...] = ()
    limit_mib: int | None = None
    happen: Callable[[Running], Awaitable[None]] | None = None


def ways(model: Path, large: Path) -> tuple[Way, ...]:
    """`large`: one that does not fit where `model` does."""
    fallback = f"models.fallback={model}"
    return (
        Way("the cells do not fit", model, SMALLER, limit_mib=2600),
        Way("the step's buffers do not fit", model, SMALLER, ("engine.n_batch=4096",), limit_mib=2000),
        Way("only a short context fits", model, SMALLER, limit_mib=1300),
        Way("a large model leaves little", large, SMALLER, (fallback,), limit_mib=2600),
        Way("the file cannot be mapped", large, "stands_in_for", (fallback,), limit_mib=1500),
        Way("killed while it loads", model, SMALLER, happen=kill_one_that_loads),
        Way("killed twice in service", model, SMALLER, happen=kill_twice),
    )


async def out_of_memory(model: Path, large: Path, folder: Path, logs: Path, log: Log) -> list[Outcome]:
    problems: list[str] = []
    tried = ways(model, large)
    for way in tried:
        contender = _limited(bdchat(way.model, folder, way.overrides), way.limit_mib)
        found = await _try(way, replace(contender, name=f"oom {way.name}"), logs)
        problems += [f"{way.name}: {found}"] if found else []
        log(f"{way.name}: {found or 'answered, and told'}")
    text = f"{len(tried) - len(problems)} of {len(tried)} ways to run out of memory answered and told"
    figures = {"ways": float(len(tried)), "whole": float(len(tried) - len(problems))}
    return [Outcome(Bar(8, "; ".join([text, *problems]), not problems), Run("bdchat", "out-of-memory", 1, 0, figures))]


async def _try(way: Way, contender: Contender, logs: Path) -> str | None:
    """What was wrong with it."""
    async with started(contender, logs) as running:
        running.client.model = "default"
        try:
            if way.happen is not None:
                await way.happen(running)
            reply = await asyncio.wait_for(_answer_of(running), ANSWER_S)
        except (ClientError, TimeoutError, psutil.Error) as error:
            return f"no answer: {error!r}"
        status, _ = await running.client.get("/health")
        if status != 200:
            return f"/health says {status}"
        _, body = await running.client.get("/v1/models")
        told = [str(model.get("context_cut")) for model in json.loads(body)["data"]]
        told += ["stands_in_for" for model in json.loads(body)["data"] if model.get("stands_in_for")]
        if not any(way.told in sentence for sentence in told):
            return f"it does not say {way.told!r}: {told}"
        return _flaw(reply)


def _flaw(reply: Reply) -> str | None:
    if reply.is_done and reply.finish_reason == "length" and reply.usage.completion_tokens == NEW_TOKENS:
        return None
    return (
        f"ended with {reply.finish_reason} after {reply.usage.completion_tokens} of {NEW_TOKENS} tokens: {reply.error}"
    )


async def _answer_of(running: Running) -> Reply:
    """A request that waited for a model which does not load is told so; the next one meets the fallback."""
    last = ClientError(0, "nothing was asked")
    for _ in range(10):
        try:
            return await running.client.stream(QUESTION, NEW_TOKENS)
        except ClientError as error:
            last = error
            await asyncio.sleep(0.5)
    raise last


async def kill_one_that_loads(running: Running) -> None:
    (await _engine(running)).kill()


async def kill_twice(running: Running) -> None:
    """Before it has said a word of what it is asked."""
    await _answer_of(running)
    waiting = asyncio.create_task(_answer_of(running))
    for _ in range(2):
        engine = await _engine(running)
        engine.kill()
        await _until_gone(engine)
    await waiting


async def _engine(running: Running) -> psutil.Process:
    """The process that holds the model, or is going to."""
    for _ in range(500):
        for process in running.tree.processes()[1:] if running.tree else ():
            try:
                if "bdchat.engine.process.main" in process.cmdline():
                    return process
            except psutil.Error:
                continue
        await asyncio.sleep(0.02)
    raise ClientError(0, "there is no engine process")


async def _until_gone(process: psutil.Process) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(0.02)


def _limited(contender: Contender, limit_mib: int | None) -> Contender:
    if limit_mib is None:
        return contender
    shell = ("sh", "-c", 'ulimit -v "$0" && exec "$@"', str(limit_mib * MIB // 1024))
    return replace(contender, command=(*shell, *contender.command))
