"""/api/admin/users: accounts in an admin's hands, and that nobody else gets at them."""

import asyncio
import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.api.http.endpoints import DeclaredRoute
from bdchat.store.accounts import oversight, users
from bdchat.store.chats import messages, sessions
from tests.api.people import audited, bearer, log_in
from tests.api.serving import PASSWORD, USER, app_of, error_of, in_process, signed_in
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def id_of(client: httpx.AsyncClient, username: str) -> str:
    user = await app_of(client).database.read(lambda db: users.by_name(db, username))
    assert user is not None
    return user.user_id


async def test_every_admin_endpoint_is_for_admins(client: httpx.AsyncClient) -> None:
    """Read from the route table: a new one without its check fails here."""
    app = app_of(client)
    ann = await signed_in(client, "ann")
    admin = await signed_in(client, "root", admin=True)
    made = await client.post("/api/keys", json={"name": "x", "scopes": ["chat", "sessions"]}, headers=admin)
    key = {"x-api-key": made.json()["key"]}  # an admin's, but not an admin's scope
    routes = [route for route in app.routes if isinstance(route, DeclaredRoute)]
    endpoints = [each for route in routes for each in route.endpoints if each.path.startswith("/api/admin")]
    assert len(endpoints) >= 12
    for endpoint in endpoints:
        assert endpoint.auth == "admin", endpoint.path
        path = re.sub(r"\{\w+\}", "x", endpoint.path)
        for headers, status in ((ann, 403), (key, 403), ({}, 401)):
            error_of(await client.request(endpoint.method, path, headers=headers), status)
    await app.bus.aclose()


