"""What one socket tells of a session's answers: the bus and the log in any interleaving, servers that die, gaps."""

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bdchat.api.durable.numbering import event_id, seq_after
from bdchat.api.generation.events import Batch
from bdchat.api.live.answers import LiveAnswers
from bdchat.api.schemas.live import AiChunk, AiComplete, AiReset, AiStart, OutFrame, Prefill, Queue
from bdchat.settings import StoreSettings
from bdchat.store.chats import sessions
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation
from tests.api.durable_chat import Told, typed
from tests.api.serving import fresh_data_dir
from tests.patience import PATIENCE_S
from tests.store.chat_rows import make_user

pytestmark = pytest.mark.anyio
PREFIX = "it was "


@pytest.fixture(scope="module")
def data_dir() -> Any:
    return fresh_data_dir()


@pytest.fixture
async def database(data_dir: Any) -> AsyncGenerator[Database]:
    async with Database(StoreSettings(), data_dir) as opened:
        yield opened


@dataclass
class Reader:
    """A client's view: what it has shown after all frames."""

    text: str = ""
    prefix: str = ""
    last_id: int = 0
    ends: list[AiComplete] = field(default_factory=list)
    frames: list[OutFrame] = field(default_factory=list)

    def send(self, frame: OutFrame) -> None:
        self.frames.append(frame)
        if isinstance(frame, (AiStart, AiChunk, AiReset)):
            assert frame.seq > self.last_id, "numbers only grow"
            assert not self.ends, "nothing comes after the end"
            self.last_id = frame.seq
        if isinstance(frame, AiStart):
            self.prefix, self.text = frame.prefix, ""
        elif isinstance(frame, AiChunk):
            self.text += frame.text
        elif isinstance(frame, AiReset):
            self.text = frame.text
        elif isinstance(frame, AiComplete):
            assert frame.seq >= self.last_id
            self.ends.append(frame)

    async def room(self) -> None:
        await asyncio.sleep(0)


def batch(*events: Told) -> Batch:
    return Batch(events[0][0], [event for _, event in typed(events)])


class World:
    """One answer, the server that computes it, its log of which readers see what is committed, and the bus."""

    def __init__(self, database: Database, session_id: str, rng: random.Random, name: str) -> None:
        self.database = database
        self.session_id = session_id
        self.generation_id = name
        self.run = 0
        self.events: list[tuple[str, dict[str, Any]]] = [("started", {"prefix": PREFIX, "model": "fake"})]
        self.num_committed = 1
        self.is_ended = False
        self.num_followers = 0
        self._rng = rng
        self._changed = asyncio.Event()

    async def create(self) -> None:
        generation = Generation(
            generation_id=self.generation_id,
            session_id=self.session_id,
            user_id="u",
            request=b"",
            prefix=PREFIX,
            created_at_ms=now_ms(),
            model="fake",
        )
        await self.database.write(lambda db: db.add(generation))

    @property
    def text(self) -> str:
        return "".join(data["text"] for kind, data in self.events if kind == "delta")

    def say(self, text: str) -> dict[str, Any]:
        """The message on the bus."""
        self.events.append(("delta", {"text": text}))
        head = {"type": "generation.event", "generation_id": self.generation_id, "message_id": None}
        return head | {"seq": event_id(self.run, len(self.events)), "kind": "delta", "text": text}

    def commit(self) -> None:
        self.num_committed = len(self.events)
        self._wake()

    def die(self) -> None:
        """Another server goes on after the last committed event."""
        del self.events[self.num_committed :]
        self.run += 1
        self._wake()

    async def end(self, state: str = "complete") -> dict[str, Any]:
        self.events.append(("finished", {"reason": "stop"}))
        text, run, last_seq = self.text, self.run, len(self.events)

        def write(db: Any) -> None:
            row = db.get(Generation, self.generation_id)
            row.state, row.content, row.num_resumes, row.last_seq = state, text, run, last_seq
            row.finish_reason, row.usage = "stop", {"prompt_tokens": 3}

        await self.database.write(write)
        self.commit()
        self.is_ended = True
        head = {"type": "generation.ended", "generation_id": self.generation_id, "message_id": None}
        told = {"state": state, "finish_reason": "stop", "usage": {"prompt_tokens": 3}, "error": None}
        return head | {"seq": event_id(run, last_seq)} | told

    async def follow(self, generation_id: str, after_id: int = 0) -> AsyncGenerator[Batch]:
        """As DurableGenerations does it for another server's answer."""
        assert generation_id == self.generation_id
        self.num_followers += 1
        try:
            run, seq = self.run, seq_after(after_id, self.run)
            while True:
                if seq is None or run != self.run:
                    run, seq = self.run, self.num_committed
                    text = "".join(data["text"] for kind, data in self.events[:seq] if kind == "delta")
                    is_last = self.events[seq - 1][0] == "finished"
                    if is_last:
                        seq -= 1
                    yield batch((event_id(run, seq), "reset", {"text": text}))
                    continue
                if seq < self.num_committed:
                    to = self._rng.randint(seq + 1, self.num_committed)
                    numbered = enumerate(self.events[seq:to], start=seq + 1)
                    yield batch(*((event_id(run, number), kind, data) for number, (kind, data) in numbered))
                    seq = to
                    if self.events[to - 1][0] == "finished":
                        return
                else:
                    self._changed.clear()
                    await self._changed.wait()
                if self._rng.random() < 0.3:
                    await asyncio.sleep(0)
        finally:
            self.num_followers -= 1

    def _wake(self) -> None:
        self._changed.set()


async def settle(reader: Reader) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not reader.ends:  # noqa: ASYNC110  # database threads are under way
            await asyncio.sleep(0.001)


