"""Register, sign in and out: who gets in, who does not, and what a stranger can learn from trying."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

import httpx
import pytest
from argon2 import PasswordHasher

from bdchat.api.accounts.sign_in import SETUP_MINUTES, new_setup_code
from bdchat.settings import AuthSettings, Settings
from bdchat.store.accounts import invitations, users
from bdchat.store.ids import now_ms
from bdchat.store.tables import ServerState, User
from tests.api.people import FAR_AWAY, alter, audited, bearer, credentials, log_in, register
from tests.api.serving import PASSWORD, app_of, error_of, in_process, opened, signed_in

pytestmark = pytest.mark.anyio
Registration = Literal["closed", "invitation", "open"]


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


def registering(mode: Registration, **auth: object) -> Settings:
    return Settings(auth=AuthSettings(registration=mode, **auth))  # type: ignore[arg-type]


# --- the first account ------------------------------------------------------------------------------------------------


async def test_the_first_account_on_this_machine_is_the_admins(client: httpx.AsyncClient) -> None:
    await opened(client)
    before = (await client.get("/api/auth/me")).json()
    assert (before["needs_first_account"], before["needs_setup_code"], before["user"]) == (True, False, None)
    made = await register(client, "Ann", display_name="Ann Lee", locale="ko")
    assert made.status_code == 201
    user = made.json()["user"]
    assert (user["username"], user["display_name"], user["locale"], user["role"]) == ("Ann", "Ann Lee", "ko", "admin")
    assert PASSWORD not in made.text
    assert "password_hash" not in made.text
    assert (await client.get("/api/auth/me")).json()["needs_first_account"] is False
    assert await audited(client) == [("register", "Ann", user["user_id"])]


async def test_from_far_away_the_first_account_needs_the_set_up_code() -> None:
    async with in_process(address=FAR_AWAY) as client:
        app = await opened(client)
        assert (await client.get("/api/auth/me")).json()["needs_setup_code"] is True
        error_of(await register(client), 403)
        code = await new_setup_code(app.database)
        assert code is not None
        for wrong in ("", code[:-1], "AAAA-AAAA-AAAA-AAAA-AAAA", "x" * 64):
            error_of(await register(client, setup_code=wrong), 403)
        made = await register(client, setup_code=code.lower().replace("-", " "))  # as people type it
        assert (made.status_code, made.json()["user"]["role"]) == (201, "admin")
        error_of(await register(client, "eve", setup_code=code), 403)  # it was for one account
        assert await new_setup_code(app.database) is None


async def test_a_new_set_up_code_ends_the_former_one() -> None:
    async with in_process(address=FAR_AWAY) as client:
        app = await opened(client)
        former = await new_setup_code(app.database)
        assert await new_setup_code(app.database) != former
        error_of(await register(client, setup_code=former), 403)


async def test_a_set_up_code_is_for_an_hour() -> None:
    async with in_process(address=FAR_AWAY) as client:
        app = await opened(client)
        code = await new_setup_code(app.database)
        late = await app.database.read(lambda db: db.get(ServerState, users.SETUP_CODE))
        assert late is not None
        assert 0 < late.value["expires_at_ms"] - now_ms() <= SETUP_MINUTES * 60_000
        await alter(
            client,
            ServerState,
            where=ServerState.name == users.SETUP_CODE,
            value=late.value | {"expires_at_ms": now_ms()},
        )
        assert error_of(await register(client, setup_code=code), 403)["code"] == "setup_code_needed"


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
async def test_what_came_through_a_proxy_is_not_this_machine(client: httpx.AsyncClient, header: str) -> None:
    await opened(client)
    refused = await client.post("/api/auth/register", json=credentials(), headers={header: "for=127.0.0.1"})
    error_of(refused, 403)


async def test_of_two_who_are_first_at_once_one_is(client: httpx.AsyncClient) -> None:
    await opened(client)
    answers = await asyncio.gather(*(register(client, name) for name in ("ann", "bob", "cid")))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


# --- the others -------------------------------------------------------------------------------------------------------


async def test_registration_is_closed_unless_told_otherwise(client: httpx.AsyncClient) -> None:
    await register(client)
    refused = error_of(await register(client, "bob"), 403)
    assert refused["code"] == "registration_closed"
    assert error_of(await register(client, "ann"), 403) == refused  # also for a name that is taken


async def test_open_registration_makes_users_never_admins() -> None:
    async with in_process(settings=registering("open"), address=FAR_AWAY) as client:
        await signed_in(client, "ann", admin=True)
        made = await register(client, "bob")
        assert (made.status_code, made.json()["user"]["role"]) == (201, "user")
        assert error_of(await register(client, "ＢＯＢ"), 409)["param"] == "username"
        with_role = await client.post("/api/auth/register", json=credentials("eve", role="admin"))
        assert error_of(with_role, 400)["param"] == "role"


@pytest.mark.parametrize("mode", ["closed", "invitation", "open"])
async def test_an_invitation_lets_one_person_in(mode: Registration) -> None:
    """Also where registration is closed: an admin's page made invitations that nobody could use."""
    async with in_process(settings=registering(mode), address=FAR_AWAY) as client:
        app = await opened(client)
        await signed_in(client, "ann", admin=True)
        from bdchat.api.auth.authenticator import token_hash

        async def invite(code: str, lifetime_ms: int) -> None:
            def write(db: object) -> None:
                ann = users.by_name(db, "ann")  # type: ignore[arg-type]
                assert ann is not None
                invitations.create(db, ann.user_id, code_hash=token_hash(code), lifetime_ms=lifetime_ms)  # type: ignore[arg-type]

            await app.database.write(write)

        await invite("bdi-good", 60_000)
        await invite("bdi-old", -1)
        for given in ("bdi-none", "bdi-old"):
            assert error_of(await register(client, "bob", invitation=given), 403)["code"] == "invitation_over"
        if mode != "open":
            error_of(await register(client, "bob"), 403)
        error_of(await register(client, "ann", invitation="bdi-good"), 409)  # a failure does not use it up
        assert (await register(client, "bob", invitation=" bdi-good ")).status_code == 201
        error_of(await register(client, "cid", invitation="bdi-good"), 403)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"username": "a"}, "username"),
        ({"username": "x" * 65}, "username"),
        ({"username": "a\x00b"}, "username"),
        ({"username": "a<b>"}, "username"),
        ({"username": 7}, "username"),
        ({"password": "short"}, "password"),
        ({"password": "password1"}, "password"),
        ({"password": "x" * 2000}, "password"),
        ({"display_name": "x" * 101}, "display_name"),
        ({"locale": "xx"}, "locale"),
        ({"is_admin": True}, "is_admin"),
    ],
)
async def test_a_bad_registration_names_its_field(
    client: httpx.AsyncClient, given: dict[str, object], param: str
) -> None:
    await opened(client)
    refused = await client.post("/api/auth/register", json=credentials() | given)
    assert error_of(refused, 400)["param"] == param
    assert app_of(client).passwords.num_hashings == 0


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("аnn", "username_script"),  # with a Cyrillic а, beside Latin letters
        ("김Анна", "username_script"),
        ("\u3164\u3164", "username_form"),  # Hangul fillers, which nobody sees
        ("a\u200bnn", "username_form"),
    ],
)
async def test_a_name_is_of_one_script_and_can_be_seen(client: httpx.AsyncClient, username: str, code: str) -> None:
    refused = error_of(await register(client, username), 400)
    assert (refused["param"], refused["code"]) == ("username", code)


