"""The web page: what is cached, what is not, what its policy forbids, and that nothing but the page can be read."""

import gzip
import json
import re
import struct
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import Message

from bdchat.api.http.page import NONCE, BuiltPage, PageServer, load_page
from bdchat.settings import ServerSettings, Settings
from tests.api.serving import in_process

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = b"export const answer = 42;\n" * 40
INDEX = b'<!doctype html><meta property="csp-nonce" nonce="' + NONCE + b'"><script src="/assets/main-a1.js" nonce="'
INDEX += NONCE + b'"></script>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / ".vite").mkdir()
    (tmp_path / "index.html").write_bytes(INDEX)
    (tmp_path / "assets" / "main-a1.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "main-a1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets" / "font-b2.woff2").write_bytes(b"wOF2")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / ".vite" / "manifest.json").write_text("{}")
    (tmp_path / "sources.sha256").write_text("0")
    return tmp_path


@asynccontextmanager
async def browser(page: BuiltPage, api_names: Collection[str] = ()) -> AsyncGenerator[httpx.AsyncClient]:
    async def nothing_else(scope, receive, send):  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(app=PageServer(nothing_else, page=page, api_names=api_names))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def policy(response: httpx.Response) -> dict[str, list[str]]:
    directives = response.headers["content-security-policy"].split(";")
    return {name: sources for name, *sources in (directive.split() for directive in directives)}


async def test_an_asset_is_cached_for_ever_and_compressed_for_who_accepts_it(built: Path) -> None:
    async with browser(load_page(built)) as client:
        packed = await client.get("/assets/main-a1.js", headers={"accept-encoding": "br, gzip"})
        plain = await client.get("/assets/main-a1.js", headers={"accept-encoding": "gzip;q=0, br"})
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    assert packed.content == plain.content == SCRIPT
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert packed.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    "path",
    ["/", "/login", "/register", "/chat", "/chat/0193-abc", "/settings", "/settings/keys", "/temporary", "/shared/x"],
)
async def test_every_place_of_the_page_is_the_same_html_and_never_cached(built: Path, path: str) -> None:
    async with browser(load_page(built)) as client:
        response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"
    assert b"/assets/main-a1.js" in response.content


async def test_below_a_base_path_every_address_of_the_html_begins_with_it(built: Path) -> None:
    html = b'<meta name="base-path" content="BDCHAT-BASE-PATH"><link href="./favicon.svg"><script src="./assets/a.js">'
    (built / "index.html").write_bytes(html)
    for base, link in (("", b'"/favicon.svg"'), ("/tools/chat", b'"/tools/chat/favicon.svg"')):
        async with browser(load_page(built, base_path=base)) as client:
            content = (await client.get("/")).content
        assert link in content
        assert b'content="%s"' % base.encode() in content
        assert b'src="%s/assets/a.js"' % base.encode() in content


async def test_the_policy_lets_only_our_own_scripts_run_and_styles_carry_a_nonce_used_once(built: Path) -> None:
    async with browser(load_page(built)) as client:
        first, second = await client.get("/"), await client.get("/")
    rules = policy(first)
    assert rules["default-src"] == rules["script-src"] == rules["connect-src"] == ["'self'"]
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert not any("unsafe" in source for sources in rules.values() for source in sources)
    nonces = [re.findall(rb'nonce="([^"]+)"', response.content) for response in (first, second)]
    assert [f"'nonce-{nonce.decode()}'" for nonce in set(nonces[0])] == [policy(first)["style-src"][1]]
    assert set(nonces[0]).isdisjoint(nonces[1])


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/sources.sha256",
        "/.vite/manifest.json",
        "/assets/main-a1.js.gz",
        "/assets/../sources.sha256",
        "/assets/%2e%2e/sources.sha256",
        "/assets/..%2fsources.sha256",
        "//etc/passwd",
        "/assets/",
        "/loginx",
        "/admin",  # has an entry of its own, which this build lacks
    ],
)
async def test_nothing_but_the_page_can_be_read(built: Path, path: str) -> None:
    async with browser(load_page(built)) as client:
        response = await client.get(httpx.URL("http://localhost").copy_with(raw_path=path.encode()))
    assert response.status_code == 404


async def test_admin_is_an_entry_of_its_own(built: Path) -> None:
    (built / "admin.html").write_bytes(b"<title>admin</title>")
    async with browser(load_page(built)) as client:
        assert (await client.get("/admin/users")).content == b"<title>admin</title>"
        assert b"admin" not in (await client.get("/chat/1")).content


