"""The server's end: a first signal drains."""

import asyncio
import signal

import httpx
import pytest
import uvicorn

from bdchat.api.http_protocol import protocol_factory
from bdchat.api.server import Server, listen
from bdchat.settings import ServerSettings, Settings
from tests.api.serving import USER, error_of, events_of, make_app, until
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"


async def test_draining_finishes_running_answers_and_sends_new_ones_away() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(token_gate=gate.wait)
    app = make_app(engine)
    with listen(ServerSettings(port=0)) as listener:
        config = uvicorn.Config(app, http=protocol_factory(Settings().limits), ws="none", log_config=None)  # type: ignore[arg-type]
        server = Server(config, app, drain_timeout_s=10)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=10) as client:
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
        await asyncio.wait_for(serving, 10)
    assert engine.is_closed
