"""A browser behind nginx and Caddy, configured as docs/proxy.md says: it signs in, writes, listens and is refused."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from bdchat.settings import AuthSettings, LimitSettings, ServerSettings, Settings
from tests.api.serving import PASSWORD, USER, app_of, error_of, make_app, over_app, signed_in
from tests.fake_engine import FakeEngine
from tests.patience import PATIENCE_S
from tests.proxies import HOST, Caddy, Nginx, Proxy, binary, trusting

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(binary("nginx") is None, reason="nginx is not installed"),
    pytest.mark.skipif(binary("caddy") is None, reason="Caddy is not installed"),
]
# As it stands in many a configuration: Host without its port, HTTP/1.0 to the server, buffers.
USUAL = {
    "proxy_http_version 1.1;": "",
    "Host              $http_host;": "Host              $host;",
    "X-Forwarded-Host  $http_host;": "X-Forwarded-Port  $server_port;",
    "proxy_buffering off;": "",
    "proxy_request_buffering off;": "",
}
Make = Callable[[Path], Proxy]
DOCUMENTED: list[Any] = [pytest.param(Nginx, id="nginx"), pytest.param(Caddy, id="caddy")]
ALL: list[Any] = [*DOCUMENTED, pytest.param(lambda folder: Nginx(folder, USUAL), id="usual nginx")]


@asynccontextmanager
async def behind(
    make: Make, folder: Path, engine: FakeEngine | None = None, **server: Any
) -> AsyncGenerator[tuple[Proxy, httpx.AsyncClient]]:
    """The proxy, and a client of it that trusts its certificate."""
    settings = Settings(
        server=ServerSettings(allowed_hosts=(HOST,), **server),
        auth=AuthSettings(trusted_proxies=("127.0.0.1",)),
        limits=LimitSettings(body_bytes=100_000),
    )
    async with over_app(make_app(*([engine] if engine else []), settings=settings), settings) as direct:
        await signed_in(direct)
        with make(folder).start(f"127.0.0.1:{direct.base_url.port}") as proxy:
            url = f"https://127.0.0.1:{proxy.port}"
            host = {"host": proxy.host}
            async with httpx.AsyncClient(base_url=url, verify=trusting(), timeout=PATIENCE_S, headers=host) as client:
                client.event_hooks["request"].append(ask_for_our_host)
                yield proxy, client
                assert app_of(direct).generations.num_running == 0


async def ask_for_our_host(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = HOST


async def sign_in(proxy: Proxy, client: httpx.AsyncClient, path: str = "") -> dict[str, str]:
    """Headers of a browser's requests from our own page."""
    credentials = {"username": "ann", "password": PASSWORD, "cookie": True}
    answer = await client.post(f"{path}/api/auth/login", headers={"origin": proxy.origin}, json=credentials)
    assert answer.status_code == 200, answer.text
    client.cookies.clear()  # they are sent where a test says so
    cookie = answer.headers.get_list("set-cookie")[0]
    assert cookie.startswith("__Host-bdchat")
    assert "; Secure" in cookie
    return {"origin": proxy.origin, "cookie": cookie.partition(";")[0]}


@pytest.mark.parametrize("make", ALL)
async def test_a_browser_signs_in_and_writes_and_a_stranger_is_no_guest(make: Make, tmp_path: Path) -> None:
    async with behind(make, tmp_path) as (proxy, client):
        browser = await sign_in(proxy, client)
        made = await client.post("/api/sessions", headers=browser, json={"title": "Behind"})
        assert made.status_code == 201
        foreign = browser | {"origin": f"https://{HOST}:1"}
        error_of(await client.post("/api/sessions", headers=foreign, json={}), 403)
        error_of(await client.get("/v1/models"), 401)
        forged = {"x-forwarded-for": "127.0.0.1", "forwarded": "host=evil.example"}
        assert (await client.get("/api/auth/me", headers=browser | forged)).json()["user"]["username"] == "ann"
        exported = await client.get("/api/export", headers=browser)
        assert [session["title"] for session in exported.json()["sessions"]] == ["Behind"]


@pytest.mark.parametrize("make", ALL)
async def test_events_come_one_by_one_and_a_refusal_is_read(make: Make, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with behind(make, tmp_path, FakeEngine(token_gate=gate.wait)) as (proxy, client):
        browser = await sign_in(proxy, client)
        body = {"messages": USER, "stream": True, "store": True}
        async with client.stream("POST", "/v1/chat/completions", headers=browser, json=body) as answer:
            lines = answer.aiter_lines()
            assert json.loads((await anext(lines)).removeprefix("id: ").removeprefix("data: "))  # before the gate opens
            gate.set()
            rest = [line async for line in lines]
        assert rest[-2:] == ["data: [DONE]", ""]
        too_large = await client.post("/v1/chat/completions", headers=browser, json={"x": "y" * 3_000_000})
        assert error_of(too_large, 413)["code"] == "request_too_large"


@pytest.mark.parametrize("make", DOCUMENTED)
async def test_a_socket_opens_with_the_cookie_of_our_own_page(make: Make, tmp_path: Path) -> None:
    async with behind(make, tmp_path) as (proxy, client):
        browser = await sign_in(proxy, client)
        url = f"wss://{proxy.host}/ws/events"
        headers = {"cookie": browser["cookie"], "x-forwarded-host": "evil.example"}  # written over
        place: dict[str, Any] = {"host": "127.0.0.1", "port": proxy.port, "ssl": trusting(), "proxy": None}
        async with connect(url, origin=browser["origin"], additional_headers=headers, **place) as socket:  # type: ignore[arg-type]
            assert json.loads(await socket.recv())["type"] == "hello"


PASSED_ON = {"location / {": "location /tools/chat/ {"}
TAKEN_OFF = {**PASSED_ON, "proxy_pass http://bdchat;": "proxy_pass http://bdchat/;"}


@pytest.mark.parametrize("changes", [PASSED_ON, TAKEN_OFF])
async def test_below_a_path_whether_it_is_passed_on_or_taken_off(changes: dict[str, str], tmp_path: Path) -> None:
    def make(folder: Path) -> Proxy:
        return Nginx(folder, changes)

    async with behind(make, tmp_path, base_path="/tools/chat") as (proxy, client):
        browser = await sign_in(proxy, client, "/tools/chat")
        assert (await client.get("/tools/chat/api/auth/me", headers=browser)).json()["user"]["username"] == "ann"
        assert "content-security-policy" in (await client.get("/tools/chat/")).headers
        assert "html" in (await client.get("/api/auth/me")).headers["content-type"]  # nginx's own
