"""A session's live socket, through the server's own uvicorn: answers, commands, several people, several tabs."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.api.bus.interface import session_topic
from bdchat.api.live.chat_socket import MAX_WAITING
from bdchat.engine.errors import GenerationFailed, QueueFull
from tests.api.serving import app_of, over_http, signed_in
from tests.api.sockets import UNTITLED, Reading, chat_path, kinds, live, read_answer
from tests.api.talking import Headers, begin, got, talk
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http(engine, settings=UNTITLED) as client:
        yield client


async def contents(client: httpx.AsyncClient, headers: Headers, session_id: str) -> list[tuple[str, str]]:
    """(role, content) of the path that is shown."""
    page = await got(client, f"/api/sessions/{session_id}/messages", headers)
    return [(item["role"], item["content"]) for item in page["data"]]


# --- one client -------------------------------------------------------------------------------------------------------


async def test_a_message_is_accepted_stored_and_answered(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi", client_message_id="c1", params={"temperature": 0.5, "seed": 7})
        accepted = await socket.until("accepted", answers="chat_message", client_message_id="c1", is_new=True)
        reading = await read_answer(socket, accepted["generation_id"])
    assert reading.content == "Hello world"
    assert reading.end is not None
    assert (reading.end["state"], reading.end["finish_reason"]) == ("complete", "stop")
    assert reading.end["usage"]["completion_tokens"] == 11
    assert reading.end["message_id"] == accepted["message_id"]
    assert await contents(client, headers, session_id) == [("user", "hi"), ("assistant", "Hello world")]
    assert (engine.requests[0].sampling.temperature, engine.requests[0].sampling.seed) == (0.5, 7)
    told = [frame["message"]["role"] for frame in socket.seen if frame["type"] == "message"]
    assert told[:2] == ["user", "assistant"]


async def test_the_same_message_sent_again_is_one_message_and_its_answer_is_told_again(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi", client_message_id="c1")
        first = await socket.until("accepted")
        await read_answer(socket, first["generation_id"])
    async with live(client, chat_path(session_id), headers) as socket:  # it had not heard of it, say
        await socket.send("chat_message", content="hi", client_message_id="c1")
        again = await socket.until("accepted")
        assert again == {**first, "is_new": False}
        assert (await read_answer(socket, first["generation_id"])).content == "Hello world"
    assert len(engine.requests) == 1
    assert len(await contents(client, headers, session_id)) == 2


async def test_where_a_message_goes(client: httpx.AsyncClient) -> None:
    """Absent: below the head. null: a new root. Named: there."""
    headers = await signed_in(client)
    session_id, (question, answer) = await talk(client, headers, "one", "two")
    parents: list[Any] = []
    async with live(client, chat_path(session_id), headers) as socket:
        for place in ({}, {"parent_id": None}, {"parent_id": question}):
            await socket.send("chat_message", content="x", **place)
            accepted = await socket.until("accepted")
            await socket.until("ai_complete", generation_id=accepted["generation_id"])
            page = await got(client, f"/api/messages/{accepted['user_message_id']}", headers)
            parents.append(page["parent_id"])
    assert parents == [answer, None, question]


async def test_edit_and_regenerate_append_siblings(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="one")
        first = await socket.until("accepted")
        await socket.until("ai_complete")
        await socket.send("edit", message_id=first["user_message_id"], content="other", client_message_id="e")
        edited = await socket.until("accepted", answers="edit", client_message_id="e")
        await socket.until("ai_complete")
        await socket.send("regenerate", message_id=edited["message_id"], params={"seed": 3})
        other = await socket.until("accepted", answers="regenerate")
        await socket.until("ai_complete")
    page = await got(client, f"/api/sessions/{session_id}/messages", headers)
    question, answer = page["data"]
    assert (question["content"], answer["message_id"]) == ("other", other["message_id"])
    assert question["sibling_ids"] == [first["user_message_id"], edited["user_message_id"]]
    assert answer["sibling_ids"] == [edited["message_id"], other["message_id"]]


async def test_a_stopped_answer_keeps_its_text_and_goes_on(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    gate = asyncio.Semaphore(1)
    engine.token_gate = gate.acquire
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi")
        accepted = await socket.until("accepted")
        await socket.until("ai_chunk")
        await socket.send("stop", generation_id=accepted["generation_id"])
        end = await socket.until("ai_complete")
        assert (end["state"], engine.num_running) == ("stopped", 0)
        assert await contents(client, headers, session_id) == [("user", "hi"), ("assistant", "Hel")]
        engine.token_gate = None
        await socket.send("continue", message_id=accepted["message_id"])
        going_on = await socket.until("accepted", answers="continue")
        assert going_on["message_id"] == accepted["message_id"]
        reading = await read_answer(socket, going_on["generation_id"])
        assert (reading.prefix, reading.content) == ("Hel", "Hello world")
    assert await contents(client, headers, session_id) == [("user", "hi"), ("assistant", "Hello world")]


async def test_what_cannot_be_done_is_answered_and_ends_nothing(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    headers = await signed_in(client)
    session_id, (question, _) = await talk(client, headers, "one", "two")
    other_id, (elsewhere, its_answer) = await talk(client, headers, "one", "two")
    refused: list[tuple[str, dict[str, Any], str, str | None]] = [
        ("chat_message", {"content": "x", "params": {"temperature": 9}}, "invalid_value", "params.temperature"),
        ("chat_message", {"content": "x", "params": {"messages": []}}, "invalid_value", "params.messages"),
        ("chat_message", {"content": "x", "params": {"mirostat": 2}}, "unsupported_parameter", "params.mirostat"),
        ("chat_message", {"content": "x", "params": {"model": "none"}}, "model_not_found", "model"),
        ("chat_message", {"content": "x", "parent_id": elsewhere}, "not_found", None),
        ("edit", {"message_id": elsewhere, "content": "x"}, "not_found", None),
        ("regenerate", {"message_id": its_answer}, "not_found", None),
        ("regenerate", {"message_id": question}, "conflict", "message_id"),
        ("regenerate", {"message_id": question, "params": {"stream": True}}, "invalid_value", "params.stream"),
        ("continue", {"message_id": "nothing"}, "not_found", None),
        ("stop", {"generation_id": "nothing"}, "not_found", None),
    ]
    async with live(client, chat_path(session_id), headers) as socket:
        for kind, fields, code, param in refused:
            await socket.send(kind, **fields)
            error = await socket.until("error")
            assert (error["answers"], error["error"]["code"], error["error"]["param"]) == (kind, code, param)
        engine.refusal = QueueFull(2.0)
        await socket.send("chat_message", content="again", client_message_id="c1")
        error = await socket.until("error")
        assert (error["client_message_id"], error["error"]["code"]) == ("c1", "queue_full")
        engine.refusal = None
        await socket.send("chat_message", content="again", client_message_id="c1")
        accepted = await socket.until("accepted")
        assert (await read_answer(socket, accepted["generation_id"])).content == "Hello world"
    said = await contents(client, headers, session_id)
    assert said[2:] == [("user", "again"), ("assistant", "Hello world")]
    assert len(await contents(client, headers, other_id)) == 2


async def test_a_generation_of_another_session_cannot_be_stopped_here(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    headers = await signed_in(client)
    here, there = await begin(client, headers), await begin(client, headers)
    engine.token_gate = asyncio.Event().wait
    async with live(client, chat_path(here), headers) as one, live(client, chat_path(there), headers) as two:
        await two.send("chat_message", content="x")
        accepted = await two.until("accepted")
        await one.send("stop", generation_id=accepted["generation_id"])
        assert (await one.until("error"))["error"]["code"] == "not_found"
        assert engine.num_running == 1
        await two.send("stop", generation_id=accepted["generation_id"])
        assert (await two.until("ai_complete"))["state"] == "stopped"


async def test_commands_wait_their_turn_and_a_flood_is_refused(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    engine.accept_gate = asyncio.Event()
    is_over = asyncio.Event()
    engine.token_gate = is_over.wait  # what is said below an answer that has ended would be no branch
    async with live(client, chat_path(session_id), headers) as socket:
        for number in range(MAX_WAITING + 2):
            await socket.send("chat_message", content=str(number), client_message_id=f"c{number}")
            if number == 0:
                await until(lambda: engine.num_running)
        error = await socket.until("error")
        assert (error["client_message_id"], error["error"]["code"]) == (f"c{MAX_WAITING + 1}", "too_many_attempts")
        await socket.send("ping")
        await socket.until("pong")  # whoever waits for the engine hears and is heard
        engine.accept_gate.set()
        accepted = [await socket.until("accepted") for _ in range(MAX_WAITING + 1)]
    assert [frame["client_message_id"] for frame in accepted] == [f"c{n}" for n in range(MAX_WAITING + 1)]
    page = await got(client, f"/api/sessions/{session_id}/messages", headers)  # said beside what runs: branches
    is_over.set()
    assert page["data"][0]["sibling_ids"] == [frame["user_message_id"] for frame in accepted]


async def test_a_line_that_breaks_while_the_engine_decides_changes_nothing(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    engine.accept_gate = asyncio.Event()
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi", client_message_id="c1")
        await until(lambda: engine.num_running)
        socket.drop()
    engine.accept_gate.set()
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi", client_message_id="c1")
        accepted = await socket.until("accepted", is_new=False)
        assert (await read_answer(socket, accepted["generation_id"])).content == "Hello world"
    assert len(engine.requests) == 1


# --- coming later, coming back ----------------------------------------------------------------------------------------


async def test_who_comes_late_gets_all_of_a_running_answer_and_who_comes_back_the_rest(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    gate = asyncio.Semaphore(2)
    engine.token_gate = gate.acquire
    path = chat_path(session_id)
    async with live(client, path, headers) as first:
        await first.send("chat_message", content="hi")
        generation_id = (await first.until("accepted"))["generation_id"]
        known = Reading(generation_id)
        while known.text != "Hello":
            known.take(await first.next())
    async with live(client, path, headers) as late, live(client, path, headers) as back:
        await late.send("hello")
        await back.send("hello", last={generation_id: known.last_id, "not-mine": 5})
        whole = Reading(generation_id)
        while whole.text != "Hello":
            whole.take(await late.next())
        gate.release()
        assert (await read_answer(late, generation_id)).content == "Hello world"
        num_seen = known.last_id
        while known.end is None:
            known.take(await back.next())
        assert known.content == "Hello world"
        told = [frame for frame in back.seen if frame["type"] in {"ai_start", "ai_chunk", "ai_reset"}]
        assert [frame["text"] for frame in told] == [" world"]
        assert told[0]["seq"] > num_seen


async def test_a_finished_answer_that_was_missed_is_told_when_it_is_named(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi")
        accepted = await socket.until("accepted")
        await socket.until("ai_complete")
    generation_id = accepted["generation_id"]
    async with live(client, chat_path(session_id), headers) as named:
        await named.send("hello", last={generation_id: 2})
        reading = Reading(generation_id, text="Hel", last_id=2)
        while reading.end is None:
            reading.take(await named.next())
        assert reading.content == "Hello world"
    async with live(client, chat_path(session_id), headers) as silent:
        await silent.send("hello")
        await silent.send("ping")
        await silent.until("pong")
        assert kinds(silent.seen) == ["hello", "pong"]  # what has ended and is not asked for is in the messages


@pytest.mark.parametrize("failure", [None, GenerationFailed("broken")])
async def test_an_end_is_told_alike_to_who_was_there_and_to_who_comes_later(
    client: httpx.AsyncClient, engine: FakeEngine, failure: GenerationFailed | None
) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    engine.failure = failure
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi")
        generation_id = (await socket.until("accepted"))["generation_id"]
        end = await socket.until("ai_complete")
    async with live(client, chat_path(session_id), headers) as later:
        await later.send("hello", last={generation_id: end["seq"]})
        assert await later.until("ai_complete") == end
    assert end["state"] == ("failed" if failure else "complete")
    if failure:
        assert (end["error"]["type"], end["error"]["code"]) == ("server_error", "generation_failed")
    else:
        assert end["usage"]["completion_tokens"] == 11


async def test_where_an_answer_waits_and_how_far_its_prompt_is_read(client: httpx.AsyncClient) -> None:
    """Told by StoredRun on the bus; here it is only that the socket passes it on."""
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("hello")
        await socket.send("ping")
        await socket.until("pong")
        head = {"generation_id": "g", "message_id": "m"}
        bus = app_of(client).bus
        await bus.publish(session_topic(session_id), {"type": "generation.queued", **head, "position": 3, "eta_s": 4.5})
        assert await socket.until("queue") == {
            "type": "queue",
            "generation_id": "g",
            "position": 3,
            "is_paused": False,
            "eta_s": 4.5,
        }
        prefill = {"type": "generation.prefill", **head, "num_done": 10, "num_total": 30, "num_cached": 5}
        await bus.publish(session_topic(session_id), prefill)
        assert await socket.until("prefill") == {
            "type": "prefill",
            "generation_id": "g",
            "done": 10,
            "total": 30,
            "cached": 5,
            "eta_s": None,
        }
