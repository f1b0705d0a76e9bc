"""Whatever ends a right ends what rests on it, within a second: every cause, on every kind of response."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from sqlmodel import Session, update

from bdchat.api.app import App
from bdchat.api.auth.right_watch import means
from bdchat.api.bus.interface import GAP, RIGHTS_TOPIC
from bdchat.api.chats.exports import MAX_AT_ONCE
from bdchat.api.http.identity import ALL_SCOPES, Identity
from bdchat.store.accounts import users
from bdchat.store.chats import messages, sessions
from bdchat.store.ids import now_ms
from bdchat.store.tables import ApiKey, ShareLink
from tests.api.chats.test_sharing import make_link
from tests.api.serving import app_of, error_of, in_process, signed_in
from tests.api.sockets import UNTITLED
from tests.api.talking import Headers, id_of, let_in
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
LONG = "long " * 100_000  # more than one step of an answer
SOON_S = 5.0  # the promise is a second, on a machine that others keep busy too; by the watch alone it would be 20
LIFETIMES_MS = (500, 20_000)  # of what is to end while it is used; the second where the first ended before that


class Reader:
    """One response, taken by hand: a stream as it comes, of anything else the first part and no more."""

    def __init__(self, app: App, method: str, path: str, headers: Headers, body: Any = None) -> None:
        self.status = 0
        self.lifetime_s = 0.0  # of what it rests on
        self.body = b""
        self.is_complete = False
        self.has_begun = asyncio.Event()
        self._content = json.dumps(body).encode() if body is not None else b""
        self._is_stream = False
        path, _, query = path.partition("?")
        pairs = {"host": "localhost", "content-type": "application/json", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in pairs.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if self._content is not None:
            content, self._content = self._content, None  # type: ignore[assignment]
            return {"type": "http.request", "body": content, "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._is_stream = (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]
            return
        if self.has_begun.is_set() and not self._is_stream and message.get("more_body"):
            await asyncio.Event().wait()  # it reads no more
        self.body += message["body"]
        self.is_complete = not message.get("more_body", False)
        self.has_begun.set()


class World:
    """Ann's chat, which Bob may read; somebody else who administers. Answers of the model wait for `gate`."""

    def __init__(self, client: httpx.AsyncClient, gate: asyncio.Event) -> None:
        self.client = client
        self.app = app_of(client)
        self.gate = gate
        self.ann: Headers = {}
        self.bob: Headers = {}
        self.root: Headers = {}
        self.bob_id = self.ann_id = self.session_id = ""
        self.link: dict[str, Any] = {}

    async def key_of_bob(self) -> dict[str, Any]:
        made = await self.client.post("/api/keys", json={"name": "k", "scopes": ["chat", "sessions"]}, headers=self.bob)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    async def do(self, method: str, path: str, headers: Headers, body: Any = None) -> None:
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text


@asynccontextmanager
async def running(app: App) -> AsyncGenerator[None]:
    await app.durable.start()
    watching = asyncio.create_task(app.right_watch.run())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await app.generations.drain(timeout_s=0)
        await app.durable.aclose()


@pytest.fixture
async def world() -> AsyncGenerator[World]:
    gate = asyncio.Event()
    async with in_process(FakeEngine(token_gate=gate.wait), settings=UNTITLED) as client:
        world = World(client, gate)
        world.ann, world.bob = await signed_in(client), await signed_in(client, "bob")
        world.root = await signed_in(client, "root", admin=True)
        world.ann_id, world.bob_id = await id_of(client, "ann"), await id_of(client, "bob")

        def write(db: Session) -> str:
            session = sessions.create(db, world.ann_id)
            parent_id = None
            for role in ("user", "assistant", "user", "assistant"):
                parent_id = messages.append(
                    db, session, parent_id=parent_id, role=role, content=LONG, author_id=world.ann_id
                ).message_id
            return session.session_id

        world.session_id = await world.app.database.write(write)
        await join(world)
        world.link = await make_link(client, world.ann, world.session_id)
        async with running(world.app):
            yield world
            gate.set()


async def join(world: World) -> None:
    await let_in(world.client, world.ann, world.session_id, "bob", "writer")


# --- kinds of responses, as Bob reads them ----------------------------------------------------------------------------

Kind = Callable[[World, Headers], Awaitable[Reader]]


async def stored_stream(world: World, headers: Headers) -> Reader:
    wanted = {"store": True, "stream": True, "metadata": {"session_id": world.session_id}}
    return Reader(world.app, "POST", "/v1/chat/completions", headers, wanted | {"messages": [_says("hi")]})


