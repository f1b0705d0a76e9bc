"""Stored answers: begun once, followed by anybody, stopped and gone on with, whatever becomes of who asked."""

import asyncio
from typing import Any

import pytest
from sqlmodel import Session as Db

from bdchat.api.bus.interface import BusUnavailable, session_topic, user_topic
from bdchat.api.durable.numbering import event_id
from bdchat.api.http.errors import Forbidden
from bdchat.api.http.identity import ALL_SCOPES, Identity
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.errors import GenerationFailed, InvalidRequest, QueueFull
from bdchat.store.accounts import usage
from bdchat.store.accounts.zoned_days import ZonedDays
from bdchat.store.chats import messages, sessions
from bdchat.store.errors import NotFound
from tests.api.durable_chat import chatting, text_of
from tests.fake_engine import FakeEngine
from tests.patience import until
from tests.store.chat_rows import make_user

pytestmark = pytest.mark.anyio
GUEST = Identity("", "guest", "guest", frozenset({"chat"}))


async def test_an_answer_is_begun_followed_and_stored() -> None:
    async with chatting() as chat:
        started = await chat.ask("Hi")
        events = await chat.events(started)
        assert [kind for _, kind, _ in events] == ["started", "delta", "delta", "delta", "finished"]
        answer = await chat.message(started.message_id)
        assert (answer.content, answer.status, answer.finish_reason) == ("Hello world", "complete", "stop")
        assert answer.parent_id == started.user_message_id
        assert (await chat.message(started.user_message_id)).content == "Hi"
        row = await chat.row(started)
        assert (row.content, row.state, row.last_seq) == ("Hello world", "complete", 5)


async def test_two_readers_at_once_and_a_late_one_read_the_same() -> None:
    async with chatting() as chat:
        started = await chat.ask("Hi")
        first, second = await asyncio.gather(chat.events(started), chat.events(started))
        late = await chat.events(started)
        assert first == second == late
        assert [number for number, _, _ in first] == [1, 2, 3, 4, 5]
        assert await chat.events(started, 3) == first[3:]
        assert await chat.events(started, 5) == first[4:]  # who knows the end hears it again


async def test_a_reader_that_leaves_ends_nothing() -> None:
    gate = asyncio.Event()
    async with chatting(FakeEngine(token_gate=gate.wait)) as chat:
        asking = asyncio.create_task(chat.ask("Hi"))
        await until(chat.durable.running)
        asking.cancel()  # before it was accepted
        gate.set()
        await until(lambda: not chat.durable.running())
        assert await chat.shown() == ["Hi", "Hello world"]


async def test_the_message_and_its_answer_are_stored_before_the_engine_hears_of_them() -> None:
    engine = FakeEngine(accept_gate=asyncio.Event())
    async with chatting(engine) as chat:
        asking = asyncio.create_task(chat.ask("Hi"))
        await until(lambda: engine.requests)
        assert [(message.role, message.status) for message in await chat.all_messages()] == [
            ("user", "complete"),
            ("assistant", "running"),
        ]
        engine.accept_gate.set()  # type: ignore[union-attr]
        await asking


async def test_only_what_a_chat_keeps_may_keep_its_state_on_disk() -> None:
    engine = FakeEngine()
    async with chatting(engine) as chat:
        await chat.events(await chat.ask("Hi"))
        body = {"messages": [{"role": "user", "content": "Hi"}], "store": True}
        outside = validate(ChatCompletionRequest, body, chat.app.settings.limits)
        await chat.events(await chat.durable.begin(GUEST, outside))
    assert [request.cache_tag for request in engine.requests] == [chat.session_id, ""]


async def test_the_same_client_message_id_twice_is_one_message_and_one_answer() -> None:
    async with chatting() as chat:
        first, second = await asyncio.gather(chat.ask("Hi", client_id="c"), chat.ask("Hi", client_id="c"))
        third = await chat.ask("Hi, again", client_id="c")
        assert sorted([first.is_new, second.is_new, third.is_new]) == [False, False, True]
        assert {first.generation_id, second.generation_id} == {third.generation_id}
        assert {first.user_message_id, second.user_message_id} == {third.user_message_id}
        assert await chat.events(third) == await chat.events(first)
        assert len(await chat.all_messages()) == 2


async def test_what_the_engine_refuses_is_stored_and_can_be_sent_again() -> None:
    engine = FakeEngine(refusal=QueueFull(1.0))
    async with chatting(engine) as chat:
        with pytest.raises(QueueFull):
            await chat.ask("Hi", client_id="c")
        user, answer = await chat.all_messages()
        assert (user.content, answer.status, answer.content) == ("Hi", "failed", "")
        engine.refusal = None
        again = await chat.ask("Hi", client_id="c")
        assert (again.is_new, again.message_id, again.user_message_id) == (True, answer.message_id, user.message_id)
        assert text_of(await chat.events(again)) == "Hello world"
        assert len(await chat.all_messages()) == 2


async def test_an_answer_that_fails_keeps_its_text_and_says_why() -> None:
    async with chatting(FakeEngine(failure=GenerationFailed("no"))) as chat:
        started = await chat.ask("Hi", client_id="c")
        events = await chat.events(started)
        number, kind, data = events[-1]
        assert (number, kind, data["status"], data["error"]["code"]) == (5, "failed", 500, "generation_failed")
        answer = await chat.message(started.message_id)
        assert (answer.status, answer.content) == ("failed", "Hello world")
        again = await chat.ask("Hi", client_id="c")
        assert (again.is_new, again.generation_id) == (False, started.generation_id)


