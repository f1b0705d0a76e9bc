"""kill -9 to the whole server while answers are stored, again and again over one database, and what is left then.

The client's ledger is the judge: what was acknowledged is there, once and in order; every answer is complete, is what
its reader ended with, and is spelled by exactly its tokens; the database is sound.
"""

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from .servers import Contender, Running, started
from .stored_client import GONE, Asked, Broken, StoredClient, Wrong, shown, token_bytes

NUM_WRITERS = 3
NEW_TOKENS = 96
ASKS_PER_SESSION = 4
MAX_LIFE_S = 2.5  # of a server, once it says something: in it answers go on, end and begin
EARLY_SHARE = 0.1  # of the kills come before that: while the model loads
FIRST_WORD_TIMEOUT_S = 120.0
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass
class Judgement:
    num_kills: int = 0
    num_answers: int = 0
    num_cut: int = 0  # answers that a kill met
    num_unacknowledged: int = 0  # messages that were sent again
    problems: list[str] = field(default_factory=list)


class Writer:
    """Asks one thing after another in its own sessions, through however many servers."""

    def __init__(self, number: int, client: StoredClient, rng: random.Random) -> None:
        self._number = number
        self._client = client
        self._rng = rng
        self._session_id: str | None = None
        self.asked: list[Asked] = []

    async def work(self, base_url: str, judgement: Judgement, *, asks: bool) -> None:
        """Until the server dies. Without `asks`: until what was begun has ended."""
        async with self._client.connected(base_url) as http:
            try:
                while (asked := self._unfinished()) is not None or asks:
                    if asked is None:
                        asked = await self._ask(http)
                    await self._client.advance(http, asked)
            except (Broken, *GONE):
                asked = self._unfinished()
                if asked is not None:
                    judgement.num_cut += asked.generation_id is not None
                    judgement.num_unacknowledged += asked.generation_id is None

    def _unfinished(self) -> Asked | None:
        return self.asked[-1] if self.asked and not self.asked[-1].is_done else None

    async def _ask(self, http: httpx.AsyncClient) -> Asked:
        if self._session_id is None or len(self.asked) % ASKS_PER_SESSION == 0:
            self._session_id = await self._client.begin_session(http)
        name = f"{self._number}-{len(self.asked)}"
        topic = self._rng.choice(("rivers", "bread", "winter", "maps", "bridges", "birds"))
        asked = Asked(self._session_id, name, f"Tell me something about {topic}. ({name})")
        self.asked.append(asked)
        return asked


async def kill_servers(
    contender: Contender, database: Path, logs: Path, *, seed: int, num_kills: int, log: Callable[[str], None]
) -> Judgement:
    """`contender` starts on a new data directory, whose database `database` is."""
    rng = random.Random(f"server kills {seed}")  # noqa: S311
    judgement = Judgement()
    client = StoredClient({"max_tokens": NEW_TOKENS, "ignore_eos": True, "logprobs": True, "temperature": 0.8})
    writers = [Writer(number, client, rng) for number in range(NUM_WRITERS)]
    for count in range(num_kills):
        async with started(contender, logs) as running:
            if client.token is None:
                await client.register(base_of(running))
            work = asyncio.gather(*(writer.work(base_of(running), judgement, asks=True) for writer in writers))
            if rng.random() >= EARLY_SHARE:
                client.has_heard.clear()
                await asyncio.wait_for(client.has_heard.wait(), FIRST_WORD_TIMEOUT_S)
            await asyncio.wait({work}, timeout=rng.uniform(0.0, MAX_LIFE_S))
            if running.tree is not None:
                running.tree.kill()
            judgement.num_kills += 1
            await work
        pending = sum(writer._unfinished() is not None for writer in writers)
        log(f"kill {count + 1}: {sum(len(writer.asked) for writer in writers)} asked, {pending} unfinished")
    async with started(contender, logs) as running:
        await asyncio.gather(*(writer.work(base_of(running), judgement, asks=False) for writer in writers))
        for writer in writers:
            judgement.problems += await _flaws(client, base_of(running), writer.asked)
    everything = [asked for writer in writers for asked in writer.asked]
    judgement.num_answers = len(everything)
    judgement.problems += _flaws_of_database(database, everything)
    for problem in judgement.problems:
        log(f"  {problem}")
    return judgement


