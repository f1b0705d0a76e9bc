"""Stop, continue, edit, regenerate; and what of a chat the model is shown."""

import asyncio
from contextlib import aclosing

import pytest
from sqlmodel import Session as Db

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.request import ChatPrompt, SamplingDefaults
from bdchat.store.chats import configs
from bdchat.store.errors import Conflict
from bdchat.store.tables import MessageMetadata
from tests.api.durable_chat import chatting, text_of
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio


# --- stop, continue, edit, regenerate ---------------------------------------------------------------------------------


async def test_stopping_keeps_the_text_and_going_on_ends_it() -> None:
    gate = asyncio.Semaphore(2)
    engine = FakeEngine(token_gate=gate.acquire)
    async with chatting(engine) as chat:
        started = await chat.ask("Hi")
        async with aclosing(chat.durable.follow(started.generation_id, 0)) as batches:
            async for batch in batches:
                if batch.last_id == 3:
                    break
        await chat.durable.stop(chat.me, started.generation_id)
        answer = await chat.message(started.message_id)
        assert (answer.content, answer.status, answer.finish_reason) == ("Hello", "stopped", "cancelled")
        assert (engine.num_running, engine.num_cancelled) == (0, 1)
        await chat.durable.stop(chat.me, started.generation_id)  # once more: nothing

        engine.token_gate = None
        more = await chat.durable.go_on(chat.me, str(started.message_id))
        assert (more.message_id, more.user_message_id) == (started.message_id, started.user_message_id)
        events = await chat.events(more)
        assert events[0][2]["prefix"] == "Hello"
        assert text_of(events) == " world"
        assert (await chat.message(started.message_id)).content == "Hello world"
        resumption = engine.resumptions[-1]
        assert resumption is not None
        assert (resumption.choice_tokens, resumption.num_chars_sent) == ((tuple(b"Hello"),), (5,))
        first, second = engine.requests
        assert (first.prompt, first.sampling.seed) == (second.prompt, second.sampling.seed)


async def test_an_answer_cut_by_its_length_goes_on_with_as_much_room_again() -> None:
    engine = FakeEngine()
    async with chatting(engine) as chat:
        started = await chat.ask("Hi", max_tokens=4)
        assert text_of(await chat.events(started)) == "Hell"
        for length, whole in ((8, "Hello wo"), (12, "Hello world")):
            more = await chat.durable.go_on(chat.me, str(started.message_id))
            await chat.events(more)
            assert engine.requests[-1].sampling.max_tokens == length
            assert (await chat.message(started.message_id)).content == whole


async def test_only_a_cut_answer_at_the_end_of_its_branch_goes_on() -> None:
    async with chatting() as chat:
        whole = await chat.ask("Hi")
        await chat.events(whole)
        cut = await chat.ask("More", max_tokens=4)
        await chat.events(cut)
        await chat.events(await chat.ask("And more"))
        for message_id in (whole.message_id, whole.user_message_id, cut.message_id):
            with pytest.raises(Conflict):
                await chat.durable.go_on(chat.me, str(message_id))


async def test_regenerating_and_editing_append_siblings() -> None:
    async with chatting() as chat:
        first = await chat.ask("Hi")
        await chat.events(first)
        second = await chat.durable.regenerate(chat.me, str(first.message_id), params={"temperature": 0.5})
        await chat.events(second)
        edited = await chat.durable.edit(chat.me, str(first.user_message_id), "Ho", client_message_id="e")
        await chat.events(edited)
        again = await chat.durable.edit(chat.me, str(first.user_message_id), "Ho", client_message_id="e")
        assert (again.is_new, again.generation_id) == (False, edited.generation_id)
        told = await chat.durable.edit(chat.me, str(first.message_id), "Mine", answers=False)
        assert (told.generation_id, told.message_id) == ("", None)
        found = [(message.parent_id, message.role, message.content) for message in await chat.all_messages()]
        assert found == [
            (None, "user", "Hi"),
            (first.user_message_id, "assistant", "Hello world"),
            (first.user_message_id, "assistant", "Hello world"),
            (None, "user", "Ho"),
            (edited.user_message_id, "assistant", "Hello world"),
            (first.user_message_id, "assistant", "Mine"),
        ]
        assert [message.finish_reason for message in await chat.all_messages()][1::4] == ["stop", "edited"]
        assert (second.user_message_id, second.is_new) == (first.user_message_id, True)
        for role_is_wrong in (
            chat.durable.regenerate(chat.me, str(first.user_message_id)),
            chat.durable.edit(chat.me, str(first.message_id), "x"),
        ):
            with pytest.raises(Conflict):
                await role_is_wrong
        with pytest.raises(InvalidRequest):
            await chat.durable.regenerate(chat.me, str(first.message_id), params={"messages": []})


