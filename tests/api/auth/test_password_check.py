"""The doors that take a secret: counted by address, by account and over all addresses; the owner always gets in."""

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
from pydantic import SecretStr

from bdchat.api.auth.authenticator import token_hash
from bdchat.api.auth.password_check import PasswordCheck
from bdchat.api.auth.passwords import Passwords
from bdchat.api.auth.slow_lane import MAX_WAIT_S
from bdchat.api.http.errors import LoginFailed, TooManyAttempts
from bdchat.api.http.peer import Peer, Proxies
from bdchat.settings import AuthSettings, ServerSettings, Settings
from bdchat.store.accounts import devices, users
from bdchat.store.ids import now_ms
from bdchat.store.tables import KnownDevice
from tests.api.people import alter, bearer, credentials
from tests.api.serving import PASSWORD, app_of, error_of, in_process, opened, over_http, signed_in
from tests.api.sockets import live
from tests.api.talking import begin, id_of

pytestmark = pytest.mark.anyio
LOGIN = "/api/auth/login"
PROXIED = AuthSettings(trusted_proxies=("127.0.0.1",), attempts_per_account=3)
DAY_MS = 86_400_000


def behind_proxy(**more: int) -> Settings:
    """Whose X-Forwarded-For is believed: a test's way to come from everywhere."""
    return Settings(auth=PROXIED.model_copy(update=more))


async def guess(
    client: httpx.AsyncClient, address: str, username: str = "ann", password: str = "wrong one", cookies: str = ""
) -> httpx.Response:
    headers = {"x-forwarded-for": address} | ({"cookie": cookies} if cookies else {})
    answer = await client.post(LOGIN, json=credentials(username, password), headers=headers)
    client.cookies.clear()
    return answer


def cookies_of(answer: httpx.Response) -> str:
    """As the browser would send them back, without the login's own."""
    pairs = [line.partition(";")[0] for line in answer.headers.get_list("set-cookie")]
    return "; ".join(pair for pair in pairs if not pair.startswith("bdchat="))


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1", "127.9.8.7"),
        ("127.0.0.1", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.3"),
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
    ],
)
def test_addresses_of_one_are_counted_as_one(one: str, other: str) -> None:
    """Every one of 127.0.0.0/8 had ten guesses a minute of its own."""
    seen = [Proxies(()).peer({"type": "http", "client": (address, 1), "headers": []}) for address in (one, other)]
    assert seen[0].limited_as == seen[1].limited_as


def test_networks_of_many_are_told_apart() -> None:
    assert Peer("2001:db8::1", False, False).limited_as != Peer("2001:db8:0:1::1", False, False).limited_as
    assert Peer("192.0.2.1", False, False).limited_as != Peer("192.0.2.2", False, False).limited_as


# --- one account, from everywhere -------------------------------------------------------------------------------------


async def test_guessing_from_everywhere_is_slowed_down() -> None:
    """Each further address had ten guesses a minute at the same account."""
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        statuses = [(await guess(client, f"192.0.2.{number}")).status_code for number in range(20)]
        assert statuses == [401] * 3 + [429] * 17
        refused = await guess(client, "192.0.2.99")
        assert error_of(refused, 429)["code"] == "too_many_attempts"
        assert 0 < int(refused.headers["retry-after"]) <= MAX_WAIT_S
        assert app_of(client).passwords.num_hashings == 3
        assert (await guess(client, "192.0.2.99", "bob")).status_code == 401  # another account is untouched


async def test_a_name_that_nobody_has_is_slowed_down_all_the_same() -> None:
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        for username in ("ann", "nobody"):
            seen = [(await guess(client, f"192.0.2.{number}", username)).status_code for number in range(5)]
            assert seen == [401] * 3 + [429] * 2


