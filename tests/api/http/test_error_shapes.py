"""Errors that arise before a route is reached (credentials, unknown paths, methods) in the shape of the path's wire."""

from typing import Any

import pytest

from tests.api.serving import in_process, opened

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/messages/nothing", "not_found_error"), ("/messages/nothing", "not_found_error")],
)
async def test_anthropics_paths_tell_errors_as_anthropic(path: str, kind: str) -> None:
    async with in_process() as client:
        reply = await client.get(path, headers={"x-request-id": "abc"})
    assert reply.status_code == 404
    told: dict[str, Any] = reply.json()
    assert told["type"] == "error"
    assert told["error"]["type"] == kind
    assert told["request_id"] == "abc"


async def test_a_wrong_key_is_told_in_each_wires_words() -> None:
    headers = {"x-api-key": "bd-" + "x" * 43}
    async with in_process() as client:
        await opened(client)
        told = {
            path: await client.post(path, headers=headers, json={})
            for path in ("/v1/messages", "/api/chat", "/v1/responses")
        }
    assert {reply.status_code for reply in told.values()} == {401}
    assert told["/v1/messages"].json()["error"]["type"] == "authentication_error"
    assert isinstance(told["/api/chat"].json()["error"], str)
    assert told["/v1/responses"].json()["error"]["code"] == "invalid_api_key"


async def test_other_paths_of_api_keep_their_shape() -> None:
    async with in_process() as client:
        for path in ("/api/chats", "/api/generated", "/v1/messagesx"):
            assert set((await client.get(path)).json()["error"]) == {"message", "type", "param", "code"}
