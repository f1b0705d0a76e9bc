"""The cookies of a browser: their names, and how they are set and read. Pure.

A host's cookies are shared by all its paths, and `__Host-` allows no narrower one: below a base path the names carry
it, so that two servers on one host do not sign each other's people out.
"""

import hashlib

from starlette.types import Scope

from bdchat.api.http.security import headers_named
from bdchat.store.accounts import users

LOGIN = "bdchat"
DEVICE = "bdchat-device"
HOST_ONLY = "__Host-"  # browsers take it over https alone, for this host alone


class Cookies:
    def __init__(self, base_path: str) -> None:
        self._suffix = base_path.replace("/", "~")

    def login_of(self, scope: Scope, *, is_https: bool) -> str | None:
        """Its token. Over https only of the cookie that no other host and no plain http could have set."""
        return _value_of(scope, self._name(LOGIN, is_https=is_https))

    def set_login(self, token: str, *, is_https: bool, max_age_s: int) -> str:
        """The header's value. `token` "" and `max_age_s` 0 take the cookie away."""
        return _set(self._name(LOGIN, is_https=is_https), token, is_https=is_https, max_age_s=max_age_s)

    def device_of(self, scope: Scope, username: str, *, is_https: bool) -> str | None:
        """The token of this browser's cookie for that account."""
        return _value_of(scope, self._name(_device(username), is_https=is_https))

    def set_device(self, token: str, username: str, *, is_https: bool, max_age_s: int) -> str:
        return _set(self._name(_device(username), is_https=is_https), token, is_https=is_https, max_age_s=max_age_s)

    def _name(self, name: str, *, is_https: bool) -> str:
        return f"{HOST_ONLY if is_https else ''}{name}{self._suffix}"


def _device(username: str) -> str:
    """One per account: what one account's browser knows is nothing to another."""
    return f"{DEVICE}-{hashlib.sha256(users.username_key(username).encode()).hexdigest()[:16]}"


def _value_of(scope: Scope, cookie_name: str) -> str | None:
    for header in headers_named(scope, b"cookie"):
        for pair in header.decode("latin-1").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == cookie_name and value:
                return value
    return None


def _set(name: str, value: str, *, is_https: bool, max_age_s: int) -> str:
    secure = "; Secure" if is_https else ""
    return f"{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
