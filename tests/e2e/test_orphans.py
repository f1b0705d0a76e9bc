"""kill -9 of the server at any moment of its life leaves no process behind."""

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.server_process import ServerProcess, log_path, server_process
from tests.patience import PATIENCE_S, until
from tests.tiny_models import write_tiny_llama

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
NUM_MOMENTS = 20
NUM_AT_ONCE = 2  # a start waits for much of its time, for its children
LONGEST_ORPHAN_S = 2.0  # a promise of ours: no child outlives its parent by more
MARK = "ORPHAN_TEST_RUN"
OPTIONS = ("--set", "engine.n_ctx=512", "--set", "engine.max_sequences=4")


def marked(mark: str) -> Iterator[psutil.Process]:
    """Every living process that has it in its environment, wherever it hangs in the tree."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                yield process


def hold_children(pid: int) -> list[str]:
    """Stops those that are what they are to be: one that would end by itself proves nothing. What they are."""
    held = []
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = " ".join(child.cmdline())
            if "bdchat.engine." in words and "lifeline" not in words:
                child.suspend()
                held.append(words.partition("bdchat.engine.")[2].split()[0])
    return held


async def ready(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as http:
        while (await http.get("/health")).json()["models"][0]["state"] != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def starting(folder: Path, model: Path, mark: str) -> AsyncGenerator[ServerProcess]:
    await asyncio.to_thread(folder.mkdir)  # nothing is remembered: it probes and measures each time
    environment = os.environ | {MARK: mark}
    async with server_process(folder, "--model", str(model), *OPTIONS, environment=environment) as server:
        yield server


async def start_s(folder: Path, model: Path) -> float:
    """From the first line to the model."""
    async with starting(folder, model, uuid.uuid4().hex) as server:
        began = time.monotonic()
        await ready(server)
        return time.monotonic() - began


async def kill_after(delay_s: float, folder: Path, model: Path) -> list[str]:
    """What kinds of children it had then. Fails if one of them lives on."""
    mark = uuid.uuid4().hex
    try:
        async with starting(folder, model, mark) as server:
            await asyncio.sleep(delay_s)
            held = hold_children(server.process.pid)
            server.process.kill()
            await server.process.wait()
        await until(lambda: not list(marked(mark)), LONGEST_ORPHAN_S)
        assert "Traceback" not in log_path(folder).read_text("utf-8")
        return held
    finally:
        for process in marked(mark):
            process.kill()


async def test_a_server_killed_at_twenty_moments_of_its_start_leaves_no_orphan(tmp_path: Path) -> None:
    """The library probe, a grandchild, computed on; here at every moment from the first line to the first answer."""
    model = write_tiny_llama(tmp_path / "tiny.gguf", n_ctx_train=512)
    whole_s = max(await asyncio.gather(*(start_s(tmp_path / f"whole-{n}", model) for n in range(NUM_AT_ONCE))))
    held: set[str] = set()
    for wave in range(0, NUM_MOMENTS, NUM_AT_ONCE):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(kill_after(whole_s * (number + 1) / NUM_MOMENTS, tmp_path / str(number), model))
                for number in range(wave, wave + NUM_AT_ONCE)
            ]
        held.update(*(task.result() for task in tasks))
    assert held >= {"process.main", "llama.probe"}, "no moment met both kinds of children"
