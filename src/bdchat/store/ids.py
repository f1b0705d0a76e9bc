"""Ids of rows: time-ordered, unguessable, unique over processes. Pure."""

import secrets
import time
import uuid


def now_ms() -> int:
    """Milliseconds since 1970, UTC: every time in the store."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """UUIDv7 (RFC 9562) as 32 hex digits: sorts by time of making, 74 random bits."""
    value = (
        (now_ms() & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return uuid.UUID(int=value).hex
