"""CORS: what a page of a listed origin may read and send. Pure ASGI middlewares; no state.

CorsHeaders stands outside of everything that refuses: a page that cannot read an error can say nothing of it. No
credentials are ever allowed: a page of another origin shows a token, our cookie does not count.
"""

import re

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bdchat.api.http.errors import OriginNotAllowed
from bdchat.api.http.peer import Proxies
from bdchat.api.http.security import SAFE_METHODS, headers_named
from bdchat.api.perimeter.origins import ListedOrigins

Header = tuple[bytes, bytes]
HEADER_NAMES = re.compile(r"[!#$%&'*+.^_`|~\w-]{1,64}(?:\s*,\s*[!#$%&'*+.^_`|~\w-]{1,64}){0,63}", re.ASCII)
PREFLIGHT_MAX_AGE_S = b"600"
EXPOSED = (
    b"x-request-id, openai-processing-ms, openai-version, retry-after, x-should-retry, www-authenticate, "
    b"content-disposition, x-bdchat-generation-id, x-bdchat-message-id, x-bdchat-user-message-id"
)
CREDENTIAL_HEADERS = frozenset({b"authorization", b"x-api-key"})
VARIES = (b"vary", b"Origin")


def cors_headers(origins: ListedOrigins, headers: list[Header]) -> list[Header]:
    """Of the answer to a request with these headers."""
    if not origins:
        return []
    found = [value for name, value in headers if name == b"origin"]
    if len(found) != 1 or found[0] not in origins:
        return [VARIES]
    return [(b"access-control-allow-origin", found[0]), VARIES, (b"access-control-expose-headers", EXPOSED)]


class CorsHeaders:
    """On every answer, whoever gives it."""

    def __init__(self, app: ASGIApp, *, origins: ListedOrigins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        added = cors_headers(self._origins, scope["headers"])

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self._app(scope, receive, send_with_cors)


class OriginGuard:
    """What changes or costs something is refused from a page that is neither ours nor listed, unless it shows a key:
    programs that are made of web pages send an Origin too and are bound by no CORS. Whether the key is good is
    CredentialGuard's matter."""

    def __init__(self, app: ASGIApp, *, origins: ListedOrigins, proxies: Proxies) -> None:
        self._app = app
        self._origins = origins
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = headers_named(scope, b"origin") if scope["type"] in {"http", "websocket"} else []
        if not origins:
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "GET")
        is_preflight = method == "OPTIONS" and bool(headers_named(scope, b"access-control-request-method"))
        is_unsafe = is_preflight or method not in SAFE_METHODS or scope["type"] == "websocket"
        is_listed = len(origins) == 1 and origins[0] in self._origins
        is_own = len(origins) == 1 and self._proxies.peer(scope).owns(origins[0])
        if is_unsafe and not is_listed and not is_own:
            if is_preflight or not any(name in CREDENTIAL_HEADERS for name, _ in scope["headers"]):
                raise OriginNotAllowed(origins[0][:200].decode("latin-1"))
            scope.setdefault("state", {})["needs_key_for"] = origins[0]
        if is_preflight and is_listed:
            await _answer_preflight(scope, send)
        else:
            await self._app(scope, receive, send)


def foreign_origin(scope: Scope) -> bytes | None:
    """Of a page that may have an answer only where the request shows a good key."""
    found = scope.get("state", {}).get("needs_key_for")
    return found if isinstance(found, bytes) else None


async def _answer_preflight(scope: Scope, send: Send) -> None:
    """CorsHeaders adds for whom it is."""
    asked = b", ".join(headers_named(scope, b"access-control-request-headers")).decode("latin-1")
    headers = [
        (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers"),
        (b"access-control-allow-methods", ", ".join(_methods(scope)).encode("latin-1")),
        (b"access-control-max-age", PREFLIGHT_MAX_AGE_S),
        (b"content-length", b"0"),
    ]
    if HEADER_NAMES.fullmatch(asked):  # authorization, content-type and the SDKs' x-stainless-*
        headers.append((b"access-control-allow-headers", asked.encode("latin-1")))
    if headers_named(scope, b"access-control-request-private-network") == [b"true"]:
        headers.append((b"access-control-allow-private-network", b"true"))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _methods(scope: Scope) -> list[str]:
    """That the path serves. Where there is nothing, any: the page is to read that there is nothing."""
    app = scope.get("app")
    routes = [route for route in app.routes if isinstance(route, Route)] if app is not None else []
    here = [route for route in routes if route.matches(scope)[0] is not Match.NONE] or routes
    return sorted({"OPTIONS", *(method for route in here for method in route.methods or ())})
