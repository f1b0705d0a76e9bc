"""/api/live through the server's own uvicorn: what a socket tells, by server-sent events; its commands, as requests."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bdchat.api.bus.interface import session_topic
from bdchat.api.live.admission import MAX_LINES
from bdchat.api.schemas.live import COMMANDS, IN_FRAMES, OF_THE_CONNECTION
from tests.api.serving import app_of, error_of, over_http, signed_in
from tests.api.sockets import UNTITLED, Frame, Reading, chat_path, kinds, live
from tests.api.talking import Headers, begin, got, id_of, invite, talk
from tests.fake_engine import FakeEngine
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http(engine, settings=UNTITLED) as client:
        yield client


class Stream:
    """The frames of one stream, as a socket's client has them. `seen` holds every frame but pings."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.seen: list[Frame] = []
        self._lines = answer.aiter_lines()

    async def next(self) -> Frame | None:
        """None: the stream is at its end."""
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if line.startswith("data: ") and (frame := json.loads(line[6:]))["type"] != "ping":
                    self.seen.append(frame)
                    return dict(frame)
        return None

    async def until(self, kind: str, /, **wanted: Any) -> Frame:
        while (frame := await self.next()) is not None:
            if frame["type"] == kind and wanted.items() <= frame.items():
                return frame
        raise AssertionError(f"the stream ended before {kind}: {kinds(self.seen)}")


def live_path(session_id: str) -> str:
    return f"/api/live/chat/{session_id}"


