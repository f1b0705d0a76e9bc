"""Serves the web page from memory: hashed assets cached for ever, HTML with a fresh nonce each time. Event loop; no
state.

A middleware rather than routes: the page is open to everybody (it holds no data), to a browser with a stale cookie too,
so it stands before the credentials. A path is looked up in a table made at start; the disk is never asked.
"""

import mimetypes
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from bdchat.api.http.route_pattern import first_name
from bdchat.api.http.security import headers_named

BUILT_PAGE = Path(__file__).resolve().parents[2] / "webui"  # scripts/bootstrap_webui.py puts it there; in the wheel
PLACES = frozenset(
    {"", "login", "register", "chat", "documents", "temporary", "settings", "profile", "share", "shared", "admin"}
)
CHAT_PATHS = r"/(?:login|register|chat(?:/.*)?|documents|temporary|settings(?:/.*)?|profile|share|shared/.*)?"
# Which file answers for which paths; the page's own router does the rest.
ENTRIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("index.html", re.compile(CHAT_PATHS, re.DOTALL)),
    ("admin.html", re.compile(r"/admin(?:/.*)?", re.DOTALL)),
)
NONCE = b"BDCHAT-CSP-NONCE"  # vite.config.ts, html.cspNonce
LANGUAGE = b'<html lang="en"'  # as both entries begin; the page's script says it again
LANGUAGE_COOKIE = b"bdchat-language="  # what a reader chose (webui/src/lib/i18n.ts)
LANGUAGES = ("ko", "en")
BASE = b"BDCHAT-BASE-PATH"  # index.html and admin.html tell it to the page (webui/src/lib/place.ts)
HERE = b'"./'  # how the build writes the page's own addresses (vite.config.ts, base)
FOR_EVER = b"public, max-age=31536000, immutable"  # an asset's name changes with its content
FOR_A_DAY = b"public, max-age=86400"
COMPRESSED = ".gz"
NO_GZIP = re.compile(r"(?:^|,)\s*gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")
WEIGHT = re.compile(r"q=([01](?:\.[0-9]{1,3})?)")
MAX_LANGUAGES = 20  # of Accept-Language; a browser names a handful
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
NOT_BUILT = (
    b"<!doctype html><title>bdchat</title><p>The web page has not been built: start with <code>scripts/serve</code>, "
    b"or run <code>python3 scripts/bootstrap_webui.py</code>. The API under <code>/v1</code> works without it."
)


@dataclass(frozen=True, slots=True)
class PageFile:
    body: bytes
    compressed: bytes | None  # gzip
    media_type: str
    caching: bytes


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """`files` by URL path, `entries` by file name. Both empty: it has not been built."""

    files: Mapping[str, PageFile]
    entries: Mapping[str, bytes]

    @property
    def first_names(self) -> frozenset[str]:
        """With what the page's paths begin."""
        return PLACES | {path.split("/")[1] for path in self.files}

    @property
    def is_built(self) -> bool:
        return "index.html" in self.entries

    def entry(self, path: str) -> bytes | None:
        """The HTML for a path of the page, with NONCE in it; None: not a path of this page."""
        name = next((name for name, paths in ENTRIES if paths.fullmatch(path)), None)
        if name == "index.html" and not self.is_built:
            return NOT_BUILT
        return self.entries.get(name) if name else None


def load_page(folder: Path = BUILT_PAGE, *, base_path: str = "") -> BuiltPage:
    files: dict[str, PageFile] = {}
    entries: dict[str, bytes] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.suffix == COMPRESSED or name.startswith(".") or name == "sources.sha256":
            continue
        if path.suffix == ".html":
            entries[name] = path.read_bytes().replace(HERE, f'"{base_path}/'.encode()).replace(BASE, base_path.encode())
        else:
            files[f"/{name}"] = _page_file(path, caching=FOR_EVER if name.startswith("assets/") else FOR_A_DAY)
    return BuiltPage(files, entries)


def _page_file(path: Path, *, caching: bytes) -> PageFile:
    twin = path.with_name(path.name + COMPRESSED)
    media_type = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return PageFile(path.read_bytes(), twin.read_bytes() if twin.is_file() else None, media_type, caching)


class PageServer:
    """Answers GET and HEAD of the page's own paths, and a browser's of an address that is nobody's: the page says that
    there is nothing. Everything else goes on to the API, whose paths begin with `api_names`."""

    def __init__(self, app: ASGIApp, *, page: BuiltPage, api_names: Collection[str] = ()) -> None:
        self._app = app
        self._page = page
        self._api_names = frozenset(api_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            if (file := self._page.files.get(scope["path"])) is not None:
                await _send_file(file, scope, send)
                return
            if (html := self._page.entry(scope["path"])) is not None:
                await _send_entry(html, scope, send, status=200 if self._page.is_built else 503)
                return
            if self._page.is_built and self._is_mistyped(scope):
                await _send_entry(self._page.entries["index.html"], scope, send, status=404)
                return
        await self._app(scope, receive, send)

    def _is_mistyped(self, scope: Scope) -> bool:
        is_read_by_somebody = any(b"text/html" in accepted for accepted in headers_named(scope, b"accept"))
        return is_read_by_somebody and first_name(scope["path"]) not in self._api_names


def language_of(scope: Scope) -> str:
    """What the reader chose before, or the first of the browser's languages that the page speaks, or English: as the
    page itself decides."""
    for cookies in headers_named(scope, b"cookie"):
        for cookie in cookies.split(b";"):
            chosen = cookie.strip().removeprefix(LANGUAGE_COOKIE).decode("latin-1")
            if cookie.strip().startswith(LANGUAGE_COOKIE) and chosen in LANGUAGES:
                return chosen
    wanted = ",".join(value.decode("latin-1") for value in headers_named(scope, b"accept-language")[:4])
    weighed: list[tuple[float, str]] = []
    for part in wanted.split(",")[:MAX_LANGUAGES]:
        tag, _, weight = part.partition(";")
        found = WEIGHT.fullmatch(weight.strip())
        weighed.append((float(found[1]) if found else 1.0, tag.strip()[:2].lower()))
    known = [tag for weight, tag in sorted(weighed, key=lambda each: -each[0]) if tag in LANGUAGES and weight > 0]
    return known[0] if known else "en"


async def _send_file(file: PageFile, scope: Scope, send: Send) -> None:
    headers = [(b"cache-control", file.caching), (b"content-type", file.media_type.encode())]
    body = file.body
    if file.compressed is not None:
        headers.append((b"vary", b"accept-encoding"))
        if _takes_gzip(scope):
            headers.append((b"content-encoding", b"gzip"))
            body = file.compressed
    await _send(200, headers, body, scope, send)


async def _send_entry(html: bytes, scope: Scope, send: Send, *, status: int) -> None:
    nonce = secrets.token_urlsafe(18)
    headers = [
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept, accept-language, cookie"),
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", POLICY.format(nonce=nonce).encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"x-frame-options", b"DENY"),  # for what does not know frame-ancestors
    ]
    html = html.replace(LANGUAGE, f'<html lang="{language_of(scope)}"'.encode(), 1)
    await _send(status, headers, html.replace(NONCE, nonce.encode()), scope, send)


async def _send(status: int, headers: list[tuple[bytes, bytes]], body: bytes, scope: Scope, send: Send) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _takes_gzip(scope: Scope) -> bool:
    accepted = ",".join(value.decode("latin-1") for value in headers_named(scope, b"accept-encoding")).lower()
    return "gzip" in accepted and not NO_GZIP.search(accepted)
