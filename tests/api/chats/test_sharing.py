"""Sharing a session through the application: invited members, and links that show it to whoever has them."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlmodel import Session, select, update

from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import ShareLink, User
from tests.api.serving import app_of, error_of, in_process, signed_in
from tests.api.talking import Headers, begin, cost_of, got, heard_by, id_of, invite, let_in, say, talk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def make_link(client: httpx.AsyncClient, owner: Headers, session_id: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/sessions/{session_id}/links", json=body, headers=owner)
    assert answer.status_code == 201, answer.text
    link: dict[str, Any] = answer.json()
    return link


# --- members ----------------------------------------------------------------------------------------------------------


async def test_a_reader_reads_and_nothing_else(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, (first, second) = await talk(client, ann, "질문", "답")
    path = f"/api/sessions/{session_id}"
    await client.patch(path, json={"title": "ours", "folder": "f", "is_pinned": True}, headers=ann)
    error_of(await client.get(path, headers=bob), 404)
    await let_in(client, ann, session_id, "BOB", "reader")  # names are compared without case
    session = await got(client, path, bob)
    assert (session["title"], session["role"], session["owner_name"]) == ("ours", "reader", "ann")
    assert (session["folder"], session["is_pinned"]) == ("", False)  # the owner's own order
    assert [item["content"] for item in (await got(client, f"{path}/messages", bob))["data"]] == ["질문", "답"]
    assert (await got(client, f"/api/messages/{first}", bob))["content"] == "질문"
    assert (await got(client, "/api/sessions", bob))["data"] == []
    shared = (await got(client, "/api/sessions?shared=true", bob))["data"]
    assert [item["session_id"] for item in shared] == [session_id]
    assert [hit["is_shared"] for hit in (await got(client, "/api/search", bob, q="질문"))["data"]] == [True]
    for method, way, body in (
        ("PUT", path, {"title": "mine"}),
        ("DELETE", path, None),
        ("DELETE", f"{path}?permanently=true", None),
        ("PUT", f"{path}/config", {"temperature": 0}),
        ("POST", f"{path}/messages", {"content": "x"}),
        ("POST", f"{path}/head", {"message_id": second}),
        ("GET", f"{path}/members", None),
        ("POST", f"{path}/members", {"username": "bob", "role": "writer"}),
        ("GET", f"{path}/links", None),
        ("POST", f"{path}/links", {}),
        ("DELETE", f"{path}/links/x", None),
    ):
        error_of(await client.request(method, way, json=body, headers=bob), 403)
    assert (await got(client, path, ann))["title"] == "ours"


async def test_a_reader_looks_at_another_branch_without_moving_it(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, (first, second) = await talk(client, ann, "1", "2")
    branch = await say(client, ann, session_id, "2b", parent_id=first)
    await let_in(client, ann, session_id, "bob", "reader")
    path = f"/api/sessions/{session_id}"
    other = await got(client, f"{path}/messages", bob, leaf=second)
    assert [item["content"] for item in other["data"]] == ["1", "2"]
    assert (await got(client, path, bob))["head_message_id"] == branch
    fork = await client.post(f"{path}/fork", json={"message_id": second}, headers=bob)
    assert (fork.status_code, fork.json()["role"], fork.json()["owner_name"]) == (201, "owner", "bob")


async def test_a_writer_writes_under_their_own_name(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, _ = await talk(client, ann, "hi")
    await let_in(client, ann, session_id, "bob", "writer")
    message_id = await say(client, bob, session_id, "from bob")
    message = await got(client, f"/api/messages/{message_id}", ann)
    assert (message["author_id"], message["author_name"]) == (await id_of(client, "bob"), "bob")
    error_of(await client.put(f"/api/sessions/{session_id}", json={"title": "x"}, headers=bob), 403)
    await let_in(client, ann, session_id, "bob", "reader")
    body = {"content": "x"}
    error_of(await client.post(f"/api/sessions/{session_id}/messages", json=body, headers=bob), 403)
    members = (await got(client, f"/api/sessions/{session_id}/members", ann))["data"]
    assert [(member["username"], member["role"]) for member in members] == [("bob", "reader")]


@pytest.mark.parametrize("who_ends", ["ann", "bob"])
async def test_an_invitation_ends(client: httpx.AsyncClient, who_ends: str) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, _ = await talk(client, ann, "hi")
    await let_in(client, ann, session_id, "bob", "writer")
    member = f"/api/sessions/{session_id}/members/{await id_of(client, 'bob')}"
    headers = ann if who_ends == "ann" else bob
    async with heard_by(client, "bob") as heard:
        assert (await client.delete(member, headers=headers)).status_code == 204
    assert [message["type"] for message in heard] == ["session.deleted"]
    error_of(await client.get(f"/api/sessions/{session_id}", headers=bob), 404)
    error_of(await client.delete(member, headers=headers), 404)
    assert (await got(client, "/api/search", bob, q="hi"))["data"] == []


async def test_a_member_cannot_end_somebody_elses_invitation(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    carol = await signed_in(client, "carol")
    session_id = await begin(client, ann)
    for name in ("bob", "carol"):
        await let_in(client, ann, session_id, name, "writer")
    error_of(
        await client.delete(f"/api/sessions/{session_id}/members/{await id_of(client, 'carol')}", headers=bob), 403
    )
    assert (await got(client, f"/api/sessions/{session_id}", carol))["role"] == "writer"


async def test_who_cannot_be_invited(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    path = f"/api/sessions/{await begin(client, ann)}/members"
    for body, status, param in (
        ({"username": "ANN"}, 409, "username"),
        ({"username": "x", "role": "owner"}, 400, "role"),
        ({"username": ""}, 400, "username"),
        ({}, 400, "username"),
        ({"username": "x", "user_id": "x"}, 400, "user_id"),
    ):
        error = error_of(await client.post(path, json=body, headers=ann), status)
        assert error["param"] == param


async def test_only_those_are_named_whom_one_shares_a_chat_with(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    carol, dave = await signed_in(client, "carol"), await signed_in(client, "dave")

    async def known(headers: Headers) -> list[str]:
        return [person["username"] for person in (await got(client, "/api/people", headers))["data"]]

    session_id, _ = await talk(client, ann, "hi")
    other_id, _ = await talk(client, ann, "hi")
    await let_in(client, ann, session_id, "bob", "reader")
    await let_in(client, ann, other_id, "carol", "writer")
    await invite(client, ann, session_id, "dave")  # has not answered
    assert [await known(each) for each in (ann, bob, carol, dave)] == [["bob", "carol"], ["ann"], ["ann"], []]
    await client.delete(f"/api/sessions/{other_id}", headers=ann)
    assert [await known(each) for each in (ann, carol)] == [["bob"], []]


# --- links ------------------------------------------------------------------------------------------------------------


async def test_a_link_shows_the_path_to_whoever_has_it(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    session_id, _ = await talk(client, ann, "질문", "답")
    await say(client, ann, session_id, "the model's orders", role="system")
    await say(client, ann, session_id, "끝")
    path = f"/api/sessions/{session_id}"
    await client.put(f"{path}/config", json={"system_prompt": "secret orders"}, headers=ann)
    link = await make_link(client, ann, session_id)
    answer = await client.get(link["path"])
    assert answer.status_code == 200
    assert "orders" not in answer.text
    assert await id_of(client, "ann") not in answer.text
    body = answer.json()
    assert (body["owner_name"], body["next_cursor"]) == ("ann", None)
    assert [item["content"] for item in body["data"]] == ["질문", "답", "끝"]
    assert (await client.get(link["path"] + "/")).json() == body
    shown = (await got(client, f"{path}/links", ann))["data"]
    assert [item["link_id"] for item in shown] == [link["link_id"]]
    assert "token" not in shown[0]
    for method in ("POST", "PUT", "DELETE"):
        error_of(await client.request(method, link["path"], json={}), 405)


async def test_a_link_puts_nobodys_words_in_anothers_mouth(client: httpx.AsyncClient) -> None:
    """Every question stood under the owner's name, whoever had written it."""
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    carol = await signed_in(client, "carol")
    assert (await client.patch("/api/profile", json={"display_name": "Bob B."}, headers=bob)).is_success
    session_id, _ = await talk(client, ann, "of ann", "answer")
    for name, headers in (("bob", bob), ("carol", carol)):
        await let_in(client, ann, session_id, name, "writer")
        await say(client, headers, session_id, f"of {name}")
    await app_of(client).database.write(_delete_carol)
    link = await make_link(client, ann, session_id)
    shown = (await client.get(link["path"])).json()["data"]
    under = {item["content"]: item["author_name"] for item in shown}
    assert under == {"of ann": "ann", "answer": None, "of bob": "Bob B.", "of carol": None}
    page = (await got(client, f"/api/sessions/{session_id}/messages", bob))["data"]
    assert [item["author_name"] for item in page] == ["ann", "ann", "Bob B.", None]


