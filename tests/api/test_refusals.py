"""Walks the refusals that people meet: the server's real answer, and the sentence that the page has for it."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.settings import AuthSettings, Settings
from tests.api.people import credentials, log_in, register
from tests.api.serving import USER, app_of, error_of, in_process, opened, signed_in
from tests.api.talking import Headers, fill_up, let_in, talk
from tests.refusal_texts import key_of, texts

pytestmark = pytest.mark.anyio
NOWHERE = "0" * 32


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


def said(response: httpx.Response, status: int) -> str:
    """The page's key for this answer; both languages have it."""
    key = key_of(str(error_of(response, status)["code"]))
    assert key in texts("ko")
    assert key in texts("en")
    return key


async def test_at_the_door(client: httpx.AsyncClient) -> None:
    await opened(client)
    refused: dict[str, dict[str, object]] = {
        "refusal.passwordLength": {"password": "short"},
        "refusal.passwordObvious": {"password": "password1"},
        "refusal.passwordIsName": {"username": "annabella", "password": "annabella"},
        "refusal.usernameForm": {"username": "a"},
        "refusal.usernameScript": {"username": "annа"},  # the last one is Cyrillic
        "refusal.displayNameForm": {"display_name": "a\u200bb"},
    }
    for key, fields in refused.items():
        answer = await client.post("/api/auth/register", json=credentials() | fields)
        assert said(answer, 400) == key, fields
    assert (await register(client)).status_code == 201
    assert said(await log_in(client, password="wrong"), 401) == "error.credentials"
    assert said(await register(client, "bob"), 403) == "refusal.registrationClosed"
    assert said(await register(client, "bob", invitation="USED-ONCE"), 403) == "refusal.invitationOver"
    for _ in range(10):
        answer = await log_in(client, "ann", "wrong")
    assert said(answer, 429) == "error.tooMany"


@pytest.mark.parametrize(
    ("mode", "username", "status", "key"),
    [
        ("invitation", "bob", 403, "refusal.invitationNeeded"),
        ("open", "ALICE", 409, "refusal.nameTaken"),
        ("open", "a1ice", 409, "refusal.nameLooksTaken"),
    ],
)
async def test_at_an_open_door(mode: Any, username: str, status: int, key: str) -> None:
    async with in_process(settings=Settings(auth=AuthSettings(registration=mode))) as client:
        await opened(client)
        await register(client, "alice")
        assert said(await register(client, username), status) == key


async def test_the_first_account_from_elsewhere() -> None:
    async with in_process(address="203.0.113.7") as client:
        await opened(client)
        assert said(await register(client), 403) == "refusal.setupCode"


async def test_in_a_chat(client: httpx.AsyncClient) -> None:
    ann, bob, eve = await signed_in(client), await signed_in(client, "bob"), await signed_in(client, "eve")
    chat, (question, _) = await talk(client, ann, "q", "a")
    await let_in(client, ann, chat, "bob", "reader")
    here = f"/api/sessions/{chat}"

    async def post(path: str, headers: Headers, **body: Any) -> httpx.Response:
        return await client.post(path, json=body, headers=headers)

    assert said(await client.get(here, headers=eve), 404) == "error.notFound"
    assert said(await client.get(f"/api/messages/{NOWHERE}", headers=ann), 404) == "error.notFound"
    assert said(await client.get(f"/api/shared/{NOWHERE}"), 404) == "error.notFound"
    assert said(await post(f"{here}/messages", bob, content="mine"), 403) == "error.readOnly"
    assert said(await client.delete(here, headers=bob), 403) == "error.ownerOnly"
    assert said(await post(f"{here}/members", ann, username="ann", role="reader"), 409) == "sharing.isOwner"
    assert said(await client.patch(here, json={"title": 5}, headers=ann), 400) == "error.refused"
    assert said(await post(f"{here}/messages", ann, content="x", nonsense=1), 400) == "error.refused"
    assert said(await post(f"/api/messages/{question}/continue", ann), 409) == "error.cannotContinue"
    assert said(await client.get("/api/of-a-newer-page", headers=ann), 404) == "line.outdated"
    asked = await post("/v1/chat/completions", ann, messages=USER, model="gone")
    assert said(asked, 404) == "error.noModel"
    await fill_up(client, "ann")
    assert said(await post(f"{here}/messages", ann, content="x" * 5000), 403) == "error.quota"


async def test_of_what_is_sent(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)

    async def sent(path: str, content: bytes, **headers: str) -> httpx.Response:
        return await client.post(path, content=content, headers=ann | headers)

    assert said(await sent("/api/import", b""), 400) == "refusal.fileEmpty"
    assert said(await sent("/api/import", b"<html>"), 400) == "refusal.fileUnknown"
    as_json = {"content-type": "application/json"}
    assert said(await sent("/api/sessions", b"{", **as_json), 400) == "error.malformed"
    limit = app_of(client).settings.limits.body_bytes
    assert said(await sent("/api/sessions", b" " * (limit + 1), **as_json), 413) == "error.tooLarge"
    assert said(await client.get("/api/sessions"), 401) == "line.signedOut"
    assert said(await client.get("/api/sessions", headers={"host": "evil.example"}), 421) == "error.origin"


async def test_of_an_account(client: httpx.AsyncClient) -> None:
    boss, bob = await signed_in(client, "boss", admin=True), await signed_in(client, "bob")
    change = {"current_password": "wrong", "new_password": "another good one"}
    answer = await client.post("/api/auth/password", json=change, headers=bob)
    assert said(answer, 400) == "refusal.wrongPassword"
    assert said(await client.get("/api/admin/users", headers=bob), 403) == "error.forbidden"
    users = (await client.get("/api/admin/users", headers=boss)).json()["data"]
    last = next(user["user_id"] for user in users if user["username"] == "boss")
    assert said(await client.delete(f"/api/admin/users/{last}", headers=boss), 409) == "refusal.onlyAdmin"
    pulled = await client.post("/api/admin/pulls", json={"model": "no such model"}, headers=boss)
    assert said(pulled, 400) == "admin.pulls.unknown"
