"""INSERT … ON CONFLICT, which SQLite and PostgreSQL have and SQL has not."""

from typing import Any

from sqlalchemy.dialects import sqlite


def conflict_insert(dialect: str, table: Any) -> Any:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 20 ms of a server's start that most never need

    return postgresql.insert(table)
