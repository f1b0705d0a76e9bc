"""A password that an admin made: passed on as a link, and changed before anything else."""

from collections.abc import AsyncGenerator
from urllib.parse import parse_qs

import httpx
import pytest

from tests.api.people import bearer
from tests.api.serving import PASSWORD, error_of, in_process, signed_in

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def test_a_password_that_an_admin_made_is_changed_before_anything_else(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    made = (await client.post("/api/admin/users", json={"username": "ann"}, headers=admin)).json()
    ann = await bearer(client, "ann", made["password"])
    me = (await client.get("/api/auth/me", headers=ann)).json()
    assert me["user"]["must_change_password"] is True
    for method, path in (("GET", "/api/profile"), ("GET", "/v1/models"), ("POST", "/api/keys"), ("GET", "/nope")):
        refused = error_of(await client.request(method, path, headers=ann), 403)
        assert refused["code"] == "password_change_needed"

    async def change(new: str) -> httpx.Response:
        body = {"current_password": made["password"], "new_password": new}
        return await client.post("/api/auth/password", json=body, headers=ann)

    same = error_of(await change(made["password"]), 400)
    assert (same["param"], same["code"]) == ("new_password", "password_same")
    assert (await change(PASSWORD)).status_code == 200
    assert (await client.get("/api/profile", headers=ann)).json()["must_change_password"] is False
    reset = (await client.post(f"/api/admin/users/{made['user']['user_id']}/password", headers=admin)).json()
    again = await bearer(client, "ann", reset["password"])
    assert error_of(await client.get("/api/profile", headers=again), 403)["code"] == "password_change_needed"
    assert (await client.post("/api/auth/logout", headers=again)).status_code == 200


async def test_the_link_of_a_new_account_keeps_its_password_from_every_log(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    made = (await client.post("/api/admin/users", json={"username": "Kim 철수"}, headers=admin)).json()
    page, _, secret = made["link"]["address"].partition("#")
    assert page == "http://127.0.0.1:8000/login"  # what is sent to a server
    assert parse_qs(secret) == {"name": ["Kim 철수"], "password": [made["password"]]}
    assert made["link"]["qr"].startswith("data:image/svg+xml")
