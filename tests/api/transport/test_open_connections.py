"""Who is let in, who gives way, and on the wire: silent clients shut nobody out."""

import asyncio
import json
import logging
import random

import httpx
import pytest

from bdchat.api.transport.open_connections import OpenConnections, WaitReason
from tests.api.serving import USER, make_app, over_app, signed_in
from tests.api.sockets import live
from tests.fake_engine import FakeEngine
from tests.patience import PATIENCE_S, until

REMOTE, OTHER = "192.0.2.1", "192.0.2.2"
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


class Client:
    """A connection as OpenConnections sees it."""

    def __init__(self) -> None:
        self.is_closed = False

    def give_way(self) -> None:
        self.is_closed = True


def admitted(house: OpenConnections, count: int, host: str) -> list[Client]:
    clients = [Client() for _ in range(count)]
    assert all(house.admit(client, host) for client in clients)
    return clients


def test_in_a_full_house_the_longest_silent_one_gives_way() -> None:
    house = OpenConnections(max_connections=16, max_per_address=3)
    first, second, third = admitted(house, 3, REMOTE)
    house.answer(first)
    assert house.admit(Client(), REMOTE)
    assert (first.is_closed, second.is_closed, third.is_closed, len(house)) == (False, True, False, 3)


def test_who_has_never_spoken_goes_before_who_rests_and_who_rests_before_who_is_sending() -> None:
    house = OpenConnections(max_connections=16, max_per_address=3)
    sending, resting, fresh = admitted(house, 3, REMOTE)
    house.wait(sending, WaitReason.REST_OF_REQUEST)
    house.wait(resting, WaitReason.NEXT_REQUEST)
    for num_closed in range(1, 4):
        newcomer = Client()
        assert house.admit(newcomer, REMOTE)
        house.answer(newcomer)
        are_closed = [client.is_closed for client in (fresh, resting, sending)]
        assert are_closed == [True] * num_closed + [False] * (3 - num_closed)


def test_who_speaks_slowly_outlasts_who_is_silent() -> None:
    house = OpenConnections(max_connections=16, max_per_address=2)
    slow, silent = admitted(house, 2, REMOTE)
    house.wait(silent, WaitReason.REST_OF_REQUEST)
    house.wait(slow, WaitReason.REST_OF_REQUEST)
    assert house.admit(Client(), REMOTE)
    assert (slow.is_closed, silent.is_closed) == (False, True)


def test_nobody_who_is_being_answered_gives_way() -> None:
    house = OpenConnections(max_connections=16, max_per_address=2)
    for client in admitted(house, 2, REMOTE):
        house.answer(client)
    assert not house.admit(Client(), REMOTE)
    assert house.admit(Client(), OTHER)


def test_the_house_is_cleared_at_the_expense_of_the_address_with_most_silent_ones() -> None:
    house = OpenConnections(max_connections=10, max_per_address=8)
    quiet = admitted(house, 2, OTHER)
    flood = admitted(house, 8, REMOTE)
    assert house.admit(Client(), "192.0.2.3")
    assert [client.is_closed for client in quiet] == [False, False]
    assert flood[0].is_closed


def test_an_ipv6_network_counts_as_one_and_a_mapped_address_as_itself() -> None:
    house = OpenConnections(max_connections=16, max_per_address=1)
    (first,) = admitted(house, 1, "2001:db8::1")
    assert house.admit(Client(), "2001:db8::2")
    assert first.is_closed
    (mapped,) = admitted(house, 1, f"::ffff:{REMOTE}")
    assert house.admit(Client(), REMOTE)
    assert mapped.is_closed


@pytest.mark.parametrize(("host", "bound"), [("127.0.0.1", 12), ("::1", 12), (None, 12), ("10.1.2.3", 16), (REMOTE, 2)])
def test_loopback_has_three_quarters_of_all_a_proxy_all_and_another_machine_its_share(
    host: str | None, bound: int
) -> None:
    house = OpenConnections(max_connections=16, max_per_address=2, trusted_proxies=("10.0.0.0/8",))
    num_admitted = 0
    for _ in range(20):
        client = Client()
        num_admitted += house.admit(client, host)
        house.answer(client)
    assert num_admitted == bound


def test_a_flood_is_one_line_a_minute_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    house = OpenConnections(max_connections=16, max_per_address=2, clock=lambda: now)
    with caplog.at_level(logging.WARNING):
        admitted(house, 50, REMOTE)
        assert len(caplog.records) == 1
        now = 61.0
        admitted(house, 50, REMOTE)
        assert len(caplog.records) == 2


