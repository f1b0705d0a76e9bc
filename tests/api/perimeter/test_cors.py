"""What pages of other origins may read and send; that errors reach them; that a key needs no listing."""

import httpx
import pytest
from pydantic import SecretStr

from bdchat.settings import AuthSettings, LimitSettings, ServerSettings, Settings
from tests.api.serving import USER, app_of, error_of, in_process, over_http, signed_in

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
KEY = "s3cret-key"
ORIGIN = "https://app.example"
LISTED = {"origin": ORIGIN}
LISTING = Settings(server=ServerSettings(cors_origins=(ORIGIN,), api_key=SecretStr(KEY)))


async def test_a_foreign_page_gets_no_cors_and_may_not_post() -> None:
    headers = {"origin": "https://evil.example"}
    preflight = headers | {"access-control-request-method": "POST"}
    async with in_process() as client:
        readable = await client.get("/v1/models", headers=headers)
        assert "access-control-allow-origin" not in readable.headers
        for response in (
            await client.post(URL, headers=headers, json={"messages": USER}),
            await client.post(URL, headers={"origin": "null"}, json={"messages": USER}),
            await client.post(URL, headers={"origin": "http://["}, json={"messages": USER}),
            await client.options(URL, headers=preflight),
        ):
            assert error_of(response, 403)["code"] == "origin_not_allowed"
            assert "access-control-allow-origin" not in response.headers
        own = await client.post(URL, headers={"origin": "http://localhost"}, json={"messages": USER})
        assert own.status_code == 200


async def test_a_configured_origin_gets_cors_and_no_credentials() -> None:
    origin = "http://localhost:3000"
    settings = Settings(server=ServerSettings(cors_origins=(origin,), api_key=SecretStr(KEY)))
    preflight = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, x-stainless-lang",
    }
    async with in_process(settings=settings) as client:
        asked = await client.options(URL, headers=preflight)
        refused = await client.post(URL, headers={"origin": origin}, json={"messages": USER})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == origin
    assert "x-stainless-lang" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    assert error_of(refused, 401)["code"] == "invalid_api_key"


@pytest.mark.parametrize("origin", ["vscode-webview://1a2b3c", "app://obsidian.md", "capacitor://localhost"])
async def test_an_editors_or_apps_origin_is_listed_by_its_scheme_or_name(origin: str) -> None:
    names = ("vscode-webview://*", "app://obsidian.md", "capacitor://localhost")
    async with in_process(settings=Settings(server=ServerSettings(cors_origins=names))) as client:
        answer = await client.post(URL, headers={"origin": origin}, json={"messages": USER})
        other = await client.post(URL, headers={"origin": "app://other"}, json={"messages": USER})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    error_of(other, 403)


async def test_every_error_can_be_read_by_a_listed_page() -> None:
    small = LISTING.model_copy(update={"limits": LimitSettings(body_bytes=100)})
    keyed = LISTED | {"x-api-key": KEY}
    async with in_process(settings=small) as client:
        errors: dict[int, httpx.Response] = {
            400: await client.post(URL, headers=keyed, content=b"{"),
            401: await client.post(URL, headers=LISTED, json={"messages": USER}),
            404: await client.get("/v1/nope", headers=keyed),
            405: await client.put(URL, headers=keyed),
            413: await client.post(URL, headers=keyed, content=b"x" * 101),
            415: await client.post(URL, headers=keyed | {"content-type": "text/plain"}, content=b"x"),
            421: await client.get("/v1/models", headers=keyed | {"host": "evil.example"}),
        }
    for status, answer in errors.items():
        error_of(answer, status)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "retry-after" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (URL, "GET, HEAD, OPTIONS, POST"),
        (URL + "/chatcmpl-1", "DELETE, GET, HEAD, OPTIONS, POST"),
        ("/api/profile", "GET, HEAD, OPTIONS, PATCH"),
        ("/api/keys/k1", "DELETE, OPTIONS, PATCH"),
        ("/v1/models", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_preflight_is_told_the_methods_of_its_path(path: str, methods: str) -> None:
    headers = LISTED | {"access-control-request-method": "POST"}
    async with in_process(settings=LISTING) as client:
        answer = await client.options(path, headers=headers)
        private = await client.options(path, headers=headers | {"access-control-request-private-network": "true"})
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, methods)
    assert "access-control-allow-private-network" not in answer.headers
    assert private.headers["access-control-allow-private-network"] == "true"


async def test_a_preflight_lets_every_method_of_every_route_through() -> None:
    """An unknown path too: its 404 is to be read."""
    async with in_process(settings=LISTING) as client:
        for route in app_of(client).routes:
            for method in getattr(route, "methods", None) or ():
                headers = LISTED | {"access-control-request-method": method}
                path = route.path.replace("{", "").replace(":path}", "").replace("}", "")  # type: ignore[attr-defined]
                answer = await client.options(path, headers=headers)
                assert method in answer.headers["access-control-allow-methods"].split(", "), route
        headers = LISTED | {"access-control-request-method": "PUT"}
        assert "PUT" in (await client.options("/v1/nope", headers=headers)).headers["access-control-allow-methods"]


async def test_a_good_key_is_answered_without_cors_whatever_page_sends_it() -> None:
    """Programs made of web pages send an Origin of their own; a browser would not let the page read the answer."""
    foreign = {"origin": "https://elsewhere.example"}
    async with in_process(settings=LISTING) as client:
        login = await signed_in(client)
        for credential in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}, login):
            answer = await client.post(URL, headers=foreign | credential, json={"messages": USER})
            assert answer.status_code == 200
            assert "access-control-allow-origin" not in answer.headers
        error_of(await client.post(URL, headers=foreign | {"x-api-key": "wrong"}, json={"messages": USER}), 401)


async def test_no_page_becomes_the_guest_or_uses_a_cookie_by_showing_just_any_key() -> None:
    foreign = {"origin": "https://elsewhere.example", "authorization": "Bearer none"}
    async with in_process() as client:
        token = (await signed_in(client))["authorization"].removeprefix("Bearer ")
        for headers in (foreign, foreign | {"cookie": f"bdchat={token}"}, foreign | {"authorization": "Basic eDp5"}):
            answer = await client.post(URL, headers=headers, json={"messages": USER})
            assert error_of(answer, 403)["code"] == "origin_not_allowed"
        answer = await client.post("/api/auth/login", headers=foreign, json={"username": "ann", "password": "x"})
        assert error_of(answer, 403)["code"] == "origin_not_allowed"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-forwarded-host": "chat.example.com:8443"}, 401),
        ({"x-forwarded-port": "8443"}, 401),
        ({"forwarded": 'for=203.0.113.5;proto=https;host="chat.example.com:8443"'}, 401),
        ({"x-forwarded-host": "chat.example.com"}, 403),
        ({}, 403),
    ],
)
async def test_a_trusted_proxy_says_which_origin_is_our_own(headers: dict[str, str], status: int) -> None:
    settings = Settings(
        server=ServerSettings(allowed_hosts=("chat.example.com",)), auth=AuthSettings(trusted_proxies=("127.0.0.1",))
    )
    sent = {"host": "chat.example.com", "origin": "https://chat.example.com:8443", **headers}
    if "forwarded" not in headers:
        sent |= {"x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https"}
    async with over_http(settings=settings) as client:
        answer = await client.post(
            "/api/auth/login", headers=sent, json={"username": "owner", "password": "xxxxxxxxxx"}
        )
    error_of(answer, status)
