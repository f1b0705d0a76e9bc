"""Usage and audit of everybody, as pages and as files."""

import csv
import io
import json
from collections.abc import AsyncGenerator

import httpx
import pytest

from bdchat.store.accounts import audit, usage
from tests.api.serving import app_of, error_of, in_process, signed_in
from tests.moments import at_utc

pytestmark = pytest.mark.anyio
WINDOW = {"from": "2026-11-20", "to": "2026-11-22", "time_zone": "UTC"}


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def spent(client: httpx.AsyncClient) -> dict[str, str]:
    """An admin's headers, and some usage: Ann's, a guest's and of an account that is gone."""
    admin, ann = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    ann_id = (await client.get("/api/profile", headers=ann)).json()["user_id"]

    def spend(db: object) -> None:
        for user_id, day, model, count in (
            (ann_id, "2026-11-20", "m1", 1),
            (ann_id, "2026-11-21", "m2", 2),
            ("", "2026-11-21", "m1", 4),
            ("gone", "2026-11-22", "m1", 8),
            (ann_id, "2026-11-23", "m1", 16),
        ):
            usage.add(db, user_id, model, at_utc(day), num_requests=count, prompt_tokens=10 * count)  # type: ignore[arg-type]

    await app_of(client).database.write(spend)
    return admin


async def test_usage_is_summed_by_what_is_asked_for(client: httpx.AsyncClient) -> None:
    admin = await spent(client)

    async def asked(**more: str) -> list[tuple[object, ...]]:
        report = (await client.get("/api/admin/usage", params=WINDOW | more, headers=admin)).json()
        assert report["total"]["num_requests"] == sum(row["num_requests"] for row in report["data"])
        return [(row["day"], row["username"], row["model"], row["num_requests"]) for row in report["data"]]

    assert await asked(by="") == [(None, None, None, 15)]
    assert await asked(by="model") == [(None, None, "m1", 13), (None, None, "m2", 2)]
    assert sorted(await asked(by="user"), key=str) == [(None, "", None, 4), (None, "", None, 8), (None, "ann", None, 3)]
    assert len(await asked()) == 4
    assert await asked(by="day", user_id="") == [("2026-11-21", None, None, 4)]
    assert await asked(by="day", model="m2") == [("2026-11-21", None, None, 2)]


@pytest.mark.parametrize(
    ("params", "param"),
    [({"by": "hour"}, "by"), ({"by": "day,day"}, "by"), ({"from": "2026-11-23", "to": "2026-11-22"}, "from")],
)
async def test_a_bad_question_names_its_field(client: httpx.AsyncClient, params: dict[str, str], param: str) -> None:
    admin = await signed_in(client, "root", admin=True)
    for path in ("/api/admin/usage", "/api/admin/usage.csv"):
        assert error_of(await client.get(path, params=params, headers=admin), 400)["param"] == param


async def test_a_spreadsheet_gets_the_same_sums_and_no_formulas(client: httpx.AsyncClient) -> None:
    admin = await spent(client)
    await app_of(client).database.write(
        lambda db: usage.add(db, "", '=HYPERLINK("x")', at_utc("2026-11-20"), num_requests=1)
    )
    response = await client.get("/api/admin/usage.csv", params=WINDOW, headers=admin)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert sum(int(row["num_requests"]) for row in rows) == 16
    assert {row["model"] for row in rows} == {"m1", "m2", '\'=HYPERLINK("x")'}


async def test_a_spreadsheet_has_the_days_of_the_zone(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    await app_of(client).database.write(lambda db: usage.add(db, "", "m", at_utc("2026-11-21T23:30"), num_requests=1))
    response = await client.get("/api/admin/usage.csv", params=WINDOW | {"time_zone": "Asia/Seoul"}, headers=admin)
    assert [row["day"] for row in csv.DictReader(io.StringIO(response.text))] == ["2026-11-22"]
    asked = {"time_zone": "Asia/Seoul", "by": "day"}
    report = (await client.get("/api/admin/usage", params=WINDOW | asked, headers=admin)).json()
    assert ([row["day"] for row in report["data"]], report["time_zone"]) == (["2026-11-22"], "Asia/Seoul")


async def test_the_audit_log_is_filtered_and_paged(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    actor = audit.NamedActor("u1", "ann")
    for n in range(5):
        await app_of(client).database.write(
            lambda db, n=n: audit.record(db, actor, "key.create" if n % 2 else "login", str(n), {"n": n}, "::1")  # type: ignore[misc]
        )

    async def asked(**params: str) -> tuple[list[str], str | None]:
        page = (await client.get("/api/admin/audit", params=params, headers=admin)).json()
        return [entry["target"] for entry in page["data"]], page["next_cursor"]

    first, cursor = await asked(limit="3")
    assert cursor is not None
    rest, end = await asked(limit="3", cursor=cursor)
    assert (first + rest, end) == (["4", "3", "2", "1", "0"], None)
    assert (await asked(action="key"))[0] == ["3", "1"]
    assert (await asked(actor="ann", action="login", since_ms="0"))[0] == ["4", "2", "0"]
    assert (await asked(actor="bob"))[0] == []
    assert (await asked(until_ms="1"))[0] == []


async def test_the_audit_log_is_taken_away_whole_and_that_is_recorded(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)

    def fill(db: object) -> None:
        for n in range(1100):
            audit.record(db, audit.CONSOLE, "login", str(n))  # type: ignore[arg-type]

    await app_of(client).database.write(fill)
    response = await client.get("/api/admin/audit.jsonl", headers=admin)
    entries = [json.loads(line) for line in response.text.splitlines()]
    assert entries[0]["action"] == "audit.export"
    assert sorted(int(entry["target"]) for entry in entries[1:]) == list(range(1100))
    assert set(entries[0]) == {"entry_id", "at_ms", "actor_id", "actor_name", "action", "target", "detail", "ip"}


async def test_what_the_audit_log_points_at_is_called_by_its_name(client: httpx.AsyncClient) -> None:
    """Targets were 32 hex digits."""
    admin, _ = await signed_in(client, "root", admin=True), await signed_in(client, "ann")
    found = (await client.get("/api/admin/users", headers=admin)).json()["data"]
    ann_id = next(user["user_id"] for user in found if user["username"] == "ann")
    await client.put(f"/api/admin/users/{ann_id}/quota", json={"quota_bytes": 1000}, headers=admin)
    made = await client.post("/api/keys", json={"name": "laptop", "scopes": ["chat"]}, headers=admin)
    page = (await client.get("/api/admin/audit", headers=admin)).json()
    named = {entry["action"]: page["names"].get(entry["target"]) for entry in page["data"]}
    assert (named["user.quota"], named["key.create"]) == ("ann", "laptop")
    await client.delete(f"/api/admin/users/{ann_id}", headers=admin)
    names = (await client.get("/api/admin/audit", headers=admin)).json()["names"]
    assert names == {made.json()["key_id"]: "laptop"}
