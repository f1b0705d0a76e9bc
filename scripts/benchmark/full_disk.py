"""A small disk that is filled and emptied again and again under one server: what was acknowledged is there in the end.

Each round, messages, forks, imports, backups and stored answers come at once until the disk is full; then room is made,
by deleting chats and backups over the API or by another program's file that goes, and it begins again. Root mounts the
disk, a tmpfs of its own.
"""

import asyncio
import json
import random
import shutil
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .hardening import Outcome
from .server_kills import base_of
from .servers import bdchat, started
from .stored_client import PASSWORD

NUM_ROUNDS = 200
DISK_BYTES = 24 << 20
LEFT_BYTES = (*(256 << 10, 512 << 10, 1 << 20, 2 << 20) * 2, 1 << 20, DISK_BYTES)  # by another program, round by round
NUM_WRITERS = 3
NUM_REFUSALS = 1  # of each writer: then the disk is full
BREATH_S = 0.2  # between two backups, imports, forks or answers
NEW_TOKENS = 12
MAX_KEPT = 12  # chats; the others are deleted, so that rounds do not become ever shorter
COMPARED_EVERY = 10  # rounds: the ledger with what another connection reads
MESSAGES = ((50, 6), (5_000, 6), (250_000, 4_000))  # characters, and of a word: few words are soon in the index
ROUND_S = 4.0  # a round in which the disk is not full by then counts, and is over
PATIENCE_S = 30.0  # for the first write after room was made
EXPECTED = frozenset({200, 201, 204, 404, 409, 429, 503, 507})
FULL = 507
TOO_LONG = "context_length_exceeded"


@dataclass
class Ledger:
    """What the server has acknowledged and has not been asked to delete since."""

    messages: dict[str, str] = field(default_factory=dict)  # message_id → content
    chats: dict[str, set[str]] = field(default_factory=dict)  # session_id → message_ids
    statuses: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    num_acknowledged: int = 0

    def note(self, what: str, answer: httpx.Response, body: str) -> int:
        self.statuses[answer.status_code] += 1
        is_too_long = answer.status_code == 400 and TOO_LONG in body  # a question behind a large message
        if answer.status_code not in EXPECTED and not is_too_long:
            self.problems.append(f"{what}: HTTP {answer.status_code} {body[:200]}")
        self.num_acknowledged += answer.is_success
        return answer.status_code

    def forget(self, session_id: str) -> None:
        """Before it is deleted: afterwards nobody knows until the answer is there."""
        for message_id in self.chats.pop(session_id, set()):
            self.messages.pop(message_id, None)


