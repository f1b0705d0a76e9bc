"""/api/sessions/{id}/messages through the application: paths by pages, branches, forks, and messages sent twice."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from bdchat.api.bus.interface import session_topic
from bdchat.store.tables import Message, MessageMetadata
from tests.api.serving import app_of, error_of, in_process, signed_in
from tests.api.talking import begin, cost_of, fill_up, got, say, talk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def shown(client: httpx.AsyncClient, headers: dict[str, str], session_id: str, **params: Any) -> list[str]:
    """The texts of the whole path, in reading order, read page by page."""
    texts: list[str] = []
    while True:
        page = await got(client, f"/api/sessions/{session_id}/messages", headers, **params)
        assert len(page["data"]) <= params.get("limit", 30)
        texts = [item["content"] for item in page["data"]] + texts
        if page["next_cursor"] is None:
            return texts
        assert page["data"]
        params["before"] = page["next_cursor"]


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 4, 5, 30])
async def test_pages_of_a_path_have_no_gaps_and_no_doubles(client: httpx.AsyncClient, limit: int) -> None:
    headers = await signed_in(client)
    texts = [f"{n} 번째" for n in range(10)]
    session_id, ids = await talk(client, headers, *texts)
    assert await shown(client, headers, session_id, limit=limit) == texts
    assert await shown(client, headers, session_id, limit=limit, leaf=ids[6]) == texts[:7]


async def test_the_end_of_a_path_comes_first(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, ids = await talk(client, headers, *(str(n) for n in range(35)))
    page = await got(client, f"/api/sessions/{session_id}/messages", headers)
    assert [item["message_id"] for item in page["data"]] == ids[5:]
    assert page["next_cursor"] == ids[5]


async def test_what_is_written_between_two_pages_shifts_nothing(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, ids = await talk(client, headers, "0", "1", "2", "3")
    path = f"/api/sessions/{session_id}/messages"
    first = await got(client, path, headers, limit=2)
    await say(client, headers, session_id, "4")
    second = await got(client, path, headers, limit=2, before=first["next_cursor"])
    assert [item["message_id"] for item in second["data"]] == ids[:2]


async def test_an_empty_session_has_an_empty_page(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    page = await got(client, f"/api/sessions/{await begin(client, headers)}/messages", headers)
    assert page == {"data": [], "next_cursor": None}


async def test_a_message_is_shown_with_what_is_beside_it(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, (question, answer) = await talk(client, headers, "질문", "답")

    def measured(db: Session) -> None:
        db.add(MessageMetadata(message_id=answer, model="fake", prompt_tokens=7, model_params={"seed": 5}))

    await app_of(client).database.write(measured)
    again = await say(client, headers, session_id, "다시", parent_id=question, role="assistant")
    message = await got(client, f"/api/messages/{answer}/", headers)
    assert (message["session_id"], message["parent_id"], message["role"]) == (session_id, question, "assistant")
    assert (message["sibling_ids"], message["sibling_index"]) == ([answer, again], 0)
    assert (message["status"], message["generation_id"]) == ("complete", None)
    assert (message["metadata"]["prompt_tokens"], message["metadata"]["model_params"]) == (7, {"seed": 5})
    page = await got(client, f"/api/sessions/{session_id}/messages", headers)
    assert [item["sibling_index"] for item in page["data"]] == [0, 1]
    assert page["data"][1]["sibling_ids"] == [answer, again]


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_a_message_goes_below_the_head_or_where_it_is_told(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, (first, second) = await talk(client, headers, "1", "2")
    below = await say(client, headers, session_id, "3")
    branch = await say(client, headers, session_id, "2b", parent_id=first)
    root = await say(client, headers, session_id, "1b", parent_id=None)
    parents = {i: (await got(client, f"/api/messages/{i}", headers))["parent_id"] for i in (below, branch, root)}
    assert parents == {below: second, branch: first, root: None}
    session = await got(client, f"/api/sessions/{session_id}", headers)
    assert (session["head_message_id"], session["num_messages"]) == (root, 5)


async def test_sent_twice_is_one_message(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    path = f"/api/sessions/{session_id}/messages"
    body = {"content": "한 번만", "client_message_id": "c-1"}
    first = await client.post(path, json=body, headers=headers)
    second = await client.post(path + "/", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert await shown(client, headers, session_id) == ["한 번만"]
    other = await begin(client, headers)  # the name is the session's own
    assert (await client.post(f"/api/sessions/{other}/messages", json=body, headers=headers)).status_code == 201


async def test_sockets_of_the_session_hear_of_a_message_once(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    async with app_of(client).bus.subscribe(session_topic(session_id)) as heard:
        for _ in range(2):
            await client.post(
                f"/api/sessions/{session_id}/messages",
                json={"content": "hi", "client_message_id": "c"},
                headers=headers,
            )
        await app_of(client).bus.publish(session_topic(session_id), {"type": "the end"})
        kinds = []
        async for _, message in heard:
            kinds.append(message["type"])
            if message["type"] == "the end":
                break
    assert kinds == ["message.created", "session.changed", "the end"]


# --- branches ---------------------------------------------------------------------------------------------------------


async def test_switching_shows_a_branch_down_to_its_newest_end(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, (first, second, _) = await talk(client, headers, "1", "2", "3")
    await say(client, headers, session_id, "2b", parent_id=first)
    assert await shown(client, headers, session_id) == ["1", "2b"]
    answer = await client.post(f"/api/sessions/{session_id}/head", json={"message_id": second}, headers=headers)
    assert answer.status_code == 200
    assert await shown(client, headers, session_id) == ["1", "2", "3"]
    assert answer.json() == await got(client, f"/api/sessions/{session_id}", headers)


async def test_a_fork_is_a_session_of_its_own(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, (_, second, third) = await talk(client, headers, "1", "2", "3")
    path = f"/api/sessions/{session_id}"
    await client.put(path, json={"title": "원래"}, headers=headers)
    await client.put(f"{path}/config", json={"system_prompt": "짧게"}, headers=headers)
    answer = await client.post(f"{path}/fork", json={"message_id": second}, headers=headers)
    assert answer.status_code == 201
    fork = answer.json()
    assert (fork["title"], fork["num_messages"]) == ("원래 (2)", 2)
    assert await shown(client, headers, fork["session_id"]) == ["1", "2"]
    assert (await got(client, f"/api/sessions/{fork['session_id']}/config", headers))["system_prompt"] == "짧게"
    await say(client, headers, fork["session_id"], "3b")
    assert await shown(client, headers, session_id) == ["1", "2", "3"]
    whole = (await client.post(f"{path}/fork", json={}, headers=headers)).json()
    assert await shown(client, headers, whole["session_id"]) == ["1", "2", "3"]
    assert third not in (whole["head_message_id"], fork["head_message_id"])


async def test_a_fork_needs_something_that_is_written(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    empty = await begin(client, headers)
    error_of(await client.post(f"/api/sessions/{empty}/fork", json={}, headers=headers), 409)
    session_id, ids = await talk(client, headers, "1", "2")

    def run(db: Session) -> None:
        message = db.get(Message, ids[1])
        assert message is not None
        message.status = "running"

    await app_of(client).database.write(run)
    error_of(await client.post(f"/api/sessions/{session_id}/fork", json={}, headers=headers), 409)
    assert (await got(client, "/api/sessions", headers))["data"][0]["session_id"] == session_id


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "messages", {}, "content"),
        ("POST", "messages", {"content": ""}, "content"),
        ("POST", "messages", {"content": "a\x00"}, "content"),
        ("POST", "messages", {"content": ["x"]}, "content"),
        ("POST", "messages", {"content": "x", "role": "tool"}, "role"),
        ("POST", "messages", {"content": "x", "parent_id": ""}, "parent_id"),
        ("POST", "messages", {"content": "x", "client_message_id": "c" * 129}, "client_message_id"),
        ("POST", "messages", {"content": "x", "author_id": "me"}, "author_id"),
        ("POST", "head", {}, "message_id"),
        ("POST", "fork", {"message_id": 5}, "message_id"),
        ("GET", "messages?limit=0", None, "limit"),
        ("GET", "messages?limit=201", None, "limit"),
        ("GET", "messages?before=", None, "before"),
        ("GET", "messages?leaf=%00", None, "leaf"),
        ("GET", "messages?page=2", None, "page"),
    ],
)
async def test_a_bad_request_is_told_its_field(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, param: str
) -> None:
    headers = await signed_in(client)
    session_id, _ = await talk(client, headers, "as it was")
    answer = await client.request(method, f"/api/sessions/{session_id}/{path}", json=body, headers=headers)
    assert error_of(answer, 400)["param"] == param
    assert await shown(client, headers, session_id) == ["as it was"]


async def test_a_message_of_another_session_is_not_found(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, _ = await talk(client, headers, "1")
    _, (other,) = await talk(client, headers, "other")
    path = f"/api/sessions/{session_id}"
    for name in (other, "nothing"):
        error_of(await client.get(f"{path}/messages", params={"before": name}, headers=headers), 404)
        error_of(await client.get(f"{path}/messages", params={"leaf": name}, headers=headers), 404)
        for method, body in (("messages", {"content": "x", "parent_id": name}), ("head", {"message_id": name})):
            error_of(await client.post(f"{path}/{method}", json=body, headers=headers), 404)
        error_of(await client.post(f"{path}/fork", json={"message_id": name}, headers=headers), 404)
    assert await shown(client, headers, session_id) == ["1"]
    assert len((await got(client, "/api/sessions", headers))["data"]) == 2


# --- what it costs ----------------------------------------------------------------------------------------------------


async def test_a_longer_path_takes_no_more_queries(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)

    async def costs(session_id: str) -> tuple[int, int]:
        read = client.get(f"/api/sessions/{session_id}/messages?limit=200", headers=headers)
        body = {"content": "x", "client_message_id": "c"}
        written = client.post(f"/api/sessions/{session_id}/messages", json=body, headers=headers)
        return await cost_of(client, read), await cost_of(client, written)

    short, (root, *_) = await talk(client, headers, "1", "2")
    long, (above, *_) = await talk(client, headers, *(str(n) for n in range(40)))
    for n in range(5):
        await say(client, headers, short, f"sibling {n}", parent_id=root)
    await say(client, headers, long, "sibling", parent_id=above)  # where a branch leaves, its length is asked
    assert await costs(short) == await costs(long)
    read, written = await costs((await talk(client, headers, "1"))[0])
    assert read <= 5  # BEGIN, the session, the path, the siblings, how many sources
    assert written <= 12


async def test_a_fork_takes_no_query_per_message(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    short, _ = await talk(client, headers, "1", "2")
    long, _ = await talk(client, headers, *(str(n) for n in range(40)))
    costs = [
        await cost_of(client, client.post(f"/api/sessions/{session_id}/fork", json={}, headers=headers))
        for session_id in (short, long)
    ]
    assert costs[0] == costs[1]


async def test_an_account_without_room_is_told_so_whoever_writes_and_however() -> None:
    async with in_process() as client:
        headers = await signed_in(client)
        session_id, _ = await talk(client, headers, "x" * 15)
        await fill_up(client, "ann")
        path = f"/api/sessions/{session_id}/messages"
        refused = await client.post(path, json={"role": "user", "content": "x" * 10}, headers=headers)
        assert error_of(refused, 403)["code"] == "storage_quota_exceeded"
        body = {
            "messages": [{"role": "user", "content": "x" * 10}],
            "store": True,
            "metadata": {"session_id": session_id},
        }
        refused = await client.post("/v1/chat/completions", json=body, headers=headers)
        assert error_of(refused, 403)["code"] == "storage_quota_exceeded"
        assert await shown(client, headers, session_id) == ["x" * 15]