async def events(world: World, headers: Headers) -> Reader:
    asking = await stored_stream(world, headers)
    await asking.has_begun.wait()
    asking.task.cancel()
    generation_id = json.loads(asking.body.split(b"\n")[0].removeprefix(b"data: "))["id"]
    return Reader(world.app, "GET", f"/v1/chat/completions/{generation_id}/events", headers)


async def export(world: World, headers: Headers) -> Reader:
    return Reader(world.app, "GET", f"/api/sessions/{world.session_id}/export", headers)


async def page(world: World, headers: Headers) -> Reader:
    return Reader(world.app, "GET", f"/api/sessions/{world.session_id}/messages", headers)


async def bare_stream(world: World, headers: Headers) -> Reader:
    """Has said nothing yet: its role comes with the first text, so that its first part is its opening."""
    return Reader(world.app, "POST", "/v1/chat/completions", headers, {"messages": [_says("hi")], "stream": True})


def _says(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def shared_page(world: World) -> Reader:
    return Reader(world.app, "GET", f"/api/shared/{world.link['token']}", {})


OF_CHAT: list[Kind] = [stored_stream, events, export, page]


# --- causes -----------------------------------------------------------------------------------------------------------

Cause = Callable[[World], Awaitable[None]]


async def member_removed(world: World) -> None:
    await world.do("DELETE", f"/api/sessions/{world.session_id}/members/{world.bob_id}", world.ann)


async def member_left(world: World) -> None:
    await world.do("DELETE", f"/api/sessions/{world.session_id}/members/{world.bob_id}", world.bob)


async def chat_deleted(world: World) -> None:
    await world.do("DELETE", f"/api/sessions/{world.session_id}", world.ann)


async def chats_deleted(world: World) -> None:
    body = {"session_ids": [world.session_id], "is_deleted": True}
    await world.do("POST", "/api/sessions/bulk", world.ann, body)


async def account_disabled(world: World) -> None:
    await world.do("PATCH", f"/api/admin/users/{world.bob_id}", world.root, {"is_disabled": True})


async def role_changed(world: World) -> None:
    await world.do("PATCH", f"/api/admin/users/{world.bob_id}", world.root, {"role": "admin"})


async def account_deleted(world: World) -> None:
    await world.do("DELETE", f"/api/admin/users/{world.bob_id}", world.root)


async def password_reset(world: World) -> None:
    await world.do("POST", f"/api/admin/users/{world.bob_id}/password", world.root, {})


async def signed_out(world: World) -> None:
    await world.do("POST", "/api/auth/logout", world.bob)


async def signed_out_elsewhere(world: World) -> None:
    await world.do("DELETE", "/api/auth/sessions", await signed_in(world.client, "bob"))


OF_READER: list[Cause] = [
    account_disabled,
    role_changed,
    account_deleted,
    password_reset,
    signed_out,
    signed_out_elsewhere,
]


async def owner_deleted(world: World) -> None:
    await world.do("DELETE", f"/api/admin/users/{world.ann_id}", world.root)


OF_MEMBERSHIP: list[Cause] = [member_removed, member_left, chat_deleted, chats_deleted, owner_deleted]


async def under_way(
    world: World, begin: Callable[[], Awaitable[Reader]], *, expiring: type[ApiKey | ShareLink] | None = None
) -> Reader:
    """One that has begun to answer and goes on. `expiring`: every row of that kind soon does."""
    for lifetime_ms in LIFETIMES_MS:
        until_ms = now_ms() + lifetime_ms
        if expiring is not None:
            change = update(expiring).values(expires_at_ms=until_ms)
            await world.app.database.write(lambda db, change=change: db.exec(change))  # type: ignore[misc]
        reader = await begin()
        await until(reader.has_begun.is_set)
        reader.lifetime_s = lifetime_ms / 1000 if expiring else 0.0
        if not reader.task.done():
            return reader
    raise AssertionError("it ended before it was under way")


async def ends_soon(reader: Reader) -> None:
    """Soon; a stream closes in order and without [DONE], anything else breaks off."""
    await until(reader.task.done, reader.lifetime_s + SOON_S)
    reader.task.result()
    assert b"[DONE]" not in reader.body
    assert reader.status == 200


@pytest.mark.parametrize("cause", [*OF_MEMBERSHIP, *OF_READER])
@pytest.mark.parametrize("kind", OF_CHAT)
async def test_what_ends_a_right_ends_what_rests_on_it(world: World, kind: Kind, cause: Cause) -> None:
    """A removed member went on reading an open stream to the answer's end."""
    reader = await under_way(world, lambda: kind(world, world.bob))
    await cause(world)
    await ends_soon(reader)
    assert reader.is_complete is (kind in {stored_stream, events})


@pytest.mark.parametrize("cause", OF_READER)
async def test_what_ends_an_account_s_right_ends_its_bare_streams(world: World, cause: Cause) -> None:
    """Between its head and its first part nothing ended it but the next ping, 15 s later."""
    reader = await bare_stream(world, world.bob)
    await until(lambda: reader.status)
    await cause(world)
    await ends_soon(reader)
    await until(lambda: not world.app.generations.running)


@pytest.mark.parametrize("kind", OF_CHAT)
@pytest.mark.parametrize("is_expiry", [False, True])
async def test_a_key_s_end_ends_what_was_opened_with_it(world: World, kind: Kind, is_expiry: bool) -> None:
    key = await world.key_of_bob()
    key_id, token = key["key_id"], key["key"]
    by_key = {"authorization": f"Bearer {token}"}
    reader = await under_way(world, lambda: kind(world, by_key), expiring=ApiKey if is_expiry else None)
    if not is_expiry:
        await world.do("DELETE", f"/api/keys/{key_id}", world.bob)
    await ends_soon(reader)


async def link_revoked(world: World) -> None:
    await world.do("DELETE", f"/api/sessions/{world.session_id}/links/{world.link['link_id']}", world.ann)


async def link_expired(world: World) -> None:
    """By its timer: it was set before it was opened."""


async def owner_disabled(world: World) -> None:
    await world.do("PATCH", f"/api/admin/users/{world.ann_id}", world.root, {"is_disabled": True})


@pytest.mark.parametrize("cause", [link_revoked, link_expired, owner_disabled, chat_deleted])
async def test_what_ends_a_link_ends_the_page_that_it_opened(world: World, cause: Cause) -> None:
    expiring = ShareLink if cause is link_expired else None
    reader = await under_way(world, lambda: shared_page(world), expiring=expiring)
    await cause(world)
    await ends_soon(reader)
    assert not reader.is_complete


async def test_who_waits_for_a_whole_answer_waits_no_longer(world: World) -> None:
    wanted = {"store": True, "metadata": {"session_id": world.session_id}, "messages": [_says("hi")]}
    reader = Reader(world.app, "POST", "/v1/chat/completions", world.bob, wanted)
    await until(lambda: world.app.generations.running)
    await asyncio.sleep(0.05)  # until it waits: nothing tells of it
    await member_removed(world)
    await until(reader.task.done, SOON_S)
    assert reader.status == 404


async def test_an_account_has_few_exports_at_once(world: World) -> None:
    """Each holds a page of messages for as long as its reader likes."""
    readers = [await export(world, world.bob) for _ in range(MAX_AT_ONCE)]
    await until(lambda: all(reader.has_begun.is_set() for reader in readers))
    path = f"/api/sessions/{world.session_id}/export"
    refused = await world.client.get(path, headers=world.bob)
    assert error_of(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    assert (await world.client.get(path, headers=world.ann)).status_code == 200
    for reader in readers:
        reader.task.cancel()
    await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
    assert (await world.client.get(path, headers=world.bob)).status_code == 200


async def test_what_others_lose_does_not_disturb(world: World) -> None:
    readers = [await kind(world, world.ann) for kind in OF_CHAT]
    await until(lambda: all(reader.has_begun.is_set() for reader in readers))
    await member_removed(world)
    await signed_out(world)
    await until(lambda: not world.app.right_watch._checks)
    assert not any(reader.task.done() for reader in readers)
    for reader in readers:
        reader.task.cancel()
    await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)


async def test_the_request_that_ends_its_own_right_is_answered(world: World) -> None:
    answer = await world.client.post("/api/auth/logout", headers=world.bob)
    assert answer.is_success
    error_of(await world.client.get("/api/sessions", headers=world.bob), 401)


async def test_what_the_bus_forgot_or_the_console_did_is_looked_up(world: World) -> None:
    """`bdchat user disable` writes past the server; a gap on the bus has everything looked up."""
    reader = await export(world, world.bob)
    await reader.has_begun.wait()
    await world.app.database.write(lambda db: users.set_disabled(db, world.bob_id, is_disabled=True))
    await world.app.bus.publish(RIGHTS_TOPIC, {"type": GAP})
    await ends_soon(reader)


@pytest.mark.parametrize(
    ("named", "login_ends", "key_ends"),
    [
        ({}, True, True),
        ({"login_id": "l1"}, True, False),
        ({"login_id": "l2"}, False, False),
        ({"key_id": "k1"}, False, True),
    ],
)
def test_whom_an_end_means(named: dict[str, str], login_ends: bool, key_ends: bool) -> None:
    login = Identity("ann", "ann", "user", ALL_SCOPES, login_id="l1")
    key = Identity("ann", "ann", "user", ALL_SCOPES, key_id="k1")
    assert (means(named, login), means(named, key)) == (login_ends, key_ends)