@pytest.mark.parametrize("seed", range(50))
def test_the_books_agree_with_a_naive_count(seed: int) -> None:
    """Counted are exactly those admitted who have neither left nor given way; no bound is passed, nobody answered is
    closed, and none is refused while somebody waits in whose favour it could have been."""
    rng = random.Random(seed)
    house = OpenConnections(max_connections=12, max_per_address=5)
    inside: dict[Client, str] = {}
    answered: set[Client] = set()
    for _ in range(400):
        act = rng.randrange(4)
        client = rng.choice(list(inside)) if inside else Client()
        if act == 0:
            newcomer, host = Client(), rng.choice([REMOTE, OTHER, "192.0.2.3", "192.0.2.4"])
            if house.admit(newcomer, host):
                inside[newcomer] = host
            else:
                crowd = [other for other, theirs in inside.items() if theirs == host]
                assert set(crowd) <= answered if len(crowd) == 5 else set(inside) <= answered
        elif act == 1 and inside:
            house.answer(client)
            answered.add(client)
        elif act == 2 and inside:
            house.wait(client, rng.choice(list(WaitReason)))
            answered.discard(client)
        elif inside:
            house.leave(client)
            house.leave(client)
            del inside[client]
            answered.discard(client)
        closed = {client for client in inside if client.is_closed}
        assert not closed & answered
        for client in closed:
            del inside[client]
        assert len(house) == len(inside) <= 12
        assert all(list(inside.values()).count(host) <= 5 for host in inside.values())


# --- on the wire ------------------------------------------------------------------------------------------------------


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def small_house() -> OpenConnections:
    return OpenConnections(max_connections=16, max_per_address=4)  # of which loopback may have three quarters


async def connect(client: httpx.AsyncClient, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


SILENT = {
    "nothing": b"",
    "half a head": HEAD,
    "no body": b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
    "half a body": b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
    "an answered request": HEAD + b"\r\n",
    "a refused body": b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{",
    "a socket of nobody": (
        b"GET /ws/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
    "a second without its body": HEAD + b"\r\nPOST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
}


@pytest.mark.anyio
@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT.keys())
async def test_silent_connections_shut_nobody_out(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever they have said before they fell silent: all descriptors were theirs for half a minute."""
    house = small_house()
    async with over_app(make_app(), None, house) as client:
        lines = [await connect(client, sent) for _ in range(40)]
        await until(lambda: len(house) == 12)
        for _ in range(3):
            assert (await asyncio.wait_for(client.get("/health"), PATIENCE_S)).status_code == 200
        assert len(house) <= 12
        for _, writer in lines:
            writer.close()
        await until(lambda: len(house) <= 1)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.anyio
async def test_a_running_answer_and_a_live_socket_outlast_a_flood_of_silent_ones() -> None:
    gate = asyncio.Event()
    house = small_house()
    async with over_app(make_app(FakeEngine(token_gate=gate.wait)), None, house) as client:
        headers = await signed_in(client)
        async with live(client, "/ws/events", headers) as socket:
            await socket.next()
            body = {"messages": USER, "stream": True}
            async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                lines = [await connect(client) for _ in range(60)]
                await until(lambda: len(house) == 12)
                gate.set()
                assert (await answer.aread()).endswith(b"data: [DONE]\n\n")
            pong = await socket.connection.ping()
            await asyncio.wait_for(pong, PATIENCE_S)
        for _, writer in lines:
            writer.close()
        await until(lambda: len(house) <= 1)  # the socket's place is free again


@pytest.mark.anyio
async def test_where_all_are_being_answered_a_new_one_is_told_to_come_back() -> None:
    gate = asyncio.Event()
    engine, house = FakeEngine(token_gate=gate.wait), small_house()
    async with over_app(make_app(engine), None, house) as client:
        body = json.dumps({"messages": USER, "stream": True}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        lines = [await connect(client, request) for _ in range(12)]
        await until(lambda: engine.num_running == 12)
        reader, writer = await connect(client)
        refusal = await asyncio.wait_for(reader.read(4096), PATIENCE_S)
        assert refusal.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in refusal
        assert json.loads(refusal.partition(b"\r\n\r\n")[2])["error"]["code"] == "too_many_connections"
        assert len(house) == 12
        gate.set()
        for _, line in [*lines, (reader, writer)]:
            line.close()