async def test_head_is_answered_like_get_without_a_body_and_post_is_not_ours(built: Path) -> None:
    async with browser(load_page(built)) as client:
        head = await client.head("/assets/main-a1.js", headers={"accept-encoding": "identity"})
        post = await client.post("/")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))
    assert post.status_code == 404


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with browser(load_page(tmp_path / "absent")) as client:
        response = await client.get("/")
    assert response.status_code == 503
    assert "scripts/serve" in response.text


async def test_the_page_is_open_where_the_api_needs_a_key() -> None:
    settings = Settings(server=ServerSettings(api_key=SecretStr("k")))
    async with in_process(settings=settings) as client:
        page = await client.get("/", headers={"cookie": "bdchat=bdl-stale"})
        api = await client.get("/v1/models")
        foreign = await client.get("/", headers={"host": "evil.example"})
    assert "content-security-policy" in page.headers
    assert api.status_code == 401
    assert foreign.status_code == 421


READ = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}  # as a browser asks for what somebody typed


async def test_an_unknown_address_is_the_page_to_a_browser_and_nothing_to_a_program(built: Path) -> None:
    """Somebody who mistyped an address was shown JSON."""
    async with browser(load_page(built), api_names={"v1", "api"}) as client:
        for path in ("/foo", "/foo/bar", "/loginx"):
            page = await client.get(path, headers=READ)
            assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert b"/assets/main-a1.js" in page.content
            assert "content-type" not in (await client.get(path)).headers
            assert "content-type" not in (await client.post(path, headers=READ)).headers
        for path in ("/v1/nope", "/api/nope", "/v1", "/api"):
            assert "content-type" not in (await client.get(path, headers=READ)).headers


async def test_an_unknown_path_of_the_api_is_told_in_its_own_shape() -> None:
    async with in_process() as client:
        for path in ("/v1/nope", "/api/nope", "/health/nope", "/ws/nope"):
            response = await client.get(path, headers=READ)
            assert response.headers["content-type"] == "application/json", path


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"accept-language": "ko-KR,ko;q=0.9,en;q=0.8"}, "ko"),
        ({"accept-language": "ja,en;q=0.5,ko;q=0.7"}, "ko"),
        ({"accept-language": "ko;q=0, en;q=0.1"}, "en"),
        ({"accept-language": "fr"}, "en"),
        ({"accept-language": "ko", "cookie": "a=b; bdchat-language=en"}, "en"),
        ({"accept-language": "ko", "cookie": 'bdchat-language="><script>'}, "ko"),
        ({"accept-language": ",;q=x," * 3000}, "en"),
    ],
)
async def test_the_html_says_its_language_before_a_script_runs(
    built: Path, headers: dict[str, str], language: str
) -> None:
    (built / "index.html").write_bytes(b'<!doctype html><html lang="en"><title>bdchat</title>')
    async with browser(load_page(built)) as client:
        response = await client.get("/", headers=headers)
    assert response.content == f'<!doctype html><html lang="{language}"><title>bdchat</title>'.encode()
    assert response.headers["vary"] == "accept, accept-language, cookie"


def test_a_home_screen_finds_icons_of_the_sizes_that_the_manifest_names() -> None:
    """Phones take no SVG: the page was installed without a picture."""
    public = ROOT / "webui" / "public"
    manifest = json.loads((public / "manifest.webmanifest").read_text("utf-8"))
    drawn = {icon["src"]: icon for icon in manifest["icons"] if icon["type"] == "image/png"}
    assert {icon["sizes"] for icon in drawn.values()} == {"192x192", "512x512"}
    assert [icon["src"] for icon in drawn.values() if icon.get("purpose") == "maskable"] == ["icon-maskable-512.png"]
    for name, icon in (drawn | {"icon-180.png": {"sizes": "180x180"}}).items():
        head = (public / name).read_bytes()[:24]
        width, height = struct.unpack(">II", head[16:24])
        assert (head[:8], f"{width}x{height}") == (b"\x89PNG\r\n\x1a\n", icon["sizes"])
    for entry in ("index.html", "admin.html"):
        html = (ROOT / "webui" / entry).read_text("utf-8")
        assert 'href="/manifest.webmanifest"' in html
        assert 'rel="apple-touch-icon" href="/icon-180.png"' in html
        assert "viewport-fit=cover" in html
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "./", "./")
    assert manifest["share_target"]["action"] == "share"


async def test_a_target_that_is_no_path_is_an_address_that_is_nobodys(built: Path) -> None:
    """`GET * HTTP/1.1`: it ended in an IndexError."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def nothing_else(*_: object) -> None:
        raise AssertionError("it is the page's")

    scope = {"type": "http", "method": "GET", "path": "*", "headers": [(b"accept", b"text/html")]}
    await PageServer(nothing_else, page=load_page(built), api_names={"v1"})(scope, receive, send)
    assert sent[0]["status"] == 404
