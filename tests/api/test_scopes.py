"""What a key may reach: every route of the application with a key of each scope alone.

The routes are the application's own list: a new one fails until the table below says which scope it needs.
"""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.api.anthropic.error_shape import ANTHROPIC_ERRORS
from bdchat.api.http.envelope import ErrorShape
from bdchat.api.ollama.error_shape import OLLAMA_ERRORS
from tests.api.serving import USER, error_of, over_http, signed_in
from tests.api.sockets import chat_path, live
from tests.api.talking import begin, say
from tests.api.test_ownership import PARAMETER, routes

pytestmark = pytest.mark.anyio
SCOPES = ("chat", "sessions", "admin")
EVERYBODY = {
    "GET /health",
    "POST /api/auth/register",
    "POST /api/auth/login",
    "GET /api/auth/me",
    "GET /api/shared/{token}",
    "GET /api/export/schema",
    "GET /api/openapi.json",
}
NO_KEY = {  # what keeps an account: for who signed in with its password
    "POST /api/auth/logout",
    "POST /api/auth/password",
    "POST /api/profile/delete",
    "GET /api/auth/sessions",
    "DELETE /api/auth/sessions",
    "DELETE /api/auth/sessions/{login_id}",
    "GET /api/keys",
    "POST /api/keys",
    "PATCH /api/keys/{key_id}",
    "DELETE /api/keys/{key_id}",
}
CHAT_AND_SESSIONS = {"POST /api/messages/{message_id}/regenerate", "POST /api/messages/{message_id}/continue"}
OLLAMA = ("chat", "generate", "show", "embed", "embeddings", "tags", "ps", "version")
CHAT = ("/v1/", "/api/llm/", "/api/v0/", "/props")
DOCUMENTS = ("/api/documents", "/api/collections", "/v1/files", "/v1/vector_stores")  # kept, as chats are
ADMIN = ("/api/admin/", "/metrics", "/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete")
SESSIONS = (
    "/api/sessions",
    "/api/invitations",
    "/api/folders",
    "/api/people",
    "/api/live/",
    "/api/messages/",
    "/api/search",
    "/api/profile",
    "/api/export",
    "/api/import",
)


def scopes_of(name: str) -> frozenset[str]:
    """Which of SCOPES opens it, each alone."""
    path = name.partition(" ")[2]
    if name in EVERYBODY:
        return frozenset(SCOPES)
    if name in NO_KEY | CHAT_AND_SESSIONS:
        return frozenset()
    if path.removeprefix("/api/") in OLLAMA:
        return frozenset({"chat"})
    if path.startswith(DOCUMENTS):
        return frozenset({"sessions"})
    found = [scope for scope, roots in zip(SCOPES, (CHAT, SESSIONS, ADMIN), strict=True) if path.startswith(roots)]
    assert len(found) == 1, f"{name}: say here which scope it needs"
    return frozenset(found)


def shape_of(path: str) -> ErrorShape | None:
    """Of a wire that tells errors in its own way."""
    return next((shape for shape in (ANTHROPIC_ERRORS, OLLAMA_ERRORS) if shape.paths.fullmatch(path)), None)


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http() as client:
        yield client


async def keyed(client: httpx.AsyncClient, owner: dict[str, str], *scopes: str) -> dict[str, str]:
    made = await client.post("/api/keys", json={"name": "k", "scopes": list(scopes)}, headers=owner)
    assert made.status_code == 201, made.text
    return {"authorization": f"Bearer {made.json()['key']}"}


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_of_one_scope_reaches_what_the_table_says(client: httpx.AsyncClient, scope: str) -> None:
    """A key of scope "sessions" read GET /v1/models; one of scope "admin" was told that it lacks "sessions"."""
    key = await keyed(client, await signed_in(client, admin=True), scope)
    reached: dict[str, bool] = {}
    expected: dict[str, bool] = {}
    for name in routes():
        method, _, path = name.partition(" ")
        if method == "WS":
            continue
        body: dict[str, str] | None = None if method == "GET" else {}
        async with client.stream(method, PARAMETER.sub("x", path), json=body, headers=key) as answer:
            if not answer.is_success:  # what succeeds may be endless
                await answer.aread()
        reached[name] = answer.status_code != 403
        expected[name] = scope in scopes_of(name)
        if not reached[name]:
            if shape_of(path) is not None:
                assert "scope" in answer.text
                continue
            error = error_of(answer, 403)
            code = "forbidden" if name in NO_KEY else "insufficient_scope"
            assert (name, error["code"]) == (name, code)
    assert reached == expected


async def test_the_scope_that_is_needed_is_named(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client, admin=True)
    for scope, path, needed in (
        ("sessions", "/v1/models", "chat"),
        ("sessions", "/v1/chat/completions", "chat"),
        ("chat", "/api/sessions", "sessions"),
        ("chat", "/api/admin/users", "admin"),
    ):
        answer = await client.get(path, headers=await keyed(client, ann, scope))
        assert f"'{needed}'" in error_of(answer, 403)["message"]


async def test_a_chat_is_answered_for_who_may_use_the_model_and_the_chat(client: httpx.AsyncClient) -> None:
    """A key of scope "sessions" made the model write, by regenerate, continue, edit and over the socket."""
    ann = await signed_in(client)
    session_id = await begin(client, ann)
    question = await say(client, ann, session_id, "hi")
    stored: dict[str, Any] = {"messages": USER, "store": True, "metadata": {"session_id": session_id}}
    answered = await client.post("/v1/chat/completions", json=stored, headers=ann)
    answer_id = answered.headers["x-bdchat-message-id"]
    sessions = await keyed(client, ann, "sessions")
    ways: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"/api/messages/{answer_id}/regenerate", {}),
        (f"/api/messages/{answer_id}/continue", {}),
        (f"/api/messages/{question}/edit", {"content": "x"}),
        ("/v1/chat/completions", stored),
    )
    for path, body in ways:
        assert error_of(await client.post(path, json=body, headers=sessions), 403)["code"] == "insufficient_scope"
    edit = {"content": "x", "answers": False}  # only writes
    assert (await client.post(f"/api/messages/{question}/edit", json=edit, headers=sessions)).status_code == 202
    frame = {"type": "chat_message", "content": "hi", "client_message_id": "c"}
    refusal = await client.post(f"/api/live/chat/{session_id}", json=frame, headers=sessions)
    assert error_of(refusal, 403)["code"] == "insufficient_scope"
    async with live(client, chat_path(session_id), sessions) as socket:
        await socket.send(frame.pop("type"), **frame)
        refused = await socket.until("error")
    assert refused["error"]["code"] == "insufficient_scope"
    both = await keyed(client, ann, "chat", "sessions")
    assert (await client.post(ways[0][0], json={}, headers=both)).status_code == 202


@pytest.mark.parametrize("scope", ["chat", "admin"])
async def test_sockets_are_for_keys_of_scope_sessions(client: httpx.AsyncClient, scope: str) -> None:
    ann = await signed_in(client, admin=True)
    key = await keyed(client, ann, scope)
    for path in (chat_path(await begin(client, ann)), "/ws/events"):
        async with live(client, path, key) as socket:
            assert (await socket.closed())[0] == 4403
