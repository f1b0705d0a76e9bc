"""Usage sums per user, UTC day and model. Only ever added to, in one statement: no two writers can lose each other's
counts.

Runs inside Database.write and read. What a count means is UsageDay's matter.
"""

import datetime
from collections.abc import Mapping

from sqlmodel import col, select

from bdchat.store.db import Db
from bdchat.store.sql.dialects import conflict_insert
from bdchat.store.tables import UsageDay

COUNTS = ("num_requests", "num_messages", "prompt_tokens", "cached_tokens", "completion_tokens", "engine_ms")


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def add(db: Db, user_id: str, model: str, day: str | None = None, **counts: int) -> None:
    """`counts` are UsageDay's columns; `day` is "2026-11-22", None = today (UTC)."""
    assert set(counts) <= set(COUNTS)
    if not any(counts.values()):
        return
    statement = conflict_insert(db.get_bind().dialect.name, UsageDay).values(
        user_id=user_id, day=day or today(), model=model, **counts
    )
    table = UsageDay.__table__  # type: ignore[attr-defined]
    sums = {name: table.c[name] + statement.excluded[name] for name in counts}
    db.exec(statement.on_conflict_do_update(index_elements=["user_id", "day", "model"], set_=sums))


def add_all(db: Db, sums: Mapping[tuple[str, str, str], Mapping[str, int]]) -> None:
    """Counts by (user_id, model, day)."""
    for (user_id, model, day), counts in sums.items():
        add(db, user_id, model, day, **counts)


def days_of(db: Db, user_id: str, *, first_day: str, last_day: str) -> list[UsageDay]:
    """Both days included; oldest first, then by model."""
    query = select(UsageDay).where(UsageDay.user_id == user_id, UsageDay.day >= first_day, UsageDay.day <= last_day)
    return list(db.exec(query.order_by(col(UsageDay.day), col(UsageDay.model))))