def base_of(running: Running) -> str:
    return running.client.base_url.removesuffix("/v1")


async def _flaws(client: StoredClient, base_url: str, asked: list[Asked]) -> list[str]:
    """What a writer's sessions show against its ledger."""
    problems: list[str] = []
    async with client.connected(base_url) as http:
        for session_id in dict.fromkeys(each.session_id for each in asked):
            expected = [each for each in asked if each.session_id == session_id]
            messages = await shown(http, session_id)
            told = [message["client_message_id"] for message in messages if message["role"] == "user"]
            if told != [each.client_message_id for each in expected] or len(messages) != 2 * len(expected):
                problems.append(f"session {session_id}: {told} in {len(messages)} messages")
                continue
            for each, question, answer in zip(expected, messages[::2], messages[1::2], strict=True):
                whole = await client.whole(http, each)
                problems += [f"{each.client_message_id}: {flaw}" for flaw in _flaws_of(each, whole, question, answer)]
    return problems


def _flaws_of(each: Asked, whole: Asked, question: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    flaws: list[str] = []
    if question["content"] != each.content or question["message_id"] != (each.user_message_id or "?"):
        flaws.append("another message is there")
    if answer["message_id"] != each.message_id or answer["status"] != "complete":
        flaws.append(f"the answer is {answer['status']}: {whole.error}")
    if not answer["content"] == each.text == whole.text:
        flaws.append(f"read {each.text!r}, again {whole.text!r}, stored {answer['content']!r}")
    if whole.finish_reason != "length" or answer["finish_reason"] != "length":
        flaws.append(f"finish_reason {whole.finish_reason}, stored {answer['finish_reason']}")
    return flaws


def _flaws_of_database(path: Path, expected: list[Asked]) -> list[str]:
    """After an orderly end: the file is closed, and folded into one."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        problems = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        num_messages = database.execute("SELECT count(*) FROM message").fetchone()[0]
        if num_messages != 2 * len(expected):
            problems.append(f"{num_messages} messages are stored, {len(expected)} were asked")
        rows = list(database.execute("SELECT * FROM generation"))
        if {row["generation_id"] for row in rows} != {each.generation_id for each in expected}:
            problems.append(f"{len(rows)} generations are stored, {len(expected)} were asked")
        for row in rows:
            events = database.execute(
                "SELECT * FROM generation_event WHERE generation_id = ? ORDER BY seq", (row["generation_id"],)
            )
            flaw = _flaw_of_log(row, [(event["seq"], event["kind"], json.loads(event["data"])) for event in events])
            if flaw is not None:
                problems.append(f"{row['generation_id']}: {flaw}")
    return problems


def _flaw_of_log(row: sqlite3.Row, stored: list[tuple[int, str, dict[str, Any]]]) -> str | None:
    numbers: list[int] = []
    deltas: list[dict[str, Any]] = []
    for seq, kind, data in stored:
        if kind == "deltas":
            numbers += range(data["first"], data["first"] + len(data["deltas"]))
            deltas += data["deltas"]
        else:
            numbers.append(seq)
    if numbers != list(range(1, row["last_seq"] + 1)):
        return f"its events are numbered {numbers}"
    text = "".join(delta["text"] for delta in deltas)
    tokens = [token for delta in deltas for token in delta["tokens"]]
    kept = memoryview(row["tokens"]).cast("i").tolist()
    spelled = token_bytes([entry for delta in deltas for entry in delta.get("logprobs", [])])
    if len(kept) != NEW_TOKENS or kept[: len(tokens)] != tokens:
        return f"{len(kept)} tokens are kept, {len(tokens)} are in its events, {NEW_TOKENS} were asked for"
    if text != row["content"]:
        return f"its events say {text!r}, it says {row['content']!r}"
    if spelled.decode("utf-8", "replace").rstrip(REPLACEMENT) != text.rstrip(REPLACEMENT):
        return f"its tokens spell {spelled!r}, it says {text!r}"
    return None


__all__ = ["Judgement", "Wrong", "kill_servers"]
