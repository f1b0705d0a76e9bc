"""Who stops reading a plain answer is cut off, who reads slowly is not; on the wire."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from bdchat.api.perimeter.origins import ListedOrigins
from bdchat.api.server import listen
from bdchat.api.transport.http_protocol import protocol_factory
from bdchat.settings import LimitSettings, ServerSettings
from tests.api.serving import roomy, until

pytestmark = pytest.mark.anyio
NUM_BYTES = 16 * 1024 * 1024  # far more than the kernel keeps for a connection
ASKING = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def large_answer(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-length", str(NUM_BYTES).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(NUM_BYTES)})


@asynccontextmanager
async def asked(*, send_timeout_s: float) -> AsyncGenerator[tuple[uvicorn.Server, socket.socket]]:
    """A connection that has asked and read nothing yet."""
    limits = LimitSettings(send_timeout_s=send_timeout_s)
    with listen(ServerSettings(port=0)) as listener:
        http = protocol_factory(limits, roomy(), ListedOrigins(()))
        config = uvicorn.Config(large_answer, http=http, log_config=None, lifespan="off")  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        running = asyncio.create_task(server._serve([listener]))
        await until(lambda: server.started)
        try:
            with socket.socket() as reader:
                reader.setblocking(False)
                await asyncio.get_running_loop().sock_connect(reader, listener.getsockname())
                await asyncio.get_running_loop().sock_sendall(reader, ASKING)
                await until(lambda: server.server_state.connections)
                yield server, reader
        finally:
            server.should_exit = True
            await running


async def test_who_reads_nothing_is_cut_off() -> None:
    """The whole answer stayed in memory for as long as the connection was held."""
    async with asked(send_timeout_s=0.1) as (server, _):
        await until(lambda: not server.server_state.connections, timeout_s=5)


async def test_who_reads_slowly_gets_everything() -> None:
    """Several times longer than the time out in all, never without a byte for so long."""
    loop = asyncio.get_running_loop()
    num_read = 0
    async with asked(send_timeout_s=0.5) as (_, reader), asyncio.timeout(30):
        started = loop.time()
        while num_read < NUM_BYTES:
            num_read += len(await loop.sock_recv(reader, 1 << 20))
            if loop.time() - started < 1.5:
                await asyncio.sleep(0.05)
    assert num_read >= NUM_BYTES
