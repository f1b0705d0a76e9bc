"""Usage is summed exactly, and told by the days of whoever reads it."""

import asyncio

import pytest
from sqlmodel import Session, select

from bdchat.store.accounts import usage
from bdchat.store.accounts.usage import DIMENSIONS, Dimension
from bdchat.store.accounts.zoned_days import DAY_MS, ZonedDays, zone_of
from bdchat.store.sql.database import Database
from bdchat.store.tables import UsageBucket
from tests.moments import at_utc
from tests.store.chat_rows import make_user

pytestmark = pytest.mark.anyio


async def test_usage_is_summed_exactly_however_many_add_at_once(database: Database) -> None:
    at_ms = at_utc("2026-11-22T12:05")

    def add(n: int) -> "asyncio.Future[None]":
        counts = {"num_requests": 1, "prompt_tokens": n, "engine_ms": 2 * n}
        return asyncio.ensure_future(database.write(lambda db: usage.add(db, "u", f"m{n % 2}", at_ms + n, **counts)))

    await asyncio.gather(*(add(n) for n in range(100)))
    await database.write(lambda db: usage.add(db, "u", "m0", at_utc("2026-11-21"), completion_tokens=5))
    await database.write(lambda db: usage.add(db, "other", "m0", at_ms, num_requests=7))
    days = ZonedDays("2026-11-21", "2026-11-22")
    rows = await database.read(lambda db: usage.sums(db, days, by=("day", "model"), user_id="u"))
    counted = ("num_requests", "prompt_tokens", "completion_tokens")
    assert [(row.day, row.model, *(row.counts[name] for name in counted)) for row in rows] == [
        ("2026-11-21", "m0", 0, 0, 5),
        ("2026-11-22", "m0", 50, sum(range(0, 100, 2)), 0),
        ("2026-11-22", "m1", 50, sum(range(1, 100, 2)), 0),
    ]
    assert len(await database.read(lambda db: db.exec(select(UsageBucket)).all())) == 4


async def test_usage_is_summed_by_what_is_asked_for(database: Database) -> None:
    def fill(db: Session) -> None:
        kim = make_user(db, "kim")
        for day, user_id, model, num in [
            ("2026-11-01", kim, "a", 1),
            ("2026-11-02", kim, "b", 10),
            ("2026-11-02", "gone", "a", 100),
            ("2026-11-03", "", "a", 1000),
        ]:
            usage.add(db, user_id, model, at_utc(day), num_requests=num, completion_tokens=num)

    await database.write(fill)
    days = ZonedDays("2026-11-01", "2026-11-02")

    async def sums(*by: Dimension) -> list[tuple[str | None, str | None, str | None, int]]:
        rows = await database.read(lambda db: usage.sums(db, days, by=by, limit=99))
        return [(row.day, row.username, row.model, row.counts["num_requests"]) for row in rows]

    assert await sums() == [(None, None, None, 111)]
    assert await sums("day") == [("2026-11-01", None, None, 1), ("2026-11-02", None, None, 110)]
    assert await sums("model") == [(None, None, "a", 101), (None, None, "b", 10)]
    assert sorted(await sums("user"), key=str) == [(None, "", None, 100), (None, "kim", None, 11)]
    assert len(await sums(*DIMENSIONS)) == 3
    assert await database.read(lambda db: usage.sums(db, ZonedDays("2020-01-01", "2020-01-02"), by=())) == []


BY_ZONE = {
    "UTC": {"2026-10-25": 24},
    "Asia/Seoul": {"2026-10-25": 15, "2026-10-26": 9},
    "Asia/Calcutta": {"2026-10-25": 19, "2026-10-26": 5},  # five and a half hours; as Chrome names it
    "Asia/Kathmandu": {"2026-10-25": 18, "2026-10-26": 6},  # five and three quarters
    "America/New_York": {"2026-10-24": 4, "2026-10-25": 20},
    "Europe/Berlin": {"2026-10-25": 23, "2026-10-26": 1},  # its day of 25 hours began at 22:00 UTC
    "-09:30": {"2026-10-24": 10, "2026-10-25": 14},
}


async def test_every_hour_of_a_utc_day_is_counted_for_the_readers_day(database: Database) -> None:
    """A request twenty minutes after each full hour of the day on which Europe's summer time ends."""

    def spend(db: Session) -> None:
        for hour in range(24):
            usage.add(db, "u", "m", at_utc(f"2026-10-25T{hour:02}:20"), num_requests=1)

    await database.write(spend)
    for zone, counted in BY_ZONE.items():
        days = ZonedDays("2026-10-01", "2026-11-30", zone_of(zone))
        rows = await database.read(lambda db, days=days: usage.sums(db, days, by=("day",)))  # type: ignore[misc]
        assert {row.day: row.counts["num_requests"] for row in rows} == counted, zone
        own = ZonedDays("2026-10-25", "2026-10-25", days.zone)
        (whole,) = await database.read(lambda db, own=own: usage.sums(db, own, by=()))  # type: ignore[misc]
        assert whole.counts["num_requests"] == counted["2026-10-25"], zone


async def test_old_usage_is_one_row_a_day_and_no_count_is_lost(database: Database) -> None:
    def fill(db: Session) -> None:
        for user_id in ("u", "v"):
            for at in ("2025-01-01T00:00", "2025-01-01T12:00", "2025-01-01T23:59", "2025-01-02T12:20", "2025-01-04"):
                usage.add(db, user_id, "m", at_utc(at), num_requests=1, engine_ms=3)

    await database.write(fill)
    before_ms = at_utc("2025-01-03T20:00")
    turns = [await database.write(lambda db: usage.merge_a_day(db, before_ms=before_ms)) for _ in range(3)]
    assert turns == [True, True, False]
    rows = await database.read(lambda db: db.exec(select(UsageBucket).where(UsageBucket.user_id == "u")).all())
    assert sorted((row.start_ms, row.num_requests, row.engine_ms) for row in rows) == [
        (at_utc("2025-01-01T12:00"), 3, 9),
        (at_utc("2025-01-02T12:00"), 1, 3),
        (at_utc("2025-01-04"), 1, 3),
    ]
    assert before_ms % DAY_MS
