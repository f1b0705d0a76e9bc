"""Refuses requests for a Host that is not ours. A pure ASGI middleware; no state.

It raises an EdgeError, which envelope.Envelope (outside of it) answers.
"""

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

from bdchat.api.http.errors import HostNotAllowed
from bdchat.api.http.peer import Proxies
from bdchat.api.http.security import LOOPBACK_NAMES, WILDCARD_ADDRESSES, headers_named
from bdchat.settings import ServerSettings


class HostGuard:
    """Against DNS rebinding: a page at evil.example that resolves to 127.0.0.1 still says `Host: evil.example`.

    A trusted proxy tells in X-Forwarded-Host what its client asked for; its own Host may be anything then. On a
    wildcard bind any literal address is allowed: no DNS name can be rebound to one. Browsers always name a Host; of
    HTTP/1.0, where one may be missing, so do they."""

    def __init__(self, app: ASGIApp, *, server: ServerSettings, proxies: Proxies) -> None:
        self._app = app
        names = (*LOOPBACK_NAMES, server.host, *server.allowed_hosts)
        self._names = frozenset(_host_name(name) for name in names)
        self._allows_addresses = server.host in WILDCARD_ADDRESSES
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and not self._allows(scope):
            raise HostNotAllowed(b", ".join(headers_named(scope, b"host"))[:253].decode("latin-1"))
        await self._app(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        name = self._proxies.peer(scope).asked_host
        if name is None:
            return scope.get("http_version") == "1.0" and not headers_named(scope, b"host")
        return name in self._names or (self._allows_addresses and _is_address(name))


def _host_name(name: str) -> str:
    """As it stands in a Host header: IPv6 in brackets."""
    return f"[{name}]".lower() if ":" in name and not name.startswith("[") else name.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
