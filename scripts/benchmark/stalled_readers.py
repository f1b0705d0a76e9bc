"""Readers who ask for the largest answers and take nothing of them: what does the server hold for them? Linux.

A server without a model and an account with a chat of megabytes; 64 connections ask at once for pages, a shared link,
single messages and exports, with the smallest receive buffer that the kernel gives.
"""

import asyncio
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from .accounts import sign_in
from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .hardening import Outcome
from .servers import Contender, Running, started

NUM_READERS = 64
NUM_MESSAGES = 60
MESSAGE_CHARS = 1_000_000
LONGEST_CHARS = 2_000_000  # of one message
MAX_MORE_MB = 200.0
WATCHED_S = 16.0  # the server cuts off after 10 who leaves it waiting
LOOK_S = 0.1
MAX_HEALTH_S = 1.0
RECEIVE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Held:
    before_mb: float
    peak_mb: float
    after_mb: float
    health_s: float  # the longest

    @property
    def more_mb(self) -> float:
        return self.peak_mb - self.before_mb


async def stalled_readers(contender: Contender, logs: Path, log: Log) -> list[Outcome]:
    async with started(contender, logs) as running:
        url = running.client.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            await sign_in(http)
            paths = await _write_chat(http)
            for path in paths:  # what a first use keeps is not the readers'
                await http.get(path)
            held = await _held(running, http, [paths[n % len(paths)] for n in range(NUM_READERS)])
    log(f"stalled readers: {held.before_mb:.0f} MB before, {held.peak_mb:.0f} at most, {held.after_mb:.0f} after")
    text = (
        f"{NUM_READERS} readers of {len(paths)} kinds who never read: {held.more_mb:+.0f} MB at most"
        f" (≤ +{MAX_MORE_MB:.0f}), longest /health {held.health_s:.2f} s"
    )
    is_good = held.more_mb <= MAX_MORE_MB and held.health_s <= MAX_HEALTH_S
    figures = {"more_mb": held.more_mb, "after_mb": held.after_mb - held.before_mb, "health_s": held.health_s}
    return [Outcome(Bar(3, text, is_good), Run(contender.name, "stalled-readers", NUM_READERS, 0, figures))]


async def _write_chat(http: httpx.AsyncClient) -> list[str]:
    """What can be asked for."""
    session_id = (await _made(http, "/api/sessions", {}))["session_id"]
    messages = f"/api/sessions/{session_id}/messages"
    for n in range(NUM_MESSAGES):
        await _made(http, messages, {"content": f"{n} " + "가나다라 " * (MESSAGE_CHARS // 5)})
    longest = await _made(http, messages, {"content": "😀" * LONGEST_CHARS})
    link = await _made(http, f"/api/sessions/{session_id}/links", {})
    return [
        f"{messages}?limit=200",
        f"{messages}?limit=200&before={longest['message_id']}",
        f"{link['path']}?limit=200",
        f"/api/messages/{longest['message_id']}",
        "/api/profile/messages?limit=200",
        f"/api/sessions/{session_id}/export",
        f"/api/sessions/{session_id}/export?format=markdown",
        "/api/export",
    ]


async def _made(http: httpx.AsyncClient, path: str, body: dict[str, str]) -> dict[str, str]:
    answer = await http.post(path, json=body)
    if not answer.is_success:
        raise ClientError(answer.status_code, answer.text[:200])
    found: dict[str, str] = answer.json()
    return found


async def _held(running: Running, http: httpx.AsyncClient, paths: list[str]) -> Held:
    if running.tree is None:
        raise ClientError(0, "the memory of a server elsewhere cannot be read")
    tree = running.tree
    before = tree.memory_bytes() / 1e6
    address = urlsplit(running.client.base_url)
    head = f"Host: {address.netloc}\r\nAuthorization: {http.headers['authorization']}\r\n\r\n"
    readers: list[socket.socket] = []
    peak, longest = before, 0.0
    try:
        for path in paths:
            reader = socket.socket()
            readers.append(reader)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            reader.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(reader, (address.hostname, address.port))
            await loop.sock_sendall(reader, f"GET {path} HTTP/1.1\r\n{head}".encode())
        end = time.perf_counter() + WATCHED_S
        while (now := time.perf_counter()) < end:
            await running.client.get("/health")
            longest = max(longest, time.perf_counter() - now)
            peak = max(peak, tree.memory_bytes() / 1e6)
            await asyncio.sleep(LOOK_S)
    finally:
        for reader in readers:
            reader.close()
    return Held(before, peak, tree.memory_bytes() / 1e6, longest)
