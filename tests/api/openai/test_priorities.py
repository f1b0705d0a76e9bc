"""Who is waited for: what a request says of itself, what a key is for, and what nobody asked for."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bdchat.engine.request import Priority
from bdchat.settings import GenerationSettings, Settings
from tests.api.serving import USER, error_of, over_http, signed_in
from tests.api.talking import begin, got
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
BATCH, INTERACTIVE = Priority.BATCH, Priority.INTERACTIVE


async def key_of(client: httpx.AsyncClient, headers: Mapping[str, str], **more: Any) -> dict[str, str]:
    body = {"name": "night", "scopes": ["chat", "sessions"], **more}
    made = await client.post("/api/keys", json=body, headers=headers)
    assert made.status_code == 201, made.text
    return {"x-api-key": made.json()["key"]}


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize(
    ("said", "told", "meant"),
    [
        ("flex", "flex", BATCH),
        ("auto", "default", INTERACTIVE),
        ("default", "default", INTERACTIVE),
        ("priority", "priority", INTERACTIVE),
        (None, None, INTERACTIVE),
        (["flex"], None, INTERACTIVE),
    ],
)
async def test_flex_may_wait_and_the_answer_says_what_was_used(
    said: object, told: str | None, meant: Priority, *, store: bool
) -> None:
    engine = FakeEngine()
    async with over_http(engine) as client:
        answer = await client.post(URL, json={"messages": USER, "service_tier": said, "store": store})
        assert answer.json().get("service_tier") == told
        assert [request.priority for request in engine.requests] == [meant]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (URL, {"messages": USER}),
        (URL, {"messages": USER, "store": True}),
        ("/v1/completions", {"prompt": "a"}),
        ("/v1/fim/completions", {"prompt": "a"}),
        ("/v1/completion", {"prompt": "a"}),
        ("/v1/infill", {"input_prefix": "a"}),
    ],
)
async def test_what_a_bulk_key_asks_may_wait_unless_it_says_otherwise(path: str, body: dict[str, Any]) -> None:
    engine = FakeEngine(has_fim=True)
    async with over_http(engine) as client:
        ann = await signed_in(client)
        bulk = await key_of(client, ann, is_bulk=True)
        usual = await key_of(client, ann)
        for headers, tier in ((bulk, None), (bulk, "auto"), (bulk, "default"), (usual, None), (usual, "flex")):
            answer = await client.post(path, json=body | {"service_tier": tier}, headers=headers)
            assert answer.status_code == 200, answer.text
            if path == URL and headers is bulk:
                assert answer.json()["service_tier"] == ("default" if tier == "default" else "flex")
        meant = [BATCH, BATCH, INTERACTIVE, INTERACTIVE, BATCH]
        assert [request.priority for request in engine.requests] == meant


async def test_a_bulk_key_is_shown_as_one_and_made_so_only_by_saying_it() -> None:
    async with over_http() as client:
        admin = await signed_in(client, admin=True)
        await key_of(client, admin, name="usual")
        await key_of(client, admin, is_bulk=True)
        shown = (await got(client, "/api/keys", admin))["data"]
        managed = (await got(client, "/api/admin/keys", admin))["data"]
        assert [(key["name"], key["is_bulk"]) for key in shown] == [("night", True), ("usual", False)]
        assert [(key["name"], key["is_bulk"]) for key in managed] == [("night", True), ("usual", False)]
        (entry,) = [
            each for each in (await got(client, "/api/admin/audit", admin))["data"] if "is_bulk" in each["detail"]
        ]
        assert (entry["action"], entry["detail"]["is_bulk"]) == ("key.create", True)
        refused = await client.post("/api/keys", json={"name": "x", "is_bulk": "yes"}, headers=admin)
        assert error_of(refused, 400)["param"] == "is_bulk"


async def test_titles_wait_and_chats_do_not() -> None:
    engine = FakeEngine()
    async with over_http(engine) as client:
        ann = await signed_in(client)
        session_id = await begin(client, ann)
        body = {"messages": USER, "store": True, "metadata": {"session_id": session_id}}
        assert (await client.post(URL, json=body, headers=ann)).status_code == 200
        await until(lambda: len(engine.requests) == 2)
        answer, title = engine.requests
        assert (answer.priority, title.priority) == (INTERACTIVE, BATCH)


async def test_an_answer_that_a_bulk_key_began_and_somebody_continues_is_waited_for() -> None:
    engine = FakeEngine()
    async with over_http(engine, settings=Settings(generations=GenerationSettings(makes_titles=False))) as client:
        ann = await signed_in(client)
        bulk = await key_of(client, ann, is_bulk=True)
        session_id = await begin(client, ann)
        body = {"messages": USER, "store": True, "max_tokens": 4, "metadata": {"session_id": session_id}}
        first = (await client.post(URL, json=body, headers=bulk)).json()
        assert first["service_tier"] == "flex"
        message_id = (await got(client, f"/api/sessions/{session_id}/messages", ann))["data"][-1]["message_id"]
        for headers in (bulk, ann):
            await client.post(f"/api/messages/{message_id}/continue", json={}, headers=headers)
        asked = engine.requests
        assert [request.priority for request in asked] == [BATCH, BATCH, INTERACTIVE][: len(asked)]
        assert len(asked) >= 2
