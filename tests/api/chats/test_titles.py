"""A chat is called by its first words at once, and after its first answer by the model's title, in a quiet moment."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlmodel import Session

from bdchat.api.bus.interface import Message, user_topic
from bdchat.api.bus.local_bus import LocalBus
from bdchat.api.bus.writes import Writes
from bdchat.api.chats.titles import Titles
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.api.generation.usage_ledger import UsageLedger
from bdchat.engine.errors import EngineUnavailable
from bdchat.engine.request import ChatPrompt, GenerationRequest, TextPrompt
from bdchat.settings import GenerationSettings, Settings
from bdchat.store.accounts import usage
from bdchat.store.accounts.zoned_days import ZonedDays
from bdchat.store.chats import sessions
from bdchat.store.chats.answers import WrittenAnswer
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, Generation
from tests.api.serving import USER, app_of, fresh_data_dir, over_http, signed_in
from tests.api.talking import begin, got, heard_by
from tests.fake_engine import FakeEngine, fake_router
from tests.patience import until
from tests.store.chat_rows import make_user, talk

pytestmark = pytest.mark.anyio


@dataclass
class Stage:
    """One chat of one user, "질문이 있어요" and its answer, and what its list has heard."""

    database: Database
    engine: FakeEngine
    service: GenerationService
    ledger: UsageLedger
    titles: Titles
    user_id: str
    session_id: str
    answer_id: str
    heard: list[Message] = field(default_factory=list)

    async def session(self) -> ChatSession:
        found = await self.database.read(lambda db: db.get(ChatSession, self.session_id))
        assert found is not None
        return found

    async def end_answer(self, state: str = "complete") -> None:
        row = Generation(
            generation_id="g", session_id=self.session_id, message_id=self.answer_id, user_id=self.user_id,
            model="fake", state=state, request=b"", created_at_ms=1,
        )  # fmt: skip
        self.titles.consider(WrittenAnswer(row, await self.session()))

    async def rename(self, title: str) -> None:
        def change(db: Session) -> None:
            session = sessions.get_owned(db, self.user_id, self.session_id)
            sessions.change(db, session, {"title": title})

        await self.database.write(change)


@asynccontextmanager
async def staged(
    engine: FakeEngine, *, patience_s: float = 60.0, makes_titles: bool = True, answer: str = "네, 말씀하세요"
) -> AsyncGenerator[Stage]:
    bus = LocalBus()
    async with Database(Settings().store, fresh_data_dir()) as database:
        user_id = await database.write(make_user)
        session_id, ids = await database.write(lambda db: talk(db, user_id, "질문이 있어요", answer))
        ledger = UsageLedger(database, flush_s=60)
        service = GenerationService(LatencyMeter(), ledger)
        settings = GenerationSettings(makes_titles=makes_titles)
        writes = Writes(database, bus, forget_rights=lambda _: None)
        titles = Titles(settings, database, writes, fake_router(engine), service, patience_s=patience_s)
        stage = Stage(database, engine, service, ledger, titles, user_id, session_id, ids[1])
        async with bus.subscribe(user_topic(user_id)) as subscription:

            async def hear() -> None:
                async for _, message in subscription:
                    stage.heard.append(message)

            tasks = [asyncio.create_task(titles.run()), asyncio.create_task(hear())]
            try:
                yield stage
            finally:
                for task in tasks:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                await service.drain(timeout_s=0)


async def test_the_model_names_a_chat_and_its_list_hears_of_it() -> None:
    async with staged(FakeEngine(pieces=("제목: ", '"첫 질문"'))) as stage:
        await stage.end_answer()
        await until(lambda: stage.heard)
        session = await stage.session()
        assert (session.title, session.title_source, session.num_messages) == ("첫 질문", "auto", 2)
        assert [message["type"] for message in stage.heard] == ["session.changed"]
        assert stage.heard[0]["session"]["title"] == "첫 질문"
        prompt = stage.engine.requests[0].prompt
        assert isinstance(prompt, ChatPrompt)
        assert "질문이 있어요" in prompt.messages[-1].content
        assert prompt.closes_thought, "a model that thinks first would think until its tokens are used up"


async def test_the_model_is_not_shown_what_the_answer_thought_first() -> None:
    engine = FakeEngine(pieces=("첫 질문",))
    async with staged(engine, answer="The user says hello.\n</think>\n\n네, 말씀하세요") as stage:
        await stage.end_answer()
        await until(lambda: stage.heard)
    asked = engine.requests[0].prompt
    assert isinstance(asked, ChatPrompt)
    assert asked.messages[-1].content == "질문: 질문이 있어요\n답: 네, 말씀하세요\n제목:"


async def test_a_title_is_the_users_usage_and_no_message() -> None:
    async with staged(FakeEngine(pieces=("첫 질문",))) as stage:
        await stage.end_answer()
        await until(lambda: stage.heard)
        await stage.ledger.flush()
        (spent,) = await stage.database.read(
            lambda db: usage.sums(db, ZonedDays("2000-01-01", "2999-01-01"), by=("model",), user_id=stage.user_id)
        )
        assert (spent.counts["num_requests"], spent.counts["num_messages"]) == (1, 0)
        assert spent.counts["completion_tokens"] == len("첫 질문".encode())


@pytest.mark.parametrize("pieces", [("",), ("Title:",), ("A long story " * 10,), ("An English title",)])
async def test_words_that_are_no_title_give_way_to_the_users(pieces: tuple[str, ...]) -> None:
    async with staged(FakeEngine(pieces=pieces)) as stage:
        await stage.end_answer()
        await until(lambda: stage.heard)
        assert (await stage.session()).title == "질문이 있어요"


@pytest.mark.parametrize("trouble", ["refuses", "breaks", "is gone", "is never quiet"])
async def test_a_model_that_cannot_is_done_without(trouble: str) -> None:
    engine = FakeEngine(pieces=("제목 하나",))
    if trouble == "refuses":
        engine.refusal = EngineUnavailable("no", 1.0)
    if trouble == "breaks":
        engine.failure = EngineUnavailable("no", 1.0)
    if trouble == "is gone":
        engine.state = "failed"
    if trouble == "is never quiet":
        engine.num_running = 1
    async with staged(engine, patience_s=0.2) as stage:
        await stage.end_answer()
        await until(lambda: stage.heard)
        assert (await stage.session()).title == "질문이 있어요"


async def test_it_gives_way_to_an_answer_and_comes_back() -> None:
    """The title has begun when somebody asks something: it stops, and is made when that is over."""
    gate = asyncio.Event()
    engine = FakeEngine(pieces=("첫 ", "질문"), token_gate=gate.wait)
    async with staged(engine) as stage:
        await stage.end_answer()
        await until(lambda: engine.num_running == 1)
        other = stage.service.start(engine, GenerationRequest(request_id="other", prompt=TextPrompt(text="hi")))
        await until(lambda: engine.num_cancelled == 1)
        assert not other.is_ended
        gate.set()
        await until(lambda: stage.heard)
        assert (await stage.session()).title == "첫 질문"
        assert [request.request_id.startswith("title-") for request in engine.requests] == [True, False, True]
        assert other.is_ended


async def test_a_title_that_the_user_gives_meanwhile_stands() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(pieces=("첫 질문",), token_gate=gate.wait)
    async with staged(engine) as stage:
        await stage.end_answer()
        await until(lambda: engine.num_running == 1)
        await stage.rename("mine")
        gate.set()
        await until(lambda: not engine.num_running and not stage.titles._waiting)
        session = await stage.session()
        assert (session.title, session.title_source, stage.heard) == ("mine", "user", [])


async def test_who_has_a_title_or_came_to_nothing_gets_none() -> None:
    async with staged(FakeEngine(pieces=("첫 질문",))) as stage:
        for state in ("failed", "interrupted", "running"):
            await stage.end_answer(state)
        await stage.rename("mine")
        await stage.end_answer()
        assert stage.titles._waiting == {}


async def test_the_setting_turns_it_off() -> None:
    async with staged(FakeEngine(), makes_titles=False) as stage:
        await stage.end_answer()
        assert stage.titles._waiting == {}


@pytest.mark.parametrize("way", ["a message alone", "an answer asked for", "a chat that waits for its first message"])
async def test_a_chat_is_called_by_its_first_words_at_once(way: str) -> None:
    """Six chats were "New chat" until their answers had ended, and for ever where the first message was refused."""
    gate = asyncio.Event()
    engine = FakeEngine(token_gate=gate.wait)
    async with over_http(engine) as client:
        headers = await signed_in(client)
        opening = {"opening": "여우는  무엇을 먹나요?"} if way == "a chat that waits for its first message" else {}
        created = await client.post("/api/sessions", json=opening, headers=headers)
        session_id = created.json()["session_id"]
        async with heard_by(client, "ann") as heard:
            if way == "a message alone":
                path = f"/api/sessions/{session_id}/messages"
                for content in ("여우는 무엇을 먹나요?", "그리고 곰은?"):
                    assert (await client.post(path, json={"content": content}, headers=headers)).status_code == 201
            elif way == "an answer asked for":
                said = [{"role": "system", "content": "짧게"}, {"role": "user", "content": "여우는 무엇을 먹나요?"}]
                body = {"messages": said, "store": True, "stream": True, "metadata": {"session_id": session_id}}
                asking = asyncio.create_task(client.post("/v1/chat/completions", json=body, headers=headers))
                await until(lambda: engine.num_running)
                begun = await got(client, f"/api/sessions/{session_id}", headers)
                assert begun["title"] == "여우는 무엇을 먹나요?"
                gate.set()
                await asking
        session = await got(client, f"/api/sessions/{session_id}", headers)
        assert session["title"] == "여우는 무엇을 먹나요?"
        assert all(each["session"]["title"] == session["title"] for each in heard if each["type"] == "session.changed")


async def test_a_stored_answer_over_http_is_named() -> None:
    """The whole way: /v1/chat/completions with store, its end, the title in the list. This model says the same again,
    which is no title."""
    engine = FakeEngine()
    async with over_http(engine) as client:
        headers = await signed_in(client)
        session_id = await begin(client, headers)
        async with heard_by(client, "ann") as heard:
            body = {"messages": USER, "store": True, "metadata": {"session_id": session_id}}
            assert (await client.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
            await until(lambda: len(engine.requests) == 2 and not app_of(client).titles._waiting)
        assert engine.requests[1].request_id.startswith("title-")
        session = await got(client, f"/api/sessions/{session_id}", headers)
    assert (session["title"], session["title_source"]) == ("hi", "auto")
    assert heard[-1]["session"]["title"] == "hi"
