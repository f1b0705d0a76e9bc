"""Credential → Identity, for HTTP and for sockets: the only place that decides it. Event loop only.

A credential is a login token (`bdl-…`, in a cookie or as Bearer), a user's API key (`bd-…`, Bearer or x-api-key) or the
operator's key (server.api_key). Without any, a program of this machine is the local guest. What is known of a token is
its SHA-256; a resolved one is remembered for at most CACHE_MS, and never beyond its end in this process.
"""

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from bdchat.api.auth.attempts import Attempts
from bdchat.api.auth.cookies import Cookies
from bdchat.api.http.errors import (
    Forbidden,
    OriginNotAllowed,
    TooManyAttempts,
    Unauthorized,
    UnsupportedMediaType,
)
from bdchat.api.http.identity import ALL_SCOPES, Identity
from bdchat.api.http.peer import Peer, Proxies
from bdchat.api.http.security import SAFE_METHODS, headers_named
from bdchat.api.perimeter.cors import foreign_origin
from bdchat.settings import Settings
from bdchat.store.accounts import keys, logins, users
from bdchat.store.errors import StoreError
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import User

log = logging.getLogger(__name__)

KEY_PREFIX = "bd-"
LOGIN_PREFIX = "bdl-"
TOKEN = re.compile(r"bdl?-[A-Za-z0-9_-]{43}")  # 256 bits
CACHE_MS = 5000  # how long another server's revocation may go unnoticed here
MAX_CACHED = 4096
TOUCH_MS = 60_000  # "last used" is written at most this often
DAY_MS = 86_400_000
OPEN_PATHS = frozenset({"/health", "/api/openapi.json", "/api/auth/register", "/api/auth/login", "/api/auth/me"})
SHARED_PREFIX = "/api/shared/"  # the token after it is the credential
# All that is answered to a login whose password an admin made, besides OPEN_PATHS.
PASSWORD_PATHS = frozenset({"/api/auth/password", "/api/auth/logout"})
FORM_TYPES = frozenset({"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})

LOCAL_GUEST = Identity("", "guest", "guest", frozenset({"chat"}))
OPERATOR = Identity("", "operator", "guest", frozenset({"chat"}))


def new_token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Resolved:
    identity: Identity
    until_ms: int


class Authenticator:
    """Invariant: after `forget` has been called no request is answered with what had ended before, in this process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._idle_ms = settings.auth.idle_days * DAY_MS
        self._operator_key = settings.server.api_key.get_secret_value().encode() if settings.server.api_key else None
        self._has_guest = settings.auth.local_guest and self._operator_key is None
        self._proxies = Proxies(settings.auth.trusted_proxies)
        self.cookies = Cookies(settings.server.base_path)
        self._wrong_tokens = Attempts(settings.auth.attempts_per_address)
        self._resolved: dict[str, _Resolved] = {}  # by token hash
        self._num_ended = 0  # a look-up that was under way meanwhile is not remembered
        self._touches: dict[str, asyncio.Task[None]] = {}  # by token hash

    def peer(self, scope: Scope) -> Peer:
        return self._proxies.peer(scope)

    async def resolve(self, scope: Scope) -> Identity | None:
        """None: nothing was given, and nobody is let in without. Raises Unauthorized or TooManyAttempts for a wrong
        credential, Forbidden for a write that another site's page may have sent with our cookie."""
        peer = self.peer(scope)
        given = _given_keys(scope)
        is_guest = self._has_guest and peer.is_local
        for token in given:
            if (identity := await self.resolve_token(token, peer)) is not None:
                return identity
        if given and not (is_guest and not any(TOKEN.fullmatch(token) for token in given)):
            self._wrong_tokens.take(peer.limited_as)
            raise Unauthorized(was_given=True)
        if not given and (cookie := self.cookies.login_of(scope, is_https=peer.is_https)):
            return await self._of_cookie(cookie, scope, peer)
        return LOCAL_GUEST if is_guest else None  # SDKs must send some key: to the guest a placeholder is none

    async def _of_cookie(self, token: str, scope: Scope, peer: Peer) -> Identity:
        identity = await self._resolve_user(token) if token.startswith(LOGIN_PREFIX) else None
        if identity is None:
            raise Unauthorized(was_given=True)
        check_same_site(scope, peer)
        return identity

    async def shown(self, token: str, scope: Scope) -> Identity | None:
        """Of a socket's first message. None: it is no good. Raises TooManyAttempts."""
        peer = self.peer(scope)
        identity = await self.resolve_token(token, peer)
        if identity is None:
            self._wrong_tokens.take(peer.limited_as)
        return None if identity is not None and identity.must_change_password else identity

    async def resolve_token(self, token: str, peer: Peer) -> Identity | None:
        """None: it is no good, or no more. The operator's key was chosen by somebody and can be guessed: it is compared
        so often only, and then for nobody at that address. The others are 256 random bits. Raises TooManyAttempts."""
        if self._operator_key is not None and not TOKEN.fullmatch(token):
            if (left_s := self._wrong_tokens.left_s(peer.limited_as)) is not None:
                raise TooManyAttempts(left_s)
            return OPERATOR if hmac.compare_digest(token.encode(errors="replace"), self._operator_key) else None
        return await self._resolve_user(token)

    async def _resolve_user(self, token: str) -> Identity | None:
        if not TOKEN.fullmatch(token):
            return None
        hashed = token_hash(token)
        known = self._resolved.get(hashed)
        if known is not None and known.until_ms > now_ms():
            return known.identity
        num_ended = self._num_ended
        resolved = await (self._login if token.startswith(LOGIN_PREFIX) else self._key)(hashed)
        if resolved is None:
            self._resolved.pop(hashed, None)
            return None
        if num_ended == self._num_ended:
            self._remember(hashed, resolved)
        return resolved.identity

    def forget(self, user_id: str) -> None:
        """Whoever comes with a credential of that user's is looked up again. `Writes` calls it after a write that ended
        a login or a key, or changed what the user may; other servers notice within CACHE_MS."""
        self._num_ended += 1
        self._resolved = {
            hashed: known for hashed, known in self._resolved.items() if known.identity.user_id != user_id
        }

    def forget_all(self) -> None:
        self._num_ended += 1
        self._resolved.clear()

    async def aclose(self) -> None:
        for task in tuple(self._touches.values()):
            await task

    # --- the store ----------------------------------------------------------------------------------------------------

    async def _login(self, hashed: str) -> _Resolved | None:
        found = await self._database.read(lambda db: logins.with_user(db, hashed))
        if found is None:
            return None
        login, user = found
        now = now_ms()
        idle_at_ms = login.last_used_at_ms + self._idle_ms
        if user.is_disabled or now >= min(login.expires_at_ms, idle_at_ms) or not _same(login.token_hash, hashed):
            return None
        identity = Identity(
            user.user_id,
            user.username,
            _role(user),
            ALL_SCOPES,
            login_id=login.login_id,
            must_change_password=user.must_change_password,
            expires_at_ms=min(login.expires_at_ms, idle_at_ms),
        )
        self._touch(hashed, identity, login.last_used_at_ms)
        return _Resolved(identity, min(now + CACHE_MS, login.expires_at_ms))

    async def _key(self, hashed: str) -> _Resolved | None:
        found = await self._database.read(lambda db: keys.with_user(db, hashed))
        if found is None:
            return None
        key, user = found
        now = now_ms()
        expires_at_ms = key.expires_at_ms or now + CACHE_MS
        is_over = key.revoked_at_ms is not None or now >= expires_at_ms
        if user.is_disabled or is_over or not _same(key.key_hash, hashed):
            return None
        scopes = frozenset(scope for scope in ALL_SCOPES if scope in key.scopes.split())
        identity = Identity(
            user.user_id,
            user.username,
            _role(user),
            scopes,
            key_id=key.key_id,
            is_bulk=key.is_bulk,
            expires_at_ms=key.expires_at_ms,
        )
        self._touch(hashed, identity, key.last_used_at_ms or 0)
        return _Resolved(identity, min(now + CACHE_MS, expires_at_ms))

    def _remember(self, hashed: str, resolved: _Resolved) -> None:
        self._resolved.pop(hashed, None)
        self._resolved[hashed] = resolved
        if len(self._resolved) > MAX_CACHED:
            del self._resolved[next(iter(self._resolved))]

    def _touch(self, hashed: str, identity: Identity, last_used_at_ms: int) -> None:
        if now_ms() - last_used_at_ms >= TOUCH_MS and hashed not in self._touches:
            task = asyncio.create_task(self._write_touch(identity), name="last used")
            self._touches[hashed] = task
            task.add_done_callback(lambda _: self._touches.pop(hashed, None))

    async def _write_touch(self, identity: Identity) -> None:
        user_id, login_id, key_id = identity.user_id, identity.login_id, identity.key_id
        try:
            await self._database.write(lambda db: users.touch(db, user_id, now_ms(), login_id=login_id, key_id=key_id))
        except StoreError as error:  # a full disk: not worth refusing a request
            log.info("'last used' was not written: %s", error)


class CredentialGuard:
    """Puts the Identity on the connection. Every path needs one but OPEN_PATHS, unknown paths too, so that nothing can
    be probed; a socket may also show a token in its first message, which its handler asks for, and a page hears of a
    bad cookie only as the close code of a socket that was accepted."""

    def __init__(self, app: ASGIApp, *, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            path = scope["path"]
            is_open = scope["type"] == "websocket" or path in OPEN_PATHS or path.startswith(SHARED_PREFIX)
            try:
                identity = await self._authenticator.resolve(scope)
            except (Unauthorized, TooManyAttempts):
                if not is_open:
                    raise
                identity = None
            except Forbidden:
                if scope["type"] != "websocket" or not headers_named(scope, b"origin"):
                    raise
                identity = None  # a page of server.cors_origins: not its cookie counts, but the token that it will show
            if (origin := foreign_origin(scope)) is not None and identity in {None, LOCAL_GUEST}:
                raise OriginNotAllowed(origin[:200].decode("latin-1"))
            if identity is None and not is_open:
                raise Unauthorized(was_given=False)
            if identity is not None and identity.must_change_password and path not in OPEN_PATHS | PASSWORD_PATHS:
                if scope["type"] != "websocket":
                    raise Forbidden("Change your password first.", code="password_change_needed")
                identity = None
            scope.setdefault("state", {})["identity"] = identity
        await self._app(scope, receive, send)


def _given_keys(scope: Scope) -> list[str]:
    """At most one Authorization and one x-api-key; some clients send both, one of them a placeholder."""
    given = headers_named(scope, b"x-api-key")[:1]
    for value in headers_named(scope, b"authorization")[:1]:
        scheme, _, credentials = value.partition(b" ")
        if scheme.lower() == b"bearer":
            given.append(credentials.strip())
    return [key.decode(errors="replace") for key in given if key]


def check_same_site(scope: Scope, peer: Peer) -> None:
    """A browser sends the cookie along whoever wrote the page (SameSite=Lax still knows ports of one host as one site):
    what changes something must come from our own, and in a form that no cross-site form can have."""
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
        return
    origins = headers_named(scope, b"origin")
    is_own = len(origins) == 1 and peer.owns(origins[0])
    is_said_to_be = not origins and headers_named(scope, b"sec-fetch-site") == [b"same-origin"]
    if not is_own and not is_said_to_be:
        raise Forbidden("A request with a cookie must come from this server's own pages; programs send a token.")
    if scope["type"] == "http" and _has_body(scope):
        types = headers_named(scope, b"content-type")
        media_type = (types[0] if types else b"").partition(b";")[0].strip().lower().decode("latin-1")
        if media_type in FORM_TYPES:
            raise UnsupportedMediaType(media_type)


def _has_body(scope: Scope) -> bool:
    lengths = headers_named(scope, b"content-length")
    return bool(headers_named(scope, b"transfer-encoding")) or any(length != b"0" for length in lengths)


def _role(user: User) -> Literal["admin", "user"]:
    return "admin" if user.role == "admin" else "user"


def _same(stored: str, computed: str) -> bool:
    return hmac.compare_digest(stored.encode(), computed.encode())