class Round:
    """The load until the disk is full."""

    def __init__(self, http: httpx.AsyncClient, ledger: Ledger, rng: random.Random, number: int) -> None:
        self._http, self._ledger, self._rng, self._number = http, ledger, rng, number
        self._is_full = False
        self._mine: list[str] = []

    async def run(self) -> bool:
        """False: it never was full."""
        answering = asyncio.create_task(self._until_full(self._answer))
        beside = asyncio.gather(*(self._until_full(work) for work in (self._fork, self._import, self._back_up)))
        try:
            async with asyncio.timeout(ROUND_S):
                await asyncio.gather(*(self._fill() for _ in range(NUM_WRITERS)))
        except TimeoutError:
            return False
        finally:
            self._is_full = True
            await beside
            answering.cancel()  # its end is written when there is room: nobody was told of it
            await asyncio.wait({answering})
        return True

    async def _fill(self) -> None:
        num_refused = 0
        while num_refused < NUM_REFUSALS:
            num_refused = num_refused + 1 if await self._write() == FULL else 0

    async def _until_full(self, work: Callable[[], Awaitable[int]]) -> None:
        while not self._is_full:
            await work()
            await asyncio.sleep(BREATH_S)

    async def _write(self) -> int:
        if not self._mine or self._rng.random() < 0.3:
            status, chat = await self._post("/api/sessions", {"title": f"round {self._number}"})
            if status != 201:
                return status
            self._ledger.chats[chat["session_id"]] = set()
            self._mine.append(chat["session_id"])
        session_id = self._rng.choice(self._mine)
        num_chars, word_chars = self._rng.choice(MESSAGES)
        content = text(self._rng, num_chars, word_chars)
        status, message = await self._post(f"/api/sessions/{session_id}/messages", {"content": content})
        if status == 201:
            self._ledger.chats[session_id].add(message["message_id"])
            self._ledger.messages[message["message_id"]] = content
        return status

    async def _fork(self) -> int:
        sources = [(chat, message) for chat in self._mine for message in self._ledger.chats.get(chat, ())]
        if not sources:
            return 0
        chat, message_id = self._rng.choice(sources)
        status, made = await self._post(f"/api/sessions/{chat}/fork", {"message_id": message_id})
        if status == 201:
            self._ledger.chats[made["session_id"]] = set()
        return status

    async def _import(self) -> int:
        content = text(self._rng, 20_000)
        node: dict[str, Any] = {"id": "a", "parent": None, "children": []}
        message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": [content]}}
        chat = {"title": "imported", "current_node": "a", "mapping": {"a": {**node, "message": {"id": "a", **message}}}}
        body = json.dumps([chat | {"id": f"{self._number}-{self._rng.random()}", "create_time": 1.7e9}])
        headers = {"content-type": "application/json"}
        answer = await self._http.post("/api/import", content=body, headers=headers)
        status = self._ledger.note("import", answer, answer.text)
        lines = [json.loads(line) for line in answer.text.splitlines()] if status == 200 else []
        for line in lines:
            if line.get("status") == "imported" and line.get("session_id"):
                self._ledger.chats[line["session_id"]] = set()
        return status

    async def _back_up(self) -> int:
        return (await self._post("/api/admin/backups", {}))[0]

    async def _answer(self) -> int:
        if not self._mine:
            return 0
        session_id = self._rng.choice(self._mine)
        question = [{"role": "user", "content": "Tell me something about rivers."}]
        body: dict[str, Any] = {"messages": question, "store": True, "max_tokens": NEW_TOKENS}
        answer = await self._http.post("/v1/chat/completions", json=body | {"metadata": {"session_id": session_id}})
        status = self._ledger.note("answer", answer, answer.text)
        if status == 200:
            message_id = answer.headers["x-bdchat-message-id"]
            self._ledger.chats[session_id].add(message_id)
            self._ledger.messages[message_id] = answer.json()["choices"][0]["message"]["content"]
        return status

    async def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = await self._http.post(path, json=body)
        status = self._ledger.note(path, answer, answer.text)
        return status, answer.json() if answer.is_success else {}


async def full_disk(
    model: Path, overrides: Sequence[str], logs: Path, *, seed: int, log: Log, num_rounds: int = NUM_ROUNDS
) -> list[Outcome]:
    rng = random.Random(f"full disk {seed}")  # noqa: S311
    ledger = Ledger()
    waits_s: list[float] = []
    num_full = num_told = 0
    with small_disk() as disk:
        contender = bdchat(model, disk, ("generations.makes_titles=false", *overrides))
        async with started(contender, logs) as running, signed_in(base_of(running)) as http:
            for number in range(num_rounds):
                left = LEFT_BYTES[number % len(LEFT_BYTES)]
                filler = fill(disk, left)
                was_full = await Round(http, ledger, rng, number).run()
                num_full += was_full
                await make_room(http, ledger, rng)
                filler.unlink()
                waits_s.append(await until_written(http, ledger))
                if (number + 1) % COMPARED_EVERY == 0:
                    ledger.problems += await asyncio.to_thread(flaws_of, disk / "bdchat.db", ledger)
                log(
                    f"round {number + 1}: {'full' if was_full else 'never full'}, written again after"
                    f" {waits_s[-1]:.2f} s, {len(ledger.problems)} problems"
                )
                for problem in ledger.problems[num_told : num_told + 3]:
                    log(f"  {problem}")
                num_told = len(ledger.problems)
            if running.tree is None or not running.tree.processes():
                ledger.problems.append("the server has ended")
        ledger.problems += flaws_of(disk / "bdchat.db", ledger, has_ended=True)
    for problem in ledger.problems[num_told : num_told + 20]:
        log(f"  {problem}")
    told = ", ".join(f"{count} × {status}" for status, count in sorted(ledger.statuses.items()))
    told = (
        f"{num_rounds} rounds, {num_full} of them to the disk's end, {ledger.num_acknowledged} writes acknowledged"
        f" ({told}): {len(ledger.problems)} lost or wrong; written again {max(waits_s):.2f} s at most after there was"
        " room"
    )
    figures = {"rounds": float(num_rounds), "full": float(num_full), "problems": float(len(ledger.problems))}
    figures |= {"acknowledged": float(ledger.num_acknowledged), "server_errors": float(ledger.statuses[500])}
    run = Run(contender.name, "full-disk", num_rounds, 0, figures)
    return [Outcome(Bar(2, told, not ledger.problems and num_full > 0), run)]


