"""The bounds of the WebSocket protocol itself, with a client that keeps to none."""

import asyncio
import json
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from bdchat.api.bus.interface import user_topic
from bdchat.api.live.connection import Timing
from bdchat.api.transport.socket_protocol import MAX_FRAGMENTS, socket_options
from tests.api.serving import app_of, over_http, signed_in
from tests.api.sockets import live
from tests.api.talking import id_of
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The server runs on uvloop, whose transports have their own mind."""
    return "asyncio", {"use_uvloop": request.param}


TEXT, CONTINUATION, CLOSE, PING = 1, 0, 8, 9
FULL_S = 1.0  # a pipe that takes nothing for so long is full
MEBIBYTE = 1024 * 1024


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """As a client must send it: masked, here with zeros."""
    head = bytes([opcode | (0x80 if fin else 0)])
    assert len(payload) < 126
    return head + bytes([0x80 | len(payload)]) + bytes(4) + payload


class Raw:
    """An upgraded connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(PATIENCE_S):
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            return first & 0x0F, await self.reader.readexactly(length)

    async def close_code(self) -> int:
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")


@asynccontextmanager
async def upgraded(client: httpx.AsyncClient, headers: dict[str, str], *, more: str = "") -> AsyncGenerator[Raw]:
    host, port = client.base_url.host, client.base_url.port
    reader, writer = await asyncio.open_connection(host, port, limit=4096)
    lines = [
        "GET /ws/events HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n" + more + "\r\n").encode())
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


async def hello(raw: Raw) -> None:
    head = await raw.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    _, payload = await raw.frame()
    assert json.loads(payload)["type"] == "hello"


async def test_a_message_of_too_many_fragments_is_refused() -> None:
    async with over_http() as client, upgraded(client, await signed_in(client)) as raw:
        await hello(raw)
        raw.writer.write(frame(TEXT, b'{"type":', fin=False) + frame(CONTINUATION, b'"ping"}'))
        assert json.loads((await raw.frame())[1]) == {"type": "pong"}
        raw.writer.write(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * (2 * MAX_FRAGMENTS))
        assert await raw.close_code() == 1008


async def test_who_does_not_read_is_not_read_from() -> None:
    """Each ping makes a pong; unread, they would fill the server's memory."""
    async with over_http() as client, upgraded(client, await signed_in(client)) as raw:
        await hello(raw)
        raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
        pings = frame(PING, os.urandom(100)) * 500
        num_sent = 0
        try:
            while num_sent < 64 * MEBIBYTE:
                raw.writer.write(pings)
                num_sent += len(pings)
                await asyncio.wait_for(raw.writer.drain(), FULL_S)
        except TimeoutError:
            pass
        assert num_sent < 32 * MEBIBYTE  # what two kernels' buffers hold, and one of ours


async def test_a_reader_that_stalls_is_cut_off_and_delays_nobody() -> None:
    async with over_http(live_timing=Timing(send_timeout_s=0.2)) as client:
        headers = await signed_in(client)
        topic = user_topic(await id_of(client, "ann"))
        async with upgraded(client, headers) as raw, live(client, "/ws/events", headers) as other:
            await hello(raw)
            await other.next()
            raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
            notice = {"type": "notification", "kind": "test", "text": "x" * 60_000}
            for number in range(400):
                await app_of(client).bus.publish(topic, {**notice, "number": number})
                assert (await other.next())["data"]["number"] == number
            async with asyncio.timeout(PATIENCE_S):
                while not raw.writer.transport.is_closing():
                    raw.writer.write(frame(PING))
                    await asyncio.sleep(0.05)  # a reset shows when something is sent


async def test_a_head_that_is_too_large_opens_no_socket() -> None:
    async with over_http() as client:
        headers = await signed_in(client)
        async with upgraded(client, headers, more="X: " + "y" * 70_000 + "\r\n") as raw:
            assert (await raw.reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 431")


def test_what_uvicorn_is_told() -> None:
    options = socket_options()
    assert (options["ws_max_size"], options["ws_per_message_deflate"]) == (MEBIBYTE, False)
