"""Invitations to chats: the invited accepts or declines, and nobody learns names by inviting."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlmodel import Session, col, update

from bdchat.api.app import App
from bdchat.api.bus.interface import Message
from bdchat.api.bus.local_bus import LocalBus
from bdchat.settings import AuthSettings, GenerationSettings, Settings
from bdchat.store.chats import invites as chat_invites
from bdchat.store.chats import sharing
from bdchat.store.ids import now_ms
from bdchat.store.tables import ChatInvite, User
from tests.api.people import alter
from tests.api.serving import app_of, error_of, fresh_data_dir, in_process, over_app, signed_in
from tests.api.talking import Headers, begin, cost_of, got, heard_by, id_of, invite, let_in, talk
from tests.fake_engine import FakeEngine, fake_router

pytestmark = pytest.mark.anyio
DAY_MS = 86_400_000


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def waiting(client: httpx.AsyncClient, headers: Headers) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await got(client, "/api/invitations", headers))["data"]
    return items


async def asked(client: httpx.AsyncClient, owner: Headers, session_id: str) -> list[tuple[str, str, str]]:
    """(name, state, role) as the owner sees them."""
    items = (await got(client, f"/api/sessions/{session_id}/members", owner))["data"]
    return [(item["username"], item["state"], item["role"]) for item in items]


# --- consent ----------------------------------------------------------------------------------------------------------


async def test_until_it_is_accepted_nothing_of_the_chat_is_seen(client: httpx.AsyncClient) -> None:
    """Whoever was invited had the chat in their list at once, and heard of every message."""
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, (first, _) = await talk(client, ann, "질문", "답")
    path = f"/api/sessions/{session_id}"
    await client.patch(path, json={"title": "ours"}, headers=ann)
    async with heard_by(client, "bob") as heard:
        answer = await invite(client, ann, session_id, "BOB", "writer")
        await client.patch(path, json={"title": "ours still"}, headers=ann)
        await client.post(f"{path}/messages", json={"content": "more"}, headers=ann)
    assert answer.status_code == 202
    assert [(message["type"], message["kind"]) for message in heard] == [("notification", "session.invited")]
    assert (heard[0]["title"], heard[0]["owner_name"], heard[0]["owner_username"]) == ("ours", "ann", "ann")
    for way in (path, f"{path}/messages", f"{path}/config", f"{path}/export", f"/api/messages/{first}"):
        error_of(await client.get(way, headers=bob), 404)
    assert (await got(client, "/api/sessions?shared=true", bob))["data"] == []
    assert (await got(client, "/api/search", bob, q="질문"))["data"] == []
    (invitation,) = await waiting(client, bob)
    assert session_id not in str(invitation)
    assert (invitation["title"], invitation["role"]) == ("ours still", "writer")
    assert await asked(client, ann, session_id) == [("BOB", "invited", "writer")]


async def test_who_accepts_is_in(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, _ = await talk(client, ann, "hi")
    await invite(client, ann, session_id, "bob", "writer")
    (invitation,) = await waiting(client, bob)
    accept = f"/api/invitations/{invitation['invitation_id']}/accept"
    async with heard_by(client, "bob") as his, heard_by(client, "ann") as hers:
        session = (await client.post(accept, headers=bob)).json()
    assert (session["session_id"], session["role"], session["owner_name"]) == (session_id, "writer", "ann")
    assert [message["type"] for message in his] == ["session.changed"]
    assert [message["type"] for message in hers] == ["session.changed"]
    assert [item["session_id"] for item in (await got(client, "/api/sessions?shared=true", bob))["data"]] == [
        session_id
    ]
    assert await asked(client, ann, session_id) == [("bob", "member", "writer")]
    assert await waiting(client, bob) == []
    error_of(await client.post(accept, headers=bob), 404)
    again = await invite(client, ann, session_id, "Bob", "reader")  # of who is in: the role
    assert (again.status_code, again.json()["user_id"]) == (200, await id_of(client, "bob"))
    assert await asked(client, ann, session_id) == [("bob", "member", "reader")]


async def test_who_declines_is_not_asked_again_and_nobody_is_told(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    await invite(client, ann, session_id, "bob")
    (invitation,) = await waiting(client, bob)
    one = f"/api/invitations/{invitation['invitation_id']}"
    before = await asked(client, ann, session_id)
    async with heard_by(client, "ann") as hers:
        assert (await client.post(f"{one}/decline", headers=bob)).status_code == 204
    assert hers == []
    assert await asked(client, ann, session_id) == before
    for way in ("accept", "decline"):
        error_of(await client.post(f"{one}/{way}", headers=bob), 404)
    async with heard_by(client, "bob") as heard:
        await client.delete(f"/api/sessions/{session_id}{one.removeprefix('/api')}", headers=ann)
        again = await invite(client, ann, session_id, "bob", "writer")
    assert again.status_code == 202
    assert heard == []
    assert await waiting(client, bob) == []
    await alter(client, ChatInvite, created_at_ms=now_ms() - 31 * DAY_MS)
    async with heard_by(client, "bob") as heard:
        await invite(client, ann, session_id, "bob")
    assert len(heard) == len(await waiting(client, bob)) == 1  # after a month one may ask once more


async def test_what_is_withdrawn_is_gone(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    invitation_id = (await invite(client, ann, session_id, "bob")).json()["invitation_id"]
    way = f"/api/sessions/{session_id}/invitations/{invitation_id}"
    error_of(await client.delete(way, headers=bob), 404)
    async with heard_by(client, "bob") as heard:
        assert (await client.delete(way, headers=ann)).status_code == 204
        error_of(await client.delete(way, headers=ann), 404)
        assert await waiting(client, bob) == []
        error_of(await client.post(f"/api/invitations/{invitation_id}/accept", headers=bob), 404)
        await invite(client, ann, session_id, "bob", "writer")
        await invite(client, ann, session_id, "bob", "reader")
    assert heard == []  # asked again and again it rings once
    assert [item["role"] for item in await waiting(client, bob)] == ["reader"]


@pytest.mark.parametrize("why", ["deleted chat", "disabled owner", "too old", "somebody else"])
async def test_an_invitation_that_leads_nowhere_is_not_shown(client: httpx.AsyncClient, why: str) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    invitation_id = (await invite(client, ann, session_id, "bob")).json()["invitation_id"]
    if why == "deleted chat":
        await client.delete(f"/api/sessions/{session_id}", headers=ann)
    elif why == "disabled owner":
        await alter(client, User, where=col(User.username) == "ann", is_disabled=True)
    elif why == "too old":
        await alter(client, ChatInvite, created_at_ms=now_ms() - 31 * DAY_MS)
    else:
        bob = await signed_in(client, "carol")
    assert await waiting(client, bob) == []
    for way in ("accept", "decline"):
        error_of(await client.post(f"/api/invitations/{invitation_id}/{way}", headers=bob), 404)


async def test_members_of_former_times_are_in(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    bob_id = await id_of(client, "bob")

    def put(db: Session) -> None:
        from bdchat.store.accounts import users
        from bdchat.store.chats import sessions

        session = sessions.get_owned(db, users.by_name(db, "ann").user_id, session_id)  # type: ignore[union-attr]
        sharing.put_member(db, session, users.get(db, bob_id), "reader")

    await app_of(client).database.write(put)
    assert (await got(client, f"/api/sessions/{session_id}", bob))["role"] == "reader"


# --- names ------------------------------------------------------------------------------------------------------------


class CountingBus(LocalBus):
    """Asked how much passed over it."""

    num_published = 0

    async def publish(self, topic: str, message: Message) -> None:
        self.num_published += 1
        await super().publish(topic, message)


async def told(client: httpx.AsyncClient, owner: Headers, session_id: str, username: str) -> tuple[Any, int, int]:
    """(answer without ids and times, SQL statements, messages on the bus) of an invitation."""
    app = app_of(client)
    assert isinstance(app.bus, CountingBus)
    app.authenticator.forget_all()  # whose it is is remembered for some seconds: it would be asked now and then
    num_statements, num_published = app.database.num_statements, app.bus.num_published
    answer = await invite(client, owner, session_id, username)
    cost = app.database.num_statements - num_statements
    body = answer.json()
    assert len(body.pop("invitation_id")) == 32
    assert body.pop("created_at_ms") > 0
    assert body.pop("username") == username
    return (answer.status_code, sorted(answer.headers), body), cost, app.bus.num_published - num_published


async def test_inviting_a_name_that_nobody_has_is_the_same() -> None:
    """400 "no such user" told which names have accounts, and disabled ones too."""
    unhurried = GenerationSettings(lease_s=600)  # renewing leases takes statements of its own
    settings = Settings(data_dir=fresh_data_dir(), generations=unhurried)
    async with over_app(App(settings, fake_router(FakeEngine()), bus=CountingBus())) as client:
        await check_names(client)


async def check_names(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    for name in ("bob", "off", "declines"):
        await signed_in(client, name)
    await alter(client, User, where=col(User.username) == "off", is_disabled=True)
    declines = await signed_in(client, "declines")
    session_id = await begin(client, ann)
    names = ("bob", "nobody", "off", "declines", "<b>", "a\u200bb")
    seen = [await told(client, ann, session_id, name) for name in names]
    assert seen[0][0][0] == 202
    assert seen[0][0][2] == {"state": "invited", "user_id": None, "display_name": "", "role": "reader"}
    assert seen == [seen[0]] * len(names)
    (invitation,) = await waiting(client, declines)
    await client.post(f"/api/invitations/{invitation['invitation_id']}/decline", headers=declines)
    again = [await told(client, ann, session_id, name) for name in names]
    assert again == [again[0]] * len(names)
    assert [name for name, *_ in await asked(client, ann, session_id)] == list(names)


async def test_who_registers_a_name_later_is_not_who_was_meant(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    session_id = await begin(client, ann)
    await invite(client, ann, session_id, "bob")
    await alter(client, ChatInvite, created_at_ms=now_ms() - 1000)
    assert await waiting(client, await signed_in(client, "bob")) == []


# --- bounds -----------------------------------------------------------------------------------------------------------


async def test_so_many_invitations_a_day_whoever_is_asked() -> None:
    settings = Settings(auth=AuthSettings(invitations_per_day=3))
    async with in_process(settings=settings) as client:
        ann = await signed_in(client)
        await signed_in(client, "bob")
        session_id = await begin(client, ann)
        await let_in(client, ann, session_id, "bob")
        for name in ("nobody", "nobody else"):
            await invite(client, ann, session_id, name)
            await invite(client, ann, session_id, name)  # changes nothing, and counts nothing
        await invite(client, ann, session_id, "bob", "writer")  # a role is no invitation
        path = f"/api/sessions/{session_id}/members"
        refused = await client.post(path, json={"username": "third"}, headers=ann)
        assert error_of(refused, 429)["code"] == "too_many_attempts"
        assert int(refused.headers["retry-after"]) > 80_000


async def test_a_name_is_not_pestered_from_many_chats(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    for name in ("bob", "nobody"):
        for _ in range(chat_invites.MAX_PER_NAME):
            await invite(client, ann, await begin(client, ann), name)
        path = f"/api/sessions/{await begin(client, ann)}/members"
        refused = await client.post(path, json={"username": name}, headers=ann)
        assert error_of(refused, 409)["code"] == "too_many_invitations"
    assert len(await waiting(client, bob)) == chat_invites.MAX_PER_NAME


async def test_who_is_asked_takes_a_place(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    session_id = await begin(client, ann)

    def fill(db: Session) -> None:
        for number in range(sharing.MAX_MEMBERS):
            row = ChatInvite(
                invitation_id=f"i{number}",
                session_id=session_id,
                username=f"n{number}",
                username_key=f"n{number}",
                created_at_ms=now_ms(),
            )
            db.add(row)

    await app_of(client).database.write(fill)
    path = f"/api/sessions/{session_id}/members"
    assert error_of(await client.post(path, json={"username": "x"}, headers=ann), 409)["code"] == "too_many_members"
    await app_of(client).database.write(lambda db: db.exec(update(ChatInvite).values(is_withdrawn=True)))
    await invite(client, ann, session_id, "x")


async def test_a_list_of_many_invitations_is_one_query(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    await invite(client, ann, await begin(client, ann), "bob")
    await waiting(client, bob)  # his login is used for the first time
    alone = await cost_of(client, client.get("/api/invitations", headers=bob))
    for _ in range(5):
        await invite(client, ann, await begin(client, ann), "bob")
    assert await cost_of(client, client.get("/api/invitations", headers=bob)) == alone
