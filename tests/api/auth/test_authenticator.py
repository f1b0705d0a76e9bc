"""Credentials: cookies and what another site's page cannot do with them, tokens and their end, the local guest."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from pydantic import SecretStr

from bdchat.api.auth.authenticator import new_token
from bdchat.settings import AuthSettings, ServerSettings, Settings
from bdchat.store.ids import now_ms
from bdchat.store.tables import LoginToken, User
from tests.api.people import FAR_AWAY, alter, credentials
from tests.api.serving import USER, app_of, error_of, in_process, opened, signed_in

pytestmark = pytest.mark.anyio
DAY_MS = 86_400_000
CHAT = "/v1/chat/completions"
PROXIED = {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"}


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def cookie(client: httpx.AsyncClient, **more: str) -> dict[str, str]:
    """Ann's, as a browser would send it."""
    await signed_in(client)
    response = await client.post("/api/auth/login", json=credentials(), headers=more)
    client.cookies.clear()
    return {"cookie": response.headers["set-cookie"].partition(";")[0]}


# --- cookies ----------------------------------------------------------------------------------------------------------


async def test_a_browsers_cookie_is_out_of_reach_of_scripts_and_other_sites(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    response = await client.post("/api/auth/login", json=credentials())
    name, *attributes = response.headers.get_list("set-cookie")[0].split("; ")
    assert name.startswith("bdchat=bdl-")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"]
    assert response.json()["token"] is None
    assert name.removeprefix("bdchat=") not in response.text


async def test_behind_tls_the_cookie_is_bound_to_host_and_https() -> None:
    settings = Settings(auth=AuthSettings(trusted_proxies=("127.0.0.1",)))
    async with in_process(settings=settings) as client:
        await signed_in(client)
        response = await client.post("/api/auth/login", json=credentials(), headers=PROXIED)
        name, *attributes = response.headers.get_list("set-cookie")[0].split("; ")
        assert name.startswith("__Host-bdchat=bdl-")
        assert "Secure" in attributes
        client.cookies.clear()
        secure = {"cookie": name, **PROXIED}
        assert (await client.get("/api/profile", headers=secure)).status_code == 200
        plain = {"cookie": name.removeprefix("__Host-"), **PROXIED}  # set over plain http by somebody in between
        error_of(await client.get("/api/profile", headers=plain), 401)


async def test_a_proxy_that_is_not_trusted_cannot_make_it_https(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    response = await client.post("/api/auth/login", json=credentials(), headers=PROXIED)
    assert response.headers["set-cookie"].startswith("bdchat=")


async def test_signing_in_again_replaces_the_browsers_login(client: httpx.AsyncClient) -> None:
    former = await cookie(client)
    own = former | {"origin": "http://localhost"}
    assert (await client.post("/api/auth/login", json=credentials(), headers=own)).status_code == 200
    client.cookies.clear()
    error_of(await client.get("/api/profile", headers=former), 401)


async def test_signing_out_takes_the_cookie_away(client: httpx.AsyncClient) -> None:
    own = await cookie(client) | {"origin": "http://localhost"}
    response = await client.post("/api/auth/logout", headers=own)
    assert response.headers["set-cookie"].startswith("bdchat=; Path=/; Max-Age=0")
    error_of(await client.get("/api/profile", headers=own), 401)


async def test_a_bad_cookie_is_no_guest(client: httpx.AsyncClient) -> None:
    await opened(client)
    for value in ("x", "bdl-" + "x" * 43, new_token("bd-")):
        error_of(await client.get("/v1/models", headers={"cookie": f"bdchat={value}"}), 401)


# --- other sites' pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},  # the same site to SameSite, another program to us
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {},  # no browser that could be trusted with a cookie
    ],
)
async def test_a_cookie_writes_for_our_own_pages_only(client: httpx.AsyncClient, foreign: dict[str, str]) -> None:
    sent = await cookie(client) | foreign
    for method, path in (("PATCH", "/api/profile"), ("POST", "/api/auth/logout"), ("DELETE", "/api/auth/sessions")):
        error_of(await client.request(method, path, headers=sent, json={"display_name": "x"}), 403)
    error_of(await client.post(CHAT, headers=sent, json={"messages": USER}), 403)
    assert (await client.get("/api/profile", headers=await cookie(client))).json()["display_name"] == ""


