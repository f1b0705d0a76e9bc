"""A tiny loopback server for tests of HTTP clients: says what it is told to, remembers what it was asked."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DONE = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(slots=True)
class Answer:
    """`parts` are written one by one, as chunks or as they are; HOLD keeps the connection open."""

    parts: list[bytes]
    status: int = 200
    content_type: str = "text/event-stream"
    is_chunked: bool = True


Responder = Callable[[Asked], Answer]


def delta(text: str, *, finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason, **fields}]}


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    details = {"cached_tokens": cached}
    return {
        "choices": [],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details},
    }


def event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def streamed(*texts: str, prompt: int = 10, cached: int = 0) -> Answer:
    """A whole answer, one delta per text."""
    role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
    parts = [event(role), *(event(delta(text)) for text in texts), event(delta("", finish_reason="length"))]
    return Answer([*parts, event(usage(prompt, len(texts), cached)), DONE])


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer([json.dumps(value).encode()], status, "application/json", is_chunked=False)


@dataclass(slots=True)
class LoopbackServer:
    """Use as `async with`. A part that is HOLD is not sent: the answer waits for the client to leave."""

    respond: Responder
    asked: list[Asked] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)  # set when an answer waits at HOLD
    left: asyncio.Event = field(default_factory=asyncio.Event)  # set when a client left a held answer
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> "LoopbackServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            await self._write(self.respond(asked), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _write(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framing = "Transfer-Encoding: chunked\r\n" if answer.is_chunked else ""
        head = (
            f"HTTP/1.1 {answer.status} X\r\nContent-Type: {answer.content_type}\r\nConnection: close\r\n{framing}\r\n"
        )
        writer.write(head.encode())
        for part in answer.parts:
            if part == HOLD:
                await writer.drain()
                self.held.set()
                await reader.read()  # returns when the client leaves
                self.left.set()
                return
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) if answer.is_chunked else part)
            await writer.drain()
        if answer.is_chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


HOLD = b"hold"


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, path, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, json.loads(body) if body else {})