async def session_of(database: Database) -> str:
    def make(db: Any) -> str:
        return sessions.create(db, make_user(db, f"u{now_ms()}-{random.random()}")).session_id

    return await database.write(make)


async def test_every_reader_ends_with_exactly_the_stored_text(database: Database) -> None:
    """Numbers grow, no text is doubled or lost, one end: with a bus that drops, lost connections, servers that die."""
    for seed in range(40):
        await one_answer_is_read(database, seed)


async def one_answer_is_read(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    session_id = await session_of(database)
    world = World(database, session_id, rng, f"gen-{seed}-{now_ms()}")
    await world.create()
    reader = Reader()
    answers = LiveAnswers(reader, world, database, session_id)
    await answers.resume({})
    is_deaf = False

    def heard(message: dict[str, Any]) -> None:
        if not is_deaf:
            answers.hear(message)

    for number in range(rng.randint(5, 60)):
        choice = rng.random()
        if choice < 0.6:
            heard(world.say(f"{number} "))
        elif choice < 0.75:
            world.commit()
        elif choice < 0.8:
            world.die()
        elif choice < 0.85:
            is_deaf = True
        elif choice < 0.9 and is_deaf:
            is_deaf = False
            answers.catch_up()
        elif choice < 0.95:
            answers.close()  # the connection drops; the same client comes again and says what it has
            answers = LiveAnswers(reader, world, database, session_id)
            await answers.resume({world.generation_id: reader.last_id})
            is_deaf = False
        if rng.random() < 0.5:
            await asyncio.sleep(0)
    if is_deaf and rng.random() < 0.5:
        is_deaf = False
        answers.catch_up()
    heard(await world.end())
    if is_deaf:
        answers.catch_up()
    await settle(reader)
    assert (reader.prefix, reader.text) == (PREFIX, world.text), f"seed {seed}"
    (end,) = reader.ends
    assert (end.state, end.finish_reason, end.usage) == ("complete", "stop", {"prompt_tokens": 3})
    answers.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.num_followers == 0


async def test_the_log_is_followed_only_until_the_bus_carries_on(database: Database) -> None:
    session_id = await session_of(database)
    world = World(database, session_id, random.Random(1), f"gen-{now_ms()}-x")
    await world.create()
    reader = Reader()
    answers = LiveAnswers(reader, world, database, session_id)
    await answers.resume({})
    while not reader.frames:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert world.num_followers == 1
    answers.hear(world.say("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (reader.text, world.num_followers) == ("a", 0)
    answers.close()


async def test_a_purged_log_leaves_the_text_and_the_end(database: Database) -> None:
    session_id = await session_of(database)
    world = World(database, session_id, random.Random(1), f"gen-{now_ms()}-p")
    await world.create()
    world.say("gone")
    await world.end("stopped")

    class Empty:
        async def follow(self, generation_id: str, after_id: int = 0) -> AsyncGenerator[Batch]:
            for nothing in tuple[Batch]():
                yield nothing

    class MadeUpFor:
        async def follow(self, generation_id: str, after_id: int = 0) -> AsyncGenerator[Batch]:
            yield batch((event_id(0, 2), "reset", {"text": "gone"}), (event_id(0, 3), "finished", {}))

    for log in (Empty(), MadeUpFor()):
        reader = Reader()
        answers = LiveAnswers(reader, log, database, session_id)
        await answers.resume({world.generation_id: 0})
        await settle(reader)
        assert (reader.prefix, reader.text, reader.ends[0].state) == (PREFIX, "gone", "stopped")


async def test_answers_of_other_sessions_do_not_exist_here(database: Database) -> None:
    session_id, other_id = await session_of(database), await session_of(database)
    world = World(database, other_id, random.Random(1), f"gen-{now_ms()}-o")
    await world.create()
    reader = Reader()
    answers = LiveAnswers(reader, world, database, session_id)
    await answers.resume({world.generation_id: 1, "nothing": 2})
    await world.end()
    for _ in range(5):
        await asyncio.sleep(0)
    assert reader.frames == []
    assert world.num_followers == 0


async def test_before_a_hello_nothing_is_said_and_progress_is_not_numbered(database: Database) -> None:
    session_id = await session_of(database)
    world = World(database, session_id, random.Random(1), f"gen-{now_ms()}-h")
    await world.create()
    reader = Reader()
    answers = LiveAnswers(reader, world, database, session_id)
    answers.hear(world.say("early "))
    assert reader.frames == []
    await answers.resume({})
    head = {"generation_id": world.generation_id, "message_id": None}
    answers.hear({"type": "generation.queued", **head, "position": 2, "is_paused": True, "eta_s": 1.5})
    answers.hear({"type": "generation.prefill", **head, "num_done": 5, "num_total": 9, "num_cached": 3, "eta_s": 0.5})
    assert reader.frames == [
        Queue(generation_id=world.generation_id, position=2, is_paused=True, eta_s=1.5),
        Prefill(generation_id=world.generation_id, done=5, total=9, cached=3, eta_s=0.5),
    ]
    answers.hear(await world.end())
    await settle(reader)
    assert reader.text == "early "


async def test_what_breaks_the_reading_of_a_log_is_raised(database: Database) -> None:
    session_id = await session_of(database)
    world = World(database, session_id, random.Random(1), f"gen-{now_ms()}-b")
    await world.create()

    class Broken:
        async def follow(self, generation_id: str, after_id: int = 0) -> AsyncGenerator[Batch]:
            for nothing in tuple[Batch]():
                yield nothing
            raise RuntimeError("broken")

    answers = LiveAnswers(Reader(), Broken(), database, session_id)
    await answers.resume({})
    with pytest.raises(RuntimeError, match="broken"):
        await asyncio.wait_for(answers.watch(), PATIENCE_S)
