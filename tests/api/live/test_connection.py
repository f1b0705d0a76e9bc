"""One socket's connection: bounded, in order, ended with a code that says why."""

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

from bdchat.api.bus.interface import BusClosed, BusUnavailable, SlowReader
from bdchat.api.durable.recorded_run import Suspended
from bdchat.api.live.connection import (
    OUTBOX_LIMIT,
    CloseCode,
    SocketClosed,
    SocketConnection,
    Timing,
    TokenBucket,
    answer_heartbeat,
    closing_with_the_bus,
)
from bdchat.api.schemas.live import AiChunk, Ping, Pong, PongOut, Typing
from bdchat.engine.errors import InvalidRequest
from bdchat.store.errors import StoreUnavailable

pytestmark = pytest.mark.anyio


class Peer:
    """The other end. `gate`: nothing is taken before it is set."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()

    async def receive(self) -> Any:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        await self.gate.wait()
        self.sent.append(message)

    def say(self, text: str) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})

    @property
    def frames(self) -> list[Any]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def closed(self) -> list[int]:
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]


async def connected(timing: Timing | None = None) -> tuple[Peer, SocketConnection]:
    peer = Peer()
    peer.incoming.put_nowait({"type": "websocket.connect"})
    websocket = WebSocket({"type": "websocket", "headers": []}, peer.receive, peer.send)
    await websocket.accept()
    return peer, SocketConnection(websocket, timing or Timing())


def chunk(number: int) -> AiChunk:
    return AiChunk(generation_id="g", message_id=None, seq=number, text=str(number))


async def nothing() -> None:
    pass


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_frames_go_out_in_order_and_room_comes_back() -> None:
    peer, connection = await connected()
    peer.gate.clear()

    async def work() -> None:
        for number in range(OUTBOX_LIMIT):
            await connection.room()
            connection.send(chunk(number))
        while len(peer.frames) < OUTBOX_LIMIT:  # noqa: ASYNC110
            await asyncio.sleep(0)

    running = asyncio.create_task(connection.run(work(), beat=nothing))
    for _ in range(5):
        await asyncio.sleep(0)
    assert peer.frames == []
    peer.gate.set()
    await running
    assert [frame["seq"] for frame in peer.frames] == list(range(OUTBOX_LIMIT))


async def test_a_reader_whose_outbox_is_full_is_cut_off() -> None:
    peer, connection = await connected(Timing(send_timeout_s=0.01))
    peer.gate.clear()

    async def work() -> None:
        for number in range(OUTBOX_LIMIT + 2):
            connection.send(chunk(number))
        await for_ever()

    async with closing_with_the_bus(connection):
        await connection.run(work(), beat=nothing)
    assert peer.sent == [{"type": "websocket.accept", "subprotocol": None, "headers": []}]


async def test_a_reader_that_takes_nothing_for_too_long_is_cut_off() -> None:
    peer, connection = await connected(Timing(send_timeout_s=0.01))
    connection.send(chunk(1))
    peer.gate.clear()
    with pytest.raises(SocketClosed) as closed:
        await connection.run(for_ever(), beat=nothing)
    assert closed.value.code is CloseCode.SLOW
    peer.gate.set()
    await connection.close(closed.value.code, closed.value.reason)
    assert (peer.frames, peer.closed) == ([], [4408])  # what it would not take is not sent any more


async def test_what_was_said_is_sent_before_the_close() -> None:
    peer, connection = await connected()

    async def work() -> None:
        connection.send(chunk(1))
        connection.send_error(InvalidRequest("content", "is empty."), to=Typing(type="typing"))
        raise SocketClosed(CloseCode.NOT_FOUND, "gone")

    async with closing_with_the_bus(connection):
        await connection.run(work(), beat=nothing)
    assert [frame["type"] for frame in peer.frames] == ["ai_chunk", "error"]
    assert peer.frames[1]["answers"] == "typing"
    assert (peer.frames[1]["error"]["param"], peer.frames[1]["error"]["code"]) == ("content", "invalid_value")
    assert peer.closed == [4404]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SocketClosed(CloseCode.AUTH_ENDED, "x"), 4409),
        (SlowReader(), 4408),
        (BusClosed(), 1012),
        (BusUnavailable(), 1013),
        (StoreUnavailable("away"), 1013),
        (Suspended(), 1012),
    ],
)
async def test_every_reason_has_its_code(error: Exception, code: int) -> None:
    peer, connection = await connected()
    async with closing_with_the_bus(connection):
        raise error
    assert peer.closed == [code]


async def test_a_fault_of_ours_is_logged_and_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    peer, connection = await connected()
    with caplog.at_level(logging.ERROR):
        async with closing_with_the_bus(connection):
            raise ZeroDivisionError
    assert peer.closed == [1011]
    assert "a live connection broke" in caplog.text


async def test_who_has_left_is_not_closed_again() -> None:
    peer, connection = await connected()
    peer.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    async with closing_with_the_bus(connection):
        await connection.receive()
    assert peer.closed == []


async def test_sending_on_a_line_that_the_protocol_has_closed_is_a_disconnect() -> None:
    _, connection = await connected()

    async def refuse(message: Any) -> None:
        raise RuntimeError("after sending 'websocket.close'")

    connection._websocket._send = refuse
    connection.send(chunk(1))
    with pytest.raises(WebSocketDisconnect):
        await connection.run(for_ever(), beat=nothing)


@pytest.mark.parametrize(
    "message",
    [{"type": "websocket.receive", "bytes": b"x"}, {"type": "websocket.receive", "text": None, "bytes": b"x"}],
)
async def test_frames_are_text(message: dict[str, Any]) -> None:
    peer, connection = await connected()
    peer.incoming.put_nowait(message)
    with pytest.raises(SocketClosed) as closed:
        await connection.receive()
    assert closed.value.code is CloseCode.PROTOCOL


async def test_too_many_frames_end_the_line() -> None:
    peer, connection = await connected(Timing(max_frames_per_s=3))
    for _ in range(4):
        peer.say("{}")
    assert [await connection.receive() for _ in range(3)] == ["{}"] * 3
    with pytest.raises(SocketClosed) as closed:
        await connection.receive()
    assert closed.value.code is CloseCode.PROTOCOL


def test_a_bucket_fills_again_and_no_higher_than_its_rate() -> None:
    bucket = TokenBucket(2, now=0)
    assert [bucket.take(0), bucket.take(0), bucket.take(0)] == [True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(100), bucket.take(100), bucket.take(100)] == [True, True, False]


async def test_the_heart_beats_and_looks_after_the_credential() -> None:
    peer, connection = await connected(Timing(ping_interval_s=0))
    num_beats = 0

    async def beat() -> None:
        nonlocal num_beats
        num_beats += 1
        if num_beats == 3:
            raise SocketClosed(CloseCode.AUTH_ENDED, "over")

    async with closing_with_the_bus(connection):
        await connection.run(for_ever(), beat=beat)
    assert [frame["type"] for frame in peer.frames] == ["ping"] * 3
    assert peer.closed == [4409]


async def test_a_ping_is_answered_and_a_pong_is_taken() -> None:
    _, connection = await connected()
    assert answer_heartbeat(connection, Ping(type="ping"))
    assert answer_heartbeat(connection, Pong(type="pong"))
    assert not answer_heartbeat(connection, Typing(type="typing"))
    assert list(connection._outbox) == [PongOut()]


async def test_the_first_to_fail_ends_all_the_work() -> None:
    _, connection = await connected()
    ended: list[str] = []

    async def until_cancelled(name: str) -> None:
        try:
            await for_ever()
        finally:
            ended.append(name)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise BusClosed

    with pytest.raises(BusClosed):
        await connection.run(until_cancelled("a"), until_cancelled("b"), fail(), beat=nothing)
    assert sorted(ended) == ["a", "b"]
