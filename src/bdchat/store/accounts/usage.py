"""Usage sums per user, quarter of an hour and model, told by the days of any time zone. Only ever added to, in one
statement: no two writers can lose each other's counts.

Runs inside Database.write and read. What a count means is UsageBucket's matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import delete, func
from sqlmodel import col, select

from bdchat.store.accounts.zoned_days import BUCKET_MS, DAY_MS, ZonedDays, day_of
from bdchat.store.db import Db
from bdchat.store.ids import now_ms
from bdchat.store.sql.dialects import conflict_insert
from bdchat.store.tables import UsageBucket, User

COUNTS = ("num_requests", "num_messages", "prompt_tokens", "cached_tokens", "completion_tokens", "engine_ms")
NOON_MS = DAY_MS // 2  # in most of the world's zones the same day

Dimension = Literal["day", "user", "model"]
DIMENSIONS: tuple[Dimension, ...] = ("day", "user", "model")


@dataclass(frozen=True, slots=True)
class UsageSum:
    """Sums over what was not asked to be told apart: then the name is None."""

    day: str | None
    user_id: str | None
    username: str | None  # "" when the account is gone, and for the local guest
    model: str | None
    counts: dict[str, int]  # by COUNTS


def bucket(at_ms: int | None = None) -> int:
    """The beginning of its quarter of an hour; None = now."""
    return (now_ms() if at_ms is None else at_ms) // BUCKET_MS * BUCKET_MS


def add(db: Db, user_id: str, model: str, at_ms: int | None = None, **counts: int) -> None:
    """`counts` are UsageBucket's columns; `at_ms` None = now."""
    assert set(counts) <= set(COUNTS)
    if not any(counts.values()):
        return
    statement = conflict_insert(db.get_bind().dialect.name, UsageBucket).values(
        user_id=user_id, start_ms=bucket(at_ms), model=model, **counts
    )
    table = UsageBucket.__table__  # type: ignore[attr-defined]
    sums = {name: table.c[name] + statement.excluded[name] for name in counts}
    db.exec(statement.on_conflict_do_update(index_elements=["user_id", "start_ms", "model"], set_=sums))


def add_all(db: Db, sums: Mapping[tuple[str, str, int], Mapping[str, int]]) -> None:
    """Counts by (user_id, model, at_ms)."""
    for (user_id, model, at_ms), counts in sums.items():
        add(db, user_id, model, at_ms, **counts)


def sums(
    db: Db,
    days: ZonedDays,
    *,
    by: Sequence[Dimension],
    limit: int | None = None,
    user_id: str | None = None,
    model: str | None = None,
) -> list[UsageSum]:
    """Per combination of what `by` names, in the order of DIMENSIONS."""
    start_ms = col(UsageBucket.start_ms)
    counts = [col(getattr(UsageBucket, count)) for count in COUNTS]
    names = [name for name in DIMENSIONS if name in by]
    column_of: dict[Dimension, Any] = {"user": col(UsageBucket.user_id), "model": col(UsageBucket.model)}
    if "day" in names:
        column_of["day"] = days.number_of(start_ms)
    # a subquery: PostgreSQL takes two expressions with parameters of their own for two
    told = cast(Any, select)(*(column_of[name].label(name) for name in names), *counts).where(
        start_ms >= days.from_ms, start_ms < days.until_ms
    )
    if user_id is not None:
        told = told.where(UsageBucket.user_id == user_id)
    if model is not None:
        told = told.where(UsageBucket.model == model)
    rows = told.subquery()
    columns = [rows.c[name] for name in names]
    # max: PostgreSQL wants an aggregate, and all rows of a group have the same name
    username = [func.max(User.username)] if "user" in names else []
    query = cast(Any, select)(*columns, *username, *(func.sum(rows.c[count]) for count in COUNTS))
    query = query.select_from(rows)
    if "user" in names:
        query = query.outerjoin(User, col(User.user_id) == rows.c.user)
    if columns:
        query = query.group_by(*columns).order_by(*columns)
    return [_usage_sum(names, tuple(row)) for row in db.execute(query.limit(limit)) if row[-1] is not None]


def _usage_sum(names: Sequence[str], row: tuple[Any, ...]) -> UsageSum:
    found = dict(zip(names, row, strict=False))
    values = row[len(row) - len(COUNTS) :]
    return UsageSum(
        day=day_of(found["day"]) if "day" in found else None,
        user_id=found.get("user"),
        username=(row[len(names)] or "") if "user" in found else None,
        model=found.get("model"),
        counts={name: int(value) for name, value in zip(COUNTS, values, strict=True)},
    )


def merge_a_day(db: Db, *, before_ms: int) -> bool:
    """One of UTC's days that end before it keeps one row per user and model, at its noon; False: none is left."""
    start_ms = col(UsageBucket.start_ms)
    last_ms = before_ms // DAY_MS * DAY_MS
    unmerged = select(start_ms).where(start_ms < last_ms, start_ms % DAY_MS != NOON_MS).order_by(start_ms).limit(1)
    found = db.exec(unmerged).first()
    if found is None:
        return False
    day_ms = found // DAY_MS * DAY_MS
    is_of_it = (start_ms >= day_ms, start_ms < day_ms + DAY_MS)
    counts = [func.sum(col(getattr(UsageBucket, count))) for count in COUNTS]
    names = (col(UsageBucket.user_id), col(UsageBucket.model))
    rows = db.execute(cast(Any, select)(*names, *counts).where(*is_of_it).group_by(*names)).all()
    db.execute(delete(UsageBucket).where(*is_of_it))
    for user_id, model, *values in rows:
        add(db, user_id, model, day_ms + NOON_MS, **dict(zip(COUNTS, map(int, values), strict=True)))
    return True
