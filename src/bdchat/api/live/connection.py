"""One live connection: a bounded outbox and a heartbeat; of a WebSocket also a bound on what comes in. Event loop only.

Nobody waits for a slow reader: its outbox is full, or a frame takes longer than `send_timeout_s`, and the connection is
closed. The frames "ping" are for pages, which see no other sign that a connection is dead; whether a client still
lives, the protocol's own pings ask (socket_protocol.py). It knows frames and close codes, not what they are about.
"""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bdchat.api.bus.interface import BusClosed, BusUnavailable, SlowReader
from bdchat.api.http.errors import error_reply
from bdchat.api.schemas.live import Failure, InFrame, OutFrame, Ping, PingOut, Pong, PongOut
from bdchat.engine.errors import EngineUnavailable
from bdchat.store.errors import StoreError

log = logging.getLogger(__name__)

OUTBOX_LIMIT = 256  # frames


class CloseCode(IntEnum):
    """4000 and more are ours; the last three digits read like an HTTP status."""

    FAULT = 1011  # ours: come back
    RESTART = 1012  # the server stops: come back
    LATER = 1013  # Redis or the database does not answer: come back
    PROTOCOL = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404  # or not yours: never told apart
    SLOW = 4408
    AUTH_ENDED = 4409
    TOO_MANY = 4429


class SocketClosed(Exception):
    """Raised by anything that works on a connection, to end it."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(f"{int(code)} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds."""

    auth_timeout_s: float = 5.0  # until the first message of who has no cookie
    hello_timeout_s: float = 2.0  # until a client that says nothing gets running answers from their beginning
    ping_interval_s: float = 20.0
    send_timeout_s: float = 10.0
    typing_timeout_s: float = 5.0
    max_frames_per_s: float = 30.0  # in; as many at once


class TokenBucket:
    """`rate` per second, and as many at once."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._num_tokens = rate
        self._at = now

    def take(self, now: float) -> bool:
        self._num_tokens = min(self._rate, self._num_tokens + (now - self._at) * self._rate)
        self._at = now
        if self._num_tokens < 1:
            return False
        self._num_tokens -= 1
        return True


class LiveConnection(ABC):
    """Owned by the task that runs it. `send` never waits; who has much to say awaits `room` before each."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self._outbox: deque[OutFrame] = deque()
        self._has_frames = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_slow = asyncio.Event()
        self._encoder = msgspec.json.Encoder()

    def send(self, frame: OutFrame) -> None:
        if len(self._outbox) >= OUTBOX_LIMIT:
            self._is_slow.set()
            return
        self._outbox.append(frame)
        self._has_frames.set()
        if len(self._outbox) >= OUTBOX_LIMIT // 2:
            self._has_room.clear()

    async def room(self) -> None:
        """Waits until half of the outbox is free."""
        await self._has_room.wait()

    async def run(self, *work: Coroutine[Any, Any, None], beat: Callable[[], Awaitable[None]]) -> None:
        """Keeps the heart beating (`beat` is awaited each time) and does `work`, until the first of them ends: raises
        why."""
        tasks = [asyncio.create_task(each) for each in (*work, self._watch(), self._beat(beat))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        failures = [error for task in done if (error := task.exception()) is not None]
        closing = next((error for error in failures if isinstance(error, SocketClosed)), None)
        if failures:
            raise closing or failures[0]

    @abstractmethod
    async def close(self, code: CloseCode, reason: str) -> None:
        """What was said before is sent first, unless the reader is too slow even for this."""

    def _shift(self) -> None:
        """The first frame has been sent."""
        self._outbox.popleft()
        if len(self._outbox) < OUTBOX_LIMIT // 2:
            self._has_room.set()

    async def _watch(self) -> None:
        await self._is_slow.wait()
        raise SocketClosed(CloseCode.SLOW, "the reader is too slow")

    async def _beat(self, beat: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self.timing.ping_interval_s)
            self.send(PingOut())
            await beat()


class SocketConnection(LiveConnection):
    """An accepted WebSocket."""

    def __init__(self, websocket: WebSocket, timing: Timing) -> None:
        super().__init__(timing)
        self._websocket = websocket
        self._bucket = TokenBucket(timing.max_frames_per_s, time.monotonic())

    def send_error(self, error: Exception, *, to: InFrame | None = None) -> None:
        reply = error_reply(error)
        body = msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
        kind, client_message_id = getattr(to, "type", None), getattr(to, "client_message_id", None)
        frame = Failure(
            error=body["error"],
            answers=kind,
            client_message_id=client_message_id,
            retry_after_s=reply.retry_after_s,
        )
        self.send(frame)

    async def receive(self) -> str:
        """The next text. Raises WebSocketDisconnect, SocketClosed."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if not self._bucket.take(time.monotonic()):
            raise SocketClosed(CloseCode.PROTOCOL, "too many frames per second")
        text = message.get("text")
        if not isinstance(text, str):
            raise SocketClosed(CloseCode.PROTOCOL, "frames are text")
        return text

    async def run(self, *work: Coroutine[Any, Any, None], beat: Callable[[], Awaitable[None]]) -> None:
        await super().run(*work, self._send_all(), beat=beat)

    async def close(self, code: CloseCode, reason: str) -> None:
        """Of a reader that is too slow, whoever owns the connection cuts it off (socket_protocol.py)."""
        with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):  # it went first
            async with asyncio.timeout(self.timing.send_timeout_s):
                while self._outbox and code is not CloseCode.SLOW:
                    await self._send_one()
                self._outbox.clear()
                if self._websocket.application_state is not WebSocketState.DISCONNECTED:
                    await self._websocket.close(int(code), reason)

    async def _send_all(self) -> None:
        while True:
            await self._has_frames.wait()
            self._has_frames.clear()
            while self._outbox:
                try:
                    async with asyncio.timeout(self.timing.send_timeout_s):
                        await self._send_one()
                except TimeoutError as error:
                    raise SocketClosed(CloseCode.SLOW, "the reader is too slow") from error

    async def _send_one(self) -> None:
        try:
            await self._websocket.send_text(self._encoder.encode(self._outbox[0]).decode())
        except RuntimeError as error:  # closed already, by the protocol or by a close frame that nobody has read yet
            raise WebSocketDisconnect(1006) from error
        self._shift()  # only now: who is cancelled while it waits has sent nothing


@contextlib.asynccontextmanager
async def closing_with_the_bus(connection: LiveConnection) -> AsyncGenerator[None]:
    """Every reason to end a connection, as its close code."""
    try:
        yield
    except WebSocketDisconnect:
        pass
    except SocketClosed as closed:
        await connection.close(closed.code, closed.reason)
    except SlowReader:
        await connection.close(CloseCode.SLOW, "the reader is too slow")
    except BusClosed:
        await connection.close(CloseCode.RESTART, "the server is stopping")
    except EngineUnavailable:  # the log of a running answer ended before the answer did
        await connection.close(CloseCode.RESTART, "the answer goes on elsewhere or later")
    except (BusUnavailable, StoreError):
        await connection.close(CloseCode.LATER, "try again later")
    except Exception:
        log.exception("a live connection broke")
        await connection.close(CloseCode.FAULT, "the server had an internal error")


def answer_heartbeat(connection: SocketConnection, frame: InFrame) -> bool:
    """True when that was all there was to do."""
    if isinstance(frame, Ping):
        connection.send(PongOut())
    return isinstance(frame, (Ping, Pong))