@pytest.mark.parametrize("own", [{"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}])
async def test_our_own_pages_may_write(client: httpx.AsyncClient, own: dict[str, str]) -> None:
    sent = await cookie(client) | own
    changed = await client.patch("/api/profile", headers=sent, json={"display_name": "x"})
    assert (changed.status_code, changed.json()["display_name"]) == (200, "x")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_no_form_writes_with_a_cookie(client: httpx.AsyncClient, media: str) -> None:
    sent = await cookie(client) | {"origin": "http://localhost", "content-type": media}
    error_of(await client.patch("/api/profile", headers=sent, content=b'{"display_name":"x"}'), 415)


async def test_a_cookie_and_a_token_count_as_the_token(client: httpx.AsyncClient) -> None:
    """A program that sends both is no browser's victim: pages cannot set Authorization for another site."""
    sent = await cookie(client) | await signed_in(client, "bob")
    assert (await client.get("/api/profile", headers=sent)).json()["username"] == "bob"
    wrong = sent | {"authorization": f"Bearer {new_token('bdl-')}"}
    error_of(await client.get("/api/profile", headers=wrong), 401)


# --- the end of a login -----------------------------------------------------------------------------------------------


async def test_a_login_unused_for_a_week_has_ended(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    await alter(client, LoginToken, last_used_at_ms=now_ms() - 7 * DAY_MS - 1)
    error_of(await client.get("/api/profile", headers=headers), 401)


async def test_a_login_ends_after_a_month_however_much_it_is_used(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    await alter(client, LoginToken, expires_at_ms=now_ms() - 1)
    error_of(await client.get("/api/profile", headers=headers), 401)


async def test_using_a_login_keeps_it_from_idling_out(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    long_ago = now_ms() - 6 * DAY_MS
    await alter(client, LoginToken, last_used_at_ms=long_ago)
    await client.get("/api/profile", headers=headers)
    await app_of(client).authenticator.aclose()  # "last used" is written behind the answer
    (login,) = (await client.get("/api/auth/sessions", headers=headers)).json()["data"]
    assert login["last_used_at_ms"] > long_ago


async def test_a_disabled_account_is_nobody(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    await alter(client, User, is_disabled=True)
    error_of(await client.get("/api/profile", headers=headers), 401)


async def test_a_resolved_token_costs_no_query(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    database = app_of(client).database
    await client.get("/v1/models", headers=headers)
    before = database.num_statements
    await client.get("/v1/models", headers=headers)
    assert database.num_statements == before


async def test_what_is_no_token_costs_no_query(client: httpx.AsyncClient) -> None:
    database = (await opened(client)).database
    before = database.num_statements
    for given in ("x", "bd-short", "bdl-" + "x" * 5000, "bd-" + "é" * 43):
        await client.get("/api/profile", headers={b"x-api-key": given.encode()})
    assert database.num_statements == before


# --- the local guest and the operator ---------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer sk-placeholder"}, {"x-api-key": "none"}])
async def test_on_this_machine_the_model_is_for_all(client: httpx.AsyncClient, given: dict[str, str]) -> None:
    await opened(client)
    assert (await client.post(CHAT, json={"messages": USER}, headers=given)).status_code == 200
    for path in ("/api/profile", "/api/sessions", "/api/keys", "/api/search?q=x"):
        error_of(await client.get(path, headers=given), 401)


async def test_off_this_machine_there_is_no_guest() -> None:
    async with in_process(address=FAR_AWAY) as client:
        await opened(client)
        error_of(await client.post(CHAT, json={"messages": USER}), 401)


async def test_a_local_proxys_client_is_no_guest(client: httpx.AsyncClient) -> None:
    await opened(client)
    error_of(await client.post(CHAT, json={"messages": USER}, headers={"x-forwarded-for": FAR_AWAY}), 401)


async def test_who_asks_by_another_name_is_no_guest() -> None:
    settings = Settings(server=ServerSettings(allowed_hosts=("chat.example",)))
    async with in_process(settings=settings) as client:
        await opened(client)
        error_of(await client.post(CHAT, json={"messages": USER}, headers={"host": "chat.example"}), 401)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(auth=AuthSettings(local_guest=False)),
        Settings(server=ServerSettings(api_key=SecretStr("the-operators-key"))),
    ],
)
async def test_the_guest_can_be_shut_out(settings: Settings) -> None:
    async with in_process(settings=settings) as client:
        await opened(client)
        error_of(await client.post(CHAT, json={"messages": USER}), 401)
        headers = await signed_in(client)
        assert (await client.post(CHAT, json={"messages": USER}, headers=headers)).status_code == 200


async def test_a_wrong_token_is_told_even_where_guests_may(client: httpx.AsyncClient) -> None:
    await opened(client)
    for given in (new_token("bd-"), new_token("bdl-")):
        error_of(await client.get("/v1/models", headers={"authorization": f"Bearer {given}"}), 401)
