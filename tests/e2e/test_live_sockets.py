"""Live sockets of a real `bdchat serve`, without a model: its end is theirs, and in order."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.api.sockets import chat_path, live
from tests.e2e.server_process import log_path, server_process
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
ANN = {"username": "ann", "password": "correct horse battery", "cookie": False}


async def test_a_server_that_stops_closes_its_sockets_and_exits_with_0(tmp_path: Path) -> None:
    async with (
        server_process(tmp_path, "--model", "none") as server,
        httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as http,
    ):
        token = (await http.post("/api/auth/register", json=ANN)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        session_id = (await http.post("/api/sessions", json={}, headers=headers)).json()["session_id"]
        async with (
            live(http, "/ws/events", headers) as events,
            live(http, chat_path(session_id), headers) as chat,
            live(http, "/ws/events") as silent,
        ):
            await events.next()
            await chat.next()
            await chat.send("chat_message", content="hi", client_message_id="c1")
            error = await chat.until("error")
            assert (error["answers"], error["error"]["code"]) == ("chat_message", "model_not_found")
            stopping = asyncio.create_task(server.terminate())
            assert [(await socket.closed())[0] for socket in (events, chat, silent)] == [1012, 1012, 1012]
            assert await stopping == 0
    log = log_path(tmp_path).read_text("utf-8")
    assert "Traceback" not in log
    assert token not in log
