"""Page, API and sockets below a path of a host, whether the proxy passes that path on or takes it off."""

import pytest
from pydantic import ValidationError

from bdchat.api.http.page import CHAT_PATHS, ENTRIES, PLACES
from bdchat.api.perimeter.base_path import BasePath
from bdchat.settings import AuthSettings, ServerSettings, Settings
from tests.api.serving import PASSWORD, USER, error_of, in_process, make_app, over_app, signed_in
from tests.api.sockets import live

pytestmark = pytest.mark.anyio
NAMES = {"api", "v1", "ws", "health", *PLACES}


def below(base_path: str) -> BasePath:
    async def nothing(scope, receive, send):  # type: ignore[no-untyped-def]
        """Never called."""

    return BasePath(nothing, base_path=base_path, names=NAMES)


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/tools/chat", "/"),
        ("/tools/chat/", "/"),
        ("/tools/chat/v1/models", "/v1/models"),
        ("/tools/chat/completions", "/completions"),  # /v1 is missing: tidy_path.py's matter
        ("//tools/chat//v1/models", "//v1/models"),
        ("/v1/models", "/v1/models"),
        ("/chat/0193-abc", "/chat/0193-abc"),
        ("/tools/chatter", "/tools/chatter"),
    ],
)
def test_the_base_path_is_taken_off_where_it_is(path: str, inside: str) -> None:
    assert below("/tools/chat").without(path) == inside


@pytest.mark.parametrize(
    ("base_path", "path", "inside"),
    [
        ("/chat", "/chat/", "/"),
        ("/chat", "/chat/settings", "/settings"),
        ("/chat", "/chat/chat/0193-abc", "/chat/0193-abc"),
        ("/chat", "/chat/0193-abc", "/chat/0193-abc"),
        ("/chat", "/chat/v1/chat/completions", "/v1/chat/completions"),
        ("/chat", "/chat/completions", "/chat/completions"),
        ("/api", "/api/api/sessions", "/api/sessions"),
        ("/api", "/api/sessions", "/api/sessions"),
    ],
)
def test_a_base_path_like_one_of_ours_is_told_by_what_follows(base_path: str, path: str, inside: str) -> None:
    assert below(base_path).without(path) == inside


def test_the_names_of_the_pages_places_are_those_that_it_answers_for() -> None:
    for place in PLACES:
        assert any(paths.fullmatch(f"/{place}") or paths.fullmatch(f"/{place}/x") for _, paths in ENTRIES)
    words = set(CHAT_PATHS.replace("(?:/.*)?", "").replace("/.*", "").strip("/?:()").split("|"))
    assert words | {"", "admin"} == PLACES


@pytest.mark.parametrize(("written", "means"), [("/chat/", "/chat"), ("/", ""), ("", ""), ("/a/b.c-d_e", "/a/b.c-d_e")])
def test_how_a_base_path_is_written(written: str, means: str) -> None:
    assert ServerSettings(base_path=written).base_path == means


@pytest.mark.parametrize("slip", ["chat", "/a b", "/../x", "/a/..", "https://x/chat", "/a//b", "/é", "/a?b"])
def test_what_is_no_path_is_refused(slip: str) -> None:
    with pytest.raises(ValidationError, match="no path to serve below"):
        ServerSettings(base_path=slip)


BELOW = Settings(
    server=ServerSettings(base_path="/chat", allowed_hosts=("host.example",)),
    auth=AuthSettings(trusted_proxies=("127.0.0.1",)),
)
PROXIED = {"host": "host.example", "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"}


@pytest.mark.parametrize("prefix", ["/chat", ""])
async def test_the_api_answers_below_its_path_and_without_it(prefix: str) -> None:
    async with in_process(settings=BELOW) as client:
        login = await signed_in(client)
        headers = PROXIED | login
        assert (await client.get(f"{prefix}/v1/models", headers=headers)).status_code == 200
        answer = await client.post(f"{prefix}/v1/chat/completions", headers=headers, json={"messages": USER})
        assert answer.json()["choices"][0]["message"]["content"] == "Hello world"
        document = (await client.get(f"{prefix}/api/openapi.json", headers=PROXIED)).json()
        assert document["servers"] == [{"url": "/chat"}]
        error_of(await client.get(f"{prefix}/v1/nope", headers=headers), 404)
        error_of(await client.get(f"{prefix}/v1/models", headers=PROXIED), 401)


async def test_the_cookie_of_a_base_path_is_its_own() -> None:
    """Two servers on one host, at different paths: neither signs the other's people out."""
    async with in_process(settings=BELOW) as client:
        await signed_in(client)
        credentials = {"username": "ann", "password": PASSWORD, "cookie": True}
        answer = await client.post("/chat/api/auth/login", headers=PROXIED, json=credentials)
        cookies = answer.headers.get_list("set-cookie")
        assert cookies[0].partition("=")[0] == "__Host-bdchat~chat"
        assert all("; Path=/; " in cookie and cookie.split("=")[0].endswith("~chat") for cookie in cookies)
        sent = PROXIED | {"cookie": cookies[0].partition(";")[0]}
        assert (await client.get("/chat/api/auth/me", headers=sent)).json()["user"]["username"] == "ann"
        other = PROXIED | {"cookie": cookies[0].partition(";")[0].replace("~chat", "")}
        assert (await client.get("/chat/api/auth/me", headers=other)).json()["user"] is None


async def test_a_socket_opens_below_the_path() -> None:
    settings = Settings(server=ServerSettings(base_path="/tools/chat"))
    async with over_app(make_app(settings=settings), settings) as client:
        headers = await signed_in(client)
        async with live(client, "/tools/chat/ws/events", headers) as line:
            await line.send("ping")
            assert (await line.until("pong"))["type"] == "pong"
