"""The perimeter: Host, Origin and body bounds, as pure ASGI middlewares. They hold no state between requests.

Each raises an EdgeError, which envelope.Envelope (outside of all) answers. Guards read scope["path"] and the raw
headers, never a URL rebuilt from Host.
"""

import asyncio
import ipaddress
import re
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bdchat.api.http.errors import BodyTimeout, BodyTooLarge, HostNotAllowed, OriginNotAllowed
from bdchat.settings import MIB, AuthSettings, LimitSettings, ServerSettings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
WILDCARD_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104  # recognised, not bound
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?")
HEADER_NAMES = re.compile(r"[A-Za-z0-9-]{1,64}(?:\s*,\s*[A-Za-z0-9-]{1,64}){0,63}")
PREFLIGHT_MAX_AGE_S = b"600"


class UnsafeBind(Exception):
    """One line: why this server does not start."""


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_bind(server: ServerSettings, auth: AuthSettings) -> None:
    """Raises UnsafeBind. Off loopback nobody gets in without a credential; passwords and cookies must not cross a
    network in the clear either: there is a TLS proxy in front, or the operator, who sets a key, has decided so."""
    if server.api_key is not None and not server.api_key.get_secret_value():
        raise UnsafeBind("server.api_key is empty: set BDCHAT_API_KEY to a secret, or unset it")
    if not is_loopback(server.host) and server.api_key is None and not auth.trusted_proxies:
        raise UnsafeBind(
            f"refusing to listen on {server.host} without a key or a TLS proxy: set BDCHAT_API_KEY, name the proxy in"
            " auth.trusted_proxies, or use --host 127.0.0.1"
        )


def headers_named(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def host_of(header: bytes) -> str | None:
    """The name in a Host header, without its port; None when it is no such header."""
    match = HOST.fullmatch(header)
    return match[1].decode().lower() if match else None


class HostGuard:
    """Against DNS rebinding: a page at evil.example that resolves to 127.0.0.1 still says `Host: evil.example`.

    On a wildcard bind any literal address is allowed: no DNS name can be rebound to one."""

    def __init__(self, app: ASGIApp, *, server: ServerSettings) -> None:
        self._app = app
        names = (*LOOPBACK_NAMES, server.host, *server.allowed_hosts)
        self._names = frozenset(_host_name(name) for name in names)
        self._allows_addresses = server.host in WILDCARD_ADDRESSES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            hosts = headers_named(scope, b"host")
            if len(hosts) != 1 or not self.allows(hosts[0]):
                raise HostNotAllowed(b", ".join(hosts)[:253].decode("latin-1"))
        await self._app(scope, receive, send)

    def allows(self, host: bytes) -> bool:
        name = host_of(host)
        return name is not None and (name in self._names or (self._allows_addresses and _is_address(name)))


def _host_name(name: str) -> str:
    """As it stands in a Host header: IPv6 in brackets."""
    return f"[{name}]".lower() if ":" in name and not name.startswith("[") else name.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class OriginGuard:
    """CORS for exactly the configured origins; what changes or costs something is refused from any other page."""

    def __init__(self, app: ASGIApp, *, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode().rstrip(b"/") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        origins = headers_named(scope, b"origin")
        if not origins:
            await self._app(scope, receive, send)
            return
        origin = origins[0]
        is_listed = len(origins) == 1 and origin in self._origins
        method = scope.get("method", "GET")
        is_preflight = method == "OPTIONS" and bool(headers_named(scope, b"access-control-request-method"))
        is_own = len(origins) == 1 and is_same_origin(origin, scope)
        is_unsafe = is_preflight or method not in SAFE_METHODS or scope["type"] == "websocket"
        if is_unsafe and not is_listed and not is_own:
            raise OriginNotAllowed(origin[:200].decode("latin-1"))
        if is_preflight and is_listed:
            await _answer_preflight(scope, send, origin)
        elif is_listed:
            await self._app(scope, receive, _with_cors(send, origin))
        else:
            await self._app(scope, receive, send)


def is_same_origin(origin: bytes, scope: Scope) -> bool:
    """The page came from this server itself; HostGuard has vouched for Host."""
    hosts = headers_named(scope, b"host")
    return any(origin.lower() in {scheme + host.lower() for scheme in (b"http://", b"https://")} for host in hosts)


def _with_cors(send: Send, origin: bytes) -> Send:
    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"access-control-allow-origin", origin), (b"vary", b"Origin")]
            headers.append((b"access-control-expose-headers", b"x-request-id, openai-processing-ms, retry-after"))
            message = {**message, "headers": headers}
        await send(message)

    return send_with_cors


async def _answer_preflight(scope: Scope, send: Send, origin: bytes) -> None:
    asked = b", ".join(headers_named(scope, b"access-control-request-headers")).decode("latin-1")
    headers = [
        (b"access-control-allow-origin", origin),
        (b"vary", b"Origin"),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-max-age", PREFLIGHT_MAX_AGE_S),
        (b"content-length", b"0"),
    ]
    if HEADER_NAMES.fullmatch(asked):  # authorization, content-type and the SDKs' x-stainless-*
        headers.append((b"access-control-allow-headers", asked.encode("latin-1")))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class BodyLimits:
    """Bounds a body's bytes, declared or counted, and the time in which it must arrive. A path in `large` takes bodies
    of its own size, whose handler must not keep them in memory; the time is then for each MiB."""

    def __init__(self, app: ASGIApp, *, limits: LimitSettings, large: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._limit_bytes = limits.body_bytes
        self._large = dict(large or {})
        self._timeout_s = limits.body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit_bytes = self._large.get(scope["path"], self._limit_bytes)
        for declared in headers_named(scope, b"content-length"):
            if not declared.isdigit() or int(declared[:20]) > limit_bytes:
                raise BodyTooLarge(limit_bytes)
        await self._app(scope, self._bounded(receive, limit_bytes, is_large=scope["path"] in self._large), send)

    def _bounded(self, receive: Receive, limit_bytes: int, *, is_large: bool) -> Receive:
        num_bytes = 0
        is_complete = False
        deadline = asyncio.get_running_loop().time() + self._timeout_s

        async def receive_bounded() -> Message:
            nonlocal num_bytes, is_complete
            if is_complete:
                return await receive()
            more_s = self._timeout_s * (num_bytes // MIB) if is_large else 0.0
            try:
                async with asyncio.timeout_at(deadline + more_s):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTimeout(self._timeout_s) from error
            num_bytes += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            if num_bytes > limit_bytes:
                raise BodyTooLarge(limit_bytes)
            return message

        return receive_bounded
