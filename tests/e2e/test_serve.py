"""`bdchat serve` as a process, without a model: how it starts, refuses and stops."""

import asyncio
import os
import socket
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.server_process import log_path, server_process, start

pytestmark = pytest.mark.anyio
NO_MODEL = ("--model", "none")


async def refused(data_dir: Path, *options: str) -> str:
    """The one line that says why it did not start."""
    process = await start(data_dir, options)
    await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    (line,) = log_path(data_dir).read_text("utf-8").splitlines()
    return line


async def test_it_answers_health_prints_a_curl_line_and_stops_with_0(tmp_path: Path) -> None:
    async with server_process(tmp_path, *NO_MODEL) as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.url}/health")).json() == {"status": "ok", "models": []}
        assert server.hint.startswith("curl ")
        assert f"{server.url}/v1/chat/completions" in server.hint
        assert await server.terminate() == 0


async def test_its_memory_without_a_model_is_bounded(tmp_path: Path) -> None:
    async with server_process(tmp_path, *NO_MODEL) as server:
        async with httpx.AsyncClient() as client:
            await client.get(f"{server.url}/metrics")
        assert psutil.Process(server.process.pid).memory_info().rss < 120_000_000


async def test_a_public_address_needs_a_key(tmp_path: Path) -> None:
    line = await refused(tmp_path, *NO_MODEL, "--host", "0.0.0.0")
    assert "BDCHAT_API_KEY" in line
    environment = os.environ | {"BDCHAT_API_KEY": "k"}
    async with server_process(tmp_path, *NO_MODEL, "--host", "0.0.0.0", environment=environment) as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.url}/v1/models")).status_code == 401
            headers = {"authorization": "Bearer k"}
            assert (await client.get(f"{server.url}/v1/models", headers=headers)).status_code == 200
        assert await server.terminate() == 0


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in await refused(tmp_path, *NO_MODEL, "--port", str(port))


async def test_a_model_that_is_not_here_is_one_line(tmp_path: Path) -> None:
    assert "bdchat pull no-such-model" in await refused(tmp_path, "--model", "no-such-model")


async def test_a_broken_model_file_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 100)
    assert "broken" in await refused(tmp_path, "--model", str(broken))
