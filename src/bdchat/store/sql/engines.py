"""SQLAlchemy engines: how a connection of each kind is opened and what it may do. No state."""

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from bdchat.store.errors import StoreUnavailable

BUSY_TIMEOUT_MS = 5000  # only another program (a backup tool, sqlite3) can hold the file


def sqlite_writer(path: Path) -> Engine:
    """One connection, which may be used by one thread at a time. FULL: a commit outlives a power cut."""
    return _sqlite(
        f"file:{_quoted(path)}?mode=rwc",
        num_connections=1,
        pragmas=(
            "auto_vacuum=INCREMENTAL",  # first: it counts for a file without tables only
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=1000",
            "secure_delete=ON",
            *_temporary_files_beside(path),
        ),
    )


def _temporary_files_beside(path: Path) -> tuple[str, ...]:
    """SQLite sorts what is large in a file of its own; on a read-only root the data directory is the only place for it,
    and without one an index or an import fails like on a full disk. Holds for every connection of this process."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # none of /tmp, /var/tmp and the working directory can be written
        folder = str(path.absolute().parent).replace("'", "''")
        return (f"temp_store_directory='{folder}'",)
    return ()


def sqlite_reader(path: Path, *, num_connections: int) -> Engine:
    return _sqlite(
        f"file:{_quoted(path)}?mode=ro",
        num_connections=num_connections,
        pragmas=("query_only=ON", "wal_autocheckpoint=0", "cache_size=-16000"),
    )


def postgres_engine(url: str, *, pool_size: int) -> Engine:
    """Raises StoreUnavailable when the driver is missing or the URL is no PostgreSQL one."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"} or not rest:
        raise StoreUnavailable("store.url must look like postgresql://user:password@host/database")
    try:
        return create_engine(
            f"postgresql+psycopg://{rest}",
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,  # of errors: they are what users wrote
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable("store.url needs a driver: pip install 'bdchat[postgres]'") from error


def has_transaction(connection: Connection) -> bool:
    """As the driver knows it, whatever SQLAlchemy thinks. One that only waits to be undone is one."""
    driver = _driver(connection)
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    return driver is not None and _status(driver) in {"ACTIVE", "INTRANS", "INERROR"}


def can_commit(connection: Connection) -> bool:
    """PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and its driver does not say so."""
    driver = _driver(connection)
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    return driver is not None and _status(driver) == "INTRANS"


def _driver(connection: Connection) -> Any:
    """None: it is lost."""
    return None if connection.closed or connection.invalidated else connection.connection.dbapi_connection


def _status(driver: Any) -> str:
    """psycopg's."""
    return str(driver.info.transaction_status.name)


def _sqlite(uri: str, *, num_connections: int, pragmas: tuple[str, ...]) -> Engine:
    def connect() -> sqlite3.Connection:
        # isolation_level None: we say BEGIN ourselves (below), else savepoints do not hold
        connection = sqlite3.connect(
            uri, uri=True, check_same_thread=False, isolation_level=None, cached_statements=256
        )
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=num_connections,
        max_overflow=0,
        pool_timeout=60,
        hide_parameters=True,
    )
    is_writer = "query_only=ON" not in pragmas
    event.listen(engine, "begin", lambda connection: _begin(connection, is_writer=is_writer))
    return engine


def _begin(connection: Any, *, is_writer: bool) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
