"""A ChatGPT export of any size, made up by seed, and what a server pays for taking it in: memory, time, waiting.

The server is a process of its own without a model, on an empty data directory. Its resident size is read ten times a
second and compared with what it held, signed in and idle, before. Meanwhile a new chat is begun, again and again.
"""

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from .accounts import sign_in
from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .figures import Spread
from .hardening import Outcome
from .processes import ProcessTree
from .servers import Contender, bdchat, started

NUM_MB = 200
MAX_GROWTH_MB = 300.0
BAR = 7
SAMPLE_INTERVAL_S = 0.1
WRITE_INTERVAL_S = 0.25
IMPORT_TIMEOUT_S = 1800.0
MAX_MESSAGES_PER_CHAT = 400
ENGLISH = "the quick brown fox jumps over a lazy dog model token cache memory server answer prompt context window batch"
KOREAN = "환불은 언제 되나요 서버 메모리 캐시 모델이 답변을 생성합니다 토큰 문맥 대화를 저장하고 검색합니다"
WORDS = f"{ENGLISH} {KOREAN}".split()


class Export:
    """conversations.json as ChatGPT writes it, chat after chat, until it has `num_bytes`."""

    def __init__(self, num_bytes: int, seed: int) -> None:
        self._rng = random.Random(f"import {seed}")  # noqa: S311
        self.num_bytes = num_bytes
        self.num_chats = 0
        self.num_messages = 0

    def pieces(self) -> Iterator[bytes]:
        size = 1
        yield b"["
        while size < self.num_bytes:
            chat = json.dumps(self._chat()).encode()  # \\uXXXX for Korean, as in the real ones
            size += len(chat) + 1
            yield b"," + chat if self.num_chats > 1 else chat
        yield b"]"

    def _chat(self) -> dict[str, Any]:
        self.num_chats += 1
        count = min(MAX_MESSAGES_PER_CHAT, 2 + int(self._rng.expovariate(1 / 40)))
        self.num_messages += count
        chat_id = self._id()
        ids = [self._id() for _ in range(count)]
        began = 1_600_000_000 + self._rng.random() * 1e8
        mapping: dict[str, Any] = {chat_id: {"id": chat_id, "message": None, "parent": None, "children": ids[:1]}}
        for place, message_id in enumerate(ids):
            parent = ids[max(0, place - self._rng.choice((1, 1, 1, 3)))] if place else chat_id  # a branch now and then
            message = self._message(message_id, place, began + 30 * place)
            mapping[message_id] = {"id": message_id, "message": message, "parent": parent, "children": []}
        return {
            "title": self._words(5),
            "create_time": began,
            "update_time": began + 30 * count,
            "mapping": mapping,
            "moderation_results": [],
            "current_node": ids[-1],
            "conversation_id": chat_id,
            "default_model_slug": "gpt-5",
            "is_archived": False,
            "safe_urls": [],
        }

    def _message(self, message_id: str, place: int, at_s: float) -> dict[str, Any]:
        is_answer = place % 2 == 1
        return {
            "id": message_id,
            "author": {"role": "assistant" if is_answer else "user", "name": None, "metadata": {}},
            "create_time": at_s,
            "update_time": None,
            "content": {"content_type": "text", "parts": [self._words(int(self._rng.expovariate(1 / 180)) + 1)]},
            "status": "finished_successfully",
            "end_turn": is_answer,
            "weight": 1.0,
            "metadata": {"model_slug": "gpt-5", "citations": [], "content_references": [], "request_id": self._id()},
            "recipient": "all",
            "channel": None,
        }

    def _words(self, count: int) -> str:
        return " ".join(self._rng.choices(WORDS, k=count))

    def _id(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"


async def imports(
    data_dir: Path, logs: Path, log: Log, *, seed: int, num_mb: int = NUM_MB, overrides: tuple[str, ...] = ()
) -> list[Outcome]:
    """`data_dir` is emptied before and after."""
    shutil.rmtree(data_dir, ignore_errors=True)
    try:
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            export = Export(num_mb * 1_000_000, seed)
            for piece in export.pieces():
                file.write(piece)
            file.flush()
            log(f"import: {num_mb} MB, {export.num_chats} chats, {export.num_messages} messages")
            return [await _measured(bdchat("none", data_dir, overrides), logs, log, Path(file.name), export)]
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


async def _measured(contender: Contender, logs: Path, log: Log, path: Path, export: Export) -> Outcome:
    async with started(contender, logs) as running:
        if running.tree is None:
            raise ClientError(0, "the import needs a server of its own")
        root = running.client.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(base_url=root, timeout=IMPORT_TIMEOUT_S) as http:
            await sign_in(http)
            await http.get("/api/sessions")
            before = running.tree.memory_bytes()
            growth = asyncio.create_task(_largest_growth(running.tree, before))
            waits = asyncio.create_task(_waits(http))
            began, cpu_before = time.perf_counter(), running.tree.cpu_seconds()
            summary = await _import(http, path, log)
            seconds, cpu_s = time.perf_counter() - began, running.tree.cpu_seconds() - cpu_before
            growth_mb = await _ended(growth) / 1e6
            write_ms = Spread.of([wait * 1000 for wait in await _ended(waits)])
    is_whole = (summary.get("num_imported"), summary.get("num_messages")) == (export.num_chats, export.num_messages)
    text = (
        f"{export.num_bytes / 1e6:.0f} MB of ChatGPT export, {export.num_messages} messages, in {seconds:.0f} s"
        f" ({cpu_s:.0f} of CPU): resident growth {growth_mb:.0f} MB (≤ {MAX_GROWTH_MB:.0f}), a new chat meanwhile"
        f" {write_ms.median:.0f} ms median, {write_ms.high:.0f} at most"
    )
    text += "" if is_whole else f"; NOT WHOLE: {summary}"
    figures = {
        "seconds": seconds,
        "growth_mb": growth_mb,
        "size_mb": export.num_bytes / 1e6,
        "write_ms": write_ms.median,
    }
    run = Run(contender.name, "import", export.num_messages, 0, figures)
    return Outcome(Bar(BAR, text, is_whole and growth_mb <= MAX_GROWTH_MB), run)


async def _import(http: httpx.AsyncClient, path: Path, log: Log) -> dict[str, Any]:
    """Its summary."""
    last: dict[str, Any] = {}
    told_at = time.perf_counter()
    with path.open("rb") as file:
        async with http.stream("POST", "/api/import", content=_chunks(file)) as response:
            if response.status_code != 200:
                raise ClientError(response.status_code, (await response.aread()).decode("utf-8", "replace"))
            async for line in response.aiter_lines():
                last = json.loads(line)
                if last["type"] == "progress" and time.perf_counter() - told_at > 10:
                    told_at = time.perf_counter()
                    log(f"import: {last['num_read_bytes'] / 1e6:.0f} MB, {last['num_chats']} chats")
    return last


async def _chunks(file: Any) -> Any:
    while chunk := file.read(1 << 18):
        yield chunk


async def _largest_growth(tree: ProcessTree, before: int) -> float:
    """Until cancelled."""
    largest = 0
    with suppress(asyncio.CancelledError):
        while True:
            largest = max(largest, tree.memory_bytes() - before)
            await asyncio.sleep(SAMPLE_INTERVAL_S)
    return largest


async def _waits(http: httpx.AsyncClient) -> list[float]:
    """Seconds that each new chat took, until cancelled."""
    found: list[float] = []
    with suppress(asyncio.CancelledError):
        while True:
            began = time.perf_counter()
            (await http.post("/api/sessions", json={})).raise_for_status()
            found.append(time.perf_counter() - began)
            await asyncio.sleep(WRITE_INTERVAL_S)
    return found


async def _ended(task: "asyncio.Task[Any]") -> Any:
    task.cancel()
    return await task
