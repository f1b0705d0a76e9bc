"""Which addresses are this machine's own, and the bounds of a body, as a pure ASGI middleware without state.

It raises an EdgeError, which envelope.Envelope (outside of it) answers.
"""

import asyncio
import ipaddress
import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bdchat.api.http.errors import BodyTimeout, BodyTooLarge
from bdchat.settings import MIB, LimitSettings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
WILDCARD_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104  # recognised, not bound
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?")


class UnsafeBind(Exception):
    """One line: why this server does not start."""


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def headers_named(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


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
