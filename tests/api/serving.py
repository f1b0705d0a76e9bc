"""An App over fake engines, reached in process (no socket, no incremental streams) or through a real uvicorn."""

import asyncio
import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import httpx
import uvicorn

from bdchat.api.app import App
from bdchat.api.auth.authenticator import LOGIN_PREFIX, new_token, token_hash
from bdchat.api.live.connection import Timing
from bdchat.api.perimeter.origins import ListedOrigins
from bdchat.api.server import Server, listen
from bdchat.api.transport.http_protocol import protocol_factory
from bdchat.api.transport.open_connections import OpenConnections
from bdchat.api.transport.socket_protocol import socket_options
from bdchat.settings import ServerSettings, Settings, default_data_dir
from bdchat.store.accounts import logins, users
from bdchat.store.sql.database import FILE_NAME
from bdchat.store.sql.engines import sqlite_writer
from bdchat.store.sql.schema import upgrade
from tests.fake_engine import FakeEngine, fake_router
from tests.patience import PATIENCE_S, until
from tests.scratch import scratch_root

USER = [{"role": "user", "content": "hi"}]
PASSWORD = "correct horse battery"  # and its argon2id:
PASSWORD_HASH = "$argon2id$v=19$m=19456,t=2,p=1$xbaa8hjiWdbPWg99owt2Lg$+NnNthosiLA1ZW05E3r8CIHRtFymQXvxMqn/sm66+0c"
_apps: WeakKeyDictionary[httpx.AsyncClient, App] = WeakKeyDictionary()


def make_app(*engines: FakeEngine, settings: Settings | None = None, live_timing: Timing | None = None) -> App:
    """Its data directory is a new one, with an empty database, unless the settings name one."""
    settings = settings or Settings()
    if settings.data_dir == default_data_dir():
        settings = settings.model_copy(update={"data_dir": fresh_data_dir()})
    router = fake_router(*(engines or (FakeEngine(),)), unknown_is_default=settings.models.unknown == "default")
    return App(settings, router, live_timing=live_timing)


def fresh_data_dir() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=_scratch()))
    shutil.copyfile(migrated_database(), folder / FILE_NAME)  # migrating each test's own would cost the suite a minute
    return folder


def data_dirs() -> set[Path]:
    """That `fresh_data_dir` made and nobody has removed."""
    return set(Path(_scratch()).glob("data-*"))


@functools.cache
def _scratch() -> str:
    folder = tempfile.mkdtemp(prefix="bdchat-tests-", dir=scratch_root())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def migrated_database() -> Path:
    """Of SQLite, to be copied."""
    path = Path(_scratch()) / FILE_NAME
    engine = sqlite_writer(path)
    upgrade(engine)
    engine.dispose()
    return path


@asynccontextmanager
async def in_process(
    *engines: FakeEngine, settings: Settings | None = None, address: str = "127.0.0.1"
) -> AsyncGenerator[httpx.AsyncClient]:
    """Without the lifespan; `opened` and `signed_in` open the database. `address`: where the client comes from."""
    app = make_app(*engines, settings=settings)
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            _apps[client] = app
            yield client
    finally:
        await app.authenticator.aclose()
        app.passwords.close()
        await app.database.aclose()


def app_of(client: httpx.AsyncClient) -> App:
    """The App behind a client of this file's making."""
    return _apps[client]


async def opened(client: httpx.AsyncClient) -> App:
    """The App with its database open; a server's is already."""
    app = app_of(client)
    await app.database.open()
    return app


async def signed_in(client: httpx.AsyncClient, username: str = "ann", *, admin: bool = False) -> dict[str, str]:
    """Headers of a new login of that account, which is made, with PASSWORD, when it is not there."""
    app = await opened(client)
    token = new_token(LOGIN_PREFIX)

    def sign_in(db: Any) -> None:
        user = users.by_name(db, username) or users.create_user(
            db, username=username, password_hash=PASSWORD_HASH, role="admin" if admin else "user"
        )
        lifetime_ms = 30 * 86_400_000
        logins.create(
            db, user.user_id, token_hash=token_hash(token), client="tests", ip="127.0.0.1", lifetime_ms=lifetime_ms
        )

    await app.database.write(sign_in)
    return {"authorization": f"Bearer {token}"}


def roomy() -> OpenConnections:
    return OpenConnections(max_connections=4096, max_per_address=4096)


@asynccontextmanager
async def served(
    app: App, settings: Settings | None = None, open_connections: OpenConnections | None = None
) -> AsyncGenerator[str]:
    """The base URL of `app` behind the server's own uvicorn configuration, on the running loop."""
    settings = settings or Settings()
    origins = ListedOrigins(settings.server.cors_origins)
    connections = roomy() if open_connections is None else open_connections
    with listen(ServerSettings(port=0)) as listener:
        config = uvicorn.Config(
            app,
            http=protocol_factory(settings.limits, connections, origins),  # type: ignore[arg-type]
            **socket_options(),
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        server = Server(config, app, drain_timeout_s=0)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def over_http(
    *engines: FakeEngine, settings: Settings | None = None, live_timing: Timing | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    async with over_app(make_app(*engines, settings=settings, live_timing=live_timing), settings) as client:
        yield client


@asynccontextmanager
async def over_app(
    app: App, settings: Settings | None = None, open_connections: OpenConnections | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """The same, with an App of the test's own making."""
    async with (
        served(app, settings, open_connections) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
    ):
        _apps[client] = app
        yield client


def events_of(body: str) -> list[dict[str, Any]]:
    """The data of every event but [DONE]. Fails on anything that a line parser would not take."""
    assert body.endswith("data: [DONE]\n\n")
    assert body.count("[DONE]") == 1
    assert "\r" not in body
    frames = body.removesuffix("data: [DONE]\n\n").split("\n\n")
    assert frames.pop() == ""
    documents = []
    for frame in frames:
        if frame.startswith(":"):
            continue
        assert frame.startswith("data: ")
        assert "\n" not in frame
        documents.append(json.loads(frame.removeprefix("data: ")))
    return documents


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The error object, once its shape has been checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["type"], str)
    assert error["param"] is None or isinstance(error["param"], str)
    assert error["code"] is None or isinstance(error["code"], str)
    return error