async def test_an_account_has_one_count_by_whatever_name_it_is_called() -> None:
    """Its email had one of its own: twice as many guesses."""
    async with in_process(settings=behind_proxy()) as client:
        headers = await signed_in(client)
        changed = await client.patch("/api/profile", json={"email": "ann@example.org"}, headers=headers)
        assert changed.is_success, changed.text
        names = ("ann", "ann@example.org", "ANN", "Ann@Example.org", "ann@example.org")
        seen = [(await guess(client, f"192.0.2.{n}", name)).status_code for n, name in enumerate(names)]
        assert seen == [401] * 3 + [429] * 2


async def test_a_device_that_has_signed_in_before_passes() -> None:
    async with in_process(settings=behind_proxy(attempts_per_address=3)) as client:
        await signed_in(client)
        device = cookies_of(await guess(client, "192.0.2.1", password=PASSWORD))
        assert device.startswith("bdchat-device-")
        for number in range(10):
            await guess(client, f"192.0.2.{number}")
        assert (await guess(client, "192.0.2.200", password=PASSWORD)).status_code == 429
        for address in ("192.0.2.1", "198.51.100.7"):
            again = await guess(client, address, password=PASSWORD, cookies=device)
            assert again.status_code == 200
            assert cookies_of(again) == device  # used again, not made anew
        assert (await guess(client, "192.0.2.201", password=PASSWORD, cookies=device[:-1] + "~")).status_code == 429


async def test_a_known_device_has_a_small_count_of_its_own() -> None:
    async with in_process(settings=behind_proxy(attempts_per_minute=2)) as client:
        await signed_in(client)
        device = cookies_of(await guess(client, "192.0.2.1", password=PASSWORD))
        seen = [(await guess(client, f"192.0.2.{number}", cookies=device)).status_code for number in range(5)]
        assert seen == [401, 401, 429, 429, 429]
        assert (await guess(client, "192.0.2.77", password=PASSWORD)).status_code == 200  # not the strangers' count


async def test_a_device_is_known_to_its_own_account_alone_and_for_so_long() -> None:
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        await signed_in(client, "bob")
        device = cookies_of(await guess(client, "192.0.2.1", password=PASSWORD))
        name, _, token = device.partition("=")
        bobs = cookies_of(await guess(client, "192.0.2.1", "bob", PASSWORD)).partition("=")[0]
        assert bobs != name
        for number in range(10):
            await guess(client, f"192.0.2.{number}", "bob")
        planted = f"{bobs}={token}"
        assert (await guess(client, "192.0.2.50", "bob", PASSWORD, planted)).status_code == 429
        await alter(client, KnownDevice, last_used_at_ms=now_ms() - 181 * DAY_MS)
        for number in range(10):
            await guess(client, f"192.0.2.{number}")
        assert (await guess(client, "192.0.2.51", password=PASSWORD, cookies=device)).status_code == 429


async def test_a_cookie_that_somebody_put_into_a_browser_becomes_no_known_device() -> None:
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        name = cookies_of(await guess(client, "192.0.2.1", password=PASSWORD)).partition("=")[0]
        planted = f"{name}=bdd-{'x' * 43}"
        assert cookies_of(await guess(client, "192.0.2.1", password=PASSWORD, cookies=planted)) != planted
        for number in range(10):
            await guess(client, f"192.0.2.{number}")
        assert (await guess(client, "192.0.2.60", password=PASSWORD, cookies=planted)).status_code == 429