async def test_accounts_are_listed_and_searched(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    for name in ("ann", "anna", "bob"):
        await signed_in(client, name)
    first = (await client.get("/api/admin/users", params={"limit": "3"}, headers=admin)).json()
    rest = await client.get("/api/admin/users", params={"limit": "3", "cursor": first["next_cursor"]}, headers=admin)
    assert [user["username"] for user in first["data"] + rest.json()["data"]] == ["bob", "anna", "ann", "root"]
    assert rest.json()["next_cursor"] is None
    assert first["data"][0]["num_logins"] == 1
    assert "password_hash" not in str(first)
    await client.patch(f"/api/admin/users/{first['data'][0]['user_id']}", json={"email": "B@x.kr"}, headers=admin)
    (by_email,) = (await client.get("/api/admin/users", params={"search": "b@X"}, headers=admin)).json()["data"]
    assert (by_email["username"], by_email["email"]) == ("bob", "B@x.kr")
    found = (await client.get("/api/admin/users", params={"search": "ANN"}, headers=admin)).json()
    assert [user["username"] for user in found["data"]] == ["anna", "ann"]


async def test_an_account_is_made_with_a_password_that_is_shown_once(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    wanted = {"username": "ann", "role": "admin", "display_name": "Ann"}
    made = await client.post("/api/admin/users", json=wanted, headers=admin)
    assert made.status_code == 201
    assert made.json()["user"]["role"] == "admin"
    await bearer(client, "ann", made.json()["password"])
    again = await client.post("/api/admin/users", json=wanted, headers=admin)
    assert error_of(again, 409)["param"] == "username"
    assert made.json()["password"] not in str(await audited(client))


async def test_a_new_role_holds_at_once(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    one = f"/api/admin/users/{await id_of(client, 'ann')}"
    error_of(await client.get("/api/admin/users", headers=ann), 403)
    assert (await client.patch(one, json={"role": "admin"}, headers=admin)).json()["role"] == "admin"
    assert (await client.get("/api/admin/users", headers=ann)).status_code == 200
    root = f"/api/admin/users/{await id_of(client, 'root')}"
    assert (await client.patch(root, json={"role": "user"}, headers=ann)).status_code == 200
    error_of(await client.get("/api/admin/users", headers=admin), 403)
    for change in ({"role": "user"}, {"is_disabled": True}):
        assert "only admin" in error_of(await client.patch(one, json=change, headers=ann), 409)["message"]
    error_of(await client.delete(one, headers=ann), 409)
    assert (await client.get("/api/admin/users", headers=ann)).status_code == 200


async def test_a_disabled_account_is_out_at_once_and_comes_back(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    key = (await client.post("/api/keys", json={"name": "x"}, headers=ann)).json()["key"]
    assert (await client.get("/v1/models", headers={"x-api-key": key})).status_code == 200
    one = f"/api/admin/users/{await id_of(client, 'ann')}"
    assert (await client.patch(one, json={"is_disabled": True}, headers=admin)).json()["is_disabled"] is True
    error_of(await client.get("/api/profile", headers=ann), 401)
    error_of(await client.get("/v1/models", headers={"x-api-key": key}), 401)
    error_of(await log_in(client, "ann"), 401)
    await client.patch(one, json={"is_disabled": False}, headers=admin)
    assert (await client.get("/v1/models", headers={"x-api-key": key})).status_code == 200
    error_of(await client.get("/api/profile", headers=ann), 401)  # its logins are gone
    await bearer(client, "ann")


async def test_a_password_is_replaced_by_one_that_is_shown_once(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    one = f"/api/admin/users/{await id_of(client, 'ann')}/password"
    reset = (await client.post(one, headers=admin)).json()
    error_of(await client.get("/api/profile", headers=ann), 401)
    error_of(await log_in(client, "ann", PASSWORD), 401)
    await bearer(client, "ann", reset["password"])
    assert len(reset["password"]) >= 20


async def test_an_account_is_signed_out_everywhere(client: httpx.AsyncClient) -> None:
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    other = await signed_in(client, "ann")
    one = f"/api/admin/users/{await id_of(client, 'ann')}/sessions"
    assert (await client.delete(one, headers=admin)).json() == {"num_ended": 2}
    for headers in (ann, other):
        error_of(await client.get("/api/profile", headers=headers), 401)
    await bearer(client, "ann")


async def test_a_quota_is_set_and_taken_away(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    one = f"/api/admin/users/{await id_of(client, 'root')}/quota"
    assert (await client.put(one, json={"quota_bytes": 5000}, headers=admin)).json()["quota_bytes"] == 5000
    assert (await client.put(one, json={}, headers=admin)).json()["quota_bytes"] is None
    assert error_of(await client.put(one, json={"quota_bytes": -1}, headers=admin), 400)["param"] == "quota_bytes"


async def test_an_account_goes_with_all_that_is_its_own() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(token_gate=gate.wait)
    async with in_process(engine) as client:
        admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
        user_id = await id_of(client, "ann")
        app = app_of(client)

        def write(db: object) -> str:
            session = sessions.create(db, user_id, title="Secret")  # type: ignore[arg-type]
            messages.append(db, session, parent_id=None, role="user", content="secret", author_id=user_id)  # type: ignore[arg-type]
            return session.session_id

        session_id = await app.database.write(write)
        running = asyncio.create_task(client.post("/v1/chat/completions", json={"messages": USER}, headers=ann))
        while not engine.num_running:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert (await client.delete(f"/api/admin/users/{user_id}", headers=admin)).status_code == 200
        ended = await running
        assert error_of(ended, 503)["code"] == "ended_by_admin"
        assert ended.headers["x-should-retry"] == "false"
        error_of(await client.get("/api/profile", headers=ann), 401)
        error_of(await client.get(f"/api/admin/users/{user_id}", headers=admin), 404)
        error_of(await client.delete(f"/api/admin/users/{user_id}", headers=admin), 404)
        assert await app.database.read(oversight.totals) == oversight.Totals(1, 0, 0)
        assert engine.forgotten == [session_id]  # and the states of their chats


async def test_every_change_is_in_the_audit_log_with_who_did_it(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    await signed_in(client, "ann")
    user_id = await id_of(client, "ann")
    one = f"/api/admin/users/{user_id}"
    await client.patch(one, json={"role": "admin"}, headers=admin)
    await client.put(f"{one}/quota", json={"quota_bytes": 1}, headers=admin)
    await client.post(f"{one}/password", headers=admin)
    await client.delete(f"{one}/sessions", headers=admin)
    await client.delete(one, headers=admin)
    actions = ("user.change", "user.quota", "user.reset_password", "user.sign_out", "user.delete")
    assert await audited(client) == [(action, "root", user_id) for action in actions]


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "", {"username": "x"}, "username"),
        ("POST", "", {"username": "xyz", "role": "root"}, "role"),
        ("POST", "", {"username": "xyz", "password": "mine"}, "password"),
        ("PATCH", "/x", {"role": "guest"}, "role"),
        ("PATCH", "/x", {"username": "new"}, "username"),
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?cursor=%00", None, "cursor"),
        ("GET", f"?search={'x' * 101}", None, "search"),
    ],
)
async def test_a_bad_request_names_its_field(
    client: httpx.AsyncClient, method: str, path: str, body: object, param: str
) -> None:
    admin = await signed_in(client, "root", admin=True)
    refused = await client.request(method, f"/api/admin/users{path}", json=body, headers=admin)
    assert error_of(refused, 400)["param"] == param


@pytest.mark.parametrize("user_id", ["0" * 32, "%00", "x" * 65, ".."])
async def test_who_is_not_there_is_404(client: httpx.AsyncClient, user_id: str) -> None:
    admin = await signed_in(client, "root", admin=True)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"role": "user"}),
        ("DELETE", "", None),
        ("PUT", "/quota", {}),
        ("POST", "/password", None),
        ("DELETE", "/sessions", None),
    ):
        url = f"http://localhost/api/admin/users/{user_id}{path}"
        if user_id != "..":
            error_of(await client.request(method, url, json=body, headers=admin), 404)
    assert app_of(client).passwords.num_hashings == 0
