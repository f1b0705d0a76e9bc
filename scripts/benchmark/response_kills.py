"""kill -9 to the whole server while stored responses are streamed to several readers, again and again.

What each reader was told is the judge: every number once and in order, and under each the event that is stored in the
end. Readers begin at different numbers and go on after the last that they saw; one reads all of it again each time.
"""

import asyncio
import json
import random
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from .bars import Bar
from .compare import Run
from .hardening import Outcome
from .server_kills import EARLY_SHARE, FIRST_WORD_TIMEOUT_S, NEW_TOKENS, base_of
from .servers import Contender, bdchat, started
from .stored_client import GONE, StoredClient, Wrong, checked

RESPONSES = "/v1/responses"
NUM_RESPONSE_KILLS = 30
NUM_WRITERS = 2
MAX_LIFE_S = 6.0  # of a server, once a response has said something new: some end in it
LATER_STARTS = (0, 3, 40)  # of the readers beside the asking one: starting_after
FROM_THE_BEGINNING = -1
LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
Event = dict[str, Any]


@dataclass
class Reader:
    """Of one response. `rereads`: it begins anew after each kill."""

    after: int = FROM_THE_BEGINNING
    rereads: bool = False
    seen: list[Event] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        return bool(self.seen) and self.seen[-1]["type"] in LAST

    @property
    def asks_after(self) -> int:
        return self.after if self.rereads or not self.seen else int(self.seen[-1]["sequence_number"])

    async def take(self, events: AsyncIterator[Event], has_heard: asyncio.Event | None = None) -> None:
        """`has_heard`: of a word that is new to this reader. Raises Wrong."""
        expected = self.asks_after + 1
        async for event in events:
            if event["type"] == "error":
                return  # this reader's line, not the response
            number = event["sequence_number"]
            if number != expected:
                raise Wrong(f"event {number} came where {expected} was to come")
            place = number - self.after - 1
            if place < len(self.seen) and self.seen[place] != event:
                raise Wrong(f"event {number} is {event}, it was {self.seen[place]}")
            if place == len(self.seen):
                self.seen.append(event)
                if has_heard is not None and event["type"].endswith(".delta"):
                    has_heard.set()
            expected += 1


@dataclass
class AskedResponse:
    """`readers`: the first one asks for it."""

    body: dict[str, Any]
    readers: list[Reader]
    response_id: str | None = None  # None: not acknowledged
    is_told: asyncio.Event = field(default_factory=asyncio.Event)  # its id, or that there is none

    @property
    def is_done(self) -> bool:
        return all(reader.has_ended for reader in self.readers)


@dataclass
class Found:
    num_kills: int = 0
    num_responses: int = 0
    num_readers: int = 0
    num_events: int = 0  # that readers were told
    num_cut: int = 0  # readers that a kill met
    problems: list[str] = field(default_factory=list)


class ResponseWriter:
    """Asks for one response after another, through however many servers."""

    def __init__(self, number: int, client: StoredClient, rng: random.Random) -> None:
        self._number = number
        self._client = client
        self._rng = rng
        self.asked: list[AskedResponse] = []

    async def work(self, base_url: str, found: Found, *, asks: bool) -> None:
        """Until the server dies. Without `asks`: until what was begun has ended."""
        async with self._client.connected(base_url) as http:
            while True:
                asked = self.asked[-1] if self.asked and not self.asked[-1].is_done else None
                if asked is None and not asks:
                    return
                asked = asked or self._ask()
                open_readers = [reader for reader in asked.readers if not reader.has_ended]
                await asyncio.gather(*(self._read(http, asked, reader, found) for reader in open_readers))
                found.num_cut += sum(not reader.has_ended for reader in open_readers)
                if asked.response_id is None:
                    self.asked.pop()
                if not asked.is_done:
                    return

    def _ask(self) -> AskedResponse:
        topic = self._rng.choice(("rivers", "bread", "winter", "maps", "bridges", "birds"))
        words = f"Tell me something about {topic}. ({self._number}-{len(self.asked)})"
        body = {"input": words, "stream": True, "background": self._rng.random() < 1 / 3}
        readers = [Reader(), Reader(rereads=True), *(Reader(after) for after in LATER_STARTS)]
        self.asked.append(AskedResponse(body | self._client.fields, readers))
        return self.asked[-1]

    async def _read(self, http: httpx.AsyncClient, asked: AskedResponse, reader: Reader, found: Found) -> None:
        """As far as the server lives."""
        try:
            if asked.response_id is None and reader is asked.readers[0]:
                async with http.stream("POST", RESPONSES, json=asked.body) as answer:
                    await reader.take(_told(answer, asked), self._client.has_heard)
            else:
                await asked.is_told.wait()
                if asked.response_id is not None:
                    await follow(http, asked.response_id, reader, self._client.has_heard)
        except GONE:
            return
        except Wrong as wrong:
            found.problems.append(f"{asked.response_id} from {reader.after}: {wrong}")
        finally:
            if reader is asked.readers[0]:
                asked.is_told.set()


async def _told(answer: httpx.Response, asked: AskedResponse) -> AsyncIterator[Event]:
    async for event in events_of(answer):
        if asked.response_id is None:
            asked.response_id = event["response"]["id"]
            asked.is_told.set()
        yield event


