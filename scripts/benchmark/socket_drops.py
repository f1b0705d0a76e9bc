"""Readers of live answers whose line drops again and again, or whose page is loaded anew.

Each must end with exactly the stored text. Knows docs/live.md and nothing of the server behind it.
"""

import asyncio
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .accounts import sign_in
from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .hardening import Outcome
from .servers import Contender, started

NUM_DROPS = 1000
ANSWERS_AT_ONCE = 4
READERS_PER_ANSWER = 4
MAX_DROPS_PER_READER = 10  # else a few readers would take them all
NEW_TOKENS = 128
RELOAD_SHARE = 0.4  # of the drops: the page forgets what it had
DROPPED_AT_ONCE_SHARE = 0.1
LONGEST_LINE_S = 0.4
SILENCE_S = 60.0  # without a piece of the answer: the server has forgotten us
Frame = dict[str, Any]


@dataclass(slots=True)
class Budget:
    """Drops that are still to be made, by all readers together."""

    num_left: int
    longest_line_s: float = LONGEST_LINE_S
    num_reloads: int = 0

    def take(self) -> bool:
        if not self.num_left:
            return False
        self.num_left -= 1
        return True

    def line_s(self, rng: random.Random) -> float:
        """How long a line lasts; some drop before a word was said."""
        return 0.0 if rng.random() < DROPPED_AT_ONCE_SHARE else rng.uniform(0, self.longest_line_s)


@dataclass(slots=True)
class Shown:
    """What a page shows of one answer."""

    prefix: str = ""
    text: str = ""
    last_id: int = 0
    is_complete: bool = False
    problem: str | None = None

    @property
    def content(self) -> str:
        return self.prefix + self.text

    def take(self, frame: Frame) -> None:
        kind, event_id = frame["type"], frame["seq"]
        if event_id < self.last_id or (event_id == self.last_id and kind != "ai_complete"):
            self.problem = f"{kind} {event_id} after {self.last_id}"
        self.last_id = event_id
        if kind == "ai_start":
            self.prefix, self.text = frame["prefix"], ""
        elif kind == "ai_chunk":
            self.text += frame["text"]
        elif kind == "ai_reset":
            self.text = frame["text"]
        elif kind == "ai_complete":
            self.is_complete = True


@dataclass(frozen=True, slots=True)
class Answer:
    """One that runs. `http` is signed in as somebody who may read it."""

    http: httpx.AsyncClient
    session_id: str
    generation_id: str
    message_id: str

    async def stored(self) -> Frame:
        answer = await self.http.get(f"/api/messages/{self.message_id}")
        if not answer.is_success:
            raise ClientError(answer.status_code, answer.text)
        message: Frame = answer.json()
        return message

    def line(self) -> connect:
        url = str(self.http.base_url).replace("http", "ws", 1).rstrip("/")
        headers = {"authorization": self.http.headers["authorization"]}
        return connect(
            f"{url}/ws/chat/{self.session_id}",
            additional_headers=headers,
            compression=None,
            proxy=None,
            close_timeout=1,
        )


async def ask(http: httpx.AsyncClient, content: str, **params: Any) -> Answer:
    """A new session, a message in it, and the answer that begins."""
    session = await http.post("/api/sessions", json={})
    body = {
        "messages": [{"role": "user", "content": content}],
        "store": True,
        "stream": True,
        "metadata": {"session_id": session.json()["session_id"]},
        **params,
    }
    async with http.stream("POST", "/v1/chat/completions", json=body) as stream:
        if not stream.is_success:
            raise ClientError(stream.status_code, (await stream.aread()).decode())
        generation_id = ""
        async for line in stream.aiter_lines():
            if line.startswith("data: {"):
                generation_id = json.loads(line.removeprefix("data: "))["id"]
                break  # the page that asked is closed at once; the answer goes on
    page = await http.get(f"/api/sessions/{session.json()['session_id']}/messages")
    message_id = page.json()["data"][-1]["message_id"]
    return Answer(http, session.json()["session_id"], generation_id, message_id)


