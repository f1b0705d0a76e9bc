"""What the server does right now, as an admin sees it, and ending it."""

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.api.admin.engine import Pace
from bdchat.engine.inspection import SequenceState
from bdchat.engine.metrics import Counts
from tests.api.people import audited
from tests.api.serving import USER, app_of, error_of, in_process, over_http, signed_in
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def test_the_overview_counts_people_chats_and_refusals(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    await client.post("/api/sessions", json={"title": "x"}, headers=ann)
    error_of(await client.get("/api/sessions/nothing", headers=ann), 404)
    await client.post(CHAT, json={"messages": USER}, headers=ann)
    with app_of(client).open_sockets.another("u1"), app_of(client).open_sockets.another("u1"):
        seen = (await client.get("/api/admin/overview", headers=admin)).json()
    assert (seen["num_users"], seen["num_sessions"], seen["num_messages"]) == (2, 1, 0)
    assert (seen["num_people_online"], seen["num_sockets"]) == (1, 2)
    assert (seen["errors_last_hour"], seen["num_failures_last_hour"]) == ({"not_found": 1}, 0)
    assert seen["database_version"].startswith("SQLite ")
    assert 0 < seen["free_memory_bytes"] <= seen["total_memory_bytes"]
    assert seen["rates"] == {"read_per_s": None, "written_per_s": None}
    await client.post(CHAT, json={"messages": USER}, headers=ann)
    assert (await client.get("/api/admin/overview", headers=admin)).json()["cache_hit_share"] > 0


async def test_an_engine_is_seen_with_its_cells_and_whose_they_are() -> None:
    gate = asyncio.Event()
    counts = Counts()
    counts.prompt_tokens_cached, counts.prompt_tokens_from_ram, counts.prompt_tokens_from_disk = 90, 30, 20
    counts.prompt_tokens_computed = 10
    engine = FakeEngine(token_gate=gate.wait, counts=counts, pid=77)
    async with over_http(engine) as client:
        admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
        running = asyncio.create_task(client.post(CHAT, json={"messages": USER}, headers=ann))
        await until(lambda: app_of(client).generations.num_running)
        (generation,) = app_of(client).generations.running
        engine.sequences = (
            SequenceState(state="writing", request_id=generation.request.request_id, num_cells=5, num_own_cells=2),
            SequenceState(state="waiting", request_id="somebody's", queue_position=1),
            SequenceState(state="idle", num_cells=40),
        )
        (seen,) = (await client.get("/api/admin/engine", headers=admin)).json()["data"]
        gate.set()
        await running
    assert (seen["model"], seen["state"], seen["pid"], seen["is_default"]) == ("fake", "ready", 77, True)
    assert seen["prompt_tokens_cached"] == {"resident": 40, "ram": 30, "disk": 20}
    assert seen["info"]["n_ctx"] == 4096
    writing, waiting, idle = seen["sequences"]
    assert (writing["username"], writing["num_cells"], writing["num_own_cells"]) == ("ann", 5, 2)
    assert (waiting["username"], waiting["queue_position"]) == (None, 1)
    assert (idle["state"], idle["num_cells"], idle["user_id"]) == ("idle", 40, None)


async def test_the_last_requests_name_their_users(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    for headers in ({}, ann):
        await client.post(CHAT, json={"messages": USER}, headers=headers)
    last, first = (await client.get("/api/admin/requests", headers=admin)).json()["data"]
    assert (first["username"], last["username"]) == (None, "ann")
    assert (last["state"], last["num_written_tokens"]) == ("complete", len("Hello world"))
    assert first["num_read_tokens"] == last["num_read_tokens"] + last["num_cached_tokens"]
    assert "hi" not in last.values()


async def test_a_bare_call_is_seen_and_ended() -> None:
    engine = FakeEngine(token_gate=asyncio.Event().wait)
    async with over_http(engine) as client:
        admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
        calls = [
            asyncio.create_task(client.post(CHAT, json={"messages": USER, "stream": stream}, headers=ann))
            for stream in (False, True)
        ]
        await until(lambda: engine.num_running == 2)
        seen = (await client.get("/api/admin/generations", headers=admin)).json()["data"]
        assert [(each["username"], each["model"], each["is_stored"]) for each in seen] == [("ann", "fake", False)] * 2
        for each in seen:
            path = f"/api/admin/generations/{each['generation_id']}"
            assert (await client.delete(path, headers=admin)).status_code == 200
        whole, stream = [await call for call in calls]
        assert error_of(whole, 503)["code"] == "ended_by_admin"
        assert "ended_by_admin" in stream.text
        assert (await client.get("/api/admin/generations", headers=admin)).json()["data"] == []
        assert [action for action, _, _ in await audited(client)] == ["generation.cancel"] * 2
        error_of(await client.delete("/api/admin/generations/nothing", headers=admin), 404)


async def test_a_stored_answer_is_seen_with_its_chat_and_keeps_its_text_when_ended() -> None:
    pieces_left = asyncio.Semaphore(1)
    engine = FakeEngine(token_gate=pieces_left.acquire)
    async with over_http(engine) as client:
        admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
        session_id = (await client.post("/api/sessions", json={"title": "Chat"}, headers=ann)).json()["session_id"]
        body = {"messages": USER, "store": True, "stream": True, "metadata": {"session_id": session_id}}
        answer = asyncio.create_task(client.post(CHAT, json=body, headers=ann))
        await until(lambda: any(running.num_written_tokens for running in app_of(client).durable.running()))
        (seen,) = (await client.get("/api/admin/generations", headers=admin)).json()["data"]
        assert (seen["username"], seen["session_id"], seen["is_stored"]) == ("ann", session_id, True)
        path = f"/api/admin/generations/{seen['generation_id']}"
        assert (await client.delete(path, headers=admin)).status_code == 200
        await answer
        messages = (await client.get(f"/api/sessions/{session_id}/messages", headers=ann)).json()
        assert [(each["content"], each["status"]) for each in messages["data"]][-1] == ("Hel", "stopped")


def test_a_pace_is_told_from_one_ask_to_the_next() -> None:
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    assert pace.rates("m", 100, 10).read_per_s is None
    now[0] = 2.0
    rates = pace.rates("m", 300, 20)
    assert (rates.read_per_s, rates.written_per_s) == (100.0, 5.0)
    now[0] = 2.1  # two admins look at once
    assert pace.rates("m", 900, 90) == rates
    now[0] = 4.0
    assert pace.rates("m", 500, 20).written_per_s == 0.0
    assert pace.rates("m", 3, 0).read_per_s is None  # loaded anew: its counts begin again
