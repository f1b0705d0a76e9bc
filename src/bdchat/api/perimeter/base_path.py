"""Takes server.base_path off the path of a request. A pure ASGI middleware; no state.

Proxies pass a path on as it is, or take its beginning off themselves: both are served, and programs of this machine
that know of no such path are too. What stands inside sees the path without it.
"""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from bdchat.api.http.route_pattern import first_name


class BasePath:
    """`names`: with what paths of ours begin. A base path that is one of them ("/chat") is taken off only where the
    rest is one too: "/chat/settings" is the settings below it, "/chat/0193-abc" a chat that a proxy has passed on
    without it."""

    def __init__(self, app: ASGIApp, *, base_path: str, names: Collection[str]) -> None:
        self._app = app
        self._base_path = base_path
        self._names = frozenset(names)
        self._is_like_ours = first_name(base_path) in self._names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._base_path and scope["type"] in {"http", "websocket"}:
            scope["path"] = self.without(scope["path"])
        await self._app(scope, receive, send)

    def without(self, path: str) -> str:
        path = "/" + path.lstrip("/")
        rest = path.removeprefix(self._base_path)
        if rest == path or not (rest == "" or rest.startswith("/")):
            return path
        rest = rest or "/"
        return path if self._is_like_ours and first_name(rest) not in self._names else rest
