"""`bdchat user …`: manages accounts from the server's own console. One sentence each, and what to do next.

A shell on the server is enough, no account is asked for. SQLite has one writer (store/sql/database.py): while a server
runs it is that server, and accounts are changed on its admin page. Over PostgreSQL it works beside running servers,
which notice within seconds. A password is typed twice, or read from standard input; it is never an argument, which
every user of the machine could read.
"""

import asyncio
import contextlib
import datetime
import getpass
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from bdchat.api.auth.passwords import WEAKNESSES, Passwords, weakness_of
from bdchat.api.schemas.accounts import as_username
from bdchat.settings import Settings
from bdchat.store.accounts import audit, logins, users
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, StoreError, StoreLocked
from bdchat.store.sql.database import Database
from bdchat.store.tables import User

MAX_LINE_CHARS = 4096
Result = TypeVar("Result")


class UserRefused(Exception):
    """One line: why nothing was changed."""


def add(settings: Settings, username: str, *, is_admin: bool) -> str:
    """The first account is the admin's. Raises UserRefused."""
    try:
        name = as_username(username)
    except ValueError as error:
        raise UserRefused(f"{username!r}: a name {error}") from error

    async def work(database: Database) -> str:
        if await database.read(lambda db: users.by_name(db, name)) is not None:
            raise UserRefused(f"there is an account {name} already")
        password_hash = await _new_password_hash(name)

        def create(db: Db) -> User:
            is_first = not users.has_any(db)
            make = users.create_first if is_first else users.create_user
            user = make(db, username=name, password_hash=password_hash, role="admin" if is_admin else "user")
            audit.record(db, audit.CONSOLE, "user.create", user.user_id, {"role": user.role})
            return user

        user = await database.write(create)
        role = "an admin" if user.role == "admin" else "a user"
        why = "" if is_admin or user.role == "user" else ": the first account always is"
        return f"{user.username} is {role}{why}."

    return _run(settings, work)


def listing(settings: Settings) -> str:
    """A line per account, the eldest first. Raises UserRefused."""

    async def work(database: Database) -> str:
        found = await database.read(users.list_all)
        width = max((len(user.username) for user in found), default=0)
        lines = (f"{user.username:{width}}  {_state(user):8}  last seen {_day(user.last_seen_at_ms)}" for user in found)
        return "\n".join(lines) if found else "There is no account yet: bdchat user add NAME makes the admin's."

    return _run(settings, work)


def reset_password(settings: Settings, username: str) -> str:
    """Ends that account's logins; its keys stay. Raises UserRefused."""

    async def work(database: Database) -> str:
        user = await _named(database, username)
        password_hash = await _new_password_hash(user.username)

        def change(db: Db) -> int:
            users.change(db, user.user_id, password_hash=password_hash)
            audit.record(db, audit.CONSOLE, "user.reset_password", user.user_id)
            return len(logins.end_all(db, user.user_id))

        num_ended = await database.write(change)
        return f"{user.username} has a new password; its logins ({num_ended}) have ended."

    return _run(settings, work)


def set_disabled(settings: Settings, username: str, *, is_disabled: bool) -> str:
    """Raises UserRefused, also for the last admin."""

    async def work(database: Database) -> str:
        user = await _named(database, username)

        def change(db: Db) -> None:
            users.set_disabled(db, user.user_id, is_disabled=is_disabled)
            audit.record(db, audit.CONSOLE, "user.disable" if is_disabled else "user.enable", user.user_id)

        await database.write(change)
        return f"{user.username} {'cannot sign in any more' if is_disabled else 'can sign in again'}."

    return _run(settings, work)


# --- what they share --------------------------------------------------------------------------------------------------


def _run(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    async def opened() -> Result:
        with contextlib.ExitStack() as stack:
            folder = settings.data_dir
            if settings.store.url is not None:  # the lock of a folder is not what guards PostgreSQL
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bdchat-")))
            async with Database(settings.store, folder) as database:
                return await work(database)

    try:
        return asyncio.run(opened())
    except StoreLocked as error:
        raise UserRefused(
            f"a server runs on {settings.data_dir}: change accounts on its admin page (Users), or stop it first"
        ) from error
    except Conflict as error:
        raise UserRefused(error.reason.rstrip(".")) from error
    except StoreError as error:
        raise UserRefused(str(error)) from error


async def _named(database: Database, username: str) -> User:
    user = await database.read(lambda db: users.by_name(db, username))
    if user is None:
        raise UserRefused(f"there is no account {username}: `bdchat user list` names all")
    return user


async def _new_password_hash(username: str) -> str:
    password = _read_password()
    if (weakness := weakness_of(password, username)) is not None:
        raise UserRefused(f"this password {WEAKNESSES[weakness].rstrip('.')}")
    with closing(Passwords()) as passwords:
        return await passwords.hash(password)


def _read_password() -> str:
    """Typed twice at a terminal; else the first line of standard input. Raises UserRefused."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(MAX_LINE_CHARS).rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UserRefused("the two passwords differ")
    return password


def _state(user: User) -> str:
    return "disabled" if user.is_disabled else user.role


def _day(at_ms: int | None) -> str:
    if at_ms is None:
        return "never"
    return datetime.datetime.fromtimestamp(at_ms / 1000).astimezone().date().isoformat()  # the console's own