@pytest.mark.parametrize("username", ["김철수", "Kim철수", "Анна", "山田Taro"])
async def test_names_of_every_script_are_welcome(client: httpx.AsyncClient, username: str) -> None:
    made = await register(client, username)
    assert (made.status_code, made.json()["user"]["username"]) == (201, username)


async def test_a_name_that_looks_like_anothers_is_taken() -> None:
    """Cyrillic throughout, or a capital I for an l: one script each, and not to be told apart by the eye."""
    async with in_process(settings=registering("open")) as client:
        await register(client, "alice")
        for username in ("аІісе", "AIice", "a1ice"):
            refused = error_of(await register(client, username), 409)
            assert (refused["param"], refused["code"]) == ("username", "name_looks_taken")
        assert error_of(await register(client, "ALICE"), 409)["code"] == "name_taken"
        assert (await register(client, "alicia")).status_code == 201
        admin = await bearer(client, "alice")
        made = await client.post("/api/admin/users", json={"username": "AIice"}, headers=admin)
        assert error_of(made, 409)["code"] == "name_looks_taken"


async def test_a_name_of_former_times_keeps_signing_in(client: httpx.AsyncClient) -> None:
    await signed_in(client, "admin")
    await signed_in(client, "ann")
    await alter(client, User, where=User.username == "ann", username="аdmin", username_key=users.username_key("аdmin"))
    headers = await bearer(client, "аdmin")
    assert (await me(client, headers))["username"] == "аdmin"
    change = {"locale": "ko"}
    assert (await client.patch("/api/profile", json=change, headers=headers)).status_code == 200