def _delete_carol(db: Session) -> None:
    db.delete(db.exec(select(User).where(User.username == "carol")).one())


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_pages_of_a_link_have_no_gaps_and_no_doubles(client: httpx.AsyncClient, limit: int) -> None:
    ann = await signed_in(client)
    texts = [str(n) for n in range(7)]
    session_id, _ = await talk(client, ann, *texts)
    link = await make_link(client, ann, session_id)
    found: list[str] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        page = (await client.get(link["path"], params=params)).json()
        found = [item["content"] for item in page["data"]] + found
        if page["next_cursor"] is None:
            break
        params["before"] = page["next_cursor"]
    assert found == texts


@pytest.mark.parametrize("why", ["revoked", "expired", "deleted", "disabled", "wrong"])
async def test_a_link_that_opens_nothing_is_not_found(client: httpx.AsyncClient, why: str) -> None:
    ann = await signed_in(client)
    session_id, _ = await talk(client, ann, "secret")
    path = f"/api/sessions/{session_id}"
    link = await make_link(client, ann, session_id, expires_in_days=1)
    assert (await client.get(link["path"])).status_code == 200

    def change(db: Session) -> None:
        if why == "expired":
            db.exec(update(ShareLink).values(expires_at_ms=now_ms() - 1))
        if why == "disabled":
            db.exec(update(User).values(is_disabled=True))

    await app_of(client).database.write(change)
    if why == "revoked":
        assert (await client.delete(f"{path}/links/{link['link_id']}", headers=ann)).status_code == 204
        error_of(await client.delete(f"{path}/links/{link['link_id']}", headers=ann), 404)
    if why == "deleted":
        await client.delete(path, headers=ann)
    way = link["path"][:-1] + "~" if why == "wrong" else link["path"]
    assert "secret" not in str(error_of(await client.get(way), 404))


