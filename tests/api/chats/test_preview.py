"""What sending a message would cost: told before it is sent, true when it is, and nothing comes of asking."""

from typing import Any

import httpx
import pytest

from bdchat.engine.request import ChatPrompt
from bdchat.store.chats import messages
from bdchat.store.db import Db
from bdchat.store.tables import ChatSession
from tests.api.serving import app_of, error_of, in_process, signed_in
from tests.api.talking import begin, say, talk
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


async def preview(client: httpx.AsyncClient, headers: dict[str, str], session_id: str, **draft: Any) -> dict[str, Any]:
    response = await client.post(f"/api/sessions/{session_id}/preview", json=draft, headers=headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def _say_nothing(db: Db, session_id: str) -> None:
    """An answer that was stopped before its first word."""
    session = db.get(ChatSession, session_id)
    assert session is not None
    messages.append(
        db, session, parent_id=session.head_message_id, role="assistant", content="", author_id=None, status="stopped"
    )


async def test_an_empty_chat_is_cold() -> None:
    async with in_process() as client:
        headers = await signed_in(client)
        found = await preview(client, headers, await begin(client, headers), content="안녕")
        num_tokens = len("<user>안녕".encode())
        assert found["num_prompt_tokens"] == found["num_to_read"] == num_tokens
        assert [(s["tier"], s["first"], s["last"], s["num_tokens"]) for s in found["segments"]] == [
            ("cold", 0, 0, num_tokens)
        ]
        assert (found["state"], found["model"], found["context_length"]) == ("ready", "fake", 4096)


async def test_what_was_said_before_is_not_read_again() -> None:
    """An answer that was stopped before its first word moved all ids by one."""
    engine = FakeEngine()
    async with in_process(engine) as client:
        headers = await signed_in(client)
        session_id, ids = await talk(client, headers, "hi", "hello", "and?", "well")
        await app_of(client).database.write(lambda db: _say_nothing(db, session_id))
        engine.seen.append(b"<user>hi<assistant>hello<user>and?")
        found = await preview(client, headers, session_id, content="go on")
        known, cold = found["segments"]
        assert (known["tier"], known["first_message_id"], known["last_message_id"]) == ("resident", ids[0], ids[2])
        assert (cold["tier"], cold["first_message_id"], cold["last_message_id"]) == ("cold", ids[3], None)
        assert known["num_tokens"] == found["num_resident"] == len(engine.seen[-1])
        assert known["num_tokens"] + cold["num_tokens"] == found["num_prompt_tokens"]


async def test_it_tells_what_is_then_evaluated() -> None:
    async with in_process() as client:
        headers = await signed_in(client)
        await app_of(client).durable.start()
        session_id = await begin(client, headers)
        for content in ("Hi", "Tell me more", "And then?"):
            found = await preview(client, headers, session_id, content=content)
            body = {
                "messages": [{"role": "user", "content": content}],
                "store": True,
                "metadata": {"session_id": session_id},
            }
            usage = (await client.post("/v1/chat/completions", json=body, headers=headers)).json()["usage"]
            assert usage["prompt_tokens"] == found["num_prompt_tokens"]
            cached = usage["prompt_tokens_details"]["cached_tokens"]
            assert usage["prompt_tokens"] - cached == found["num_to_read"]
        await app_of(client).durable.aclose()


async def test_asking_changes_nothing() -> None:
    engine = FakeEngine()
    async with in_process(engine) as client:
        headers = await signed_in(client)
        session_id, ids = await talk(client, headers, "hi", "hello")
        before = (await client.get(f"/api/sessions/{session_id}", headers=headers)).json()
        await preview(client, headers, session_id, content="x", parent_id=ids[0])
        await preview(client, headers, session_id, content="x", parent_id="")
        assert (await client.get(f"/api/sessions/{session_id}", headers=headers)).json() == before
        assert engine.requests == []


@pytest.mark.parametrize("question_length", [4, 30, 90, 150])
@pytest.mark.parametrize("system_prompt", ["", "Be brief."])
async def test_memory_begins_at_the_first_message_that_is_then_sent(question_length: int, system_prompt: str) -> None:
    engine = FakeEngine(n_ctx=200)
    async with in_process(engine) as client:
        headers = await signed_in(client)
        await app_of(client).durable.start()
        session_id = await begin(client, headers)
        path = f"/api/sessions/{session_id}"
        await client.put(f"{path}/config", json={"system_prompt": system_prompt}, headers=headers)
        contents = {}
        for turn in range(3):
            for role in ("user", "assistant", "system") if turn == 1 else ("user", "assistant"):
                content = f"{role} {turn} ".ljust(25, "x")
                contents[await say(client, headers, session_id, content, role=role)] = content
        await app_of(client).database.write(lambda db: _say_nothing(db, session_id))
        question = "q" * question_length
        found = await preview(client, headers, session_id, content=question)
        body = {
            "messages": [{"role": "user", "content": question}],
            "store": True,
            "metadata": {"session_id": session_id},
        }
        answer = await client.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        prompt = engine.requests[-1].prompt
        assert isinstance(prompt, ChatPrompt)
        sent = [message.content for message in prompt.messages if message.content not in {system_prompt, question}]
        first_id = found["first_message_id"]
        remembered = list(contents.values())[list(contents).index(first_id) if first_id else len(contents) :]
        assert found["num_dropped_messages"] == len(contents) - len(sent) > 0
        assert sent == remembered
        await app_of(client).durable.aclose()


async def test_a_model_that_is_not_loaded_is_not_loaded_for_it() -> None:
    async with in_process(FakeEngine(state="idle")) as client:
        headers = await signed_in(client)
        found = await preview(client, headers, await begin(client, headers), content="x")
        assert (found["state"], found["num_prompt_tokens"], found["segments"]) == ("idle", None, [])


async def test_bad_drafts() -> None:
    async with in_process(FakeEngine(n_ctx=40)) as client:
        headers, stranger = await signed_in(client), await signed_in(client, "bob")
        session_id = await begin(client, headers)
        path = f"/api/sessions/{session_id}/preview"
        error_of(await client.post(path, json={"content": "x"}, headers=stranger), 404)
        for draft, param in (
            ({"content": 1}, "content"),
            ({"content": "x", "params": {"n": 2}}, "params.n"),
            ({"content": "x", "params": {"temperature": 9}}, "temperature"),
            ({"content": "x", "other": 1}, "other"),
        ):
            assert error_of(await client.post(path, json=draft, headers=headers), 400)["param"] == param
        error_of(await client.post(path, json={"content": "x", "parent_id": "nobody"}, headers=headers), 404)


async def test_what_is_too_long_is_told_by_name_and_number() -> None:
    async with in_process(FakeEngine(n_ctx=60)) as client:
        headers = await signed_in(client)
        session_id, _ = await talk(client, headers, "a" * 20, "b" * 20)
        path = f"/api/sessions/{session_id}/config"

        async def excess_of(content: str) -> tuple[str | None, int, int]:
            found = await preview(client, headers, session_id, content=content)
            return found["too_long"], found["num_prompt_tokens"], found["context_length"]

        assert await excess_of("c" * 30) == (None, len("<user>" + "c" * 30), 60)  # the old ones are left out
        assert await excess_of("c" * 70) == ("message", len("<user>" + "c" * 70), 60)
        await client.patch(path, json={"context_overflow": "error"}, headers=headers)
        whole = "<user>" + "a" * 20 + "<assistant>" + "b" * 20 + "<user>" + "c" * 30
        assert await excess_of("c" * 30) == ("chat", len(whole), 60)
        assert (await excess_of("c" * 70))[0] == "message"
        await client.patch(path, json={"system_prompt": "s" * 60}, headers=headers)
        assert await excess_of("c" * 5) == ("system_prompt", len("<system>" + "s" * 60 + "<user>" + "c" * 5), 60)


async def test_a_chat_stays_with_the_model_that_answered_last() -> None:
    """It was answered by the default of the moment, or by whatever its reader had chosen in another chat."""
    async with in_process(FakeEngine("one"), FakeEngine("two")) as client:
        headers = await signed_in(client)
        app = app_of(client)
        await app.durable.start()
        session_id = await begin(client, headers)
        assert (await preview(client, headers, session_id, content="x"))["model"] == "one"
        body = {
            "model": "two",
            "messages": [{"role": "user", "content": "Hi"}],
            "store": True,
            "metadata": {"session_id": session_id},
        }
        await client.post("/v1/chat/completions", json=body, headers=headers)
        assert (await preview(client, headers, session_id, content="x"))["model"] == "two"
        again = {name: value for name, value in body.items() if name != "model"}
        assert (await client.post("/v1/chat/completions", json=again, headers=headers)).json()["model"] == "two"
        await client.patch(f"/api/sessions/{session_id}/config", json={"model": "one"}, headers=headers)
        assert (await preview(client, headers, session_id, content="x"))["model"] == "one"
        await app.durable.aclose()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
