"""The authenticated caller of a request: account, scopes, login or key. Put on the connection by auth.Authenticator,
read by every handler. Values only; no I/O.

A handler that touches somebody's data takes `require_user` or `require_admin` first and passes `user_id` into every
query: what is not theirs does not exist for them (404).
"""

from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import HTTPConnection

from bdchat.api.http.errors import Forbidden, Unauthorized

Scope = Literal["chat", "sessions", "admin"]
ALL_SCOPES: frozenset[Scope] = frozenset({"chat", "sessions", "admin"})


@dataclass(frozen=True, slots=True)
class Identity:
    """`user_id` "" is the local guest (no account): it may use /v1 and owns nothing that others could not read."""

    user_id: str
    username: str
    role: Literal["admin", "user", "guest"]
    scopes: frozenset[Scope]
    login_id: str | None = None  # signed in with a cookie or a login token
    key_id: str | None = None  # came with an API key
    is_bulk: bool = False  # with a key for work that nobody waits for
    must_change_password: bool = False  # a login with a password that an admin made
    expires_at_ms: int | None = field(default=None, compare=False)  # of the login (used meanwhile, later) or the key

    @property
    def is_guest(self) -> bool:
        return not self.user_id

    @property
    def is_admin(self) -> bool:
        return self.role == "admin" and "admin" in self.scopes


def identity_of(connection: HTTPConnection) -> Identity | None:
    """None: nobody was recognised (only open paths get that far)."""
    found = connection.scope.get("state", {}).get("identity")
    return found if isinstance(found, Identity) else None


def require_chat(connection: HTTPConnection) -> Identity:
    """Anybody who may use the model, the guest included."""
    identity = identity_of(connection)
    if identity is None:
        raise Unauthorized(was_given=False)
    check_scope(identity, "chat")
    return identity


def require_user(connection: HTTPConnection) -> Identity:
    """Somebody with an account."""
    identity = _with_account(connection)
    check_scope(identity, "sessions")
    return identity


def require_admin(connection: HTTPConnection) -> Identity:
    identity = _with_account(connection)
    if identity.role != "admin":
        raise Forbidden("Only an admin may do that.")
    check_scope(identity, "admin")
    return identity


def require_login(connection: HTTPConnection) -> Identity:
    """Somebody who signed in with a password. Keys must not make keys, nor change what keeps the account."""
    identity = _with_account(connection)
    if identity.login_id is None:
        raise Forbidden("Sign in with your password to do that; a key may not.")
    return identity


def require_operator(connection: HTTPConnection) -> Identity:
    """Who runs the server: an admin, the operator's key, or somebody on this machine without an account."""
    identity = identity_of(connection)
    if identity is None:
        raise Unauthorized(was_given=False)
    return identity if identity.is_guest else require_admin(connection)


def check_scope(identity: Identity, scope: Scope) -> None:
    """Raises Forbidden, which names it. A login has every scope; a key has those that it was made with."""
    if scope not in identity.scopes:
        raise Forbidden(f"This key lacks the scope '{scope}'.", code="insufficient_scope")


def _with_account(connection: HTTPConnection) -> Identity:
    identity = identity_of(connection)
    if identity is None or identity.is_guest:
        raise Unauthorized(was_given=False)
    return identity
