"""kill -9 of the server at any moment of its life leaves no process behind."""

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.serving import until
from tests.e2e.server_process import ServerProcess, log_path, server_process
from tests.tiny_models import write_tiny_llama

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
NUM_MOMENTS = 20
PATIENCE_S = 2.0  # a promise of ours: no child outlives its parent by more
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
    async with httpx.AsyncClient(base_url=server.url) as http:
        while (await http.get("/health")).json()["models"][0]["state"] != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_server_killed_at_twenty_moments_of_its_start_leaves_no_orphan(tmp_path: Path) -> None:
    """The library probe, a grandchild, computed on; here at every moment from the first line to the first answer."""
    model = write_tiny_llama(tmp_path / "tiny.gguf", n_ctx_train=512)
    mark = uuid.uuid4().hex
    environment = os.environ | {MARK: mark}
    began = time.monotonic()
    async with server_process(tmp_path, "--model", str(model), *OPTIONS, environment=environment) as server:
        await ready(server)
    whole_s = time.monotonic() - began
    held: list[str] = []
    try:
        for number in range(NUM_MOMENTS):
            folder = tmp_path / str(number)  # nothing is remembered: it probes and measures each time
            folder.mkdir()
            began = time.monotonic()
            async with server_process(folder, "--model", str(model), *OPTIONS, environment=environment) as server:
                await asyncio.sleep(max(0.0, whole_s * (number + 1) / NUM_MOMENTS - (time.monotonic() - began)))
                held += hold_children(server.process.pid)
                server.process.kill()
                await server.process.wait()
            await until(lambda: not list(marked(mark)), PATIENCE_S)
            assert "Traceback" not in log_path(folder).read_text("utf-8")
    finally:
        for process in marked(mark):
            process.kill()
    assert {"process", "llama_probe"} <= set(held), "no moment met both kinds of children"
