"""Days of a time zone: as a span of milliseconds, and as a column of a query. Pure, but for reading the tz database.

A zone is a `tzinfo`; None is this machine's own (TZ), as in Python's functions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case

DAY_MS = 24 * 3600 * 1000
# Every zone is a multiple of it away from UTC: India's half an hour, Nepal's three quarters (tz database, since 1972).
BUCKET_MS = 15 * 60 * 1000
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})")
_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = date(1970, 1, 2), date(9999, 12, 30)  # beyond them nothing is kept, and datetime ends


def zone_of(name: str) -> tzinfo:
    """By its name in the tz database ("Asia/Seoul"), or its offset ("+09:00"). Raises ValueError."""
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:  # not there, or a folder of zones
        raise ValueError(f"there is no time zone {name!r}") from error


def today(zone: tzinfo | None = UTC) -> str:
    return datetime.now(zone).date().isoformat()


def days_before(day: str, num_days: int) -> str:
    """The first day that there is, when it would be before that."""
    found = date.fromisoformat(day)
    return (found - min(timedelta(num_days), found - date.min)).isoformat()


@dataclass(frozen=True, slots=True)
class ZonedDays:
    """From `first` to `last`, both included, as "2026-11-22"."""

    first: str
    last: str
    zone: tzinfo | None = UTC

    @property
    def from_ms(self) -> int:
        return self._start_ms(self.first, 0)

    @property
    def until_ms(self) -> int:
        """Excluded."""
        return self._start_ms(self.last, 1)

    def number_of(self, at_ms: Any) -> ColumnElement[int]:
        """The day of a column of milliseconds within them, as a number for `day_of`."""
        (_, offset_ms), *later = self._offsets()
        changes = [(at_ms >= since_ms, later_ms) for since_ms, later_ms in reversed(later)]
        shift: Any = case(*changes, else_=offset_ms) if changes else offset_ms
        number: ColumnElement[int] = (at_ms + shift) // DAY_MS
        return number

    def _offsets(self) -> Iterator[tuple[int, int]]:
        """Since when, and how much later than UTC its clocks are. Summer time begins and ends more than a day apart."""
        at_ms, until_ms = self.from_ms, self.until_ms
        offset_ms = self._offset_ms(at_ms)
        yield at_ms, offset_ms
        while at_ms < until_ms:
            next_ms = min(at_ms + DAY_MS, until_ms)
            if self._offset_ms(next_ms) != offset_ms:
                before_ms, since_ms = at_ms, next_ms
                while since_ms - before_ms > BUCKET_MS:
                    middle_ms = before_ms + (since_ms - before_ms) // BUCKET_MS // 2 * BUCKET_MS
                    if self._offset_ms(middle_ms) == offset_ms:
                        before_ms = middle_ms
                    else:
                        since_ms = middle_ms
                offset_ms = self._offset_ms(since_ms)
                yield since_ms, offset_ms
            at_ms = next_ms

    def _offset_ms(self, at_ms: int) -> int:
        offset = datetime.fromtimestamp(at_ms / 1000, self.zone).astimezone(self.zone).utcoffset()
        assert offset is not None, "astimezone gives an aware time"
        return round(offset.total_seconds() * 1000)

    def _start_ms(self, day: str, num_days_later: int) -> int:
        """Where clocks go forward at midnight, a day begins at one; where they go back then, the first time."""
        found = min(max(date.fromisoformat(day), _FIRST), _LAST) + timedelta(num_days_later)
        return round(datetime(found.year, found.month, found.day, tzinfo=self.zone).timestamp() * 1000)


def day_of(number: int) -> str:
    return (_EPOCH + timedelta(number)).isoformat()
