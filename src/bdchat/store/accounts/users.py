"""Accounts: created, found by name or id, changed. Runs inside Database.write and read; knows no passwords, only
hashes.

A name is compared as NFKC, case-folded (`username_key`): "Ann" and "ＡＮＮ" are one account. A new one that looks like
another's is refused (lookalikes.py). The first account is the admin's; `server_state` remembers that it was made, so
that two servers over one database cannot make two.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, delete, func, or_, select, update

from bdchat.store.accounts import lookalikes
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ApiKey, LoginToken, ServerState, User

FIRST_ACCOUNT = "first_account"  # ServerState
SETUP_CODE = "setup_code"  # ServerState: SHA-256 of the code that lets somebody far away make the first account


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """What an admin lets one account ask of the models. None: the setting's; 0: no bound."""

    max_running: int | None = None  # answers at once, per model
    max_queued: int | None = None  # waiting requests, per model
    tokens_per_minute: int | None = None


def username_key(username: str) -> str:
    return unicodedata.normalize("NFKC", username).strip().casefold()


def has_any(db: Db) -> bool:
    return db.exec(select(User.user_id).limit(1)).first() is not None


def get(db: Db, user_id: str) -> User:
    """Raises NotFound."""
    user = db.get(User, user_id)
    if user is None:
        raise NotFound("user", user_id)
    return user


def by_name(db: Db, username: str) -> User | None:
    return db.exec(select(User).where(User.username_key == username_key(username))).first()


def by_sign_in(db: Db, typed: str) -> User | None:
    """Whose name or email it is; no email is another's name."""
    key = username_key(typed)
    return db.exec(select(User).where(or_(User.username_key == key, User.email_key == key))).first()


def names_of(db: Db, user_ids: Collection[str]) -> dict[str, str]:
    """By id; who is gone is not in it."""
    query = select(User.user_id, User.username).where(col(User.user_id).in_(user_ids))
    return dict(db.exec(query).all())


def shown_names_of(db: Db, user_ids: Collection[str]) -> dict[str, str]:
    """As people call themselves, by id; who is gone is not in it."""
    query = select(User.user_id, User.display_name, User.username).where(col(User.user_id).in_(user_ids))
    return {user_id: display_name or username for user_id, display_name, username in db.exec(query)}


def list_all(db: Db) -> list[User]:
    return list(db.exec(select(User).order_by(col(User.created_at_ms), col(User.user_id))))


def own_limits(db: Db) -> dict[str, OwnLimits]:
    """By account, of those that have any."""
    columns = (col(User.max_running), col(User.max_queued), col(User.tokens_per_minute))
    query = select(User.user_id, *columns).where(or_(*(column.is_not(None) for column in columns)))
    return {user_id: OwnLimits(*own) for user_id, *own in db.exec(query)}


def create_user(
    db: Db,
    *,
    username: str,
    password_hash: str,
    role: str = "user",
    display_name: str = "",
    locale: str = "",
    email: str | None = None,
    must_change_password: bool = False,
) -> User:
    """Raises Conflict when the name is taken, or looks like one that is, and when the email is."""
    if by_sign_in(db, username) is not None:
        raise Conflict("This name is taken.", code="name_taken", param="username")
    username = unicodedata.normalize("NFKC", username).strip()
    skeletons = lookalikes.skeletons(username)
    if any(skeletons & lookalikes.skeletons(name) for name in db.exec(select(User.username))):
        raise Conflict("This name looks like one that is taken.", code="name_looks_taken", param="username")
    user = User(
        user_id=new_id(),
        username=username,
        username_key=username_key(username),
        display_name=display_name,
        password_hash=password_hash,
        role=role,
        locale=locale,
        must_change_password=must_change_password,
        created_at_ms=now_ms(),
    )
    db.add(user)
    db.flush()
    return set_email(db, user.user_id, email)


def create_first(db: Db, **fields: Any) -> User:
    """The admin of a server without accounts. Raises Conflict when there is one already, made by another server too."""
    if has_any(db):
        raise Conflict("There is an account already.", code="account_exists")
    user = create_user(db, **(fields | {"role": "admin"}))
    db.merge(ServerState(name=FIRST_ACCOUNT, value={"user_id": user.user_id}))
    set_setup_code(db, None)
    db.flush()
    return user


def set_email(db: Db, user_id: str, email: str | None) -> User:
    """None or "" takes it away. Raises NotFound, and Conflict when another signs in with it."""
    key = username_key(email) if email else None
    if key is not None and (holder := by_sign_in(db, key)) is not None and holder.user_id != user_id:
        raise Conflict("Another account has this email.", code="email_taken", param="email")
    return change(db, user_id, email=email or None, email_key=key)


def set_setup_code(db: Db, code_hash: str | None, *, lifetime_ms: int = 0) -> None:
    """Replaces the earlier one; None takes it away."""
    db.merge(ServerState(name=SETUP_CODE, value={"code_hash": code_hash, "expires_at_ms": now_ms() + lifetime_ms}))


def setup_code_hash(db: Db) -> str | None:
    """None: there is none, or it is too old."""
    state = db.get(ServerState, SETUP_CODE)
    if state is None or state.value.get("expires_at_ms", 0) <= now_ms():
        return None
    return state.value.get("code_hash")


def change(db: Db, user_id: str, **fields: Any) -> User:
    """Sets columns by name. Raises NotFound."""
    user = get(db, user_id)
    for name, value in fields.items():
        assert name in User.model_fields
        setattr(user, name, value)
    db.add(user)
    db.flush()
    return user


def set_disabled(db: Db, user_id: str, *, is_disabled: bool) -> User:
    """A disabled user's logins are gone; the keys stay, and do not work. Raises NotFound, and Conflict for the last
    admin."""
    if is_disabled:
        keep_an_admin(db, user_id)
        db.exec(delete(LoginToken).where(col(LoginToken.user_id) == user_id))
    return change(db, user_id, is_disabled=is_disabled)


def keep_an_admin(db: Db, user_id: str) -> None:
    """Call before an account is disabled, deleted or made a plain user. Raises Conflict when it is the only admin."""
    others = select(func.count()).where(User.role == "admin", col(User.is_disabled).is_(False), User.user_id != user_id)
    if get(db, user_id).role == "admin" and db.exec(others).one() == 0:
        raise Conflict("This is the only admin: make another one first.", code="only_admin")


def touch(db: Db, user_id: str, at_ms: int, *, login_id: str | None = None, key_id: str | None = None) -> None:
    """Remembers that a credential was used. Rows that are gone meanwhile are no error."""
    db.exec(update(User).where(col(User.user_id) == user_id).values(last_seen_at_ms=at_ms))
    if login_id is not None:
        db.exec(update(LoginToken).where(col(LoginToken.login_id) == login_id).values(last_used_at_ms=at_ms))
    if key_id is not None:
        db.exec(update(ApiKey).where(col(ApiKey.key_id) == key_id).values(last_used_at_ms=at_ms))
