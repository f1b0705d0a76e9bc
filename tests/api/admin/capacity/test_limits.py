"""What each account may ask of the models, as an admin sets it and sees it, with what it has running and waiting."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.api.admin.capacity import limits as shown_limits
from bdchat.api.generation.account_limits import AccountLimits
from bdchat.engine.inspection import SequenceState
from bdchat.settings import LimitSettings, Settings
from bdchat.store.accounts.users import OwnLimits
from tests.api.people import audited
from tests.api.serving import USER, app_of, error_of, over_http, signed_in
from tests.api.talking import got, id_of
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
SETTINGS = Settings(limits=LimitSettings(account_running=2, account_queue=5, account_tokens_per_minute=1000))
USUAL = {"max_running": 2, "max_queued": 5, "tokens_per_minute": 1000}
URL = "/v1/chat/completions"


@pytest.fixture
async def engine() -> FakeEngine:
    return FakeEngine(token_gate=asyncio.Event().wait)


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http(engine, settings=SETTINGS) as client:
        yield client


async def test_an_admin_gives_an_account_limits_of_its_own_that_hold_at_once_and_takes_them_away(
    client: httpx.AsyncClient,
) -> None:
    admin = await signed_in(client, "root", admin=True)
    ann = await signed_in(client, "ann")
    ann_id = await id_of(client, "ann")
    one = f"/api/admin/users/{ann_id}"
    changed = await client.put(f"{one}/limits", json={"max_running": 0, "tokens_per_minute": 3}, headers=admin)
    own = {"max_running": 0, "max_queued": None, "tokens_per_minute": 3}
    assert changed.json().items() >= own.items()
    assert (await got(client, one, admin)).items() >= own.items()
    (load,) = (await got(client, "/api/admin/limits", admin))["data"]
    assert load == {
        "user_id": ann_id,
        "username": "ann",
        "bounds": {"max_running": 0, "max_queued": 5, "tokens_per_minute": 3},
        "has_own": True,
        "num_running": 0,
        "num_waiting": 0,
        "num_tokens": 0,
    }
    app_of(client).account_limits.book(ann_id, {"prompt_tokens": 3})
    error_of(await client.post(URL, json={"messages": USER}, headers=ann), 429)
    assert (await client.put(f"{one}/limits", json={}, headers=admin)).json()["tokens_per_minute"] is None
    (load,) = (await got(client, "/api/admin/limits", admin))["data"]
    assert (load["bounds"], load["has_own"], load["num_tokens"]) == (USUAL, False, 3)
    assert await audited(client) == [("user.limits", "root", ann_id)] * 2


async def test_limits_are_there_after_a_restart(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    root_id = await id_of(client, "root")
    await client.put(f"/api/admin/users/{root_id}/limits", json={"max_queued": 7}, headers=admin)
    again = AccountLimits(SETTINGS.limits, app_of(client).database)
    await again.load()
    assert again.own() == {root_id: OwnLimits(max_queued=7)}
    assert (again.of(root_id).running, again.of(root_id).queued) == (2, 7)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_running": -1}, "max_running"),
        ({"max_queued": 10_001}, "max_queued"),
        ({"tokens_per_minute": 1.5}, "tokens_per_minute"),
        ({"tokens_per_minute": 10**10}, "tokens_per_minute"),
        ({"quota_bytes": 1}, "quota_bytes"),
    ],
)
async def test_a_bad_limit_is_named(client: httpx.AsyncClient, body: dict[str, Any], param: str) -> None:
    admin = await signed_in(client, "root", admin=True)
    one = f"/api/admin/users/{await id_of(client, 'root')}/limits"
    assert error_of(await client.put(one, json=body, headers=admin), 400)["param"] == param
    error_of(await client.put("/api/admin/users/nobody/limits", json={}, headers=admin), 404)
    assert app_of(client).account_limits.own() == {}


async def test_who_has_what_running_and_waiting_is_told_of_those_without_an_account_too(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    asked = [
        asyncio.create_task(client.post(URL, json={"messages": USER}, headers=headers))
        for headers in (ann, ann, ann, {})
    ]
    await until(lambda: engine.num_running == 4)
    states: tuple[Any, ...] = ("writing", "reading", "waiting")
    of_ann = [request.request_id for request in engine.requests if request.user]
    engine.sequences = (
        *(SequenceState(state=state, request_id=request_id) for state, request_id in zip(states, of_ann, strict=True)),
        SequenceState(state="idle"),
    )
    document = await got(client, "/api/admin/limits", admin)
    shown = [(each["username"], each["num_running"], each["num_waiting"]) for each in document["data"]]
    assert shown == [("ann", 2, 1), (None, 0, 1)]
    assert (document["usual"], document["num_more"]) == (USUAL, 0)
    assert document["data"][1]["user_id"] == ""
    for run in app_of(client).generations.running:
        run.cancel()
    await asyncio.gather(*asked)


async def test_of_many_accounts_those_that_use_most_are_told(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_limits, "MAX_SHOWN", 3)
    admin = await signed_in(client, "root", admin=True)
    for number in range(5):
        app_of(client).account_limits.book(f"user{number}", {"completion_tokens": 10 + number})
    document = await got(client, "/api/admin/limits", admin)
    assert [each["num_tokens"] for each in document["data"]] == [14, 13, 12]
    assert document["num_more"] == 2