async def test_what_is_written_while_an_answer_runs_becomes_a_branch() -> None:
    async with chatting(FakeEngine(accept_gate=asyncio.Event())) as chat:
        first = asyncio.create_task(chat.ask("Hi"))
        await until(chat.durable.running)
        second = asyncio.create_task(chat.ask("Ho"))
        await until(lambda: len(chat.durable.running()) == 2)
        (answer_id,) = [m.message_id for m in await chat.all_messages() if m.role == "assistant"][:1]
        with pytest.raises(Conflict):
            await chat.ask("Hu", metadata={"parent_id": answer_id})
        assert [m.parent_id for m in await chat.all_messages() if m.role == "user"] == [None, None]
        chat.app.engine_router.engine_for(None).accept_gate.set()  # type: ignore[attr-defined]
        await asyncio.gather(first, second)


# --- the prompt -------------------------------------------------------------------------------------------------------


def prompt_of(engine: FakeEngine) -> list[tuple[str, str]]:
    prompt = engine.requests[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    return [(message.role, message.content) for message in prompt.messages]


async def test_the_chats_settings_count_where_the_request_says_nothing() -> None:
    engine = FakeEngine()
    async with chatting(engine, "Hi", "Hello") as chat:
        values = {"temperature": 0.25, "top_p": 0.5, "system_prompt": "Be brief.", "params": {"top_k": 7}}
        await chat.app.database.write(lambda db: configs.put(db, chat.session_id, values))
        await chat.ask("How?", top_p=0.75)
        assert prompt_of(engine) == [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "How?")]
        sampling = engine.requests[-1].sampling
        assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.25, 0.75, 7)
        assert sampling.seed is not None


async def test_a_chat_gets_the_models_own_numbers_and_its_answer_tells_them() -> None:
    """They were OpenAI's, temperature 1 over the whole vocabulary, and called the model's own."""
    engine = FakeEngine(sampling_defaults=SamplingDefaults(temperature=0.6, top_k=20))
    async with chatting(engine, "Hi", "Hello") as chat:
        started = await chat.ask("How?", top_p=0.8)
        await chat.events(started)
        told = await chat.app.database.read(lambda db: db.get(MessageMetadata, started.message_id))
        assert told is not None
        names = ("temperature", "top_p", "top_k", "min_p")
        assert [told.model_params[name] for name in names] == [0.6, 0.8, 20, 0.05]
        again = await chat.durable.regenerate(chat.me, str(started.message_id))
        await chat.events(again)
        assert [getattr(engine.requests[-1].sampling, name) for name in names] == [0.6, 0.95, 20, 0.05]


async def test_the_oldest_turns_are_left_out_when_it_is_too_long_and_that_is_said() -> None:
    engine = FakeEngine(n_ctx=200)
    async with chatting(engine, "a" * 100, "b" * 100, "c" * 20, "d" * 20) as chat:
        values = {"system_prompt": "Be brief."}
        await chat.app.database.write(lambda db: configs.put(db, chat.session_id, values))
        started = await chat.ask("How?")
        events = await chat.events(started)
        shown = [("system", "Be brief."), ("user", "c" * 20), ("assistant", "d" * 20), ("user", "How?")]
        assert prompt_of(engine) == shown
        assert events[0][2]["num_dropped_messages"] == 2

        def dropped(db: Db) -> int:
            found = db.get(MessageMetadata, started.message_id)
            return found.num_dropped_messages if found else 0

        assert await chat.app.database.read(dropped) == 2
        again = await chat.durable.regenerate(chat.me, str(started.message_id), params={"max_tokens": 2})
        await chat.events(again)
        assert prompt_of(engine) == shown
        await chat.durable.go_on(chat.me, str(again.message_id))
        assert prompt_of(engine) == shown  # made again from the path


async def test_what_follows_an_edited_answer_is_asked_as_if_the_model_had_said_it() -> None:
    """It forgot which model answers, and what had been left out: the prompt's beginning was another one."""
    engine = FakeEngine(n_ctx=200)
    async with chatting(engine, "a" * 100, "b" * 100, "c" * 20, "d" * 20) as chat:
        started = await chat.ask("How?")
        await chat.events(started)
        edited = await chat.durable.edit(chat.me, str(started.message_id), "So.", answers=False)

        def metadata(db: Db) -> tuple[str, int, int]:
            found = db.get(MessageMetadata, edited.user_message_id)
            return (found.model, found.num_dropped_messages, found.completion_tokens) if found else ("", 0, 0)

        assert await chat.app.database.read(metadata) == ("fake", 2, 0)
        await chat.events(await chat.ask("And?"))
        assert prompt_of(engine) == [
            ("user", "c" * 20),
            ("assistant", "d" * 20),
            ("user", "How?"),
            ("assistant", "So."),
            ("user", "And?"),
        ]


async def test_with_the_policy_error_what_is_too_long_is_refused_and_not_stored() -> None:
    async with chatting(FakeEngine(n_ctx=200), "a" * 100, "b" * 100) as chat:
        await chat.app.database.write(lambda db: configs.put(db, chat.session_id, {"context_overflow": "error"}))
        with pytest.raises(ContextLengthExceeded):
            await chat.ask("How?")
        assert len(await chat.all_messages()) == 2
