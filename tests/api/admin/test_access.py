"""Invitations and everybody's keys, in an admin's hands."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.settings import AuthSettings, Settings
from tests.api.people import audited, register
from tests.api.serving import error_of, in_process, signed_in

pytestmark = pytest.mark.anyio
INVITATIONS = "/api/admin/invitations"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process(settings=Settings(auth=AuthSettings(registration="invitation"))) as client:
        yield client


async def test_an_invitation_is_shown_once_and_lets_one_person_in(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    made = await client.post(INVITATIONS, json={"note": "for Bob", "expires_in_days": 1}, headers=admin)
    assert made.status_code == 201
    code, link = made.json()["code"], made.json()["link"]
    assert link["address"] == f"http://127.0.0.1:8000/register?code={code}"
    assert link["is_local_only"] is True  # of a server on loopback
    assert link["qr"].startswith("data:image/svg+xml")
    listed = await client.get(INVITATIONS, headers=admin)
    assert code not in listed.text
    assert [(each["note"], each["used_at_ms"]) for each in listed.json()["data"]] == [("for Bob", None)]
    bob = (await register(client, "bob", invitation=code)).json()["user"]
    error_of(await register(client, "eve", invitation=code), 403)
    (used,) = (await client.get(INVITATIONS, headers=admin)).json()["data"]
    assert used["used_by"] == bob["user_id"]
    assert bob["role"] == "user"


async def test_an_invitation_that_was_taken_back_opens_nothing(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    made = (await client.post(INVITATIONS, json={}, headers=admin)).json()
    path = f"{INVITATIONS}/{made['invitation_id']}"
    assert (await client.delete(path, headers=admin)).status_code == 200
    error_of(await client.delete(path, headers=admin), 404)
    error_of(await register(client, "bob", invitation=made["code"]), 403)
    actions = [action for action, _, _ in await audited(client)]
    assert actions == ["invitation.create", "invitation.revoke"]


async def test_everybodys_keys_are_seen_and_revoked(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    made = [(await client.post("/api/keys", json={"name": name}, headers=ann)).json() for name in ("one", "two")]
    await client.post("/api/keys", json={"name": "own"}, headers=admin)
    keys = (await client.get("/api/admin/keys", params={"limit": "2"}, headers=admin)).json()
    assert [(key["username"], key["name"]) for key in keys["data"]] == [("root", "own"), ("ann", "two")]
    params = {"user_id": keys["data"][1]["user_id"], "cursor": keys["next_cursor"]}
    rest = (await client.get("/api/admin/keys", params=params, headers=admin)).json()
    assert [key["name"] for key in rest["data"]] == ["one"]
    assert made[0]["key"] not in str(rest)
    using = {"x-api-key": made[0]["key"]}
    assert (await client.get("/v1/models", headers=using)).status_code == 200
    path = f"/api/admin/keys/{made[0]['key_id']}"
    assert (await client.delete(path, headers=admin)).status_code == 200
    error_of(await client.get("/v1/models", headers=using), 401)
    error_of(await client.delete(path, headers=admin), 404)
    error_of(await client.delete("/api/admin/keys/nothing", headers=admin), 404)
    gone = (await client.get("/api/admin/keys", params={"with_revoked": "true"}, headers=admin)).json()["data"]
    assert [key["name"] for key in gone if key["revoked_at_ms"]] == ["one"]
