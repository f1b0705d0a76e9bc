"""Stored responses that ended otherwise than with whole words, or long ago, and what a later one goes on from then."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlmodel import select

from bdchat.engine.errors import GenerationFailed
from bdchat.settings import Settings, StoreSettings
from bdchat.store.chats import generations
from bdchat.store.ids import now_ms
from bdchat.store.retention import Limits, sweep
from bdchat.store.tables import Generation
from tests.api.serving import app_of, in_process, opened, signed_in
from tests.fake_engine import FakeEngine
from tests.patience import eventually

pytestmark = pytest.mark.anyio
URL = "/v1/responses"
NEXT = ("user", "and now?", 0)
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Seoul"}}\n</tool_call>'


async def post(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.post(URL, json={"input": "hi"} | fields)).json()
    return answer


async def shown_after(client: httpx.AsyncClient, fake: FakeEngine, response_id: str) -> list[tuple[str, str, int]]:
    """(role, content, calls) of the next response's prompt."""
    after = await post(client, previous_response_id=response_id, input="and now?")
    assert after.get("status") == "completed", after
    messages = fake.requests[-1].prompt.messages  # type: ignore[union-attr]  # a chat
    return [(message.role, message.content, len(message.tool_calls)) for message in messages]


async def test_a_call_that_was_cut_is_gone_on_from_as_far_as_it_came(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    fake.pieces = tuple(CALL)
    first = await post(client, tools=[WEATHER], max_output_tokens=50)
    assert (first["status"], first["output"][0]["status"]) == ("incomplete", "incomplete")
    fake.pieces = ("ok",)
    assert await shown_after(client, fake, first["id"]) == [("user", "hi", 0), ("assistant", "", 1), NEXT]


async def test_a_turn_without_a_word_stays_a_turn(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    """One that said nothing, and one that was stopped before its first word: templates exist that want turns to
    alternate."""
    fake.pieces = ()
    silent = await post(client)
    assert (silent["status"], text_of(silent)) == ("completed", "")
    fake.pieces, fake.token_gate = ("never", "said"), asyncio.Event().wait
    begun = await post(client, background=True)
    stopped = (await client.post(f"{URL}/{begun['id']}/cancel")).json()
    assert (stopped["status"], text_of(stopped)) == ("cancelled", "")
    fake.token_gate, fake.pieces = None, ("ok",)
    for response_id in (silent["id"], begun["id"]):
        assert await shown_after(client, fake, response_id) == [("user", "hi", 0), ("assistant", "", 0), NEXT]


async def test_what_failed_says_so_wherever_it_is_read_and_is_not_gone_on_from(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    fake.failure = GenerationFailed("it broke")
    first = await post(client, background=True)
    path = f"{URL}/{first['id']}"

    async def failed() -> dict[str, Any] | None:
        found: dict[str, Any] = (await client.get(path)).json()
        return found if found["status"] == "failed" else None

    found = await eventually(failed)
    assert (found["error"], text_of(found)) == ({"code": "server_error", "message": "it broke"}, "Hello world")
    events = events_in((await client.get(f"{path}?stream=true")).text)
    assert events[-1] == {"type": "response.failed", "response": found, "sequence_number": len(events) - 1}
    assert events_in((await client.get(f"{path}?stream=true&starting_after=4")).text) == events[5:]
    fake.failure = None
    refusal = (await post(client, previous_response_id=first["id"]))["error"]
    assert (refusal["param"], "failed" in refusal["message"]) == ("previous_response_id", True)


async def test_what_a_restart_cut_off_for_good_has_failed(client: httpx.AsyncClient) -> None:
    first = await post(client)

    def interrupt(db: Any) -> None:
        generations.get(db, first["id"]).state = "interrupted"

    await app_of(client).database.write(interrupt)
    refusal = (await post(client, previous_response_id=first["id"]))["error"]
    assert "failed" in refusal["message"]


async def test_it_is_over_after_a_while_as_a_completion_is(client: httpx.AsyncClient) -> None:
    """store.completion_retention_days; who has no account: guest_retention_days."""
    ann = await signed_in(client, "ann")
    ids = [(await client.post(URL, json={"input": "hi"}, headers=headers)).json()["id"] for headers in ({}, ann)]
    days = 24 * 3600 * 1000
    settings = app_of(client).settings
    database = app_of(client).database
    for num_days, left in ((6, ids), (8, ids[1:]), (31, [])):
        limits = Limits.at(now_ms() + num_days * days, settings.auth, settings.generations, settings.store)
        await sweep(database, limits)
        assert list(await database.read(lambda db: db.exec(select(Generation.generation_id)).all())) == left


async def test_what_nobody_asked_to_store_makes_room_and_is_not_refused() -> None:
    """64 MiB are some hundred turns of a program that says nothing of `store`: all that came without an account were
    refused then, for a week."""
    settings = Settings(store=StoreSettings(guest_quota_bytes=30_000))
    async with in_process(FakeEngine(n_ctx=100_000), settings=settings) as client:
        app = await opened(client)
        await app.durable.start()
        kept = await post(client, input="x" * 2000, store=True)
        unasked = [await post(client, input="x" * 2000) for _ in range(12)]
        assert {answer["store"] for answer in unasked} == {True}
        found = [(await client.get(f"{URL}/{answer['id']}")).status_code for answer in (kept, *unasked)]
        assert (found[0], found[1], found[-1]) == (200, 404, 200)
        assert (await client.post(URL, json={"input": "x" * 40_000, "store": True})).status_code == 403
        large = await post(client, input="x" * 40_000)
        assert (large["status"], large["store"]) == ("completed", False)
        assert (await client.get(f"{URL}/{kept['id']}")).status_code == 200
        await app.generations.drain(timeout_s=0)
        await app.durable.aclose()


def text_of(response: dict[str, Any]) -> str:
    text: str = response["output"][0]["content"][0]["text"]
    return text


def events_in(body: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line.startswith("data: ")]
