"""Logins of browsers and programs. A token is known by its SHA-256 alone. Runs inside Database.write and read."""

from sqlmodel import col, delete, select

from bdchat.store.accounts import users
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import LoginToken, User

MAX_CLIENT_CHARS = 200
MAX_LOGINS = 100  # per account; the longest unused makes room


def create(db: Db, user_id: str, *, token_hash: str, client: str, ip: str, lifetime_ms: int) -> LoginToken:
    """`client` is a User-Agent. The user's logins that are over are swept away."""
    now = now_ms()
    db.exec(delete(LoginToken).where(col(LoginToken.user_id) == user_id, col(LoginToken.expires_at_ms) <= now))
    login = LoginToken(
        login_id=new_id(),
        token_hash=token_hash,
        user_id=user_id,
        client=client[:MAX_CLIENT_CHARS],
        ip=ip,
        created_at_ms=now,
        last_used_at_ms=now,
        expires_at_ms=now + lifetime_ms,
    )
    db.add(login)
    users.touch(db, user_id, now)
    db.flush()
    return login


def make_room(db: Db, user_id: str) -> list[str]:
    """Before `create`. The ids of the logins that it ended."""
    newest_first = (col(LoginToken.last_used_at_ms).desc(), col(LoginToken.login_id).desc())
    query = select(LoginToken.login_id).where(LoginToken.user_id == user_id).order_by(*newest_first)
    login_ids = list(db.exec(query.offset(MAX_LOGINS - 1)))
    if login_ids:
        db.exec(delete(LoginToken).where(col(LoginToken.login_id).in_(login_ids)))
    return login_ids


def with_user(db: Db, token_hash: str) -> tuple[LoginToken, User] | None:
    """One query. Whether it is still good is the caller's to say."""
    joined = select(LoginToken, User).join(User, col(User.user_id) == LoginToken.user_id)
    return db.exec(joined.where(LoginToken.token_hash == token_hash)).first()


def list_of(db: Db, user_id: str, *, used_after_ms: int) -> list[LoginToken]:
    """Those that are good, the last used first."""
    query = select(LoginToken).where(
        LoginToken.user_id == user_id, LoginToken.expires_at_ms > now_ms(), LoginToken.last_used_at_ms > used_after_ms
    )
    return list(db.exec(query.order_by(col(LoginToken.last_used_at_ms).desc(), col(LoginToken.login_id).desc())))


def end(db: Db, user_id: str, login_id: str) -> None:
    """Raises NotFound, also for another user's."""
    if not end_one(db, user_id, login_id):
        raise NotFound("login", login_id)


def end_one(db: Db, user_id: str, login_id: str) -> bool:
    """Whether it was there."""
    own = delete(LoginToken).where(col(LoginToken.login_id) == login_id, col(LoginToken.user_id) == user_id)
    return bool(db.exec(own).rowcount)


def end_all(db: Db, user_id: str, *, but: str | None = None) -> list[str]:
    """The ids of those that it ended. `but` is kept."""
    query = select(LoginToken.login_id).where(LoginToken.user_id == user_id)
    login_ids = [login_id for login_id in db.exec(query) if login_id != but]
    if login_ids:
        db.exec(delete(LoginToken).where(col(LoginToken.login_id).in_(login_ids)))
    return login_ids
