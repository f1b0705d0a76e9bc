"""For which Host a request is answered, on every route, unknown ones included; also through proxies."""

import pytest
from pydantic import SecretStr

from bdchat.settings import AuthSettings, ServerSettings, Settings
from tests.api.serving import error_of, in_process, over_http
from tests.api.transport.wire import talk

pytestmark = pytest.mark.anyio
ROUTES = ("/health", "/metrics", "/v1/models", "/v1/models/fake", "/v1/chat/completions", "/nope", "/v1/nope")
PROXIED = Settings(
    server=ServerSettings(allowed_hosts=("chat.example.com",)), auth=AuthSettings(trusted_proxies=("127.0.0.1",))
)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "a b", "[::1", "x@localhost"]
)
@pytest.mark.parametrize("path", ROUTES)
async def test_a_foreign_host_is_answered_421_everywhere(path: str, host: str) -> None:
    async with in_process() as client:
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            assert (
                error_of(await client.request(method, path, headers={"host": host}), 421)["code"] == "host_not_allowed"
            )


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "chat.example"])
async def test_an_allowed_host_passes(host: str) -> None:
    settings = Settings(server=ServerSettings(allowed_hosts=("chat.example",)))
    async with in_process(settings=settings) as client:
        assert (await client.get("/health", headers={"host": host})).status_code == 200


async def test_a_wildcard_bind_answers_to_addresses_but_not_to_names() -> None:
    async with in_process(settings=Settings(server=ServerSettings(host="0.0.0.0", api_key=SecretStr("k")))) as client:
        assert (await client.get("/health", headers={"host": "192.168.1.5:8000"})).status_code == 200
        error_of(await client.get("/health", headers={"host": "evil.example"}), 421)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8000"}, 200),
        ({"host": "upstream", "x-forwarded-host": "chat.example.com:8443"}, 200),
        ({"host": "upstream", "forwarded": 'for=192.0.2.7;host="chat.example.com:8443"'}, 200),
        ({"host": "127.0.0.1:8000", "x-forwarded-host": "evil.example"}, 421),
        ({"host": "127.0.0.1:8000", "x-forwarded-host": "not a host"}, 421),
        ({"host": "upstream"}, 421),
    ],
)
async def test_a_trusted_proxy_says_which_host_was_asked_for(headers: dict[str, str], status: int) -> None:
    async with in_process(settings=PROXIED) as client:
        assert (await client.get("/health", headers=headers)).status_code == status


async def test_a_strangers_word_of_another_host_means_nothing() -> None:
    async with in_process(settings=PROXIED, address="192.0.2.1") as client:
        headers = {"host": "upstream", "x-forwarded-host": "chat.example.com"}
        error_of(await client.get("/health", headers=headers), 421)


async def test_http_1_0_may_name_no_host_and_is_then_no_guest() -> None:
    """Health checks of load balancers do; a browser never does."""
    async with over_http() as client:
        assert (await talk(client.base_url.port, b"GET /health HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (await talk(client.base_url.port, b"GET /v1/models HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
        assert (await talk(client.base_url.port, b"GET /health HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 421 ")
