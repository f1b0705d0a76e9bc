"""A session's live socket with several people and tabs in it, and the socket outside of sessions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import httpx
import pytest
from sqlmodel import update

from bdchat.api.bus.interface import ADMIN_TOPIC
from bdchat.api.live.connection import CloseCode
from bdchat.store.ids import now_ms
from bdchat.store.tables import ApiKey
from tests.api.serving import app_of, over_http, signed_in
from tests.api.sockets import UNTITLED, chat_path, kinds, live, read_answer
from tests.api.talking import Headers, begin, got, let_in, talk
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


async def share(client: httpx.AsyncClient, owner: Headers, session_id: str, username: str, role: str) -> None:
    await let_in(client, owner, session_id, username, role)


async def test_everybody_sees_the_same_in_the_same_order(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    await share(client, ann, session_id, "bob", "writer")
    engine.pieces = [f"{number} " for number in range(20)]
    path = chat_path(session_id)
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(live(client, path, who)) for who in (ann, ann, bob)]
        for tab in tabs:
            await tab.send("hello")
            await tab.send("ping")
            await tab.until("pong")
        await tabs[2].send("chat_message", content="hi")
        generation_id = (await tabs[2].until("accepted"))["generation_id"]
        readings = [await read_answer(tab, generation_id) for tab in tabs]
    assert {reading.content for reading in readings} == {"".join(engine.pieces)}
    orders = []
    for tab in tabs:
        orders.append(
            [
                (frame["type"], frame.get("seq"), frame.get("text"))
                for frame in tab.seen
                if frame["type"].startswith("ai_") and frame["generation_id"] == generation_id
            ]
        )
    joined = ["".join(text or "" for _, _, text in order) for order in orders]
    assert joined[0] == joined[1] == joined[2]
    told = [[frame["event"] for frame in tab.seen if frame["type"] == "message"][:2] for tab in tabs]
    assert told == [["created", "created"]] * 3


async def test_concurrent_edits_become_branches(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, (question, _) = await talk(client, ann, "one", "two")
    await share(client, ann, session_id, "bob", "writer")
    async with live(client, chat_path(session_id), ann) as hers, live(client, chat_path(session_id), bob) as his:
        await asyncio.gather(
            hers.send("edit", message_id=question, content="hers"),
            his.send("edit", message_id=question, content="his"),
            hers.send("edit", message_id=question, content="hers again"),
        )
        made = {(await socket.until("accepted"))["user_message_id"] for socket in (hers, his, hers)}
        for socket in (hers, his):
            await read_answer(socket, [f for f in socket.seen if f["type"] == "accepted"][-1]["generation_id"])
    page = await got(client, f"/api/sessions/{session_id}/messages", ann)
    siblings = page["data"][0]["sibling_ids"]
    assert siblings[0] == question
    assert set(siblings[1:]) == made
    texts = {(await got(client, f"/api/messages/{message_id}", ann))["content"] for message_id in siblings}
    assert texts == {"one", "hers", "his", "hers again"}


async def test_a_reader_hears_everything_and_changes_nothing(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, (question, answer) = await talk(client, ann, "one", "two")
    await share(client, ann, session_id, "bob", "reader")
    engine.token_gate = asyncio.Event().wait
    async with live(client, chat_path(session_id), ann) as hers, live(client, chat_path(session_id), bob) as his:
        assert (await his.next())["role"] == "reader"
        await hers.send("chat_message", content="hi")
        generation_id = (await hers.until("accepted"))["generation_id"]
        for kind, fields in (
            ("chat_message", {"content": "mine"}),
            ("edit", {"message_id": question, "content": "mine"}),
            ("regenerate", {"message_id": answer}),
            ("continue", {"message_id": answer}),
            ("stop", {"generation_id": generation_id}),
        ):
            await his.send(kind, **fields)
            assert (await his.until("error"))["error"]["code"] == "read_only", kind
        await his.send("typing")
        assert engine.num_running == 1
        await hers.send("stop", generation_id=generation_id)
        assert (await his.until("ai_complete"))["state"] == "stopped"
        assert "typing" not in kinds(hers.seen)


async def test_presence_and_typing_are_of_shared_sessions_alone(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    path = chat_path(session_id)
    async with live(client, path, ann) as hers, live(client, path, ann) as her_phone:
        for socket in (hers, her_phone):
            await socket.send("typing")
            await socket.send("ping")
            await socket.until("pong")
        assert {kind for socket in (hers, her_phone) for kind in kinds(socket.seen)} == {"hello", "pong"}
        await share(client, ann, session_id, "bob", "writer")
        async with live(client, path, bob) as his:
            both = [["ann", "bob"]]
            for socket in (hers, her_phone, his):
                while True:
                    users = (await socket.until("presence"))["users"]
                    if [[user["username"] for user in users]] == both:
                        break
            await his.send("typing")
            shown = await hers.until("typing")
            assert (shown["username"], shown["is_typing"]) == ("bob", True)
            await his.send("chat_message", content="hi")
            assert (await hers.until("typing"))["is_typing"] is False  # it is said now
            await his.until("ai_complete")
            await his.send("typing")
            assert (await hers.until("typing"))["is_typing"] is True
            his.drop()
        assert (await hers.until("typing"))["is_typing"] is False
        while [user["username"] for user in (await hers.until("presence"))["users"]] != ["ann"]:
            pass
        assert "typing" not in kinds(his.seen)  # nobody sees oneself write


async def test_events_tell_of_the_list_and_of_invitations(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    async with live(client, "/ws/events", ann) as hers, live(client, "/ws/events", bob) as his:
        for socket in (hers, his):
            await socket.send("ping")
            await socket.until("pong")
        session_id = await begin(client, ann, title="plans")
        created = await hers.until("session", event="created")
        assert created["session"]["title"] == "plans"
        await share(client, ann, session_id, "bob", "reader")
        notice = await his.until("notification", kind="session.invited")
        assert (notice["data"]["title"], notice["data"]["role"]) == ("plans", "reader")
        for socket in (hers, his):  # he has accepted
            await socket.until("session", event="changed")
        assert (await client.delete(f"/api/sessions/{session_id}", headers=ann)).is_success
        for socket in (hers, his):
            await socket.until("session")
        await hers.send("chat_message", content="hi")
        assert (await hers.until("error"))["error"]["param"] == "type"
        assert not [frame for frame in his.seen if frame.get("event") == "created"]


async def test_admins_hear_of_the_server_and_others_do_not(client: httpx.AsyncClient) -> None:
    boss, ann = await signed_in(client, "boss", admin=True), await signed_in(client)
    async with live(client, "/ws/events", boss) as his, live(client, "/ws/events", ann) as hers:
        for socket in (his, hers):
            await socket.next()
        await app_of(client).bus.publish(ADMIN_TOPIC, {"type": "model.pull", "num_bytes": 5})
        assert await his.until("notification") == {
            "type": "notification",
            "kind": "admin.model.pull",
            "data": {"num_bytes": 5},
        }
        await hers.send("ping")
        assert (await hers.next())["type"] == "pong"


@pytest.mark.parametrize("path", ["chat", "events"])
async def test_a_socket_ends_when_the_time_of_its_key_is_over(path: str) -> None:
    """It was found out with the next heartbeat, up to 20 s later."""
    async with over_http(settings=UNTITLED) as client:
        ann = await signed_in(client)
        session_id = await begin(client, ann)
        made = await client.post("/api/keys", json={"name": "k", "scopes": ["chat", "sessions"]}, headers=ann)
        by_key = {"authorization": f"Bearer {made.json()['key']}"}
        where = chat_path(session_id) if path == "chat" else "/ws/events"

        async def hello_then_end(lifetime_ms: int) -> bool:
            """False: its time was over before it was let in."""
            until_ms = now_ms() + lifetime_ms
            await app_of(client).database.write(lambda db: db.exec(update(ApiKey).values(expires_at_ms=until_ms)))
            async with live(client, where, by_key) as socket:
                closing = asyncio.create_task(socket.closed())
                await until(closing.done, lifetime_ms / 1000 + 2)
                assert (await closing)[0] == CloseCode.AUTH_ENDED
                return [frame["type"] for frame in socket.seen[:1]] == ["hello"]

        assert await hello_then_end(700) or await hello_then_end(20_000)