async def test_a_link_with_a_stale_login_still_opens(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    link = await make_link(client, ann, (await talk(client, ann, "hi"))[0])
    assert (await client.get(link["path"], headers={"authorization": "Bearer bdl-" + "x" * 43})).status_code == 200


async def test_a_session_has_a_bounded_number_of_links(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    session_id = await begin(client, ann)

    def fill(db: Session) -> None:
        for _ in range(100):
            link_id = new_id()
            db.add(ShareLink(link_id=link_id, token_hash=link_id, session_id=session_id, created_at_ms=1))

    await app_of(client).database.write(fill)
    error_of(await client.post(f"/api/sessions/{session_id}/links", json={}, headers=ann), 409)
    for body in ({"expires_in_days": 0}, {"expires_in_days": 3651}, {"expires_in_days": "1"}):
        error = error_of(await client.post(f"/api/sessions/{session_id}/links", json=body, headers=ann), 400)
        assert error["param"] == "expires_in_days"
    link = await client.get("/api/shared/" + "x" * 43 + "?limit=0")
    assert error_of(link, 400)["param"] == "limit"


# --- what it costs ----------------------------------------------------------------------------------------------------


async def test_company_takes_no_more_queries(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    bob = await signed_in(client, "bob")
    session_id, _ = await talk(client, ann, *(str(n) for n in range(8)))
    link = await make_link(client, ann, session_id)
    path = f"/api/sessions/{session_id}"

    async def costs() -> list[int]:
        requests = [
            client.get(path, headers=ann),
            client.get(f"{path}/members", headers=ann),
            client.get(link["path"]),
            client.post(f"{path}/messages", json={"content": "x"}, headers=ann),
            client.get("/api/search?q=x", headers=ann),
        ]
        return [await cost_of(client, request) for request in requests]

    alone = await costs()
    for name in ("bob", "carol", "dave", "eve"):
        await signed_in(client, name)
        await let_in(client, ann, session_id, name, "writer")
    assert await costs() == alone
    for _ in range(8):
        other = await begin(client, ann)
        await let_in(client, ann, other, "bob", "reader")
    assert len((await got(client, "/api/sessions?shared=true", bob))["data"]) == 9
    assert await cost_of(client, client.get("/api/sessions?shared=true", headers=bob)) <= 2