async def test_a_device_is_a_hash_at_rest_and_out_of_reach_of_scripts() -> None:
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        secure = {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
        answer = await client.post(LOGIN, json=credentials(), headers=secure)
        line = next(line for line in answer.headers.get_list("set-cookie") if "device" in line)
        pair, *attributes = line.split("; ")
        assert pair.startswith("__Host-bdchat-device-")
        assert sorted(attributes) == ["HttpOnly", f"Max-Age={180 * 86_400}", "Path=/", "SameSite=Lax", "Secure"]
        user_id, token = await id_of(client, "ann"), pair.partition("=")[2]
        database = app_of(client).database
        assert await database.read(lambda db: devices.knows(db, user_id, token_hash(token), used_after_ms=0))
        assert not await database.read(lambda db: devices.knows(db, user_id, token, used_after_ms=0))
        without = await client.post(LOGIN, json=credentials(cookie=False))
        assert "set-cookie" not in without.headers  # a program keeps none


async def test_an_account_knows_a_bounded_number_of_devices() -> None:
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        user_id, database = await id_of(client, "ann"), app_of(client).database
        for number in range(devices.MAX_DEVICES + 5):
            await database.write(lambda db, name=f"d{number}": devices.remember(db, user_id, name))  # type: ignore[misc]
        known = [
            await database.read(lambda db, name=f"d{number}": devices.knows(db, user_id, name, used_after_ms=0))  # type: ignore[misc]
            for number in range(devices.MAX_DEVICES + 5)
        ]
        assert sum(known) == devices.MAX_DEVICES


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def test_the_owner_at_a_new_device_is_in_after_waiting(client: httpx.AsyncClient) -> None:
    """However many guess meanwhile: slower, not shut."""
    await signed_in(client)
    now = [0.0]
    app = app_of(client)
    check = PasswordCheck(PROXIED, app.database, app.passwords, clock=lambda: now[0])

    async def asks(address: str, password: str) -> float:
        try:
            await check.check("ann", password, Peer(address, is_https=False, is_local=False))
        except TooManyAttempts as refused:
            return refused.retry_after_s
        except LoginFailed:
            pass
        return 0.0

    for number in range(40):
        await asks(f"192.0.2.{number}", "wrong one")
    wait_s = await asks("198.51.100.1", PASSWORD)
    assert 0 < wait_s <= MAX_WAIT_S
    now[0] += wait_s
    for number in range(40):
        await asks(f"192.0.2.{number}", "wrong one")
    assert await asks("198.51.100.1", PASSWORD) == 0.0


async def test_what_was_not_tried_is_not_counted(client: httpx.AsyncClient) -> None:
    """When too many wait for argon2, nobody's attempt is used up."""
    await signed_in(client)
    app = app_of(client)
    busy = Passwords(max_waiting=0)
    settings = AuthSettings(attempts_per_minute=1, attempts_per_address=1, attempts_per_account=1)
    check = PasswordCheck(settings, app.database, busy, clock=lambda: 0.0)
    peer = Peer("192.0.2.1", is_https=False, is_local=False)
    for _ in range(3):
        with pytest.raises(TooManyAttempts) as refused:
            await check.check("ann", PASSWORD, peer)
        assert refused.value.retry_after_s == 5  # argon2's own
    busy.close()


async def test_a_flood_on_an_account_does_not_hold_up_who_is_signed_in() -> None:
    """Changing the password is a door too; a login that is there is a known device."""
    async with in_process(settings=behind_proxy(attempts_per_minute=2)) as client:
        await signed_in(client)
        ann = await bearer(client)
        for number in range(10):
            await guess(client, f"192.0.2.{number}")
        change = {"current_password": "wrong one", "new_password": "a new one for ann"}
        path = "/api/auth/password"
        for status in (400, 400, 429):
            error_of(await client.post(path, json=change, headers=ann), status)
        other = await signed_in(client)
        right = change | {"current_password": PASSWORD}
        assert (await client.post(path, json=right, headers=other)).status_code == 200


async def test_guesses_at_once_from_everywhere_are_counted_before_they_are_made() -> None:
    async with in_process(settings=behind_proxy()) as client:
        await signed_in(client)
        answers = await asyncio.gather(*(guess(client, f"192.0.2.{number}") for number in range(12)))
        assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 9


# --- other secrets ----------------------------------------------------------------------------------------------------


async def test_wrong_keys_are_counted_by_address_and_right_ones_always_open() -> None:
    async with in_process(settings=behind_proxy(attempts_per_address=3)) as client:
        ann = await signed_in(client)

        async def ask(address: str, key: str) -> int:
            headers = {"x-forwarded-for": address, "authorization": f"Bearer {key}"}
            return (await client.get("/api/profile", headers=headers)).status_code

        wrong = ["bd-" + letter * 43 for letter in "abcde"]
        assert [await ask("192.0.2.1", key) for key in wrong] == [401] * 3 + [429] * 2
        assert await ask("192.0.2.2", wrong[0]) == 401
        assert await ask("192.0.2.1", ann["authorization"].removeprefix("Bearer ")) == 200


async def test_the_operators_key_is_compared_so_often_only() -> None:
    """It was chosen by somebody: without a bound it can be found by trying."""
    server = ServerSettings(api_key=SecretStr("hunter2"))
    settings = behind_proxy(attempts_per_address=3).model_copy(update={"server": server})
    async with over_http(settings=settings) as client:
        ann = await signed_in(client)

        async def ask(address: str, key: str) -> int:
            headers = {"x-forwarded-for": address, "x-api-key": key}
            return (await client.get("/v1/models", headers=headers)).status_code

        assert [await ask("192.0.2.1", "hunter2") for _ in range(5)] == [200] * 5
        assert [await ask("192.0.2.1", f"hunter{number}") for number in range(3, 8)] == [401] * 3 + [429] * 2
        assert await ask("192.0.2.1", "hunter2") == 429  # else whoever guesses on would be told
        assert await ask("192.0.2.2", "hunter2") == 200
        assert await ask("192.0.2.1", ann["authorization"].removeprefix("Bearer ")) == 200
        for _ in range(4):  # a socket's first frame is the same door
            async with live(client, "/ws/events") as socket:
                await socket.send("auth", token="hunter3")
                code, reason = await socket.closed()
            assert code == 4401
        assert reason.startswith("Too many attempts")


async def test_a_wrong_key_shuts_no_open_door() -> None:
    async with in_process(settings=behind_proxy(attempts_per_address=1)) as client:
        await signed_in(client)
        headers = {"x-forwarded-for": "192.0.2.1", "authorization": "Bearer bd-" + "x" * 43}
        for _ in range(3):
            assert (await client.get("/api/auth/me", headers=headers)).status_code == 200
        assert (await client.post(LOGIN, json=credentials(), headers=headers)).status_code == 200


async def test_share_tokens_are_not_tried_without_end() -> None:
    async with in_process(settings=behind_proxy(attempts_per_address=3)) as client:
        ann = await signed_in(client)
        session_id = await begin(client, ann)
        link = (await client.post(f"/api/sessions/{session_id}/links", json={}, headers=ann)).json()
        here = {"x-forwarded-for": "192.0.2.1"}
        tokens = ["a" * 43, "short", "b" * 43, "c" * 43, "d" * 43]
        tried = [(await client.get(f"/api/shared/{token}", headers=here)).status_code for token in tokens]
        assert tried == [404] * 3 + [429] * 2
        assert (await client.get(link["path"], headers=here)).status_code == 200


async def test_invitations_and_set_up_codes_are_not_tried_without_end() -> None:
    settings = behind_proxy(attempts_per_address=3)
    invited = settings.model_copy(update={"auth": settings.auth.model_copy(update={"registration": "invitation"})})
    headers = {"x-forwarded-for": "192.0.2.1"}
    for wanted, code in ((settings, "setup_code"), (invited, "invitation")):
        async with in_process(settings=wanted) as client:
            await opened(client)
            if code == "invitation":
                await signed_in(client, "admin", admin=True)
            seen = []
            for number in range(5):
                body = credentials(**{code: f"guess {number}"})
                seen.append((await client.post("/api/auth/register", json=body, headers=headers)).status_code)
            assert seen == [403] * 3 + [429] * 2
            assert not await app_of(client).database.read(lambda db: users.by_name(db, "ann"))
