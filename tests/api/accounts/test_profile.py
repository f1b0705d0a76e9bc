"""/api/profile and the logins of one account."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.store.accounts import usage
from bdchat.store.accounts.zoned_days import today, zone_of
from bdchat.store.chats import messages, sessions
from bdchat.store.tables import ChatSession, User
from tests.api.people import alter, audited, bearer, log_in
from tests.api.serving import PASSWORD, app_of, error_of, in_process, signed_in
from tests.moments import at_utc

pytestmark = pytest.mark.anyio
NEW_PASSWORD = "walrus umbrella seven"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def user_id(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    return str((await client.get("/api/profile", headers=headers)).json()["user_id"])


# --- profile ----------------------------------------------------------------------------------------------------------


async def test_a_profile_changes_in_what_is_named(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    await signed_in(client, "bob")
    first = {"display_name": "안", "preferences": {"theme": "dark", "size": 14}}
    assert (await client.patch("/api/profile", json=first, headers=ann)).status_code == 200
    second = {"locale": "ko", "preferences": {"size": None, "sound": False}}
    changed = (await client.patch("/api/profile", json=second, headers=ann)).json()
    assert (changed["display_name"], changed["locale"]) == ("안", "ko")
    assert changed["preferences"] == {"theme": "dark", "sound": False}
    assert (await client.get("/api/profile", headers=ann)).json() == changed
    assert (await client.get("/api/profile", headers=await signed_in(client, "bob"))).json()["preferences"] == {}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"role": "admin"}, "role"),
        ({"quota_bytes": 1}, "quota_bytes"),
        ({"display_name": "x" * 101}, "display_name"),
        ({"locale": "fr"}, "locale"),
        ({"preferences": []}, "preferences"),
        ({"preferences": {"x": "y" * 17_000}}, "preferences"),
        ({"preferences": {f"p{n}": 1 for n in range(101)}}, "preferences"),
        ({"preferences": {"x": "\x00"}}, "preferences"),
    ],
)
async def test_a_bad_change_names_its_field(client: httpx.AsyncClient, change: dict[str, object], param: str) -> None:
    ann = await signed_in(client)
    assert error_of(await client.patch("/api/profile", json=change, headers=ann), 400)["param"] == param


async def test_preferences_are_bounded_however_slowly_they_grow(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    for n in range(2):
        answer = await client.patch("/api/profile", json={"preferences": {str(n): "x" * 10_000}}, headers=ann)
    assert error_of(answer, 400)["param"] == "preferences"


async def test_usage_is_told_per_day_and_model_and_summed(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    own = await user_id(client, ann)

    def spend(db: object) -> None:
        for day, model, count in (("2026-11-20", "m1", 1), ("2026-11-21", "m1", 2), ("2026-11-21", "m2", 4)):
            usage.add(db, own, model, at_utc(day), num_requests=count, prompt_tokens=10 * count, cached_tokens=count)  # type: ignore[arg-type]
        usage.add(db, "somebody else", "m1", at_utc("2026-11-21"), num_requests=99)  # type: ignore[arg-type]

    await app_of(client).database.write(spend)
    window = {"from": "2026-11-21", "to": "2026-11-22", "time_zone": "UTC"}
    report = (await client.get("/api/profile/usage", params=window, headers=ann)).json()
    assert (report["first_day"], report["last_day"]) == ("2026-11-21", "2026-11-22")
    assert [(row["day"], row["model"], row["num_requests"]) for row in report["data"]] == [
        ("2026-11-21", "m1", 2),
        ("2026-11-21", "m2", 4),
    ]
    assert (report["total"]["prompt_tokens"], report["total"]["cached_tokens"]) == (60, 6)
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):  # never the same day
        last_month = (await client.get("/api/profile/usage", params={"time_zone": zone}, headers=ann)).json()
        assert (last_month["last_day"], last_month["time_zone"]) == (today(zone_of(zone)), zone)
    assert (await client.get("/api/profile/usage", headers=ann)).json()["last_day"] == today(None)


async def test_at_half_past_eight_in_seoul_it_is_not_yesterday(client: httpx.AsyncClient) -> None:
    """Days were UTC's: until nine in the morning usage was counted for the day before."""
    ann = await signed_in(client)
    own = await user_id(client, ann)
    await app_of(client).database.write(lambda db: usage.add(db, own, "m", at_utc("2026-11-21T23:30"), num_requests=1))

    async def days(zone: str) -> list[str]:
        params = {"from": "2026-11-20", "to": "2026-11-23", "time_zone": zone}
        report = (await client.get("/api/profile/usage", params=params, headers=ann)).json()
        return [row["day"] for row in report["data"]]

    assert await days("Asia/Seoul") == await days("+09:00") == ["2026-11-22"]
    assert await days("UTC") == await days("America/New_York") == ["2026-11-21"]


@pytest.mark.parametrize("zone", ["", "Asia/Nowhere", "Asia", "../../etc/passwd", "/etc/localtime", "+25:00", "x" * 99])
async def test_a_zone_that_nobody_knows_is_refused(client: httpx.AsyncClient, zone: str) -> None:
    refused = await client.get("/api/profile/usage", params={"time_zone": zone}, headers=await signed_in(client))
    assert error_of(refused, 400)["param"] == "time_zone"


@pytest.mark.parametrize(
    "window",
    [
        {"from": "2026-11-22", "to": "2026-11-21"},
        {"from": "2020-01-01", "to": "2026-01-01"},
        {"from": "yesterday"},
        {"from": "2026-13-01"},
        {"to": "0001-01-01", "from": "0001-01-02"},
    ],
)
async def test_a_bad_window_is_refused(client: httpx.AsyncClient, window: dict[str, str]) -> None:
    refused = await client.get("/api/profile/usage", params=window, headers=await signed_in(client))
    assert error_of(refused, 400)["param"] == "from"


