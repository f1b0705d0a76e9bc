"""`bdchat user …`: manages accounts from the server's own console. One sentence each, and what to do next.

A shell on the server is enough, no account is asked for. SQLite has one writer (store/sql/database.py): while a server
runs it is that server, which is asked over its socket and lets logins and streams end at once. Reading needs nobody.
Over PostgreSQL it works beside running servers, which notice within seconds. A password is typed twice, or read from
standard input; it is never an argument, which every user of the machine could read, and only its hash is handed on.
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
from bdchat.store.accounts import users
from bdchat.store.accounts.console_acts import (
    AddAccount,
    ConsoleAct,
    ResetPassword,
    SetDisabled,
    named,
    perform,
    refusal,
)
from bdchat.store.db import Db
from bdchat.store.errors import StoreError, StoreLocked
from bdchat.store.sql.database import FILE_NAME, Database, read_beside
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
    if _read(settings, lambda db: users.by_name(db, name)) is not None:
        raise UserRefused(f"the username {name} is already taken")
    return _act(settings, AddAccount(name, _new_password_hash(name), is_admin))


def listing(settings: Settings) -> str:
    """A line per account, the eldest first. Raises UserRefused."""
    found = _read(settings, users.list_all)
    width = max((len(user.username) for user in found), default=0)
    lines = (f"{user.username:{width}}  {_state(user):8}  last seen {_day(user.last_seen_at_ms)}" for user in found)
    return "\n".join(lines) if found else "There are no accounts yet: `bdchat user add NAME` creates the admin account."


def reset_password(settings: Settings, username: str) -> str:
    """Ends that account's logins; its keys stay. Raises UserRefused."""
    name = _read(settings, lambda db: named(db, username)).username
    return _act(settings, ResetPassword(name, _new_password_hash(name)))


def set_disabled(settings: Settings, username: str, *, is_disabled: bool) -> str:
    """Raises UserRefused, also for the last admin."""
    return _act(settings, SetDisabled(username, is_disabled))


# --- what they share --------------------------------------------------------------------------------------------------


def _read(settings: Settings, work: Callable[[Db], Result]) -> Result:
    def beside(_: StoreLocked) -> Result:
        return read_beside(settings.data_dir / FILE_NAME, work)

    return _told(lambda: _with_database(settings, lambda database: database.read(work)), beside)


def _act(settings: Settings, act: ConsoleAct) -> str:
    def ask_server(error: StoreLocked) -> str:
        from bdchat.api.admin.console_socket import ask

        try:
            answer = ask(settings.data_dir, act)
        except OSError as silent:
            raise UserRefused(
                f"a server runs on {settings.data_dir} and cannot be asked ({silent.strerror or silent}): change"
                " accounts on its admin page (Accounts), or stop it first"
            ) from error
        if answer.said is None:
            raise UserRefused(answer.refused or "the server gave no answer")
        return answer.said

    def write(database: Database) -> Awaitable[str]:
        return database.write(lambda db: perform(db, act).said)

    return _told(lambda: _with_database(settings, write), ask_server)


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    async def opened() -> Result:
        with contextlib.ExitStack() as stack:
            folder = settings.data_dir
            if settings.store.url is not None:  # the lock of a folder is not what guards PostgreSQL
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bdchat-")))
            async with Database(settings.store, folder) as database:
                return await work(database)

    return asyncio.run(opened())


def _told(work: Callable[[], Result], while_a_server_runs: Callable[[StoreLocked], Result]) -> Result:
    """Raises UserRefused."""
    try:
        try:
            return work()
        except StoreLocked as error:
            return while_a_server_runs(error)
    except StoreError as error:
        raise UserRefused(refusal(error)) from error


def _new_password_hash(username: str) -> str:
    password = _read_password()
    if (weakness := weakness_of(password, username)) is not None:
        raise UserRefused(f"this password {WEAKNESSES[weakness].rstrip('.')}")
    with closing(Passwords()) as passwords:
        return asyncio.run(passwords.hash(password))


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
