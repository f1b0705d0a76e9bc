"""Moments that tests name by their text."""

from datetime import UTC, datetime


def at_utc(text: str) -> int:
    """Milliseconds of "2026-11-22T08:30", or of a day's beginning, in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
