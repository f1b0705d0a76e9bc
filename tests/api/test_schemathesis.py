"""The server is attacked from its own OpenAPI document: no request makes it fail, and it answers as the document says.

Requests that fit the document and requests that do not, as a user and as an admin, with ids of things that are there
and with any others, over HTTP to a server of this process with a fake engine. Always the same requests: few here, more
with BDCHAT_SCHEMATHESIS_EXAMPLES (`BDCHAT_SCHEMATHESIS_EXAMPLES=500 pytest tests/api/test_schemathesis.py`).
"""

import asyncio
import contextlib
import os
import threading
import uuid
from collections.abc import Awaitable, Iterator
from typing import Any, TypeVar

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bdchat.api.http.openapi import document
from bdchat.settings import AuthSettings, GenerationSettings, Settings
from tests.api.serving import make_app, over_http, signed_in
from tests.api.talking import id_of, invite, let_in
from tests.patience import PATIENCE_S

EXAMPLES = int(os.environ.get("BDCHAT_SCHEMATHESIS_EXAMPLES", "3"))  # per operation and kind of request
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SETTINGS = Settings(
    generations=GenerationSettings(makes_titles=False),
    auth=AuthSettings(attempts_per_minute=100_000, attempts_per_address=100_000, registration="open"),
)
MESSAGE = [{"role": "user", "content": "hi"}]
Result = TypeVar("Result")
DOCUMENT = document(make_app().routes)


def attacks() -> Iterator[tuple[str, str, GenerationMode]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/live/") and method == "get":
                continue  # an answer without an end: tests/api/live/test_streams.py
            yield path, method, GenerationMode.POSITIVE
            in_queries = (parameter["in"] == "query" for parameter in operation.get("parameters", ()))
            if "requestBody" in operation or any(in_queries):  # any text in a path fits the document
                yield path, method, GenerationMode.NEGATIVE


class Stage:
    """A server on a thread of its own, and two people with something of everything."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> None:
        self._loop = loop
        self._client = client
        self.base_url = str(client.base_url).rstrip("/")
        self._ids: dict[str, dict[str, str]] = {}
        self._headers: dict[str, dict[str, str]] = {}

    def run(self, work: Awaitable[Result]) -> Result:
        async def wait() -> Result:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(PATIENCE_S)

    def headers(self, role: str) -> dict[str, str]:
        """Good ones: some operations end the login they are called with."""
        known = self._headers.get(role)
        if known is None or self._get("/api/profile", known).status_code != 200:
            self._headers[role] = self.run(signed_in(self._client, role, admin=role == "admin"))
        return self._headers[role]

    def ids(self, role: str) -> dict[str, str]:
        """Of things that are there, by the names that parameters have."""
        headers = self.headers(role)
        known = self._ids.get(role)
        if known is None or self._get(f"/api/sessions/{known['session_id']}", headers).status_code != 200:
            known = self._ids[role] = self.run(self._make(headers))
        return known

    def _get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        return self.run(self._client.get(path, headers=headers))

    async def _make(self, headers: dict[str, str]) -> dict[str, str]:
        async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await self._client.post(path, json=body, headers=headers)
            assert answer.is_success, answer.text
            made: dict[str, Any] = answer.json()
            return made

        friend = f"friend-{uuid.uuid4().hex[:8]}"  # an earlier one may be disabled by now, or gone
        await signed_in(self._client, friend)
        session_id = (await post("/api/sessions", {"title": "t"}))["session_id"]
        await let_in(self._client, headers, session_id, friend)
        asked = await invite(self._client, headers, session_id, "guest")
        stored = {"messages": MESSAGE, "store": True, "metadata": {"session_id": session_id}}
        completion_id = (await post("/v1/chat/completions", stored))["id"]
        messages = await self._client.get(f"/api/sessions/{session_id}/messages", headers=headers)
        link = await post(f"/api/sessions/{session_id}/links", {})
        return {
            "session_id": session_id,
            "completion_id": completion_id,
            "generation_id": completion_id,
            "response_id": (await post("/v1/responses", {"input": "hi"}))["id"],
            "message_id": messages.json()["data"][0]["message_id"],
            "user_id": await id_of(self._client, friend),
            "invitation_id": asked.json()["invitation_id"],
            "link_id": link["link_id"],
            "token": link["token"],
            "key_id": (await post("/api/keys", {"name": "k"}))["key_id"],
            "model_id": "fake",
        }


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    ready: list[Stage] = []
    is_ready, is_over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with over_http(settings=SETTINGS) as client:
            ready.append(Stage(asyncio.get_running_loop(), client))
            is_ready.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server")
    thread.start()
    try:
        assert is_ready.wait(PATIENCE_S)
        yield ready[0]
    finally:
        with contextlib.suppress(IndexError, RuntimeError):
            ready[0]._loop.call_soon_threadsafe(is_over.set)
        thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def schema() -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(DOCUMENT)


@pytest.mark.parametrize(("path", "method", "mode"), list(attacks()), ids=lambda part: getattr(part, "value", part))
def test_no_request_makes_the_server_fail(
    stage: Stage, schema: Any, path: str, method: str, mode: GenerationMode
) -> None:
    cases = schema[path][method.upper()].as_strategy(generation_mode=mode)
    callers = {role: (stage.headers(role), stage.ids(role)) for role in ("user", "admin")}

    @seed(1)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def attack(data: Any) -> None:
        headers, ids = callers[data.draw(st.sampled_from(sorted(callers)))]
        case = data.draw(cases)
        for name in case.path_parameters or {}:
            if name in ids and data.draw(st.booleans()):
                case.path_parameters[name] = ids[name]
        response = case.call(base_url=stage.base_url, headers=headers)
        case.validate_response(response, checks=CHECKS)

    attack()
