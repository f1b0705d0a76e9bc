"""A client of the live sockets, for tests: frames as dicts, a close as its code, a reader that can be dropped."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bdchat.settings import GenerationSettings, Settings
from tests.patience import PATIENCE_S

Frame = dict[str, Any]
UNTITLED = Settings(generations=GenerationSettings(makes_titles=False))  # no title is asked of the engine


class Socket:
    """One connection. `seen` holds every frame but pings."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[Frame] = []

    async def send(self, kind: str, /, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> Frame:
        """Raises ConnectionClosed."""
        while True:
            async with asyncio.timeout(PATIENCE_S):
                frame: Frame = json.loads(await self.connection.recv())
            if frame["type"] != "ping":
                self.seen.append(frame)
                return frame

    async def until(self, kind: str, /, **wanted: Any) -> Frame:
        """The next frame of that type with these fields; those before it are in `seen`."""
        while True:
            frame = await self.next()
            if frame["type"] == kind and wanted.items() <= frame.items():
                return frame

    async def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has closed; frames before that are in `seen`."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            code = self.connection.close_code
            assert code is not None
            return code, self.connection.close_reason or ""

    def drop(self) -> None:
        """As when the network is gone: no goodbye."""
        self.connection.transport.abort()


@asynccontextmanager
async def live(
    client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, *, origin: str | None = None
) -> AsyncGenerator[Socket]:
    """Raises websockets' InvalidStatus when the socket is refused."""
    url = str(client.base_url).replace("http", "ws", 1).rstrip("/") + path
    extra: dict[str, Any] = {"additional_headers": headers or {}, "origin": origin}
    options: dict[str, Any] = {"compression": None, "proxy": None, "ping_interval": None, "close_timeout": 1}
    async with connect(url, open_timeout=PATIENCE_S, **extra, **options) as connection:
        yield Socket(connection)


def chat_path(session_id: str) -> str:
    return f"/ws/chat/{session_id}"


@dataclass
class Reading:
    """What a page shows of one answer, from its frames alone, over any number of connections."""

    generation_id: str
    prefix: str = ""
    text: str = ""
    last_id: int = 0
    end: Frame | None = None
    num_resets: int = field(default=0)

    @property
    def content(self) -> str:
        return self.prefix + self.text

    def take(self, frame: Frame) -> None:
        if frame.get("generation_id") != self.generation_id or "seq" not in frame:
            return
        kind = frame["type"]
        assert frame["seq"] > self.last_id or kind == "ai_complete", "numbers only grow"
        self.last_id = frame["seq"]
        if kind == "ai_start":
            self.prefix, self.text = frame["prefix"], ""
        elif kind == "ai_chunk":
            self.text += frame["text"]
        elif kind == "ai_reset":
            self.text = frame["text"]
            self.num_resets += 1
        elif kind == "ai_complete":
            self.end = frame


async def read_answer(socket: Socket, generation_id: str) -> Reading:
    """From all that the socket has said, to the answer's end."""
    reading = Reading(generation_id)
    for frame in socket.seen:
        reading.take(frame)
    while reading.end is None:
        reading.take(await socket.next())
    return reading


def kinds(frames: list[Frame]) -> list[str]:
    return [frame["type"] for frame in frames]
