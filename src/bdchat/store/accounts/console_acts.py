"""What `bdchat user …` does to accounts, as plain data and as one function of a transaction. No I/O, no threads.

An act travels: the console does it itself where no server owns the database, else the server does it, asked over its
socket (api/admin/console_socket.py). Passwords come hashed.
"""

import msgspec

from bdchat.store.accounts import audit, logins, users
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound, StoreError
from bdchat.store.tables import User


class AddAccount(msgspec.Struct, frozen=True, tag=True):
    username: str
    password_hash: str
    is_admin: bool


class ResetPassword(msgspec.Struct, frozen=True, tag=True):
    username: str
    password_hash: str


class SetDisabled(msgspec.Struct, frozen=True, tag=True):
    username: str
    is_disabled: bool


ConsoleAct = AddAccount | ResetPassword | SetDisabled


class Performed(msgspec.Struct, frozen=True):
    said: str  # one sentence
    ended_user_id: str | None = None  # whose logins or rights have ended


def perform(db: Db, act: ConsoleAct) -> Performed:
    """Raises NotFound, Conflict; then nothing has changed."""
    if isinstance(act, AddAccount):
        return _add(db, act)
    user = named(db, act.username)
    if isinstance(act, ResetPassword):
        users.change(db, user.user_id, password_hash=act.password_hash)
        audit.record(db, audit.CONSOLE, "user.reset_password", user.user_id)
        num_ended = len(logins.end_all(db, user.user_id))
        return Performed(f"{user.username} has a new password; its logins ({num_ended}) have ended.", user.user_id)
    users.set_disabled(db, user.user_id, is_disabled=act.is_disabled)
    audit.record(db, audit.CONSOLE, "user.disable" if act.is_disabled else "user.enable", user.user_id)
    if act.is_disabled:
        return Performed(f"{user.username} cannot sign in any more.", user.user_id)
    return Performed(f"{user.username} can sign in again.")


def refusal(error: StoreError) -> str:
    """For the console: one sentence without its end."""
    if isinstance(error, NotFound):
        return f"there is no account {error.name}: `bdchat user list` names all"
    return error.reason.rstrip(".") if isinstance(error, Conflict) else str(error)


def named(db: Db, username: str) -> User:
    """Raises NotFound."""
    user = users.by_name(db, username)
    if user is None:
        raise NotFound("account", username)
    return user


def _add(db: Db, act: AddAccount) -> Performed:
    if users.by_name(db, act.username) is not None:
        raise Conflict(f"there is an account {act.username} already")
    make = users.create_user if users.has_any(db) else users.create_first
    role = "admin" if act.is_admin else "user"
    user = make(db, username=act.username, password_hash=act.password_hash, role=role)
    audit.record(db, audit.CONSOLE, "user.create", user.user_id, {"role": user.role})
    if user.role != "admin":
        return Performed(f"{user.username} is a user.")
    return Performed(f"{user.username} is an admin{'' if act.is_admin else ': the first account always is'}.")