async def read_with_drops(answer: Answer, rng: random.Random, budget: Budget) -> Shown:
    """To the answer's end, over as many lines as it takes."""
    shown = Shown()
    num_drops = 0
    while True:
        drops = num_drops < MAX_DROPS_PER_READER and budget.take()
        num_drops += drops
        try:
            async with answer.line() as line:
                await _read(line, answer, shown, budget.line_s(rng) if drops else None)
        except ConnectionClosed as error:
            shown.problem = shown.problem or f"the server closed: {error}"
            return shown
        if shown.is_complete:
            return shown
        if drops and rng.random() < RELOAD_SHARE:
            budget.num_reloads += 1
            message = await answer.stored()
            shown = Shown(problem=shown.problem)
            if message["status"] != "running":
                shown.text, shown.is_complete = message["content"], True
                return shown


async def _read(line: ClientConnection, answer: Answer, shown: Shown, dropped_after_s: float | None) -> None:
    """Until the answer's end or this line's."""
    if dropped_after_s == 0:
        line.transport.abort()
        return
    await line.send(json.dumps({"type": "hello", "last": {answer.generation_id: shown.last_id}}))
    try:
        async with asyncio.timeout(SILENCE_S if dropped_after_s is None else dropped_after_s) as limit:
            while not shown.is_complete:
                frame = json.loads(await line.recv())
                if frame["type"].startswith("ai_") and frame["generation_id"] == answer.generation_id:
                    shown.take(frame)
                    if dropped_after_s is None:
                        limit.reschedule(asyncio.get_running_loop().time() + SILENCE_S)
    except TimeoutError:
        if dropped_after_s is None:
            shown.problem = shown.problem or f"no piece of the answer came for {SILENCE_S:g} s"
            shown.is_complete = True
        line.transport.abort()


async def flaws(answer: Answer, readers: list[Shown]) -> list[str]:
    """Of an answer that has ended."""
    stored = await answer.stored()
    problems = [shown.problem for shown in readers if shown.problem is not None]
    problems += [
        f"shown {shown.content!r}, stored {stored['content']!r}"
        for shown in readers
        if shown.content != stored["content"]
    ]
    if stored["status"] != "complete":
        problems.append(f"the answer is {stored['status']}")
    return problems


async def socket_drops(
    contender: Contender, logs: Path, seed: int, log: Log, num_drops: int = NUM_DROPS
) -> list[Outcome]:
    """Four answers at a time, four readers each, until so many lines have dropped."""
    rng = random.Random(f"socket drops {seed}")  # noqa: S311
    budget = Budget(num_drops)
    problems: list[str] = []
    num_readers = 0
    async with started(contender, logs) as running:
        url = running.client.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            await sign_in(http)
            while budget.num_left:
                content = f"Tell a long story about the number {rng.randrange(1000)}."
                asked = [
                    await ask(http, content, max_tokens=NEW_TOKENS, ignore_eos=True, seed=rng.randrange(1000))
                    for _ in range(ANSWERS_AT_ONCE)
                ]
                shown = await asyncio.gather(
                    *(
                        asyncio.gather(*(read_with_drops(answer, rng, budget) for _ in range(READERS_PER_ANSWER)))
                        for answer in asked
                    )
                )
                for answer, readers in zip(asked, shown, strict=True):
                    problems += await flaws(answer, readers)
                    num_readers += len(readers)
                state = problems[-1] if problems else "whole"
                log(f"{num_drops - budget.num_left} drops, {num_readers} readers: {state}")
    whole = num_readers - len(problems)
    text = f"{whole} of {num_readers} readers end with exactly the stored text over {num_drops} drops"
    reloads = f"{budget.num_reloads} of them reloads"
    figures = {"readers": float(num_readers), "whole": float(whole), "reloads": float(budget.num_reloads)}
    bar = Bar(2, f"{text}, {reloads}", not problems)
    return [Outcome(bar, Run(contender.name, "socket-drops", num_drops, 0, figures))]
