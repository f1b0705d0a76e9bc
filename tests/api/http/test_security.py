"""What may be listened on, keys, and the bounds of a body. On every route, unknown ones included."""

import asyncio

import pytest
from pydantic import SecretStr

from bdchat.settings import LimitSettings, ServerSettings, Settings
from tests.api.people import register
from tests.api.serving import error_of, in_process, over_http
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
KEY = "s3cret-key"
ROUTES = ("/health", "/metrics", "/v1/models", "/v1/models/fake", URL, "/nope", "/v1/nope")


def keyed(**server: object) -> Settings:
    return Settings(server=ServerSettings(api_key=SecretStr(KEY), **server))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/health"])
async def test_a_key_is_needed_everywhere(path: str) -> None:
    async with in_process(settings=keyed()) as client:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"authorization": KEY}):
            response = await client.get(path, headers=headers)
            assert error_of(response, 401)["code"] == "invalid_api_key"
            assert KEY not in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"authorization": f"BEARER  {KEY} "},
        {"x-api-key": KEY},
        {"x-api-key": KEY, "authorization": "Bearer placeholder"},
    ],
)
async def test_the_key_opens_in_every_form(headers: dict[str, str]) -> None:
    async with in_process(settings=keyed()) as client:
        assert (await client.get("/v1/models", headers=headers)).status_code == 200


async def test_health_is_open_but_names_models_to_holders_of_the_key_only() -> None:
    async with in_process(settings=keyed()) as client:
        stranger = (await client.get("/health")).json()
        holder = (await client.get("/health", headers={"x-api-key": KEY})).json()
    assert stranger == {"status": "ok"}
    assert [model["id"] for model in holder["models"]] == ["fake"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5"])
async def test_off_loopback_nobody_gets_in_without_an_account_or_a_key(host: str) -> None:
    """So binding there needs no key: a stranger of the network neither uses the model nor becomes the admin."""
    async with in_process(settings=Settings(server=ServerSettings(host=host)), address="192.168.1.7") as client:
        client.headers["host"] = "192.168.1.5:8000"
        for path in (path for path in ROUTES if path != "/health"):
            assert error_of(await client.get(path), 401)["code"] == "invalid_api_key"
        assert error_of(await client.post(URL, json={"messages": []}), 401)["code"] == "invalid_api_key"
        assert error_of(await register(client), 403)["code"] == "setup_code_needed"


async def test_a_large_body_is_refused_declared_or_counted() -> None:
    settings = Settings(limits=LimitSettings(body_bytes=1000))
    async with over_http(settings=settings) as client:
        assert error_of(await client.post(URL, content=b"x" * 1001), 413)["code"] == "request_too_large"

        async def pieces() -> object:
            for _ in range(11):
                yield b"x" * 100

        error_of(await client.post(URL, content=pieces()), 413)  # type: ignore[arg-type]
        assert (await client.get("/health")).status_code == 200


async def test_a_body_that_does_not_come_is_a_408() -> None:
    settings = Settings(limits=LimitSettings(body_timeout_s=0.05))
    async with over_http(settings=settings) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        head = (
            f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        )
        writer.write(head.encode() + b"{")
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer


@pytest.mark.parametrize("path", ROUTES)
async def test_every_response_carries_the_standing_headers(path: str) -> None:
    async with in_process() as client:
        response = await client.get(path, headers={"x-request-id": "my-id.7"})
        other = await client.get(path, headers={"x-request-id": "no spaces allowed"})
    assert response.headers["x-request-id"] == "my-id.7"
    assert other.headers["x-request-id"].startswith("req_")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["openai-processing-ms"].isdigit()
    assert "server" not in response.headers
