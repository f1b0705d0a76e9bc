"""No answer grows with what somebody has stored: every route that reads is here, with the bound of its answer."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
from sqlmodel import Session

from bdchat.api.http.endpoints import DeclaredRoute
from bdchat.store.accounting.byte_length import PAGE_BYTES
from bdchat.store.chats import messages, sessions
from bdchat.store.ids import new_id
from bdchat.store.tables import Generation
from tests.api.chats.test_sharing import make_link
from tests.api.serving import app_of, in_process, signed_in
from tests.api.talking import Headers, id_of

pytestmark = pytest.mark.anyio
NUM_TEXTS = 14
TEXT = "가나다 text " * 65_000  # 1 MB
ONE_BYTES = len(TEXT.encode())
FRAME_BYTES = 64 * 1024  # of JSON around the texts


@dataclass(frozen=True, slots=True)
class Pages:
    """A list, `data` in the body: what names the page after it, and the parameter that asks for that."""

    parameter: str
    cursor: str | None = None  # None: OpenAI's, last_id while has_more
    query: str = ""


LISTS: Mapping[str, Pages] = {
    "/api/sessions/{session_id}/messages": Pages("before", "next_cursor", "limit=200"),
    "/api/shared/{token}": Pages("before", "next_cursor", "limit=200"),
    "/api/profile/messages": Pages("cursor", "next_cursor", "limit=200"),
    "/v1/chat/completions": Pages("after", query="limit=100"),
    "/v1/chat/completions/{completion_id}/messages": Pages("after", query="limit=100"),
}
STEPS = {  # one thing, however long: sent in steps, or as a stream that waits for its reader
    "/api/messages/{message_id}",
    "/v1/chat/completions/{completion_id}",
    "/v1/chat/completions/{completion_id}/events",
    "/api/live/chat/{session_id}",
    "/api/live/events",
    "/api/sessions/{session_id}/export",
    "/api/export",
    "/api/admin/audit.jsonl",
    "/api/admin/backups/{name}",
    "/api/documents/{document_id}/content",
    "/v1/files/{file_id}/content",
}
SMALL = {  # bounded by the number of rows and the length of their fields
    "/v1/responses/{response_id}": "one answer, which a context bounds",
    "/v1/responses/{response_id}/input_items": "PAGE_BYTES",
    "/api/tags": "a row per model",
    "/api/ps": "a row per model",
    "/api/version": "constant",
    "/api/admin/audit": "at most 500 entries",
    "/api/admin/backups": "a row per file",
    "/api/admin/engine": "running requests",
    "/api/admin/generations": "running answers",
    "/api/admin/hub": "MAX_REPOSITORIES",
    "/api/admin/hub/files": "MAX_FILES",
    "/api/admin/invitations": "MAX_LISTED",
    "/api/admin/keys": "a page of names",
    "/api/admin/models": "a row per model",
    "/api/admin/pulls": "a row per pull",
    "/api/admin/overview": "sums",
    "/api/admin/requests": "the last hundred",
    "/api/admin/storage": "sums",
    "/api/admin/usage": "MAX_ROWS",
    "/api/admin/usage.csv": "MAX_ROWS",
    "/api/admin/limits": "200 accounts",
    "/api/admin/pins": "16 system prompts of chats",
    "/api/admin/users": "a page of names",
    "/api/admin/users/{user_id}": "one account",
    "/api/auth/me": "one account",
    "/api/auth/sessions": "MAX_LOGINS",
    "/api/collections": "MAX_PER_ACCOUNT, and those shared with it",
    "/api/collections/{collection_id}": "one collection",
    "/api/collections/{collection_id}/members": "MAX_MEMBERS",
    "/api/documents": "a page of names",
    "/api/documents/{document_id}": "a name",
    "/api/documents/{document_id}/pages/{number}": "MAX_PAGE_BYTES of text, and its boxes",
    "/api/documents/{document_id}/passages/{passage_id}": "a passage of at most 500 tokens",
    "/api/export/schema": "constant",
    "/api/folders": "MAX_FOLDERS",
    "/api/invitations": "MAX_SHOWN",
    "/api/people": "MAX_COMPANIONS",
    "/api/sessions/{session_id}/messages/{message_id}/sources": "what a prompt holds, or MAX_CITATIONS",
    "/api/keys": "names",
    "/api/llm/models": "a row per model",
    "/api/openapi.json": "constant",
    "/api/profile": "one account",
    "/api/profile/usage": "a year of days",
    "/api/search": "a page of snippets",
    "/api/search/chats": "two snippets per chat, at most 50 chats",
    "/api/sessions": "a page of titles",
    "/api/sessions/{session_id}": "a title",
    "/api/sessions/{session_id}/config": "one setting",
    "/api/sessions/{session_id}/documents": "documents.num_per_chat",
    "/api/sessions/{session_id}/links": "MAX_LINKS",
    "/api/sessions/{session_id}/members": "MAX_MEMBERS",
    "/health": "constant",
    "/metrics": "counters",
    "/v1/files": "a page of names",
    "/v1/files/{file_id}": "a name",
    "/v1/vector_stores": "a page of names",
    "/v1/vector_stores/{vector_store_id}": "one collection",
    "/v1/vector_stores/{vector_store_id}/files": "a page of names",
    "/v1/vector_stores/{vector_store_id}/files/{file_id}": "a name",
    "/v1/models": "a row per model",
    "/props": "one model",
    "/api/v0/models": "a row per model",
    "/api/v0/models/{model_id:path}": "one model",
    "/v1/models/{model_id:path}": "one model",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True, slots=True)
class Seeded:
    client: httpx.AsyncClient
    headers: Headers
    ids: Mapping[str, str]

    async def get(self, path: str, **params: str) -> httpx.Response:
        answer = await self.client.get(path.format(**self.ids), params=params or None, headers=self.headers)
        assert answer.status_code == 200, answer.text[:300]
        return answer


@pytest.fixture(scope="module")
async def seeded() -> AsyncGenerator[Seeded]:
    """A chat of NUM_TEXTS messages of 1 MB, and as many stored completions: in the chat, and outside."""
    async with in_process() as client:
        ann = await signed_in(client)
        user_id = await id_of(client, "ann")

        def write(db: Session) -> dict[str, str]:
            session = sessions.create(db, user_id)
            parent_id: str | None = None
            for n in range(NUM_TEXTS):
                role = ("user", "assistant")[n % 2]
                author_id = user_id if role == "user" else None
                message = messages.append(
                    db, session, parent_id=parent_id, role=role, content=f"{n} {TEXT}", author_id=author_id
                )
                parent_id = message.message_id
            shown = [{"role": "user", "content": f"{n} {TEXT}"} for n in range(NUM_TEXTS)]
            for n in range(NUM_TEXTS):
                db.add(_generation(f"chatcmpl-{n:03}", user_id, f"{n} {TEXT}", shown[: n + 1]))
            db.add(_generation("chatcmpl-chat", user_id, "short", shown[:1], session.session_id, parent_id))
            return {"session_id": session.session_id, "message_id": str(parent_id)}

        ids = await app_of(client).database.write(write)
        ids["token"] = (await make_link(client, ann, ids["session_id"]))["token"]
        ids["completion_id"] = f"chatcmpl-{NUM_TEXTS - 1:03}"
        yield Seeded(client, ann, ids)


def _generation(
    generation_id: str,
    user_id: str,
    content: str,
    shown: list[dict[str, str]],
    session_id: str | None = None,
    message_id: str | None = None,
) -> Generation:
    request = {"request_id": new_id(), "prompt": {"type": "chat", "messages": shown}}
    return Generation(
        generation_id=generation_id,
        session_id=session_id,
        message_id=message_id,
        user_id=user_id,
        model="fake",
        state="complete",
        request=msgspec.json.encode(request),
        wire={"metadata": {}, "system": []},
        content=content,
        finish_reason="stop",
        last_seq=2,
        created_at_ms=1,
        finished_at_ms=2,
    )


async def test_every_route_that_reads_is_bounded_here(seeded: Seeded) -> None:
    routes = [route for route in app_of(seeded.client).routes if isinstance(route, DeclaredRoute)]
    reading = {each.path for route in routes for each in route.endpoints if each.method == "GET"}
    assert reading == LISTS.keys() | STEPS | SMALL.keys()


@pytest.mark.parametrize("path", [*LISTS, "/v1/chat/completions/chatcmpl-chat/messages"])
async def test_a_page_of_long_texts_ends_with_its_bytes_and_goes_on_from_its_cursor(seeded: Seeded, path: str) -> None:
    """Each was one string of all its rows."""
    pages = LISTS.get(path, LISTS["/v1/chat/completions/{completion_id}/messages"])
    params = dict(pair.split("=") for pair in pages.query.split("&"))
    seen: list[str] = []
    for _ in range(NUM_TEXTS + 1):
        answer = await seeded.get(path, **params)
        body = answer.json()
        items = body["data"]
        assert items
        assert len(answer.content) <= PAGE_BYTES + FRAME_BYTES
        seen += [_text_of(item)[:3] for item in (reversed(items) if pages.parameter == "before" else items)]
        at_last = body["last_id"] if body.get("has_more") else None
        following = at_last if pages.cursor is None else body[pages.cursor]
        if following is None:
            break
        params[pages.parameter] = following
    else:
        pytest.fail("the pages do not end")
    assert len(seen) == len(set(seen)) > 2


async def test_one_item_is_whole_however_long(seeded: Seeded) -> None:
    def grow(db: Session) -> str:
        session = sessions.get_owned(db, user_id, seeded.ids["session_id"])
        return messages.append(
            db, session, parent_id=None, role="user", content=TEXT * 6, author_id=user_id, sets_head=False
        ).message_id

    user_id = await id_of(seeded.client, "ann")
    message_id = await app_of(seeded.client).database.write(grow)
    assert (await seeded.get(f"/api/messages/{message_id}")).json()["content"] == TEXT * 6
    page = (await seeded.get("/api/sessions/{session_id}/messages", leaf=message_id)).json()
    assert ([item["content"] == TEXT * 6 for item in page["data"]], page["next_cursor"]) == ([True], None)
    shown = (await seeded.get("/v1/chat/completions/{completion_id}")).json()
    assert shown["choices"][0]["message"]["content"] == f"{NUM_TEXTS - 1} {TEXT}"


def _text_of(item: dict[str, Any]) -> str:
    text = item["choices"][0]["message"]["content"] if "choices" in item else item["content"]
    assert isinstance(text, str)
    assert json.dumps(text)
    return text
