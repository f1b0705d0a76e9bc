"""`bdchat serve` as a process, without a model: how it starts, refuses and stops."""

import asyncio
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

from bdchat.api.perimeter.addresses import network_addresses
from bdchat.cert_console import make
from bdchat.settings import Settings
from tests.e2e.server_process import log_path, server_process, start
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
NO_MODEL = ("--model", "none")


async def refused(data_dir: Path, *options: str) -> str:
    """The one line that says why it did not start."""
    process = await start(data_dir, options)
    await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 1
    (line,) = log_path(data_dir).read_text("utf-8").splitlines()
    return line


async def test_it_answers_health_prints_a_curl_line_and_stops_with_0(tmp_path: Path) -> None:
    async with server_process(tmp_path, *NO_MODEL) as server:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            assert (await client.get(f"{server.url}/health")).json() == {"status": "ok", "models": []}
        assert f"{server.url}/v1/chat/completions" in server.greeting[-1]
        assert await server.terminate() == 0


async def test_its_memory_without_a_model_is_bounded(tmp_path: Path) -> None:
    async with server_process(tmp_path, *NO_MODEL) as server:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await client.get(f"{server.url}/metrics")
        assert psutil.Process(server.process.pid).memory_info().rss < 120_000_000


async def test_other_devices_come_in_by_the_printed_link_and_by_nothing_else(tmp_path: Path) -> None:
    account = {"username": "ann", "password": "correct horse battery"}
    async with server_process(tmp_path, *NO_MODEL, "--lan") as server:
        there = server.url.replace("127.0.0.1", network_addresses()[0])
        (link,) = (line for line in server.greeting if "/register?code=" in line)
        page, code = link.split("/register?code=")
        assert page == there
        async with httpx.AsyncClient(base_url=there, timeout=PATIENCE_S) as client:
            assert (await client.get("/v1/models")).status_code == 401
            assert (await client.post("/api/auth/register", json=account)).status_code == 403
            made = await client.post("/api/auth/register", json=account | {"setup_code": code})
            assert (made.status_code, made.json()["user"]["role"]) == (201, "admin")
            again = account | {"username": "eve", "setup_code": code}
            assert (await client.post("/api/auth/register", json=again)).status_code == 403
            assert (await client.get("/v1/models")).status_code == 200  # by its cookie
        assert await server.terminate() == 0


async def test_with_a_certificate_it_is_https_wss_and_secure_cookies(tmp_path: Path) -> None:
    make(Settings(data_dir=tmp_path), [], replaces=False)
    cert, key = tmp_path / "tls" / "cert.pem", tmp_path / "tls" / "key.pem"
    tls = ("--set", f"server.tls_cert={cert}", "--set", f"server.tls_key={key}")
    trusting = ssl.create_default_context(cafile=cert)
    async with server_process(tmp_path, *NO_MODEL, *tls) as server:
        assert server.url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(base_url=server.url, verify=trusting, timeout=PATIENCE_S) as client:
            origin = {"origin": server.url}
            body = {"username": "ann", "password": "correct horse battery"}
            made = await client.post("/api/auth/register", json=body, headers=origin)
            assert made.status_code == 201
            cookies = made.headers.get_list("set-cookie")
            assert all(cookie.startswith("__Host-") and "; Secure" in cookie for cookie in cookies)
            link = (await client.post("/api/admin/invitations", json={}, headers=origin)).json()["link"]
            assert link["address"].startswith(f"{server.url}/register?code=")
            sent = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        url = f"wss{server.url.removeprefix('https')}/ws/events"
        ours: dict[str, Any] = {"additional_headers": {"cookie": sent}, "origin": server.url}
        async with connect(url, ssl=trusting, open_timeout=PATIENCE_S, **ours) as line:
            assert json.loads(await asyncio.wait_for(line.recv(), PATIENCE_S))["type"] == "hello"
        assert await server.terminate() == 0


@pytest.mark.parametrize(("cert", "said"), [("absent.pem", "cannot be read"), ("junk.pem", "no certificate")])
async def test_a_certificate_that_is_none_is_one_line(tmp_path: Path, cert: str, said: str) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    named = [f"server.tls_{kind}={tmp_path / cert}" for kind in ("cert", "key")]
    assert said in await refused(tmp_path, *NO_MODEL, "--set", named[0], "--set", named[1])


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in await refused(tmp_path, *NO_MODEL, "--port", str(port))


async def test_a_model_that_is_not_here_is_one_line(tmp_path: Path) -> None:
    assert "there is no model no-such-model, neither here nor in the catalog" in await refused(
        tmp_path, "--model", "no-such-model"
    )


async def test_a_broken_model_file_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 100)
    assert "broken" in await refused(tmp_path, "--model", str(broken))
