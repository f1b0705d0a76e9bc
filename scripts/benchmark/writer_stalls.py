"""What others wait while one account forks a chat of 200 MB, deletes it for good and imports as much: a server without
a model. Another account sends a short message every few hundredths of a second, and each is timed to its 201.
"""

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bdchat.settings import StoreSettings
from bdchat.store.chats import sessions
from bdchat.store.sql.database import Database
from bdchat.store.transfer.chat import Chat, TransferMessage
from bdchat.store.transfer.writing import ChatSlice, prepare, put

from .archive import Owner, make_owner
from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .corpus import english, korean
from .figures import percentile, quantiles
from .hardening import Outcome
from .processes import ProcessTree
from .servers import bdchat, started

NUM_MB = 200
BAR = 7
MAX_P99_MS = 50.0
SEND_EVERY_S = (0.02, 0.05)
TIMEOUT_S = 1800.0
QUIET_S = 5.0
POOL_WORDS = 200_000
LARGE_CHARS = (1_000_000, 2_500_000)  # of one message in fifty megabytes each
CHATS_OF_AN_EXPORT = 12  # a chat of 20 MB is the largest that an import takes


class Texts:
    """Messages of 2 to 40 thousand characters, half of them Korean, and some large ones."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"stalls {seed}")  # noqa: S311
        self._pools = (english(self._rng, POOL_WORDS), korean(self._rng, POOL_WORDS))

    def of(self, num_bytes: int) -> Iterator[str]:
        """Together that much, and some more."""
        size = num_large = 0
        while size < num_bytes:
            is_large = size // 50_000_000 >= num_large and num_bytes > 50_000_000
            num_large += is_large
            for num_chars in LARGE_CHARS if is_large else (self._rng.randrange(2_000, 40_000),):
                pool = self._rng.choice(self._pools)
                at = self._rng.randrange(len(pool) // 2)
                text = (pool[at:] + pool)[:num_chars] if num_chars < len(pool) else (pool * 8)[at : at + num_chars]
                size += len(text.encode())
                yield text


async def writer_stalls(
    data_dir: Path, overrides: Sequence[str], logs: Path, seed: int, log: Log, *, num_mb: int, num_rounds: int
) -> list[Outcome]:
    """`data_dir` is emptied before and after."""
    shutil.rmtree(data_dir, ignore_errors=True)
    try:
        texts = Texts(seed)
        owner, other = await made(data_dir, texts, num_mb)
        log(f"a chat of {num_mb} MB is there")
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(json.dumps(exported(texts, num_mb)).encode())
            file.flush()
            contender = bdchat("none", data_dir, tuple(overrides))
            async with started(contender, logs) as running:
                if running.tree is None:
                    raise ClientError(0, "the load needs a server of its own")
                root = running.client.base_url.removesuffix("/v1")
                async with _http(root, owner) as http, _http(root, other) as sender:
                    ids = (owner.session_ids[0], other.session_ids[0])
                    load = Load(http, sender, running.tree, *ids, Path(file.name), log)
                    times = await load.run(num_rounds)
        quiet = times.pop("quiet")
        return [_outcome(contender.name, phase, times[phase], quiet, num_mb) for phase in times]
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


async def made(data_dir: Path, texts: Texts, num_mb: int) -> tuple[Owner, Owner]:
    """Who has a chat of that size, and who has an empty one."""
    async with Database(StoreSettings(user_quota_bytes=8 << 30), data_dir) as database:
        owner = await database.write(lambda db: make_owner(db, "large"))
        other = await database.write(lambda db: make_owner(db, "small"))
        chat = Chat(origin="bench:", title="large")
        for number, text in enumerate(texts.of(num_mb * 1_000_000)):
            parent_id = str(number - 1) if number else None
            chat.messages.append(TransferMessage(str(number), parent_id, "assistant" if number % 2 else "user", text))
        prepared, slices = prepare(chat, owner.user_id)

        async def next_slice() -> ChatSlice | None:
            return next(slices, None)

        owner.session_ids.append(await put(database, prepared, next_slice, was_deleted=False))
        other.session_ids.append(await database.write(lambda db: sessions.create(db, other.user_id).session_id))
    return owner, other


def exported(texts: Texts, num_mb: int) -> list[dict[str, Any]]:
    """As ChatGPT writes it."""
    chats = []
    for number in range(CHATS_OF_AN_EXPORT):
        mapping: dict[str, Any] = {}
        for place, text in enumerate(texts.of(num_mb * 1_000_000 // CHATS_OF_AN_EXPORT)):
            message = {
                "id": f"{place}",
                "author": {"role": "assistant" if place % 2 else "user"},
                "create_time": 1_700_000_000 + place,
                "content": {"content_type": "text", "parts": [text]},
            }
            parent = f"{place - 1}" if place else None
            mapping[f"{place}"] = {"id": f"{place}", "message": message, "parent": parent, "children": []}
        chats.append({"title": f"chat {number}", "conversation_id": f"c{number}", "mapping": mapping})
    return chats


@dataclass(frozen=True, slots=True)
class Load:
    """What `http`'s account does, again and again, while `sender`'s sends."""

    http: httpx.AsyncClient
    sender: httpx.AsyncClient
    tree: ProcessTree
    source_id: str  # the large chat
    target_id: str  # where the other account writes
    export: Path
    log: Log

    async def run(self, num_rounds: int) -> dict[str, list[float]]:
        """Phase → seconds of the sends in it."""
        times: dict[str, list[float]] = {}
        for _ in range(num_rounds):
            made: list[str] = []
            for phase, work in self._phases(made):
                seconds = await self._watched(phase, work)
                times.setdefault(phase, []).extend(seconds)
        return times

    def _phases(self, made: list[str]) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        async def fork() -> None:
            answer = await self.http.post(f"/api/sessions/{self.source_id}/fork", json={})
            answer.raise_for_status()
            made.append(answer.json()["session_id"])

        async def bring() -> None:
            async with self.http.stream("POST", "/api/import", content=_chunks(self.export)) as response:
                response.raise_for_status()
                lines = [json.loads(line) async for line in response.aiter_lines()]
            made.extend(line["session_id"] for line in lines if line.get("session_id"))
            if lines[-1]["num_imported"] != CHATS_OF_AN_EXPORT:
                raise ClientError(0, f"the import is not whole: {lines[-1]}")

        async def delete() -> None:
            while made:
                path = f"/api/sessions/{made.pop()}?permanently=true"
                (await self.http.delete(path)).raise_for_status()

        async def nothing() -> None:
            await asyncio.sleep(QUIET_S)

        return [("quiet", nothing), ("fork", fork), ("delete", delete), ("import", bring), ("delete again", delete)]

    async def _watched(self, phase: str, work: Callable[[], Awaitable[None]]) -> list[float]:
        seconds: list[float] = []
        sending = asyncio.create_task(self._send(seconds))
        began, cpu_before = time.perf_counter(), self.tree.cpu_seconds()
        try:
            await work()
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        wall_s, cpu_s = time.perf_counter() - began, self.tree.cpu_seconds() - cpu_before
        self.log(f"{phase}: {wall_s:.1f} s, {cpu_s:.1f} of CPU; {len(seconds)} sends: {_told(seconds)}")
        return seconds

    async def _send(self, seconds: list[float]) -> None:
        path, rng = f"/api/sessions/{self.target_id}/messages", random.Random(7)  # noqa: S311
        while True:
            began = time.perf_counter()
            answer = await self.sender.post(path, json={"content": "a short message 짧은 글"})
            seconds.append(time.perf_counter() - began)
            answer.raise_for_status()
            await asyncio.sleep(rng.uniform(*SEND_EVERY_S))


def _http(root: str, owner: Owner) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=root, timeout=TIMEOUT_S, headers={"authorization": f"Bearer {owner.token}"})


async def _chunks(path: Path) -> Any:
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            yield chunk


def _told(seconds: Sequence[float]) -> str:
    p50, p99 = percentile(seconds, 50) * 1000, percentile(seconds, 99) * 1000
    return f"p50 {p50:.1f}, p99 {p99:.1f}, at most {max(seconds, default=0.0) * 1000:.0f} ms"


def _outcome(server: str, phase: str, seconds: Sequence[float], quiet: Sequence[float], num_mb: int) -> Outcome:
    text = f"another's sends during {phase} of {num_mb} MB, {len(seconds)}: {_told(seconds)} (p99 ≤ {MAX_P99_MS:g} ms)"
    text += f"; with nothing beside them: {_told(quiet)}"
    is_met = percentile(seconds, 99) * 1000 <= MAX_P99_MS
    return Outcome(Bar(BAR, text, is_met), Run(server, f"writer-stalls {phase}", num_mb, 0, quantiles("send", seconds)))