async def make_room(http: httpx.AsyncClient, ledger: Ledger, rng: random.Random) -> None:
    """On the full disk: all backups, and of the chats those beyond MAX_KEPT. Each must succeed."""
    listed = await http.get("/api/admin/backups")
    for backup in listed.json()["data"] if listed.is_success else []:
        answer = await http.delete(f"/api/admin/backups/{backup['name']}")
        ledger.note("delete a backup", answer, answer.text)
    chats = list(ledger.chats)
    rng.shuffle(chats)
    for session_id in chats[: max(len(chats) // 3, len(chats) - MAX_KEPT)]:
        ledger.forget(session_id)
        answer = await http.delete(f"/api/sessions/{session_id}", params={"permanently": "true"})
        if ledger.note("delete a chat", answer, answer.text) != 204:
            ledger.problems.append(f"a chat could not be deleted: HTTP {answer.status_code} {answer.text[:200]}")


async def until_written(http: httpx.AsyncClient, ledger: Ledger) -> float:
    """How long it took after room was made."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < PATIENCE_S:
        answer = await http.post("/api/sessions", json={"title": "there is room"})
        if ledger.note("after room was made", answer, answer.text) == 201:
            ledger.chats[answer.json()["session_id"]] = set()
            return loop.time() - began
        await asyncio.sleep(0.05)
    ledger.problems.append(f"nothing could be written {PATIENCE_S:.0f} s after room was made")
    return PATIENCE_S


def flaws_of(path: Path, ledger: Ledger, *, has_ended: bool = False) -> list[str]:
    """Of the database, through a connection of our own. `has_ended`: in order, so that the file is folded into one and
    no answer goes on."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        flaws = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        chats = {row[0] for row in database.execute("SELECT session_id FROM chat_session")}
        contents = dict(database.execute("SELECT message_id, content FROM message"))
        running = database.execute("SELECT count(*) FROM generation WHERE state = 'running'").fetchone()[0]
    flaws += [f"chat {session_id} was acknowledged and is not there" for session_id in set(ledger.chats) - chats]
    for message_id, content in ledger.messages.items():
        if contents.get(message_id) != content:
            flaws.append(f"message {message_id} was acknowledged and is not there, or not as it was")
    if has_ended and running:
        flaws.append(f"{running} answers have no end")
    return flaws


@asynccontextmanager
async def signed_in(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """As the first account, an admin."""
    async with httpx.AsyncClient(base_url=base_url, timeout=120.0) as http:
        answer = await http.post(
            "/api/auth/register", json={"username": "bench", "password": PASSWORD, "cookie": False}
        )
        http.headers["authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
        yield http


@contextmanager
def small_disk() -> Iterator[Path]:
    """Raises ClientError where it cannot be mounted."""
    with tempfile.TemporaryDirectory(prefix="bdchat-full-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", folder]
        done = subprocess.run(  # noqa: S603  # our own arguments
            mount, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ClientError(0, f"full-disk needs a small disk, and only root may mount one: {done.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)  # noqa: S603, S607


def fill(disk: Path, left_bytes: int) -> Path:
    """Another program's file, that leaves so much."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        num_bytes = shutil.disk_usage(disk).free - left_bytes
        file.write(b"\0" * max(0, num_bytes))
    return filler


def text(rng: random.Random, num_chars: int, word_chars: int = 6) -> str:
    return " ".join(f"{rng.getrandbits(4 * word_chars):x}" for _ in range(num_chars // (word_chars + 1) + 1))
