"""One path for what clients write in several ways. A pure ASGI middleware; no state.

Base URLs are typed by people and joined by programs: with a slash at the end or without, with /v1 or without, with /v1
on both sides. No redirect: it would be built from Host, and clients do not follow one with a POST.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

SLASHES = re.compile(r"/{2,}")
VERSIONS = re.compile(r"(?:/v1)+(?=/|$)")
ENDPOINTS = re.compile(
    r"/(?:chat/completions|completions|embeddings|models|rerank|fim/completions|completion|infill|tokenize|detokenize"
    r"|apply-template|responses|messages)(?:/.*)?",
    re.DOTALL,
)
OF_THE_PAGE = re.compile(r"/chat/.*", re.DOTALL)  # read by a browser: a chat of that id


class TidyPath:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            scope["path"] = tidied(scope["path"], scope.get("method", "GET"))
        await self._app(scope, receive, send)


def tidied(path: str, method: str) -> str:
    path = SLASHES.sub("/", path).rstrip("/") or "/"
    path = VERSIONS.sub("/v1", path, count=1) if path.startswith("/v1/v1") else path
    is_page = method in {"GET", "HEAD"} and OF_THE_PAGE.fullmatch(path)
    return f"/v1{path}" if ENDPOINTS.fullmatch(path) and not is_page else path
