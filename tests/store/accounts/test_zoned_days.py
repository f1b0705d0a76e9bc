"""Days as people have them: of 23, 24 and 25 hours, and one that a country left out."""

from datetime import UTC

import pytest

from bdchat.store.accounts.zoned_days import DAY_MS, ZonedDays, day_of, days_before, today, zone_of
from tests.moments import at_utc

HOUR_MS = 3600 * 1000


@pytest.mark.parametrize(
    ("zone", "day", "begins", "num_hours"),
    [
        ("UTC", "2026-11-22", "2026-11-22T00:00", 24),
        ("Asia/Seoul", "2026-11-22", "2026-11-21T15:00", 24),
        ("Asia/Kathmandu", "2026-11-22", "2026-11-21T18:15", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00", 25),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", 23),  # clocks go forward at midnight
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", 25),  # back at one, to midnight
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", 23.5),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),
        ("+05:45", "2026-11-22", "2026-11-21T18:15", 24),
        ("UTC-0330", "2026-11-22", "2026-11-22T03:30", 24),
    ],
)
def test_a_day_begins_and_ends_as_its_clocks_say(zone: str, day: str, begins: str, num_hours: float) -> None:
    days = ZonedDays(day, day, zone_of(zone))
    assert days.from_ms == at_utc(begins)
    assert (days.until_ms - days.from_ms) / HOUR_MS == num_hours


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_ends_of_the_calendar_are_days_too(day: str, zone: str) -> None:
    days = ZonedDays(day, day, zone_of(zone))
    assert days.until_ms - days.from_ms == DAY_MS


def test_the_first_day_that_there_is_has_none_before_it() -> None:
    assert days_before("2026-03-01", 1) == "2026-02-28"
    assert days_before("0001-01-05", 30) == "0001-01-01"


@pytest.mark.parametrize(
    "name", ["", "Seoul", "Asia", "../etc/passwd", "/etc/localtime", "+9", "+24:00", "a\0b", "\udc80"]
)
def test_what_names_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        zone_of(name)


def test_days_are_numbered_from_1970() -> None:
    assert (day_of(0), day_of(20_779)) == ("1970-01-01", "2026-11-22")
    assert today(UTC) == today(zone_of("UTC"))