async def test_what_one_wrote_is_found_page_by_page(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    own = await user_id(client, ann)

    def write(db: object) -> None:
        session = sessions.create(db, own, title="Trees")  # type: ignore[arg-type]
        for n in range(5):
            messages.append(db, session, parent_id=None, role="user", content=f"q{n}", author_id=own)  # type: ignore[arg-type]
            messages.append(db, session, parent_id=None, role="assistant", content=f"a{n}", author_id=own)  # type: ignore[arg-type]

        imported = messages.append(db, session, parent_id=None, role="user", content="old", author_id=own)  # type: ignore[arg-type]
        imported.created_at_ms = 1000  # its id is the newest

    await app_of(client).database.write(write)
    seen, cursor = [], None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/api/profile/messages", params=params, headers=ann)).json()
        seen += [(message["content"], message["session_title"]) for message in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [(f"q{n}", "Trees") for n in (4, 3, 2, 1, 0)] + [("old", "Trees")]
    bob = await signed_in(client, "bob")
    assert (await client.get("/api/profile/messages", headers=bob)).json()["data"] == []


# --- password and logins ----------------------------------------------------------------------------------------------


async def test_a_new_password_ends_every_other_login_at_once(client: httpx.AsyncClient) -> None:
    await signed_in(client)
    here, there = await bearer(client), await bearer(client)
    for headers in (here, there):
        assert (await client.get("/api/profile", headers=headers)).status_code == 200  # remembered
    wanted = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    changed = await client.post("/api/auth/password", json=wanted, headers=here)
    assert changed.json() == {"num_ended": 2}  # the fixture's login too
    error_of(await client.get("/api/profile", headers=there), 401)
    assert (await client.get("/api/profile", headers=here)).status_code == 200
    error_of(await log_in(client), 401)
    await bearer(client, password=NEW_PASSWORD)
    assert "password.change" in [action for action, _, _ in await audited(client)]


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"current_password": "wrong one", "new_password": NEW_PASSWORD}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": "qwer1234"}, "new_password"),
        ({"new_password": NEW_PASSWORD}, "current_password"),
    ],
)
async def test_a_password_change_is_refused_with_its_field(
    client: httpx.AsyncClient, wanted: dict[str, str], param: str
) -> None:
    ann = await signed_in(client)
    assert error_of(await client.post("/api/auth/password", json=wanted, headers=ann), 400)["param"] == param
    await bearer(client)


async def test_an_account_is_deleted_by_its_own_user_with_the_password(client: httpx.AsyncClient) -> None:
    bob = await signed_in(client, "bob")
    session_id = (await client.post("/api/sessions", json={"title": "Bob's"}, headers=bob)).json()["session_id"]
    wrong = await client.post("/api/profile/delete", json={"current_password": "wrong one"}, headers=bob)
    assert error_of(wrong, 400)["param"] == "current_password"
    assert (await client.get(f"/api/sessions/{session_id}", headers=bob)).status_code == 200
    gone = await client.post("/api/profile/delete", json={"current_password": PASSWORD}, headers=bob)
    assert (gone.status_code, gone.json()) == (200, {})
    assert "Max-Age=0" in gone.headers["set-cookie"]
    error_of(await client.get("/api/profile", headers=bob), 401)
    error_of(await log_in(client, "bob"), 401)
    left = await app_of(client).database.read(lambda db: db.get(ChatSession, session_id))
    assert left is None
    assert "user.delete" in [action for action, _, _ in await audited(client)]


async def test_the_last_admin_cannot_delete_the_own_account(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client, admin=True)
    refused = await client.post("/api/profile/delete", json={"current_password": PASSWORD}, headers=ann)
    assert error_of(refused, 409)["code"] == "only_admin"
    assert (await client.get("/api/profile", headers=ann)).status_code == 200


async def test_a_borrowed_browser_cannot_guess_the_password(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    wanted = {"current_password": "wrong one", "new_password": NEW_PASSWORD}
    statuses = [(await client.post("/api/auth/password", json=wanted, headers=ann)).status_code for _ in range(11)]
    assert statuses == [400] * 10 + [429]


async def test_one_sees_where_one_is_signed_in_and_ends_it_there(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client, "ann"), await signed_in(client, "bob")
    other = await bearer(client)
    listed = (await client.get("/api/auth/sessions", headers=ann)).json()["data"]
    assert sorted(login["is_current"] for login in listed) == [False, True]
    assert {login["ip"] for login in listed} == {"127.0.0.1"}
    (elsewhere,) = [login["login_id"] for login in listed if not login["is_current"]]
    error_of(await client.delete(f"/api/auth/sessions/{elsewhere}", headers=bob), 404)
    assert (await client.get("/api/profile", headers=other)).status_code == 200
    assert (await client.delete(f"/api/auth/sessions/{elsewhere}", headers=ann)).status_code == 200
    error_of(await client.get("/api/profile", headers=other), 401)
    error_of(await client.delete(f"/api/auth/sessions/{elsewhere}", headers=ann), 404)


async def test_signing_out_everywhere_else_spares_this_browser(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    others = [await bearer(client) for _ in range(2)]
    assert (await client.delete("/api/auth/sessions", headers=ann)).json() == {"num_ended": 2}
    for other in others:
        error_of(await client.get("/api/profile", headers=other), 401)
    assert (await client.get("/api/profile", headers=ann)).status_code == 200


async def test_an_admin_who_was_made_a_user_is_one(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    await alter(client, User, role="user")
    assert (await client.get("/api/auth/me", headers=admin)).json()["scopes"] == ["admin", "chat", "sessions"]
    assert (await client.get("/api/auth/me", headers=admin)).json()["role"] == "user"
