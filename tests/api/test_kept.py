"""What every route makes the server keep, and for whom: an account without room is refused at each that keeps anything.

The routes are the application's own list: a new one that writes fails until it has its line here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session

from bdchat.store.accounting import books, storage
from tests.api.serving import app_of, error_of, over_http, signed_in
from tests.api.sockets import chat_path, live
from tests.api.talking import fill_up
from tests.api.test_ownership import CONTENT, SETTINGS, Ids, everything_of, filled_path, routes
from tests.store.transferable import conversation, node

pytestmark = pytest.mark.anyio
ONE = "/api/sessions/{session_id}"
DOCUMENT = "/api/documents/{document_id}"
COLLECTION = "/api/collections/{collection_id}"
STORE = "/v1/vector_stores/{vector_store_id}"
HI = [{"role": "user", "content": "hi"}]
LARGE = "x" * 90  # more than what is there in its place


@dataclass(frozen=True, slots=True)
class Keeps:
    """It is charged to the caller (a chat's: to its owner), and refused where there is no room."""

    body: Any
    query: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """`why`: it makes less, or its rows are bounded otherwise, or an admin decides on it."""

    why: str


ENDS = Nothing("it ends or deletes something")

REFUSED_OF_OLLAMA = ("POST /api/push", "POST /api/create", "POST /api/copy", "DELETE /api/delete")

KEPT: Mapping[str, Keeps | Nothing] = {
    "POST /v1/chat/completions": Keeps({"messages": HI, "store": True}),
    "POST /v1/chat/completions/{completion_id}": Keeps({"metadata": {"a": LARGE}}),
    "DELETE /v1/chat/completions/{completion_id}": ENDS,
    "POST /v1/chat/completions/{completion_id}/cancel": ENDS,
    "POST /v1/responses": Keeps({"input": "hi", "store": True}),  # else it is answered without being stored
    "DELETE /v1/responses/{response_id}": ENDS,
    "POST /v1/responses/{response_id}/cancel": ENDS,
    "POST /v1/responses/input_tokens": Nothing("it is not stored"),
    "POST /v1/messages": Nothing("it is not stored"),
    "POST /v1/messages/count_tokens": Nothing("it is not stored"),
    "POST /api/chat": Nothing("it is not stored"),
    "POST /api/generate": Nothing("it is not stored"),
    "POST /api/show": Nothing("it is not stored"),
    "POST /api/embed": Nothing("it is not stored"),
    "POST /api/embeddings": Nothing("it is not stored"),
    "POST /api/pull": Nothing("models are an admin's to keep"),
    **dict.fromkeys(REFUSED_OF_OLLAMA, Nothing("it is refused")),
    "POST /v1/completions": Nothing("it is not stored"),
    "POST /v1/fim/completions": Nothing("it is not stored"),
    "POST /v1/embeddings": Nothing("it is not stored"),
    "POST /v1/rerank": Nothing("it is not stored"),
    "POST /v1/completion": Nothing("it is not stored"),
    "POST /v1/infill": Nothing("it is not stored"),
    "POST /v1/tokenize": Nothing("it is not stored"),
    "POST /v1/detokenize": Nothing("it is not stored"),
    "POST /v1/apply-template": Nothing("it is not stored"),
    "POST /api/llm/generate": Keeps({"prompt": "hi", "session_id": "{session_id}"}),
    "POST /api/messages/{message_id}/regenerate": Keeps({}),
    "POST /api/messages/{message_id}/continue": Nothing("as regenerate: answers.begin"),
    "POST /api/messages/{message_id}/edit": Keeps({"content": "x"}),
    "POST /api/auth/register": Nothing("an account: the operator opens registration, or makes invitations"),
    "POST /api/auth/login": Nothing("logins, devices and the audit log have a number per account"),
    "POST /api/auth/logout": ENDS,
    "POST /api/auth/password": Nothing("a hash in the place of another"),
    "POST /api/profile/delete": ENDS,
    "DELETE /api/auth/sessions": ENDS,
    "DELETE /api/auth/sessions/{login_id}": ENDS,
    "PATCH /api/profile": Keeps({"display_name": LARGE, "preferences": {"presets": LARGE}}),
    "POST /api/keys": Keeps({"name": "k"}),
    "PATCH /api/keys/{key_id}": Keeps({"name": LARGE}),
    "DELETE /api/keys/{key_id}": ENDS,
    "POST /api/sessions": Keeps({}),
    "POST /api/sessions/bulk": Keeps({"session_ids": ["{session_id}"], "folder": LARGE}),
    f"DELETE {ONE}": ENDS,
    f"PATCH {ONE}": Keeps({"folder": LARGE}),
    f"PUT {ONE}": Keeps({"title": LARGE}),
    f"POST {ONE}/restore": Nothing("it was kept all along"),
    f"PUT {ONE}/config": Keeps({"system_prompt": LARGE}),
    f"PATCH {ONE}/config": Keeps({"system_prompt": LARGE}),
    f"POST {ONE}/messages": Keeps({"content": "x"}),
    f"POST {ONE}/head": Nothing("an id in the place of another"),
    f"POST {ONE}/fork": Keeps({}),
    f"POST {ONE}/preview": Nothing("it writes nothing"),
    f"POST {ONE}/members": Keeps({"username": "somebody", "role": "reader"}),
    f"DELETE {ONE}/members/{{user_id}}": ENDS,
    f"DELETE {ONE}/invitations/{{invitation_id}}": ENDS,
    "POST /api/invitations/{invitation_id}/accept": Nothing("a member in the place of an invitation, both bounded"),
    "POST /api/invitations/{invitation_id}/decline": ENDS,
    f"POST {ONE}/links": Keeps({}),
    f"DELETE {ONE}/links/{{link_id}}": ENDS,
    "POST /api/import": Nothing("each chat that has no room fails in the report (below)"),
    "POST /api/live/chat/{session_id}": Keeps({"type": "chat_message", "content": "x"}),
    f"PUT {ONE}/documents": Keeps({"document_ids": ["{document_id}"]}),
    "POST /api/documents": Keeps({"a": LARGE}, query="?name=x.json"),
    f"PATCH {DOCUMENT}": Keeps({"name": LARGE}),
    f"DELETE {DOCUMENT}": ENDS,
    **{f"POST {DOCUMENT}/{verb}": Nothing("a word for another") for verb in ("pause", "resume", "retry")},
    f"POST {DOCUMENT}/restore": Nothing("it was kept all along"),
    "POST /api/collections": Keeps({"name": "c"}),
    f"PATCH {COLLECTION}": Keeps({"name": LARGE}),
    f"DELETE {COLLECTION}": ENDS,
    f"POST {COLLECTION}/restore": Nothing("it was kept all along"),
    f"PUT {COLLECTION}/documents/{{document_id}}": Keeps(None),
    f"DELETE {COLLECTION}/documents/{{document_id}}": ENDS,
    f"PUT {COLLECTION}/members/{{username}}": Keeps({"role": "reader"}),
    f"DELETE {COLLECTION}/members/{{username}}": ENDS,
    "POST /api/documents/search": Nothing("it writes nothing"),
    "POST /v1/vector_stores": Keeps({"name": "c"}),
    f"POST {STORE}": Keeps({"name": LARGE}),
    f"DELETE {STORE}": ENDS,
    f"POST {STORE}/files": Keeps({"file_id": "{file_id}"}),
    f"DELETE {STORE}/files/{{file_id}}": ENDS,
    f"POST {STORE}/search": Nothing("it writes nothing"),
    "POST /v1/files": Nothing("as POST /api/documents: Intake.take"),
    "DELETE /v1/files/{file_id}": ENDS,
    "WS /ws/chat/{session_id}": Nothing("what is said on it is refused there (below)"),
    "WS /ws/events": Nothing("it only tells"),
}


def test_every_route_that_writes_says_what_it_keeps() -> None:
    """Add the new one to KEPT."""
    writing = {name for name in routes() if not name.startswith("GET ")}
    assert {name for name in writing if not name.partition(" ")[2].startswith("/api/admin/")} ^ set(KEPT) == set()


def filled(value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return {name: filled(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    return filled_path(value, ids) if isinstance(value, str) else value


async def test_without_room_nothing_is_kept_by_any_route() -> None:
    async with over_http(settings=SETTINGS) as client:
        ids = await everything_of(client, "ann", CONTENT)
        ids = {**ids, "message_id": ids["answer_id"]}
        await signed_in(client, "somebody")
        headers = await signed_in(client, "ann")
        await fill_up(client, "ann")
        database = app_of(client).database

        def count(db: Session) -> dict[str, int]:
            return books.recount(db.connection())

        before = await database.read(count)
        problems: list[str] = []
        for name, door in KEPT.items():
            method, _, path = name.partition(" ")
            if isinstance(door, Nothing):
                continue
            here = {**ids, "message_id": ids["question_id"]} if path.endswith("edit") else ids
            answer = await client.request(
                method, filled_path(path, here) + door.query, json=filled(door.body, here), headers=headers
            )
            code = answer.json().get("error", {}).get("code") if answer.is_error else None
            if (answer.status_code, code) != (403, "storage_quota_exceeded"):
                problems.append(f"{name}: {answer.status_code} {answer.text[:200]}")
            if (after := await database.read(count)) != before:
                problems.append(f"{name} kept {after[ids['own_id']] - before[ids['own_id']]} bytes")
                before = after
        assert problems == []


async def test_without_room_no_chat_comes_in_and_nothing_is_said_on_a_socket() -> None:
    async with over_http(settings=SETTINGS) as client:
        ids = await everything_of(client, "ann", CONTENT)
        headers = await signed_in(client, "ann")
        await fill_up(client, "ann")
        database = app_of(client).database
        before = await database.read(lambda db: storage.account_bytes(db, ids["own_id"]))
        chat = json.dumps([conversation(node("u", None, "user", "hi"))])
        report = await client.post("/api/import", content=chat, headers={**headers, "content-type": "application/json"})
        assert '"reason_code":"quota_exceeded"' in report.text
        async with live(client, chat_path(ids["session_id"]), headers) as socket:
            await socket.send("chat_message", content="x", client_message_id="c")
            assert (await socket.until("error"))["error"]["code"] == "storage_quota_exceeded"
        assert await database.read(lambda db: storage.account_bytes(db, ids["own_id"])) == before


async def test_room_that_was_made_is_there_at_once() -> None:
    async with over_http(settings=SETTINGS) as client:
        ids = await everything_of(client, "ann", CONTENT)
        headers = await signed_in(client, "ann")
        await fill_up(client, "ann")
        refused = await client.post("/api/sessions", json={}, headers=headers)
        assert error_of(refused, 403)["code"] == "storage_quota_exceeded"
        await client.delete(f"/api/sessions/{ids['session_id']}?permanently=true", headers=headers)
        made = await client.post("/api/sessions", json={}, headers=headers)
        assert made.status_code == 201
