"""A small HTTP/1.1 client that reads server-sent events. One event loop.

It shares the machine with the servers that it measures, so while an answer runs it does as little as it can: it splits
lines, takes the time and keeps the bytes. JSON is read when the answer is over.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast
from urllib.parse import urlsplit

DONE = b"[DONE]"
GET_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 600.0  # sixteen long answers on a slow machine; a hung server must not hang the bench


class ClientError(Exception):
    """The server answered with an error, or broke off."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"HTTP {status}: {detail}" if status else detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Delta:
    at: float  # seconds, time.perf_counter
    text: str
    logprobs: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True)
class Usage:
    """prompt_tokens is None when the server does not tell."""

    prompt_tokens: int | None = None
    cached_tokens: int = 0
    completion_tokens: int | None = None

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> "Usage":
        details = value.get("prompt_tokens_details") or {}
        return cls(value.get("prompt_tokens"), details.get("cached_tokens") or 0, value.get("completion_tokens"))


@dataclass
class Reply:
    """One answer, read after it ended. Times are seconds of time.perf_counter."""

    started: float
    finished: float
    events: list[tuple[float, bytes]]
    is_done: bool  # the stream ended with [DONE]
    deltas: list[Delta] = field(init=False)  # events that carry text, in order
    usage: Usage = field(init=False)
    finish_reason: str | None = field(init=False, default=None)
    error: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.usage = Usage()
        self.deltas = [delta for at, data in self.events if (delta := self._read(at, data)) is not None]

    def _read(self, at: float, data: bytes) -> Delta | None:
        chunk = json.loads(data)
        if chunk.get("error"):
            self.error = json.dumps(chunk["error"], ensure_ascii=False)
            return None
        if chunk.get("usage"):
            self.usage = Usage.parse(chunk["usage"])
        for choice in chunk.get("choices") or ():
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            text = (choice.get("delta") or {}).get("content") or choice.get("text") or ""
            logprobs = tuple(((choice.get("logprobs") or {}).get("content")) or ())
            if text or logprobs:
                return Delta(at, text, logprobs)
        return None

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)

    @property
    def ttft_s(self) -> float:
        return self.deltas[0].at - self.started if self.deltas else self.finished - self.started

    @property
    def gaps_s(self) -> list[float]:
        """Between one delta and the next, as a reader sees them."""
        times = [delta.at for delta in self.deltas]
        return [later - earlier for earlier, later in pairwise(times)]

    @property
    def num_completion_tokens(self) -> int:
        told = self.usage.completion_tokens
        return len(self.deltas) if told is None else told

    @property
    def num_evaluated_tokens(self) -> int:
        """Prompt tokens that the server computed for this request, by its own account."""
        return (self.usage.prompt_tokens or 0) - self.usage.cached_tokens


