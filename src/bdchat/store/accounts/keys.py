"""API keys of users. A key is known by its SHA-256 and shown by its first characters.

Runs inside Database.write and read.
"""

from collections.abc import Iterable

from sqlmodel import col, func, select

from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ApiKey, User

MAX_KEYS = 100  # not revoked, per user


def create(
    db: Db,
    user_id: str,
    *,
    key_hash: str,
    prefix: str,
    name: str = "",
    scopes: Iterable[str] = ("chat",),
    expires_at_ms: int | None = None,
    is_bulk: bool = False,
) -> ApiKey:
    """Raises Conflict when the user has MAX_KEYS."""
    live = select(func.count()).where(ApiKey.user_id == user_id, col(ApiKey.revoked_at_ms).is_(None))
    if db.exec(live).one() >= MAX_KEYS:
        raise Conflict(f"There are {MAX_KEYS} keys already: revoke one first.", code="too_many_keys")
    key = ApiKey(
        key_id=new_id(),
        key_hash=key_hash,
        prefix=prefix,
        user_id=user_id,
        name=name,
        scopes=" ".join(sorted(scopes)),
        is_bulk=is_bulk,
        created_at_ms=now_ms(),
        expires_at_ms=expires_at_ms,
    )
    db.add(key)
    db.flush()
    return key


def with_user(db: Db, key_hash: str) -> tuple[ApiKey, User] | None:
    """One query. Whether it is still good is the caller's to say."""
    joined = select(ApiKey, User).join(User, col(User.user_id) == ApiKey.user_id)
    return db.exec(joined.where(ApiKey.key_hash == key_hash)).first()


def list_of(db: Db, user_id: str) -> list[ApiKey]:
    """Those that are not revoked, the newest first."""
    query = select(ApiKey).where(ApiKey.user_id == user_id, col(ApiKey.revoked_at_ms).is_(None))
    return list(db.exec(query.order_by(col(ApiKey.key_id).desc())))


def get_owned(db: Db, user_id: str, key_id: str) -> ApiKey:
    """Raises NotFound, also for another user's and for a revoked one."""
    key = db.get(ApiKey, key_id)
    if key is None or key.user_id != user_id or key.revoked_at_ms is not None:
        raise NotFound("key", key_id)
    return key


def rename(db: Db, user_id: str, key_id: str, name: str) -> ApiKey:
    key = get_owned(db, user_id, key_id)
    key.name = name
    db.add(key)
    return key


def revoke(db: Db, user_id: str, key_id: str) -> ApiKey:
    """The row stays: the audit log and the usage speak of it."""
    key = get_owned(db, user_id, key_id)
    key.revoked_at_ms = now_ms()
    db.add(key)
    return key
