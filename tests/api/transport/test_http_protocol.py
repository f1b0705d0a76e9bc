"""The bounds of a request's head, on the wire."""

import asyncio
import json

import pytest

from bdchat.settings import LimitSettings, Settings
from tests.api.serving import USER, over_http
from tests.api.transport.wire import talk

pytestmark = pytest.mark.anyio
SMALL = Settings(limits=LimitSettings(header_bytes=1024, head_timeout_s=0.1))
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"X: " + b"a" * 2000 + b"\r\n\r\n",),
        (HEAD, b"X: " + b"a" * 700, b"a" * 700),
        (HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n",),
        (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",),
    ],
)
async def test_a_large_head_is_a_431(pieces: tuple[bytes, ...]) -> None:
    async with over_http(settings=SMALL) as client:
        answer = await talk(client.base_url.port, *pieces)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "headers_too_large"
        assert (await client.get("/health")).status_code == 200


async def test_a_body_does_not_count_as_head() -> None:
    body = json.dumps({"messages": USER, "ignored": "x" * 5000}).encode()
    async with over_http(settings=SMALL) as client:
        for _ in range(3):  # on one connection
            assert (await client.post("/v1/chat/completions", content=body)).status_code == 200


@pytest.mark.parametrize("sent", [b"", HEAD, b"GET"])
async def test_a_head_that_does_not_end_is_cut_off(sent: bytes) -> None:
    async with over_http(settings=SMALL) as client:
        answer = await talk(client.base_url.port, sent)
    assert answer == b"" if not sent else answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "garbage", [b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100]
)
async def test_what_is_not_http_is_a_400_in_openai_shape(garbage: bytes) -> None:
    async with over_http(settings=SMALL) as client:
        answer = await talk(client.base_url.port, garbage)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])["error"]) == {"message", "type", "param", "code"}


async def test_an_offer_of_http2_keeps_its_body() -> None:
    """llhttp takes what follows an upgrade's head for the other protocol; Java's HttpClient always offers it."""
    body = json.dumps({"messages": USER}).encode()
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: localhost\r\n"
        b"HTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\nContent-Type: application/json\r\n"
    )
    async with over_http() as client:
        answer = await talk(client.base_url.port, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_expect_100_continue_is_answered_before_the_body() -> None:
    body = json.dumps({"messages": USER}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    async with over_http() as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200 ")
        writer.close()