class Exchange(asyncio.Protocol):
    """One request on one connection. Event-stream bodies become `events`; any other body stays in `body`."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._line = b""
        self._chunked = False
        self._streaming = False
        self._head_read = False
        self._waiter: tuple[int, asyncio.Future[None]] | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.started = 0.0
        self.finished = 0.0
        self.status = 0
        self.body = bytearray()
        self.events: list[tuple[float, bytes]] = []
        self.is_done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods, not by its class
        self.started = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.finished = now
        self._unread += data
        if not self._head_read and not self._read_head():
            return
        body = self._read_chunks() if self._chunked else self._take_all()
        if self._streaming:
            self._read_lines(body, now)
        else:
            self.body += body
        if self._waiter is not None and len(self.events) >= self._waiter[0] and not self._waiter[1].done():
            self._waiter[1].set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.finished = self.finished or time.perf_counter()
        if not self.closed.done():
            self.closed.set_result(None)
        if self._waiter is not None and not self._waiter[1].done():
            self._waiter[1].set_result(None)

    async def until(self, num_events: int) -> None:
        """Returns when that many events have come, or the connection is gone."""
        if len(self.events) >= num_events or self.closed.done():
            return
        self._waiter = (num_events, asyncio.get_running_loop().create_future())
        await self._waiter[1]

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def reply(self) -> Reply:
        """Waits for the end. Raises ClientError for a status other than 200."""
        await self.closed
        if self.status != 200:
            raise ClientError(self.status, bytes(self.body[:500]).decode("utf-8", "replace") or "connection closed")
        return Reply(self.started, self.finished, self.events, self.is_done)

    def _read_head(self) -> bool:
        end = self._unread.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = bytes(self._unread[:end]).lower().split(b"\r\n")
        del self._unread[: end + 4]
        self.status = int(lines[0].split(None, 2)[1])
        self._chunked = any(line.startswith(b"transfer-encoding:") and b"chunked" in line for line in lines)
        is_stream = any(line.startswith(b"content-type:") and b"event-stream" in line for line in lines)
        self._streaming = is_stream and self.status == 200
        self._head_read = True
        return True

    def _take_all(self) -> bytes:
        data = bytes(self._unread)
        self._unread.clear()
        return data

    def _read_chunks(self) -> bytes:
        """All whole chunks that have come; the rest stays for the next read."""
        parts = []
        while (end := self._unread.find(b"\r\n")) >= 0:
            size = int(self._unread[:end].split(b";")[0], 16)
            if size == 0:
                if self._transport is not None:
                    self._transport.close()
                break
            if len(self._unread) < end + size + 4:
                break
            parts.append(bytes(self._unread[end + 2 : end + 2 + size]))
            del self._unread[: end + size + 4]
        return b"".join(parts)

    def _read_lines(self, body: bytes, now: float) -> None:
        """A JSON event has no line break inside, so that one data line is one event."""
        lines = (self._line + body).split(b"\n")
        self._line = lines.pop()
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == DONE:
                self.is_done = True
            else:
                self.events.append((now, data))


class Client:
    """Talks to one base URL, e.g. http://127.0.0.1:8000/v1. A connection per request: nothing is shared."""

    def __init__(self, base_url: str, *, model: str = "default", api_key: str | None = None) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ClientError(0, f"not an http base URL: {base_url}")
        self.base_url = base_url.rstrip("/")
        self.model = model
        self._host = parts.hostname
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._authority = parts.netloc.rpartition("@")[2]
        self._authorization = f"Authorization: Bearer {api_key}\r\n" if api_key else ""

    async def send(self, method: str, path: str, body: bytes = b"") -> Exchange:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._authority}\r\nConnection: close\r\n{self._authorization}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode("ascii") + body
        loop = asyncio.get_running_loop()
        try:
            _, exchange = await loop.create_connection(
                lambda: Exchange(request), self._host, self._port, ssl=self._tls or None
            )
        except OSError as error:
            raise ClientError(0, f"{self._host}:{self._port}: {error}") from error
        return exchange

    async def _finish(self, exchange: Exchange, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await exchange.closed
        except TimeoutError as error:
            raise ClientError(0, f"no whole answer within {timeout_s:.0f} s") from error
        finally:
            exchange.abort()

    async def start(self, messages: list[dict[str, str]], max_tokens: int, **fields: Any) -> Exchange:
        """A streamed chat completion that generates exactly max_tokens greedy tokens."""
        body = {
            "model": self.model,
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
            **fields,
        }
        return await self.send("POST", f"{self._prefix}/chat/completions", json.dumps(body).encode())

    async def stream(self, messages: list[dict[str, str]], max_tokens: int, **fields: Any) -> Reply:
        """As start, to the end. Raises ClientError when the stream carries an error or breaks off."""
        exchange = await self.start(messages, max_tokens, **fields)
        await self._finish(exchange)
        reply = await exchange.reply()
        if reply.error is not None or not reply.is_done:
            raise ClientError(0, reply.error or "the stream broke off before [DONE]")
        return reply

    async def usage(self, messages: list[dict[str, str]], max_tokens: int = 1) -> Usage:
        """What an unstreamed completion says that it used."""
        body = {"model": self.model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
        exchange = await self.send("POST", f"{self._prefix}/chat/completions", json.dumps(body).encode())
        await self._finish(exchange)
        if exchange.status != 200:
            raise ClientError(exchange.status, bytes(exchange.body[:500]).decode("utf-8", "replace"))
        return Usage.parse(json.loads(exchange.body).get("usage") or {})

    async def get(self, path: str) -> tuple[int, bytes]:
        """`path` from the server's root, so that /health is reached whatever the base URL's path is."""
        exchange = await self.send("GET", path)
        await self._finish(exchange, GET_TIMEOUT_S)
        return exchange.status, bytes(exchange.body)

    async def model_ids(self) -> list[str]:
        status, body = await self.get(f"{self._prefix}/models")
        if status != 200:
            raise ClientError(status, body[:500].decode("utf-8", "replace"))
        return [str(entry["id"]) for entry in json.loads(body).get("data", [])]
