"""/api/keys: made once shown once, bounded by scopes and time, revoked at once."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.store.accounts import keys
from bdchat.store.ids import now_ms
from bdchat.store.tables import ApiKey
from tests.api.people import alter, audited
from tests.api.serving import USER, app_of, error_of, in_process, signed_in

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def new_key(client: httpx.AsyncClient, headers: dict[str, str], **wanted: object) -> dict[str, str]:
    made = await client.post("/api/keys", json={"name": "laptop", **wanted}, headers=headers)
    assert made.status_code == 201, made.text
    shown: dict[str, str] = made.json()
    return shown


def using(key: dict[str, str]) -> dict[str, str]:
    return {"x-api-key": key["key"]}


async def test_a_key_is_shown_once(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    made = await new_key(client, ann)
    assert made["key"].startswith(made["prefix"])
    assert made["prefix"].startswith("bd-")
    assert len(made["prefix"]) < 12
    listed = await client.get("/api/keys", headers=ann)
    (shown,) = listed.json()["data"]
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert made["key"] not in listed.text
    (row,) = await app_of(client).database.read(lambda db: keys.list_of(db, _user_of(db, made["key_id"])))
    assert made["key"] not in repr(row)
    assert ("key.create", "ann", made["key_id"]) in await audited(client)


def _user_of(db: object, key_id: str) -> str:
    key = db.get(ApiKey, key_id)  # type: ignore[attr-defined]
    return str(key.user_id)


async def test_scopes_bound_what_a_key_opens(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    chat = using(await new_key(client, ann))
    sessions = using(await new_key(client, ann, scopes=["sessions"]))
    assert (await client.post(CHAT, json={"messages": USER}, headers=chat)).status_code == 200
    for path in ("/api/sessions", "/api/profile", "/api/search?q=x"):
        assert "'sessions'" in error_of(await client.get(path, headers=chat), 403)["message"]
        assert (await client.get(path, headers=sessions)).status_code == 200
    refused = await client.post(CHAT, json={"messages": USER}, headers=sessions)
    assert "'chat'" in error_of(refused, 403)["message"]


async def test_a_key_makes_no_keys_and_changes_no_password(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    key = using(await new_key(client, admin, scopes=["chat", "sessions", "admin"]))
    for method, path, body in (
        ("GET", "/api/keys", None),
        ("POST", "/api/keys", {"name": "x"}),
        ("PATCH", "/api/keys/x", {"name": "x"}),
        ("DELETE", "/api/keys/x", None),
        ("GET", "/api/auth/sessions", None),
        ("DELETE", "/api/auth/sessions", None),
        ("POST", "/api/auth/logout", None),
        ("POST", "/api/auth/password", {"current_password": "x", "new_password": "y"}),
    ):
        assert error_of(await client.request(method, path, json=body, headers=key), 403)["code"] == "forbidden"


async def test_only_an_admins_key_may_be_an_admins(client: httpx.AsyncClient) -> None:
    refused = await client.post(
        "/api/keys", json={"name": "x", "scopes": ["chat", "admin"]}, headers=await signed_in(client, "ann")
    )
    error_of(refused, 403)


async def test_a_revoked_key_opens_nothing_from_then_on(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client, "ann"), await signed_in(client, "bob")
    key = await new_key(client, ann)
    path = f"/api/keys/{key['key_id']}"
    assert (await client.get("/v1/models", headers=using(key))).status_code == 200  # and is remembered
    error_of(await client.delete(path, headers=bob), 404)
    error_of(await client.patch(path, json={"name": "mine"}, headers=bob), 404)
    assert (await client.patch(path, json={"name": "desk"}, headers=ann)).json()["name"] == "desk"
    assert (await client.delete(path, headers=ann)).status_code == 200
    error_of(await client.get("/v1/models", headers=using(key)), 401)
    error_of(await client.delete(path, headers=ann), 404)
    assert (await client.get("/api/keys", headers=ann)).json()["data"] == []


async def test_a_key_ends_with_its_time(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    key = await new_key(client, ann, expires_in_days=1)
    assert abs(int(key["expires_at_ms"]) - now_ms() - 86_400_000) < 60_000
    await alter(client, ApiKey, expires_at_ms=now_ms() - 1)
    error_of(await client.get("/v1/models", headers=using(key)), 401)


async def test_when_a_key_was_used_is_remembered(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    key = await new_key(client, ann)
    assert key["last_used_at_ms"] is None
    await client.get("/v1/models", headers=using(key))
    await app_of(client).authenticator.aclose()
    (shown,) = (await client.get("/api/keys", headers=ann)).json()["data"]
    assert abs(shown["last_used_at_ms"] - now_ms()) < 60_000


async def test_there_is_an_end_to_keys(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    made = await new_key(client, ann)

    def fill(db: object) -> None:
        for n in range(keys.MAX_KEYS - 1):
            keys.create(db, _user_of(db, made["key_id"]), key_hash=str(n), prefix="bd-x")  # type: ignore[arg-type]

    await app_of(client).database.write(fill)
    refused = await client.post("/api/keys", json={"name": "one more"}, headers=ann)
    assert error_of(refused, 409)["code"] == "too_many_keys"


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["root"]}, "scopes[0]"),
        ({"name": "x", "expires_in_days": 0}, "expires_in_days"),
        ({"name": "x", "expires_in_days": 4000}, "expires_in_days"),
        ({"name": "x", "key": "bd-mine"}, "key"),
    ],
)
async def test_a_bad_wish_names_its_field(client: httpx.AsyncClient, wanted: dict[str, object], param: str) -> None:
    refused = await client.post("/api/keys", json=wanted, headers=await signed_in(client))
    assert error_of(refused, 400)["param"] == param
