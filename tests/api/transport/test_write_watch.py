"""Who stops reading a plain answer is cut off, who reads slowly is not; on the wire."""

import asyncio
import contextlib
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
from tests.api.serving import roomy
from tests.patience import PATIENCE_S, until

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
        await until(lambda: not server.server_state.connections)


async def read_slowly(send_timeout_s: float) -> int:
    """For three times as long, never for so long without a byte. How many bytes came."""
    loop = asyncio.get_running_loop()
    num_read = 0
    async with asked(send_timeout_s=send_timeout_s) as (_, reader), asyncio.timeout(PATIENCE_S):
        started = loop.time()
        with contextlib.suppress(ConnectionResetError):
            while part := await loop.sock_recv(reader, 1 << 20):
                num_read += len(part)
                if num_read >= NUM_BYTES:  # and the head
                    break
                if loop.time() - started < 3 * send_timeout_s:
                    await asyncio.sleep(0.05)
    return num_read


async def test_who_reads_slowly_gets_everything() -> None:
    """Several times longer than the time out in all. The second try is for a machine that stood still for so long."""
    assert await read_slowly(0.5) >= NUM_BYTES or await read_slowly(5.0) >= NUM_BYTES
