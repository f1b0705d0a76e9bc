"""INSERT … ON CONFLICT, which SQLite and PostgreSQL have and SQL has not."""

from typing import Any

from sqlalchemy.dialects import sqlite

from bdchat.store.db import Db


def conflict_insert(db: Db, table: Any) -> Any:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if db.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 20 ms of a server's start that most never need

    return postgresql.insert(table)