async def follow(
    http: httpx.AsyncClient, response_id: str, reader: Reader, has_heard: asyncio.Event | None = None
) -> None:
    """Raises what GONE names, Wrong."""
    params = {"stream": "true"} | ({"starting_after": str(reader.asks_after)} if reader.asks_after >= 0 else {})
    async with http.stream("GET", f"{RESPONSES}/{response_id}", params=params) as answer:
        await reader.take(events_of(answer), has_heard)


async def events_of(answer: httpx.Response) -> AsyncIterator[Event]:
    """Raises Wrong: it was refused."""
    if answer.status_code != 200:
        raise Wrong(f"{answer.status_code}: {(await answer.aread()).decode()}")
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def kill_under_responses(
    contender: Contender,
    database: Path,
    logs: Path,
    *,
    seed: int,
    num_kills: int,
    log: Callable[[str], None],
    num_tokens: int = NEW_TOKENS,
) -> Found:
    """`contender` starts on a new data directory, whose database `database` is. `num_tokens`: of a response, which has
    more events than LATER_STARTS."""
    rng = random.Random(f"response kills {seed}")  # noqa: S311
    found = Found()
    client = StoredClient({"max_output_tokens": num_tokens, "ignore_eos": True, "temperature": 0.8})
    writers = [ResponseWriter(number, client, rng) for number in range(NUM_WRITERS)]
    for count in range(num_kills):
        async with started(contender, logs) as running:
            if client.token is None:
                await client.register(base_of(running))
            client.has_heard.clear()
            work = asyncio.gather(*(writer.work(base_of(running), found, asks=True) for writer in writers))
            if rng.random() >= EARLY_SHARE:
                hearing = asyncio.create_task(client.has_heard.wait())
                either: set[asyncio.Future[Any]] = {work, hearing}
                await asyncio.wait(either, timeout=FIRST_WORD_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
                hearing.cancel()
            if work.done():
                found.problems.append("all readers were sent away")
            await asyncio.wait({work}, timeout=rng.uniform(0.0, MAX_LIFE_S))
            if running.tree is not None:
                running.tree.kill()
            found.num_kills += 1
            await work
        log(f"kill {count + 1}: {sum(len(writer.asked) for writer in writers)} asked, {found.num_cut} readers cut")
    everything = [asked for writer in writers for asked in writer.asked]
    async with started(contender, logs) as running:
        await asyncio.gather(*(writer.work(base_of(running), found, asks=False) for writer in writers))
        async with client.connected(base_of(running)) as http:
            for asked in everything:
                found.problems += [f"{asked.response_id}: {flaw}" for flaw in await _flaws(http, asked, num_tokens)]
    found.num_responses = len(everything)
    found.num_readers = sum(len(asked.readers) for asked in everything)
    found.num_events = sum(len(reader.seen) for asked in everything for reader in asked.readers)
    found.problems += _flaws_of_database(database)
    for problem in found.problems:
        log(f"  {problem}")
    return found


async def _flaws(http: httpx.AsyncClient, asked: AskedResponse, num_tokens: int) -> list[str]:
    """What its readers were told against what is stored."""
    assert asked.response_id is not None
    stored = Reader()
    await follow(http, asked.response_id, stored)
    document = checked(await http.get(f"{RESPONSES}/{asked.response_id}"))
    flaws = [
        f"who read from {reader.after} was told {len(reader.seen)} events, {len(stored.seen)} are stored"
        for reader in asked.readers
        if reader.seen != stored.seen[reader.after + 1 :]
    ]
    if not stored.has_ended or stored.seen[-1]["response"] != document:
        return [*flaws, f"its last event is {stored.seen[-1]}, it is {document}"]
    text = "".join(event["delta"] for event in stored.seen if event["type"] == "response.output_text.delta")
    if text != document["output"][0]["content"][0]["text"]:
        flaws.append(f"its deltas say {text!r}, it says {document['output']}")
    usage = document["usage"]
    if document["status"] == "incomplete" and usage["output_tokens"] != num_tokens:
        flaws.append(f"{usage['output_tokens']} tokens are counted, {num_tokens} were asked for")
    if document["status"] not in ("completed", "incomplete"):
        flaws.append(f"it is {document['status']}")
    return flaws


def _flaws_of_database(path: Path) -> list[str]:
    """After an orderly end: the file is closed, and folded into one."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        problems = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        num_running = database.execute("SELECT count(*) FROM generation WHERE state = 'running'").fetchone()[0]
        return [*problems, *([f"{num_running} still run"] if num_running else [])]


async def response_kills(
    model: Path, overrides: tuple[str, ...], logs: Path, *, seed: int, log: Callable[[str], None], num_kills: int
) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="bdchat-kills-") as folder:
        contender, database = bdchat(model, Path(folder), overrides), Path(folder) / "bdchat.db"
        found = await kill_under_responses(contender, database, logs, seed=seed, num_kills=num_kills, log=log)
    text = (
        f"{found.num_kills} kills of the server, {found.num_responses} stored responses with {found.num_readers}"
        f" readers, {found.num_cut} times cut off, {found.num_events} events told: {len(found.problems)} lost, doubled,"
        " out of order or otherwise than stored"
    )
    figures = {"kills": float(found.num_kills), "readers": float(found.num_readers), "cut": float(found.num_cut)}
    figures |= {"events": float(found.num_events), "problems": float(len(found.problems))}
    run = Run(contender.name, "response-kills", found.num_kills, 0, figures)
    return [Outcome(Bar(3, text, not found.problems and found.num_cut > 0), run)]