async def test_a_message_without_an_answer_gets_one_when_it_is_sent_again() -> None:
    async with chatting() as chat:

        def write(db: Db) -> str:
            session = sessions.get_writable(db, chat.me.user_id, chat.session_id)
            return messages.append(
                db, session, parent_id=None, role="user", content="Hi", author_id=None, client_message_id="c"
            ).message_id

        message_id = await chat.app.database.write(write)
        started = await chat.ask("Hi", client_id="c")
        assert (started.is_new, started.user_message_id) == (True, message_id)
        await chat.events(started)
        assert await chat.shown() == ["Hi", "Hello world"]


# --- who may ----------------------------------------------------------------------------------------------------------


async def test_what_is_not_theirs_is_not_there() -> None:
    async with chatting() as chat:
        started = await chat.ask("Hi", max_tokens=4)
        await chat.events(started)
        mallory_id = await chat.app.database.write(lambda db: make_user(db, "mallory"))
        mallory = Identity(mallory_id, "mallory", "user", ALL_SCOPES)
        durable, answer, user = chat.durable, str(started.message_id), str(started.user_message_id)
        for attempt in (
            durable.begin(mallory, chat.asking("Hi")),
            durable.edit(mallory, user, "x"),
            durable.edit(mallory, user, "x", answers=False),
            durable.regenerate(mallory, answer),
            durable.go_on(mallory, answer),
            durable.stop(mallory, started.generation_id),
            durable.stop(GUEST, started.generation_id),
        ):
            with pytest.raises(NotFound):
                await attempt
        bare_key = Identity(chat.me.user_id, "ada", "user", frozenset({"chat"}), key_id="k")
        with pytest.raises(Forbidden):
            await durable.begin(bare_key, chat.asking("Hi"))
        with pytest.raises(NotFound):
            await durable.stop(bare_key, started.generation_id)
        with pytest.raises(Forbidden):
            await durable.begin(GUEST, chat.asking("Hi"))


async def test_a_guest_stores_outside_chats() -> None:
    async with chatting() as chat:
        body = {"messages": [{"role": "user", "content": "Hi"}], "store": True}
        limits = chat.app.settings.limits
        started = await chat.durable.begin(GUEST, validate(ChatCompletionRequest, body, limits))
        assert (started.session_id, started.message_id) == (None, None)
        assert text_of(await chat.events(started)) == "Hello world"
        row = await chat.row(started)
        assert (row.user_id, row.content, row.state) == ("", "Hello world", "complete")
        body["metadata"] = {"client_message_id": "c"}
        with pytest.raises(InvalidRequest):
            await chat.durable.begin(GUEST, validate(ChatCompletionRequest, body, limits))


# --- what others hear -------------------------------------------------------------------------------------------------


async def test_everything_is_told_on_the_bus_in_order_and_as_it_is_stored() -> None:
    async with chatting() as chat:
        topics = (session_topic(chat.session_id), user_topic(chat.me.user_id))
        async with chat.app.bus.subscribe(*topics) as heard:
            started = await chat.ask("Hi")
            events = await chat.events(started)
            await until(lambda: not chat.durable.running())
            said: list[dict[str, Any]] = []
            async for _, message in heard:
                said.append(message)
                if message["type"] == "generation.ended":
                    break
        kinds = [message["type"] for message in said]
        assert kinds[:4] == ["message.created", "message.created", "session.changed", "session.changed"]
        told = [(m["seq"], m["kind"], m.get("text")) for m in said if m["type"] == "generation.event"]
        assert told == [(number, kind, data.get("text")) for number, kind, data in events[:-1]]
        assert (said[-1]["seq"], said[-1]["state"]) == (5, "complete")
        (notice,) = [message for message in said if message["type"] == "notification"]
        assert (notice["kind"], notice["message_id"]) == ("answer.finished", started.message_id)
        (changed,) = [message for message in said if message["type"] == "message.changed"]
        assert changed["message"]["content"] == "Hello world"


async def test_what_is_spent_is_booked_with_the_end() -> None:
    engine = FakeEngine()
    async with chatting(engine) as chat:
        started = await chat.ask("Hi")
        await chat.events(started)
        (spent,) = await chat.app.database.read(
            lambda db: usage.sums(db, ZonedDays("2000-01-01", "2999-01-01"), by=("model",), user_id=chat.me.user_id)
        )
        counts = spent.counts
        assert (counts["num_messages"], counts["num_requests"]) == (1, 1)
        assert (counts["prompt_tokens"], counts["completion_tokens"]) == (len("<user>Hi"), len("Hello world"))


def test_numbers_outside_only_grow() -> None:
    assert event_id(0, 7) == 7
    assert event_id(1, 1) > event_id(0, 2**31)
    assert event_id(2**20, 2**32 - 1) < 2**53


async def test_an_answer_is_written_although_telling_of_its_beginning_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was committed and stood there as running for ever, its lease renewed by a server that did not compute it."""
    async with chatting() as chat:
        publish = chat.app.bus.publish

        async def fail(topic: str, message: dict[str, Any]) -> None:
            monkeypatch.setattr(chat.app.bus, "publish", publish)
            raise BusUnavailable

        monkeypatch.setattr(chat.app.bus, "publish", fail)
        with pytest.raises(BusUnavailable):
            await chat.ask("Hi")
        await until(lambda: not chat.durable.running())
        assert await chat.shown() == ["Hi", "Hello world"]
