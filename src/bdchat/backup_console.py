"""`bdchat backup FILE` and `bdchat restore FILE`: one sentence each, and what to do next. SQLite only."""

from pathlib import Path

from bdchat.settings import Settings
from bdchat.store.errors import Conflict, NotFound, StoreError
from bdchat.store.sql.backup import back_up, restore
from bdchat.store.sql.database import FILE_NAME


class BackupFailed(Exception):
    """One line: why there is no backup, or nothing was restored."""


def back_up_to(settings: Settings, target: Path, *, replaces: bool) -> str:
    """What was done. Also while the server runs. Raises BackupFailed."""
    if settings.store.url is not None:
        raise BackupFailed("the database is PostgreSQL's: pg_dump --format=custom --file=FILE URL makes its backup")
    try:
        num_bytes = back_up(settings.data_dir / FILE_NAME, target.absolute(), replaces=replaces)
    except NotFound as error:
        raise BackupFailed(f"there is no database at {error.name}; name its --data-dir") from error
    except Conflict as error:
        raise BackupFailed(f"{error.reason.rstrip('.')}; --force replaces it") from error
    except StoreError as error:
        raise BackupFailed(str(error)) from error
    return f"{target} holds everything ({_size(num_bytes)}). `bdchat restore {target}` brings it back."


def restore_from(settings: Settings, source: Path) -> str:
    """What was done, and how to undo it. Raises BackupFailed."""
    if settings.store.url is not None:
        raise BackupFailed("the database is PostgreSQL's: pg_restore --clean --dbname=URL FILE brings it back")
    try:
        restored = restore(source.absolute(), settings.data_dir)
    except NotFound as error:
        raise BackupFailed(f"there is no file {source}") from error
    except StoreError as error:
        raise BackupFailed(str(error)) from error
    what = f"{settings.data_dir} now holds {source}: {restored.num_users} users, {restored.num_messages} messages."
    if restored.former is None:
        return what
    return f"{what}\nWhat was there before is kept; to undo: bdchat restore {restored.former}"


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.1f} MB"
