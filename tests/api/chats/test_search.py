"""GET /api/search through the application."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from sqlmodel import select

from bdchat.store.tables import User
from tests.api.serving import app_of, error_of, in_process, opened, signed_in
from tests.store.searchable import add_message, add_session

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def written(client: httpx.AsyncClient, username: str, *texts: str) -> dict[str, str]:
    """The headers of somebody who has one session, "제목", with these messages."""
    headers = await signed_in(client, username)

    def write(db: object) -> None:
        user = db.exec(select(User).where(User.username == username)).one()  # type: ignore[attr-defined]
        session_id = add_session(db, user.user_id, "환불 제목")  # type: ignore[arg-type]
        for number, content in enumerate(texts):
            add_message(db, session_id, content, at_ms=2000 + number)  # type: ignore[arg-type]

    await app_of(client).database.write(write)
    return headers


async def test_a_page_shows_what_was_found_and_where(client: httpx.AsyncClient) -> None:
    headers = await written(client, "ann", "👍 <b>환불은</b> 언제")
    body = (await client.get("/api/search", params={"q": "환불"}, headers=headers)).json()
    message, title = body["data"]
    assert (message["kind"], message["snippet"], message["at_ms"]) == ("message", "👍 <b>환불은</b> 언제", 2000)
    assert message["highlights"] == [[5, 7]]
    assert (title["kind"], title["message_id"], title["role"]) == ("title", None, "title")
    assert body["next_cursor"] is None


async def test_pages_follow_each_other(client: httpx.AsyncClient) -> None:
    headers = await written(client, "ann", *(f"환불 {n}" for n in range(5)))
    params, seen = {"q": "환불이", "limit": "2"}, []
    while True:
        body = (await client.get("/api/search", params=params, headers=headers)).json()
        seen += [hit["snippet"] for hit in body["data"]]
        if body["next_cursor"] is None:
            break
        params["cursor"] = body["next_cursor"]
    assert seen == [*(f"환불 {n}" for n in (4, 3, 2, 1, 0)), "환불 제목"]


async def test_found_texts_are_gathered_by_chat(client: httpx.AsyncClient) -> None:
    headers = await written(client, "ann", *(f"환불 됨 {n}" for n in range(5)), "배송")
    user_id = (await client.get("/api/auth/me", headers=headers)).json()["user"]["user_id"]

    def write(db: object) -> None:
        add_message(db, add_session(db, user_id, "다른 채팅"), "환불도 배송도", at_ms=9000)  # type: ignore[arg-type]

    await app_of(client).database.write(write)
    params = {"q": "환불은", "limit": "1"}
    body = (await client.get("/api/search/chats", params=params, headers=headers)).json()
    (named,) = body["data"]
    assert (named["title"], named["title_highlights"], named["is_title_found"]) == ("환불 제목", [[0, 2]], True)
    assert (named["num_matches"], named["has_more"]) == (5, False)
    assert [hit["snippet"] for hit in named["hits"]] == ["환불 됨 4", "환불 됨 3"]
    assert body["words"] == ["환불"]
    params["cursor"] = body["next_cursor"]
    body = (await client.get("/api/search/chats", params=params, headers=headers)).json()
    assert [chat["title"] for chat in body["data"]] == ["다른 채팅"]
    assert body["next_cursor"] is None
    # The rest of a chat's matches, and words of which the title has one.
    inside = {"q": "제목 됨", "session_id": named["session_id"], "role": "user", "limit": "4"}
    page = (await client.get("/api/search", params=inside, headers=headers)).json()
    assert [hit["snippet"] for hit in page["data"]] == [f"환불 됨 {n}" for n in (4, 3, 2, 1)]
    page = (await client.get("/api/search", params=inside | {"cursor": page["next_cursor"]}, headers=headers)).json()
    assert [hit["snippet"] for hit in page["data"]] == ["환불 됨 0"]


async def test_nobody_finds_what_is_not_theirs(client: httpx.AsyncClient) -> None:
    await written(client, "ann", "환불")
    headers = await signed_in(client, "bob")
    assert (await client.get("/api/search", params={"q": "환불"}, headers=headers)).json()["data"] == []


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"q": "x", "role": "owner"}, "role"),
        ({"q": "x", "from": "2", "to": "1"}, "to"),
        ({"q": "x", "from": "-1"}, "from"),
        ({"q": "x", "limit": "0"}, "limit"),
        ({"q": "x", "cursor": "what"}, "cursor"),
        ({"q": "x", "cursor": "-1"}, "cursor"),
        ({"q": "x", "order": "1"}, "order"),
    ],
)
async def test_a_bad_question_is_refused_with_its_field(
    client: httpx.AsyncClient, params: dict[str, str], param: str
) -> None:
    headers = await signed_in(client)
    for path in ("/api/search", "/api/search/chats"):
        assert error_of(await client.get(path, params=params, headers=headers), 400)["param"] == param


async def test_a_question_of_signs_finds_nothing(client: httpx.AsyncClient) -> None:
    headers = await written(client, "ann", "환불")
    answer = await client.get("/api/search", params={"q": "\x00'\"*"}, headers=headers)
    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_strangers_and_guests_may_not_search(client: httpx.AsyncClient) -> None:
    await opened(client)
    error_of(await client.get("/api/search", params={"q": "x"}), 401)
