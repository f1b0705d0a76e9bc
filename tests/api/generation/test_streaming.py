"""A client that leaves or stalls, through a real server and real sockets."""

import asyncio
import json
import time
from collections.abc import Sequence

import pytest
from starlette.types import Message

from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationGroup, GenerationService
from bdchat.api.generation.streaming import StreamResponse
from bdchat.engine.errors import EngineUnavailable, InvalidRequest, QueueFull
from bdchat.engine.request import GenerationRequest, TextPrompt
from tests.api.serving import USER, error_of, over_http
from tests.fake_engine import FakeEngine
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
LEAVING_S = 0.25


async def leave_after_asking(port: int, body: dict[str, object], engine: FakeEngine) -> float:
    """Sends a request, waits until the engine has it, closes the connection. Returns seconds until it was cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps({"messages": USER} | body).encode()
    head = f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(content) + content)
    num_cancelled = engine.num_cancelled
    await until(lambda: engine.num_running)
    if body.get("stream") and engine.accept_gate is None:
        assert b"200 OK" in await reader.readuntil(b"\r\n")
    started = time.perf_counter()
    writer.close()
    await writer.wait_closed()
    await until(lambda: engine.num_cancelled > num_cancelled)
    return time.perf_counter() - started


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("queued", [True, False])
async def test_a_client_that_leaves_ends_its_generation(stream: bool, queued: bool) -> None:
    never = asyncio.Event()
    engine = FakeEngine(accept_gate=never if queued else None, token_gate=never.wait)
    async with over_http(engine) as client:
        seconds = [await leave_after_asking(client.base_url.port or 0, {"stream": stream}, engine)]
        while seconds[-1] >= LEAVING_S and len(seconds) < 3:  # a machine may stand still for once
            seconds.append(await leave_after_asking(client.base_url.port or 0, {"stream": stream}, engine))
        assert seconds[-1] < LEAVING_S
        assert engine.num_running == 0
        assert (await client.get("/health")).status_code == 200


async def test_a_finished_stream_is_not_a_cancelled_one() -> None:
    engine = FakeEngine()
    async with over_http(engine) as client:
        assert (await client.post(URL, json={"messages": USER, "stream": True})).status_code == 200
        await until(lambda: engine.num_running == 0)
    assert engine.num_cancelled == 0


async def test_text_arrives_piece_by_piece() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(pieces=("first", "second"), token_gate=gate.wait)
    async with (
        over_http(engine) as client,
        client.stream("POST", URL, json={"messages": USER, "stream": True}) as answer,
    ):
        lines = answer.aiter_lines()
        gate.set()
        text = ""
        async for line in lines:
            text += line
            if "first" in line:
                gate.clear()
                break
        assert "second" not in text
        gate.set()
        rest = "".join([line async for line in lines])
    assert "second" in rest


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("refusal", "status"),
    [(QueueFull(3.2), 503), (EngineUnavailable("restarting", 1.0), 503), (InvalidRequest("messages", "no"), 400)],
)
async def test_a_refusal_is_an_http_error_also_for_a_stream(refusal: Exception, status: int, stream: bool) -> None:
    async with over_http(FakeEngine(refusal=refusal)) as client:  # type: ignore[arg-type]
        response = await client.post(URL, json={"messages": USER, "stream": stream})
    error_of(response, status)
    assert ("retry-after" in response.headers) == (status == 503)


async def test_a_context_overflow_says_what_clients_look_for() -> None:
    async with over_http(FakeEngine(n_ctx=64)) as client:
        body = {"messages": [{"role": "user", "content": "x" * 100}], "stream": True}
        error = error_of(await client.post(URL, json=body), 400)
    assert error["code"] == "context_length_exceeded"
    assert "maximum context length is 64 tokens" in error["message"]


async def test_sixteen_streams_at_once_are_not_mixed() -> None:
    async with over_http() as client:

        async def ask(number: int) -> str:
            body = {"messages": [{"role": "user", "content": str(number)}], "stream": True}
            return (await client.post(URL, json=body)).text

        bodies = await asyncio.gather(*(ask(number) for number in range(16)))
    ids = [json.loads(body.split("\n\n")[0].removeprefix("data: "))["id"] for body in bodies]
    assert len(set(ids)) == 16
    for body, own_id in zip(bodies, ids, strict=True):
        assert body.count('"id":"') == body.count(own_id)


def group_of(engine: FakeEngine) -> GenerationGroup:
    request = GenerationRequest(request_id="r", prompt=TextPrompt(text="a"))
    return GenerationGroup(GenerationService(LatencyMeter()), engine, [request], width=1)


class Frames:
    """StreamEncoder: any bytes for any events."""

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        return b"data: {}\n\n" * len(events)

    def close(self) -> bytes:
        return b""


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_reader_that_stalls_is_cut_off_and_its_generation_ends() -> None:
    engine = FakeEngine(token_gate=asyncio.Event().wait)
    group = group_of(engine)
    await group.accepted()
    response = StreamResponse(group, Frames(), send_timeout_s=0.02)

    async def stalled(message: Message) -> None:
        if message["type"] == "http.response.body":
            await never()

    async with asyncio.timeout(PATIENCE_S):
        await response({"type": "http", "method": "POST", "path": "/"}, never, stalled)
        await until(lambda: engine.num_cancelled)


async def test_a_silent_stream_is_kept_alive_by_comments() -> None:
    gate = asyncio.Event()
    group = group_of(FakeEngine(token_gate=gate.wait))
    await group.accepted()
    response = StreamResponse(group, Frames(), ping_interval_s=0.01)
    sent: list[bytes] = []

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))
        if sent.count(b": ping\n\n") == 2:
            gate.set()

    async with asyncio.timeout(PATIENCE_S):
        await response({"type": "http", "method": "POST", "path": "/"}, never, send)
    assert sent.count(b": ping\n\n") >= 2
    assert sent[-2:] == [b"data: [DONE]\n\n", b""]
