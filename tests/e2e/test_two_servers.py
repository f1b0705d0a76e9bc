"""Two server processes over one PostgreSQL and one Redis: what runs on one is read on the other, and outlives it.

With the real default model, which the second server loads too: it goes on with the answer."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.sockets import Reading, Socket, chat_path, live
from tests.e2e.server_process import ServerProcess, server_process
from tests.patience import PATIENCE_S
from tests.postgres import Postgres, postgres_binaries
from tests.redis_server import RedisServer, redis_binary

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.gguf,
    pytest.mark.slow,
    pytest.mark.skipif(redis_binary() is None, reason="redis-server is not installed"),
    pytest.mark.skipif(postgres_binaries() is None, reason="PostgreSQL is not installed"),
]
ANN = {"username": "ann", "password": "correct horse battery", "cookie": False}
NEW_TOKENS = 200
LEASE_S = 1
READ_BEFORE_DEATH = 150  # characters


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What both servers are told."""
    with (
        Postgres() as postgres,
        RedisServer(tmp_path_factory.mktemp("redis")) as redis,
    ):
        yield {
            "BDCHAT_STORE__URL": postgres.new_database(),
            "BDCHAT_REDIS__URL": redis.url,
            "BDCHAT_GENERATIONS__LEASE_S": str(LEASE_S),
            "BDCHAT_GENERATIONS__MAKES_TITLES": "false",
            "BDCHAT_ENGINE__N_CTX": "1024",
            "BDCHAT_ENGINE__CALIBRATE": "false",
            "BDCHAT_ENGINE__N_THREADS": "1",  # two engines share this machine
        }


@pytest.fixture
async def servers(
    shared: dict[str, str], tmp_path: Path, default_model_path: Path
) -> AsyncGenerator[tuple[ServerProcess, ServerProcess]]:
    async with AsyncExitStack() as stack:
        pair = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            process = server_process(
                tmp_path / name, "--model", str(default_model_path), environment={**os.environ, **shared}
            )
            pair.append(await stack.enter_async_context(process))
        yield pair[0], pair[1]


class SSE:
    """A reader of /v1/chat/completions/{id}/events; a reset replaces what was read."""

    def __init__(self) -> None:
        self.text = ""
        self.is_done = False

    async def read(self, http: httpx.AsyncClient, generation_id: str) -> None:
        async with http.stream("GET", f"/v1/chat/completions/{generation_id}/events", timeout=PATIENCE_S) as stream:
            assert stream.status_code == 200, (await stream.aread()).decode()
            async for line in stream.aiter_lines():
                if line == "data: [DONE]":
                    self.is_done = True
                elif line.startswith("data: "):
                    self._take(json.loads(line.removeprefix("data: ")))

    def _take(self, chunk: dict[str, Any]) -> None:
        if chunk["object"] == "chat.completion.reset":
            self.text = chunk["text"]
        for choice in chunk["choices"]:
            self.text += choice["delta"].get("content") or ""


class ResponseReader:
    """Of a stored response's events: nothing replaces what was read, and no number comes twice."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def read(self, http: httpx.AsyncClient, response_id: str, *, starting_after: int | None = None) -> None:
        params = {"stream": "true"} | ({} if starting_after is None else {"starting_after": str(starting_after)})
        async with http.stream("GET", f"/v1/responses/{response_id}", params=params) as stream:
            assert stream.status_code == 200, (await stream.aread()).decode()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    self.events.append(json.loads(line.removeprefix("data: ")))

    @property
    def numbers(self) -> list[int]:
        return [event["sequence_number"] for event in self.events]


async def ready(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not (await http.get("/v1/models")).json()["data"]:  # noqa: ASYNC110  # another process loads it
            await asyncio.sleep(0.05)


async def test_an_answer_is_read_on_the_other_server_and_outlives_its_own(
    servers: tuple[ServerProcess, ServerProcess],
) -> None:
    first, second = servers
    async with (
        httpx.AsyncClient(base_url=first.url, timeout=PATIENCE_S) as one,
        httpx.AsyncClient(base_url=second.url, timeout=PATIENCE_S) as two,
    ):
        for http in (one, two):
            await ready(http)
        token = (await one.post("/api/auth/register", json=ANN)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        two.headers.update(headers)
        session_id = (await one.post("/api/sessions", json={}, headers=headers)).json()["session_id"]
        path = chat_path(session_id)
        async with live(one, path, headers) as here, live(two, path, headers) as there:
            params = {"max_tokens": NEW_TOKENS, "ignore_eos": True, "seed": 5}
            await there.send("hello")
            await here.send("chat_message", content="Tell me a long story.", params=params)
            accepted = await here.until("accepted")
            generation_id = accepted["generation_id"]
            sse = SSE()
            following = asyncio.create_task(sse.read(two, generation_id))
            asking = {"input": "Tell me of rivers.", "max_output_tokens": NEW_TOKENS, "ignore_eos": True}
            begun = (await one.post("/v1/responses", json=asking | {"background": True}, headers=headers)).json()
            response, cut_off = ResponseReader(), ResponseReader()
            reading = asyncio.create_task(response.read(two, begun["id"]))
            one.headers.update(headers)
            breaking = asyncio.create_task(cut_off.read(one, begun["id"]))
            moved, stayed = Reading(generation_id), Reading(generation_id)
            await asyncio.gather(until_read(here, moved), until_read(there, stayed))
            assert stayed.text[:READ_BEFORE_DEATH] == moved.text[:READ_BEFORE_DEATH]
            first.process.kill()
            await first.process.wait()
            assert moved.end is None
            await until_read(there, stayed, to_the_end=True)
        async with live(two, path, headers) as back:
            await back.send("hello", last={generation_id: moved.last_id})
            await until_read(back, moved, to_the_end=True)
        await following
        with pytest.raises(httpx.TransportError):
            await breaking
        num_seen = len(cut_off.events)
        await cut_off.read(two, begun["id"], starting_after=num_seen - 1)
        await reading
        document = (await two.get(f"/v1/responses/{begun['id']}")).json()
        stored = (await two.get(f"/api/messages/{accepted['message_id']}")).json()
    assert (stored["status"], stored["finish_reason"]) == ("complete", "length")
    assert stored["token_count"] == NEW_TOKENS
    assert stayed.content == moved.content == sse.text == stored["content"]
    assert sse.is_done
    assert num_seen > len(("created", "queued"))  # the crash met it
    assert response.events == cut_off.events
    assert response.numbers == list(range(len(response.events)))
    assert response.events[-1]["response"] == document
    assert document["usage"]["output_tokens"] == NEW_TOKENS
    assert (stayed.num_resets, moved.num_resets) == (1, 1)  # the second server made another run of it


async def until_read(socket: Socket, reading: Reading, *, to_the_end: bool = False) -> None:
    for frame in socket.seen:
        if frame.get("seq", 0) > reading.last_id:
            reading.take(frame)
    while reading.end is None and (to_the_end or len(reading.text) < READ_BEFORE_DEATH):
        reading.take(await socket.next())
