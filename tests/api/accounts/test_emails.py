"""An account's email: it signs in like the name, and is one account's alone."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.settings import AuthSettings, Settings
from tests.api.people import log_in, register
from tests.api.serving import error_of, in_process, signed_in

pytestmark = pytest.mark.anyio
OPEN = Settings(auth=AuthSettings(registration="open"))


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def test_an_email_signs_in_like_the_name_in_any_case() -> None:
    async with in_process(settings=OPEN) as client:
        made = await register(client, "ann", email=" Ann@Example.com ")
        assert made.json()["user"]["email"] == "Ann@Example.com"
        for typed in ("ann@example.COM", "ANN"):
            assert (await log_in(client, typed)).status_code == 200
        assert error_of(await log_in(client, "ann@example.org"), 401)["code"] == "login_failed"


async def test_an_email_is_one_accounts_and_nobodys_name() -> None:
    async with in_process(settings=OPEN) as client:
        await register(client, "ann", email="ann@example.com")
        await register(client, "bob@example.com")
        for email in ("ANN@example.com", "bob@example.com"):
            refused = error_of(await register(client, "cid", email=email), 409)
            assert (refused["param"], refused["code"]) == ("email", "email_taken")
        assert error_of(await register(client, "Ann@example.com"), 409)["param"] == "username"
        assert (await register(client, "cid", email="")).json()["user"]["email"] is None


async def test_a_profiles_email_changes_goes_and_is_free_again(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client, "ann"), await signed_in(client, "bob")
    for headers, email, status in ((ann, "a@b.kr", 200), (bob, "A@b.kr", 409), (ann, "A@B.kr", 200), (ann, "", 200)):
        assert (await client.patch("/api/profile", json={"email": email}, headers=headers)).status_code == status
    assert (await client.patch("/api/profile", json={"email": "A@b.kr"}, headers=bob)).json()["email"] == "A@b.kr"
    assert (await client.patch("/api/profile", json={"locale": "ko"}, headers=bob)).json()["email"] == "A@b.kr"


@pytest.mark.parametrize(
    "email", ["ann", "@b.kr", "a@", "a b@c.kr", "a@b@c.kr", "a@-b.kr", "a@b..kr", "a@b .kr", "x" * 65 + "@b.kr"]
)
async def test_what_is_no_email_names_its_field(client: httpx.AsyncClient, email: str) -> None:
    refused = error_of(await register(client, email=email), 400)
    assert (refused["param"], refused["code"]) == ("email", "email_form")