@asynccontextmanager
async def streamed(client: httpx.AsyncClient, path: str, headers: Headers, **last: int) -> AsyncGenerator[Stream]:
    params = {f"last[{generation_id}]": str(seq) for generation_id, seq in last.items()} or None
    async with client.stream("GET", path, params=params, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        yield Stream(answer)


async def said(client: httpx.AsyncClient, headers: Headers, session_id: str, kind: str, **fields: Any) -> Frame:
    answer = await client.post(live_path(session_id), json={"type": kind, **fields}, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def commands_of(client: httpx.AsyncClient, headers: Headers, session_id: str) -> dict[str, Frame]:
    """One of each that succeeds, by its type, and what it answered."""
    answers = {"typing": await said(client, headers, session_id, "typing")}
    first = await said(client, headers, session_id, "chat_message", content="one", client_message_id="c1")
    answers["stop"] = await said(client, headers, session_id, "stop", generation_id=first["generation_id"])
    answers["chat_message"] = first
    answers["continue"] = await said(client, headers, session_id, "continue", message_id=first["message_id"])
    answers["regenerate"] = await said(client, headers, session_id, "regenerate", message_id=first["message_id"])
    answers["edit"] = await said(
        client, headers, session_id, "edit", message_id=first["user_message_id"], content="x", client_message_id="e"
    )
    return answers


async def test_every_command_of_the_socket_is_a_request(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    gate = asyncio.Semaphore(1)
    engine.token_gate = gate.acquire  # the first answer is stopped, not ended
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    asking = asyncio.create_task(commands_of(client, headers, session_id))
    await until(lambda: len(engine.requests) >= 2)
    engine.token_gate = None
    gate.release()
    answers = await asking
    assert answers.keys() == COMMANDS.keys() == IN_FRAMES.keys() - OF_THE_CONNECTION
    assert answers["stop"] == answers["typing"] == {}
    for kind in COMMANDS.keys() - {"stop", "typing"}:
        assert answers[kind]["type"] == "accepted"
        assert answers[kind]["answers"] == kind
        assert answers[kind]["is_new"] is True
    assert answers["edit"]["client_message_id"] == "e"


def test_the_document_has_the_http_form_of_everything_that_a_client_says() -> None:
    text = (Path(__file__).parents[3] / "docs" / "live.md").read_text("utf-8")
    section = text.partition("## Without WebSockets")[2].partition("\n## ")[0]
    told = {kind for kind in IN_FRAMES if f"`{kind}`" in section}
    assert told == IN_FRAMES.keys()


async def test_a_stream_tells_what_a_socket_tells_under_the_same_numbers(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("hello")
        async with streamed(client, live_path(session_id), headers) as stream:
            assert await stream.next() == await socket.next()  # hello
            accepted = await said(client, headers, session_id, "chat_message", content="hi")
            await stream.until("ai_complete", generation_id=accepted["generation_id"])
            await socket.until("ai_complete", generation_id=accepted["generation_id"])
    of_answer = [[frame for frame in each.seen if frame["type"].startswith("ai_")] for each in (socket, stream)]
    assert of_answer[0] == of_answer[1]
    messages = [[frame for frame in each.seen if frame["type"] == "message"] for each in (socket, stream)]
    assert messages[0][:2] == messages[1][:2] != []


async def test_changing_over_at_any_number_loses_and_doubles_nothing(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    """Stream → socket → stream … after each piece; and a stream that names what it has."""
    gate = asyncio.Semaphore(0)
    engine.token_gate = gate.acquire
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    accepted = await said(client, headers, session_id, "chat_message", content="hi")
    generation_id = accepted["generation_id"]
    reading = Reading(generation_id)
    is_stream = True
    while reading.end is None:
        gate.release()
        before = reading.last_id
        if is_stream:
            async with streamed(client, live_path(session_id), headers, **{generation_id: before}) as stream:
                while reading.last_id == before and (frame := await stream.next()) is not None:
                    reading.take(frame)
        else:
            async with live(client, chat_path(session_id), headers) as socket:
                await socket.send("hello", last={generation_id: before})
                while reading.last_id == before:
                    reading.take(await socket.next())
        is_stream = not is_stream
    assert (reading.content, reading.num_resets) == ("Hello world", 0)
    page = await got(client, f"/api/messages/{accepted['message_id']}", headers)
    assert page["content"] == reading.content
    async with streamed(client, live_path(session_id), headers, **{generation_id: 0}) as stream:
        again = Reading(generation_id)
        while again.end is None:
            again.take(await stream.until("ai_start") if not again.last_id else await stream.next() or {})
    assert again.content == reading.content


async def test_the_same_message_sent_by_both_ways_is_one_message(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    first = await said(client, headers, session_id, "chat_message", content="hi", client_message_id="c1")
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.send("chat_message", content="hi", client_message_id="c1")
        assert await socket.until("accepted") == {**first, "is_new": False}
    assert len(engine.requests) == 1


async def test_what_cannot_be_done_is_refused_in_the_socket_s_words(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    _, (elsewhere, answer_elsewhere) = await talk(client, headers, "one", "two")
    refused: list[tuple[dict[str, Any], int, str | None]] = [
        ({"type": "hello"}, 400, "type"),
        ({"type": "nonsense"}, 400, "type"),
        ({"type": "chat_message"}, 400, "content"),
        ({"type": "chat_message", "content": "x", "color": "red"}, 400, "color"),
        ({"type": "chat_message", "content": "x", "params": {"temperature": 9}}, 400, "params.temperature"),
        ({"type": "edit", "message_id": elsewhere, "content": "x"}, 404, None),
        ({"type": "regenerate", "message_id": answer_elsewhere}, 404, None),
        ({"type": "stop", "generation_id": "nothing"}, 404, None),
    ]
    for body, status, param in refused:
        error = error_of(await client.post(live_path(session_id), json=body, headers=headers), status)
        assert error["param"] == param, body
    for query, param in (("last[g]=x", "last.g"), ("last=1", "last"), ("colour=red", "colour")):
        error = error_of(await client.get(f"{live_path(session_id)}?{query}", headers=headers), 400)
        assert error["param"] == param


async def test_who_may_not_read_the_session_hears_the_same_as_of_none(client: httpx.AsyncClient) -> None:
    headers, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, headers)
    for path in (live_path(session_id), live_path("nothing")):
        error_of(await client.get(path, headers=bob), 404)
        for body in ({"type": "typing"}, {"type": "chat_message", "content": "x"}):
            error_of(await client.post(path, json=body, headers=bob), 404)
    for path in (live_path(session_id), "/api/live/events"):
        error_of(await client.get(path), 401)


async def test_a_deleted_session_ends_its_streams_with_the_socket_s_code(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with streamed(client, live_path(session_id), headers) as stream:
        await stream.until("hello")
        assert (await client.delete(f"/api/sessions/{session_id}", headers=headers)).is_success
        assert (await stream.until("close"))["code"] == 4404
        assert await stream.next() is None


async def test_others_see_who_reads_by_a_stream_and_who_writes_by_requests(client: httpx.AsyncClient) -> None:
    headers, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, headers)
    await invite(client, headers, session_id, "bob", "writer")
    for invitation in (await got(client, "/api/invitations", bob))["data"]:
        await client.post(f"/api/invitations/{invitation['invitation_id']}/accept", headers=bob)
    async with live(client, chat_path(session_id), headers) as socket:
        await socket.until("presence")
        async with streamed(client, live_path(session_id), bob) as stream:
            await socket.until("presence", users=await _users(client, "ann", "bob"))
            await said(client, bob, session_id, "typing")
            await said(client, bob, session_id, "typing")  # it lasts
            assert (await socket.until("typing"))["username"] == "bob"
            await said(client, bob, session_id, "typing", is_typing=False)
            assert (await socket.until("typing"))["is_typing"] is False
            await said(client, bob, session_id, "typing")
            await socket.until("typing", is_typing=True)
            await said(client, bob, session_id, "chat_message", content="hi")
            await socket.until("typing", is_typing=False)
            await stream.until("ai_complete")
        await socket.until("presence", users=await _users(client, "ann"))


async def _users(client: httpx.AsyncClient, *names: str) -> list[dict[str, str]]:
    users = [{"user_id": await id_of(client, name), "username": name, "name": name} for name in names]
    return sorted(users, key=lambda user: user["user_id"])


async def test_events_outside_a_session_come_by_a_stream_too(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    async with streamed(client, "/api/live/events", headers) as stream:
        welcome = await stream.until("hello")
        assert welcome["server_id"] == app_of(client).durable.server_id
        session_id = await begin(client, headers)
        assert (await stream.until("session", event="created"))["session_id"] == session_id


async def test_a_chat_s_stream_tells_of_what_is_outside_it_when_asked_each_once(client: httpx.AsyncClient) -> None:
    headers, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, of_bob = await begin(client, headers), await begin(client, bob, title="plans")
    async with streamed(client, f"{live_path(session_id)}?events=true", headers) as stream:
        await stream.until("hello")
        other_id = await begin(client, headers)
        assert (await stream.until("session", event="created"))["session_id"] == other_id
        await invite(client, bob, of_bob, "ann")
        await stream.until("notification", kind="session.invited")
        accepted = await said(client, headers, session_id, "chat_message", content="hi")
        await stream.until("ai_complete", generation_id=accepted["generation_id"])
    assert [frame.get("kind") for frame in stream.seen].count("session.invited") == 1


async def test_streams_count_among_a_user_s_lines(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    open_sockets, user_id = app_of(client).open_sockets, await id_of(client, "ann")
    async with streamed(client, "/api/live/events", headers) as stream:
        await stream.until("hello")
        assert open_sockets.num_sockets == 1
        lines = [open_sockets.another(user_id) for _ in range(MAX_LINES - 1)]
        for line in lines:
            line.__enter__()
        async with streamed(client, "/api/live/events", headers) as one_too_many:
            assert (await one_too_many.until("close"))["code"] == 4429
        for line in lines:
            line.__exit__(None, None, None)
    await until(lambda: open_sockets.num_sockets == 0)


async def test_a_stream_ends_with_its_login(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with streamed(client, live_path(session_id), headers) as stream:
        await stream.until("hello")
        await client.post("/api/auth/logout", headers=headers)
        while await stream.next() is not None:
            pass
    error_of(await client.get(live_path(session_id), headers=headers), 401)


async def test_a_stopping_server_says_so(engine: FakeEngine) -> None:
    async with over_http(engine, settings=UNTITLED) as client:
        headers = await signed_in(client)
        session_id = await begin(client, headers)
        async with streamed(client, live_path(session_id), headers) as stream:
            await stream.until("hello")
            await app_of(client).bus.aclose()
            assert (await stream.until("close"))["code"] == 1012


async def test_no_line_separator_of_another_standard_splits_an_event(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with streamed(client, live_path(session_id), headers) as stream:
        await stream.until("hello")
        notice = {"type": "message.created", "message": {"content": "a\u2028b\u2029c\u0085d\ne"}}
        await app_of(client).bus.publish(session_topic(session_id), notice)
        assert (await stream.until("message"))["message"] == notice["message"]
