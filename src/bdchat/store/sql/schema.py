"""Checks the file's integrity and its schema's revision, and upgrades it. Runs at start, before anybody reads.

Alembic is imported only when something must change: a start in order needs one query.
"""

import sys
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from bdchat.store.accounting import books
from bdchat.store.errors import StoreBusy, StoreDamaged, StoreFull, StoreTooNew, StoreUnavailable
from bdchat.store.sql.driver_errors import at_path, is_damage, named_error, named_errors

MIGRATIONS = Path(__file__).parent.with_name("migrations")
HEAD = "0010"  # the newest revision; a test compares it with the migrations
_HEADER = b"SQLite format 3\x00"


def check_header(path: Path) -> None:
    """Before SQLite sees the file: it takes what it cannot read for an empty one. Raises StoreDamaged, OSError."""
    with path.open("rb") as file:
        header = file.read(len(_HEADER))
    if header != _HEADER:
        raise StoreDamaged(str(path), "not a SQLite database" if header else "it is empty")


def check_sound(engine: Engine, path: Path, *, thoroughly: bool) -> None:
    """`thoroughly`: after an end that was not in order every page is read. Raises StoreDamaged when what was read is
    wrong; StoreFull, StoreBusy, StoreUnavailable when it could not be read."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM sqlite_master"))
            found = connection.execute(text("PRAGMA quick_check(1)")).scalar() if thoroughly else "ok"
    except DatabaseError as error:
        if is_damage(error):
            raise StoreDamaged(str(path), str(error.orig)) from error
        raise at_path(error, path) or StoreUnavailable(f"{path}: {error.orig}") from error
    if found != "ok":
        raise StoreDamaged(str(path), str(found)[:200])


def upgrade(engine: Engine) -> None:
    """Brings an older schema up to HEAD, in one transaction. Raises StoreTooNew, StoreFull, StoreUnavailable."""
    try:
        revision = revision_of(engine)
    except DatabaseError as error:
        named = named_error(error)
        full = named if isinstance(named, StoreFull | StoreBusy) else None
        raise full or StoreUnavailable(f"the database cannot be reached: {error.orig}") from error
    if revision == HEAD:
        return
    # mako, which alembic imports, would load pygments for pages of errors that nobody makes: 5 MB that stay
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]  # Python's way to say: not there
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreTooNew(revision)
    with named_errors(), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        books.install(connection)


def require_head(engine: Engine) -> None:
    """For who only reads. Raises StoreUnavailable where the server that runs is older or newer than we are."""
    with named_errors():
        if revision_of(engine) != HEAD:
            raise StoreUnavailable("the running server is of another version: restart it, and try again")


def revision_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(found) if found is not None else None
