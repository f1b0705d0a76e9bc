"""1,500 connections that say nothing, at 1,024 descriptors: those who speak are answered."""

import asyncio
import contextlib
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.sockets import live
from tests.e2e.server_process import SOURCE, log_path
from tests.patience import PATIENCE_S

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc"),
]
NUM_SILENT, NUM_DESCRIPTORS = 1500, 1024
ANN = {"username": "ann", "password": "correct horse battery", "cookie": False}
LOWERED = (
    "import resource, runpy, sys\n"
    f"resource.setrlimit(resource.RLIMIT_NOFILE, ({NUM_DESCRIPTORS}, {NUM_DESCRIPTORS}))\n"
    "runpy.run_module('bdchat', run_name='__main__')"
)


@contextlib.contextmanager
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * NUM_SILENT
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} descriptors are needed here, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.asynccontextmanager
async def silent(port: int | None, sent: bytes):  # type: ignore[no-untyped-def]  # an async generator of nothing
    writers = []
    try:
        for _ in range(NUM_SILENT):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            writers.append(writer)
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "], ids=["nothing", "half a head"]
)
async def test_a_real_client_is_answered_while_silent_ones_take_all_they_can_get(tmp_path: Path, sent: bytes) -> None:
    """Nobody was for half a minute: no descriptor was left, not even to accept with."""
    with many_descriptors(), log_path(tmp_path).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOWERED, "serve", "--port", "0", "--model", "none", "--data-dir", str(tmp_path),
            stdout=asyncio.subprocess.PIPE, stderr=log, env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
            url = line.split()[-1]
            await work_beside_silent_ones(url, psutil.Process(process.pid), sent)
        finally:
            process.kill()
            await process.communicate()
    said = log_path(tmp_path).read_text("utf-8")
    assert "Traceback" not in said
    assert "Too many open files" not in said
    assert said.count("too many connections") == 1


async def work_beside_silent_ones(url: str, server: psutil.Process, sent: bytes) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        token = (await http.post("/api/auth/register", json=ANN)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        async with live(http, "/ws/events", headers) as socket, silent(http.base_url.port, sent):
            seconds = []
            for _ in range(5):
                began = time.perf_counter()
                async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, headers=headers) as newcomer:
                    created = await newcomer.post("/api/sessions", json={})  # the store has descriptors too
                assert created.status_code == 201
                seconds.append(time.perf_counter() - began)
            assert sorted(seconds)[-2] < 2.0, seconds  # a machine may stand still for once
            assert server.num_fds() < NUM_DESCRIPTORS - 64
            await asyncio.wait_for(await socket.connection.ping(), PATIENCE_S)
