"""The bounds of a request's head, on the wire; what HTTP/1.0 gets; and that every refusal is read."""

import asyncio
import json

import pytest
import uvicorn
from uvicorn.server import ServerState

from bdchat.api.perimeter.origins import ListedOrigins
from bdchat.api.server import KEEP_ALIVE_S
from bdchat.api.transport.http_protocol import PROXY_KEEP_ALIVE_S, BoundedHttpProtocol, protocol_factory
from bdchat.api.transport.open_connections import OpenConnections
from bdchat.settings import LimitSettings, ServerSettings, Settings
from tests.api.serving import USER, events_of, make_app, over_http, signed_in
from tests.api.transport.wire import talk
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
SMALL = Settings(limits=LimitSettings(header_bytes=1024))
IMPATIENT = Settings(limits=LimitSettings(head_timeout_s=0.1))
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
    async with over_http(settings=IMPATIENT) as client:
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
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await asyncio.wait_for(reader.readline(), PATIENCE_S)).startswith(b"HTTP/1.1 200 ")
        writer.close()


class FromAddress(asyncio.Transport):
    """A connection's other end, by its address."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1)})

    def close(self) -> None:
        """Nothing is open."""


async def exchange(port: int | None, *pieces: bytes) -> tuple[list[bytes], bytes]:
    """Head lines and the rest of what comes until the server ends it. All is sent before anything is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
    await writer.drain()
    head, _, rest = (await asyncio.wait_for(reader.read(), PATIENCE_S)).partition(b"\r\n\r\n")
    writer.close()
    return head.lower().split(b"\r\n"), rest


async def test_http_1_0_gets_events_as_they_are_and_the_end_of_the_connection_is_theirs() -> None:
    body = json.dumps({"messages": USER, "stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with over_http() as client:
        lines, events = await exchange(client.base_url.port, head, body)
    assert lines[0] == b"http/1.1 200 ok"
    assert [line for line in lines if line.startswith(b"connection")] == [b"connection: close"]
    assert not any(line.startswith((b"transfer-encoding", b"content-length")) for line in lines)
    assert events_of(events.decode())[-1]["choices"][0]["finish_reason"] == "stop"


async def test_http_1_0_gets_exports_and_import_reports_as_they_are() -> None:
    async with over_http() as client:
        signed = "".join(f"{name}: {value}\r\n" for name, value in (await signed_in(client)).items()).encode()
        get = b"GET /api/export HTTP/1.0\r\nHost: localhost\r\n" + signed + b"\r\n"
        lines, exported = await exchange(client.base_url.port, get)
        assert not any(line.startswith(b"transfer-encoding") for line in lines)
        post = b"POST /api/import HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n" + signed
        lines, report = await exchange(
            client.base_url.port, post + b"Content-Length: %d\r\n\r\n" % len(exported), exported
        )
    assert json.loads(exported)["sessions"] == []
    assert not any(line.startswith(b"transfer-encoding") for line in lines)
    assert [json.loads(line) for line in report.splitlines()]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_http_1_0_is_told_a_length_that_is_known(method: bytes) -> None:
    async with over_http() as client:
        lines, body = await exchange(client.base_url.port, method + b" /v1/models HTTP/1.0\r\nHost: localhost\r\n\r\n")
    length = next(line for line in lines if line.startswith(b"content-length: "))
    assert len(body) == (int(length.removeprefix(b"content-length: ")) if method == b"GET" else 0)


WRONG_KEY = b"bd-" + b"x" * 43
MUCH = b"x" * (4 * 1024 * 1024)  # more than all buffers on the way hold


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n", b"413"),
        (b"POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\n", b"413"),
        (
            b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: " + WRONG_KEY + b"\r\nConnection: close\r\n",
            b"401",
        ),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n", b"421"),
        (b"POST /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 2000 + b"\r\n", b"431"),
    ],
)
async def test_a_refusal_is_read_by_a_client_that_first_sends_all(head: bytes, status: bytes) -> None:
    """Closing a connection on which bytes come in resets it, and the reset takes the answer along."""
    limits = LimitSettings(body_bytes=1000, header_bytes=1024)
    async with over_http(settings=Settings(limits=limits)) as client:
        lines, body = await exchange(client.base_url.port, head + b"Content-Length: %d\r\n\r\n" % len(MUCH), MUCH)
    assert lines[0].split()[1] == status
    assert "error" in json.loads(body)


async def test_a_client_that_sends_in_chunks_reads_its_413_too() -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with over_http(settings=Settings(limits=LimitSettings(body_bytes=1000))) as client:
        lines, _ = await exchange(client.base_url.port, head, *(b"10000\r\n" + MUCH[:65536] + b"\r\n",) * 64)
    assert lines[0].split()[1] == b"413"


async def test_who_asks_first_is_refused_before_it_sends() -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    async with over_http(settings=Settings(limits=LimitSettings(body_bytes=1000))) as client:
        lines, _ = await exchange(client.base_url.port, head + b"Content-Length: 1000000\r\n\r\n")
    assert lines[0].split()[1] == b"413"


async def test_after_a_refused_body_the_connection_serves_the_next_request() -> None:
    head = b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: " + WRONG_KEY
    head += b"\r\nContent-Length: %d\r\n\r\n" % len(MUCH)
    last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    async with over_http() as client:
        _, answers = await exchange(client.base_url.port, head, MUCH, last)
    assert answers.count(b"HTTP/1.1 200 ") == 1


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    for _ in range(1000):
        writer.write(MUCH[:65536])
        await writer.drain()


async def test_who_never_ends_is_cut_off_after_its_answer() -> None:
    settings = Settings(limits=LimitSettings(body_bytes=1000, import_bytes=100_000))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
    async with over_http(settings=settings) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(head)
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")  # the server has ended its side and listens
        with pytest.raises(ConnectionError):
            await send_for_ever(writer)
        writer.close()


async def test_a_page_reads_what_its_too_large_head_is_refused_with() -> None:
    settings = Settings(limits=SMALL.limits, server=ServerSettings(cors_origins=("https://app.example",)))
    head = HEAD + b"Origin: https://app.example\r\nX: " + b"a" * 2000 + b"\r\n\r\n"
    async with over_http(settings=settings) as client:
        lines, _ = await exchange(client.base_url.port, head)
    assert b"access-control-allow-origin: https://app.example" in lines


@pytest.mark.parametrize(("address", "keep_alive_s"), [("10.0.0.1", PROXY_KEEP_ALIVE_S), ("192.0.2.1", KEEP_ALIVE_S)])
async def test_a_proxys_idle_connection_is_kept_longer_than_it_keeps_it(address: str, keep_alive_s: int) -> None:
    connections = OpenConnections(max_connections=9, max_per_address=9, trusted_proxies=("10.0.0.0/8",))
    make = protocol_factory(LimitSettings(), connections, ListedOrigins(()))
    config = uvicorn.Config(make_app(), lifespan="off", log_config=None, timeout_keep_alive=KEEP_ALIVE_S)
    protocol = make(config=config, server_state=ServerState(), app_state={})
    assert isinstance(protocol, BoundedHttpProtocol)
    protocol.connection_made(FromAddress(address))
    try:
        assert protocol.timeout_keep_alive == keep_alive_s
    finally:
        protocol.connection_lost(None)
