"""Statistics of stored bytes by table and account, and returning free space to the disk. Functions of a Session; SQLite
and PostgreSQL.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, cast, func, inspect, select, text
from sqlmodel import SQLModel, col

from bdchat.store.accounting import quotas
from bdchat.store.db import Db
from bdchat.store.tables import ChatSession, Generation, StorageBook, User

WAL_BUG_FIXED_IN = (3, 51, 3)  # sqlite.org/wal.html#walresetbug
BATCH_PAGES = 256  # 1 MiB: given back in a few milliseconds


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    num_bytes: int
    num_free_bytes: int | None  # inside the file, to be given back by `shrink`; None: the database does it by itself
    num_rows: dict[str, int]  # by table


@dataclass(frozen=True, slots=True)
class AccountSize:
    user_id: str
    username: str
    num_messages: int
    num_bytes: int  # of all that is theirs (books.py)
    quota_bytes: int | None  # their own; None = the setting's


@dataclass(frozen=True, slots=True)
class Kept:
    largest_accounts: list[AccountSize]
    guest_bytes: int
    num_guest_completions: int
    charged_bytes: int  # of all accounts and the guest


def dialect(db: Db) -> str:
    return db.get_bind().dialect.name


def version(db: Db) -> str:
    """ "SQLite 3.40.1", "PostgreSQL 15.8"."""
    if dialect(db) == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    return f"PostgreSQL {_scalar(db, 'SHOW server_version')}".split(" (")[0]


def warning(database_version: str) -> str | None:
    """What an operator must know of this version."""
    kind, _, number = database_version.partition(" ")
    if kind != "SQLite" or tuple(int(part) for part in number.split(".")[:3]) >= WAL_BUG_FIXED_IN:
        return None
    return (
        f"SQLite before 3.51.3 can damage a database when two programs write to it at once. This server alone writes;"
        f" open {number}'s file with no other program while it runs."
    )


def size(db: Db) -> DatabaseSize:
    names = set(inspect(db.connection()).get_table_names()) & set(SQLModel.metadata.tables)
    num_rows = {name: _count(db, name) for name in sorted(names)}
    if dialect(db) == "sqlite":
        page_bytes = int(_scalar(db, "PRAGMA page_size"))
        num_bytes = page_bytes * int(_scalar(db, "PRAGMA page_count"))
        return DatabaseSize(num_bytes, page_bytes * int(_scalar(db, "PRAGMA freelist_count")), num_rows)
    return DatabaseSize(int(_scalar(db, "SELECT pg_database_size(current_database())")), None, num_rows)


def largest_accounts(db: Db, *, limit: int) -> list[AccountSize]:
    """Those that keep most, the largest first."""
    kept: Any = func.sum(col(StorageBook.num_bytes)).label("num_bytes")
    books = select(col(StorageBook.owner_id), kept).group_by(col(StorageBook.owner_id)).subquery()
    num_messages = select(func.coalesce(func.sum(col(ChatSession.num_messages)), 0))
    num_messages = num_messages.where(col(ChatSession.user_id) == col(User.user_id)).correlate(User)
    query = (
        select(
            col(User.user_id),
            col(User.username),
            num_messages.scalar_subquery(),
            books.c.num_bytes,
            col(User.quota_bytes),
        )
        .join(books, books.c.owner_id == col(User.user_id))
        .order_by(books.c.num_bytes.desc(), col(User.user_id))
        .limit(limit)
    )
    return [AccountSize(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in db.execute(query)]


def account_bytes(db: Db, user_id: str) -> int:
    """Of all that the account keeps, deleted chats included; "" is the guest."""
    query = select(func.sum(col(StorageBook.num_bytes))).where(col(StorageBook.owner_id) == user_id)
    return int(db.execute(query).scalar_one() or 0)


def kept(db: Db, *, num_accounts: int) -> Kept:
    guests = select(func.count()).select_from(Generation)
    guests = guests.where(col(Generation.user_id) == quotas.GUEST, col(Generation.session_id).is_(None))
    return Kept(
        largest_accounts=largest_accounts(db, limit=num_accounts),
        guest_bytes=account_bytes(db, quotas.GUEST),
        num_guest_completions=int(db.execute(guests).scalar_one()),
        charged_bytes=int(db.execute(select(func.sum(col(StorageBook.num_bytes)))).scalar_one() or 0),
    )


def shrink(db: Db, *, num_pages: int = BATCH_PAGES) -> int:
    """Gives free pages at the file's end back to the disk; returns how many pages are still free. SQLite's writer."""
    for _ in range(min(num_pages, int(_scalar(db, "PRAGMA freelist_count")))):
        db.connection().exec_driver_sql("PRAGMA incremental_vacuum(1)")  # the driver stops after the first of several
    return int(_scalar(db, "PRAGMA freelist_count"))


def folder_bytes(folder: Path) -> int:
    """Of the files right in it and below; files may vanish while they are counted."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat(follow_symlinks=False).st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def stored_bytes(db: Db, column: Any) -> Any:
    """Of a text column, counted in bytes: a Hangul syllable is three."""
    return func.length(cast(column, LargeBinary)) if dialect(db) == "sqlite" else func.octet_length(column)


def _count(db: Db, name: str) -> int:
    return int(db.execute(select(func.count()).select_from(SQLModel.metadata.tables[name])).scalar_one())


def _scalar(db: Db, statement: str) -> Any:
    return db.connection().execute(text(statement)).scalar()