@pytest.mark.parametrize("display_name", ["аdmin", "an\u200bn", "\u202enna", "a" + "\u0301" * 9])
async def test_a_display_name_does_not_pretend(client: httpx.AsyncClient, display_name: str) -> None:
    ann = await signed_in(client, admin=True)
    user_id = (await me(client, ann))["user_id"]
    change = {"display_name": display_name}
    for path in ("/api/profile", f"/api/admin/users/{user_id}"):
        refused = error_of(await client.patch(path, json=change, headers=ann), 400)
        assert (refused["param"], refused["code"]) == ("display_name", "display_name_form")
    for name in ("Анна (Anna) 👩‍👧", "Ann", ""):
        assert (await client.patch("/api/profile", json={"display_name": name}, headers=ann)).status_code == 200


# --- sign in ----------------------------------------------------------------------------------------------------------


async def test_a_right_password_opens_and_the_token_is_nowhere_at_rest(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    app = app_of(client)
    response = await log_in(client, " ANN ")
    token = response.json()["token"]
    assert token.startswith("bdl-")
    assert (await client.get("/api/profile", headers={"authorization": f"Bearer {token}"})).status_code == 200
    assert "set-cookie" not in response.headers
    stored = _bytes_of(app.settings.data_dir)
    assert b"argon2id" in stored
    assert token.encode() not in stored
    assert PASSWORD.encode() not in stored


async def test_a_stranger_learns_nothing_from_a_refusal(client: httpx.AsyncClient) -> None:
    """The same words, headers and hashing whether the name, the password or the account is wrong."""
    await signed_in(client, "ann")
    await signed_in(client, "bob")
    app = app_of(client)
    await app.database.write(lambda db: users.set_disabled(db, _by_name(db, "bob").user_id, is_disabled=True))
    seen = []
    for username, password in (("ann", "wrong one"), ("nobody", "wrong one"), ("bob", PASSWORD), ("nobody", PASSWORD)):
        before = app.passwords.num_hashings
        response = await log_in(client, username, password)
        work = app.passwords.num_hashings - before
        headers = {name for name in response.headers if name not in {"x-request-id", "openai-processing-ms"}}
        seen.append((response.status_code, response.text, sorted(headers), work))
    assert seen[0][0] == 401
    assert seen[0][3] == 1
    assert seen == [seen[0]] * 4


async def test_failed_logins_are_recorded_without_what_was_typed(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    await log_in(client, "ann", "wrong one")
    await log_in(client, "my-secret-typed-in-the-wrong-field")
    await log_in(client, "ann")
    actions = [(action, target) for action, _, target in await audited(client)]
    assert actions[:2] == [("login.failed", "ann"), ("login.failed", "")]
    assert actions[2][0] == "login"


async def test_guessing_is_stopped_for_that_account_and_address_alone() -> None:
    settings = registering("closed", attempts_per_minute=3, attempts_per_address=5)
    async with in_process(settings=settings) as client:
        await signed_in(client, "ann")
        for _ in range(3):
            error_of(await log_in(client, "ann", "wrong one"), 401)
        refused = await log_in(client, "ann", "wrong one")
        assert error_of(refused, 429)["code"] == "too_many_attempts"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        error_of(await log_in(client, " ANN "), 429)  # the right password too, and however the name is written
        error_of(await log_in(client, "bob", "wrong one"), 401)
        error_of(await log_in(client, "cid", "wrong one"), 401)
        error_of(await log_in(client, "dan", "wrong one"), 429)  # the address has had its five
        error_of(await client.post("/api/auth/register", json=credentials("dan")), 429)
        assert app_of(client).passwords.num_hashings == 5


async def test_who_knows_the_password_is_never_held_up() -> None:
    settings = registering("closed", attempts_per_minute=2, attempts_per_address=3)
    async with in_process(settings=settings) as client:
        await signed_in(client, "ann")
        for _ in range(5):
            await bearer(client)


async def test_many_guesses_at_once_are_counted_before_they_are_made() -> None:
    async with in_process(settings=registering("closed", attempts_per_minute=3)) as client:
        await signed_in(client, "ann")
        answers = await asyncio.gather(*(log_in(client, "ann", "wrong one") for _ in range(12)))
        assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 9


async def test_a_trusted_proxys_clients_are_told_apart() -> None:
    settings = registering("closed", attempts_per_minute=1, trusted_proxies=("127.0.0.1",))
    async with in_process(settings=settings) as client:
        await signed_in(client, "ann")

        async def guess(address: str) -> int:
            sent = {"x-forwarded-for": f"198.51.100.9, {address}"}  # the left part is what the client claims
            response = await client.post("/api/auth/login", json=credentials(password="wrong one"), headers=sent)
            return response.status_code

        assert [await guess(each) for each in ("192.0.2.1", "192.0.2.1", "192.0.2.2")] == [401, 429, 401]


async def test_a_weaker_hash_is_replaced_at_the_next_login(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    await alter(client, User, password_hash=weaker)
    await bearer(client)
    user = await app_of(client).database.read(lambda db: _by_name(db, "ann"))
    assert "m=19456,t=2,p=1" in user.password_hash
    await bearer(client)


async def test_a_body_with_a_password_is_small(client: httpx.AsyncClient) -> None:
    await opened(client)
    refused = await client.post("/api/auth/login", json=credentials(password="x" * 20_000))
    assert error_of(refused, 413)["code"] == "request_too_large"
    assert app_of(client).passwords.num_hashings == 0


# --- sign out and me --------------------------------------------------------------------------------------------------


async def test_signing_out_ends_that_login_at_once(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    one, other = await bearer(client), await bearer(client)
    assert (await client.get("/api/profile", headers=one)).status_code == 200  # and it is remembered for 5 s
    async with app_of(client).bus.subscribe(f"user:{(await me(client, one))['user_id']}") as heard:
        assert (await client.post("/api/auth/logout", headers=one)).status_code == 200
        message = (await anext(heard))[1]
    assert message["type"] == "auth.ended"
    error_of(await client.get("/api/profile", headers=one), 401)
    assert (await client.get("/api/profile", headers=other)).status_code == 200


async def test_me_takes_a_dead_cookie_away(client: httpx.AsyncClient) -> None:
    await opened(client)
    response = await client.get("/api/auth/me", headers={"cookie": "bdchat=bdl-" + "x" * 43})
    assert response.json()["user"] is None
    assert "Max-Age=0" in response.headers["set-cookie"]


async def test_me_tells_a_page_what_it_must_know(client: httpx.AsyncClient) -> None:
    await opened(client)
    guest = (await client.get("/api/auth/me")).json()
    assert (guest["role"], guest["scopes"], guest["registration"]) == ("guest", ["chat"], "closed")
    admin = await signed_in(client, "ann", admin=True)
    seen = (await client.get("/api/auth/me", headers=admin)).json()
    assert (seen["role"], seen["scopes"]) == ("admin", ["admin", "chat", "sessions"])


async def me(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, str]:
    user: dict[str, str] = (await client.get("/api/auth/me", headers=headers)).json()["user"]
    return user


def _bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def _by_name(db: object, name: str) -> User:
    user = users.by_name(db, name)  # type: ignore[arg-type]
    assert user is not None
    return user
