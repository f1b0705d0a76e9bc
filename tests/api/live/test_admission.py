"""Who may have a live socket, how it is refused, and what ends it. Through the server's own uvicorn."""

import asyncio
import json
from collections.abc import AsyncGenerator

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from bdchat.api.auth.cookies import LOGIN
from bdchat.api.live.admission import MAX_LINES, OpenSockets
from bdchat.api.live.connection import SocketClosed, Timing
from bdchat.settings import ServerSettings, Settings
from tests.api.serving import PASSWORD, app_of, over_http, signed_in
from tests.api.sockets import chat_path, live
from tests.api.talking import Headers, begin, id_of, let_in
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
QUICK = Timing(auth_timeout_s=0.3)


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http() as client:
        yield client


@pytest.fixture
async def impatient() -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http(live_timing=QUICK) as client:
        yield client


def token_of(headers: Headers) -> str:
    return headers["authorization"].removeprefix("Bearer ")


def origin_of(client: httpx.AsyncClient) -> str:
    return str(client.base_url).rstrip("/")


async def refusal(client: httpx.AsyncClient, path: str, headers: Headers, origin: str | None = None) -> tuple[int, str]:
    """Status and error code of a handshake that fails."""
    with pytest.raises(InvalidStatus) as refused:
        async with live(client, path, headers, origin=origin):
            pass
    response = refused.value.response
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    return response.status_code, json.loads(response.body)["error"]["code"]


@pytest.mark.parametrize("path", ["/ws/events", "/ws/chat/nothing"])
async def test_nobody_sees_anything(client: httpx.AsyncClient, impatient: httpx.AsyncClient, path: str) -> None:
    async with live(impatient, path) as silent:
        assert (await silent.closed())[0] == 4401
    async with live(client, path) as socket:
        await socket.send("hello")
        assert (await socket.closed())[0] == 4401
    for token in ("bdl-" + "x" * 43, "bd-" + "x" * 43, "nonsense"):
        async with live(client, path) as socket:
            await socket.send("auth", token=token)
            assert (await socket.closed())[0] == 4401
    async with live(client, path, {"authorization": "Bearer bdl-" + "x" * 43}) as socket:
        await socket.connection.send("no json at all")
        assert (await socket.closed())[0] == 4401
        assert silent.seen == socket.seen == []


async def test_a_token_in_a_header_or_in_the_first_message_lets_in(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    user_id = await id_of(client, "ann")
    async with live(client, chat_path(session_id) + "/", headers) as one, live(client, chat_path(session_id)) as two:
        await two.send("auth", token=token_of(headers))
        for socket in (one, two):
            hello = await socket.next()
            assert (hello["type"], hello["user_id"], hello["session_id"], hello["role"]) == (
                "hello",
                user_id,
                session_id,
                "owner",
            )
            assert hello["server_id"] == app_of(client).durable.server_id
        await two.send("auth", token=token_of(headers))
        assert (await two.until("error"))["error"]["param"] == "type"  # and nothing ends


async def test_a_cookie_counts_from_our_own_pages_alone(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    cookie = {"cookie": f"{LOGIN}={token_of(headers)}"}
    async with live(client, "/ws/events", cookie, origin=origin_of(client)) as socket:
        assert (await socket.next())["type"] == "hello"
    assert await refusal(client, "/ws/events", cookie) == (403, "forbidden")
    for origin in ("https://evil.example", "null", origin_of(client) + ".evil.example"):
        assert await refusal(client, "/ws/events", cookie, origin) == (403, "origin_not_allowed")
        async with live(client, "/ws/events", headers, origin=origin) as socket:  # no page can send this header
            assert (await socket.next())["type"] == "hello"
    stale = {"cookie": f"{LOGIN}=bdl-{'x' * 43}"}
    async with live(client, "/ws/events", stale, origin=origin_of(client)) as socket:
        await socket.send("hello")  # a page hears of a bad cookie as a close code
        assert (await socket.closed())[0] == 4401


async def test_of_a_page_of_a_listed_origin_the_token_counts_and_the_cookie_does_not() -> None:
    settings = Settings(server=ServerSettings(cors_origins=("http://localhost:3000",)))
    for timing in (QUICK, None):
        async with over_http(settings=settings, live_timing=timing) as client:
            headers = await signed_in(client)
            cookie = {"cookie": f"{LOGIN}={token_of(headers)}"}
            for its_cookie in (cookie, {}):  # cookies do not know ports: the browser sends ours along
                async with live(client, "/ws/events", its_cookie, origin="http://localhost:3000") as socket:
                    if timing is QUICK:  # and we say nothing
                        assert ((await socket.closed())[0], socket.seen) == (4401, [])
                    else:
                        await socket.send("auth", token=token_of(headers))
                        assert (await socket.next())["type"] == "hello"


async def test_a_foreign_host_is_refused_before_the_handshake(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    assert await refusal(client, "/ws/events", {**headers, "host": "evil.example"}) == (421, "host_not_allowed")
    assert app_of(client).refusals.num_by_code["host_not_allowed"] == 1


async def test_a_key_needs_the_scope_of_sessions(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    made = await client.post("/api/keys", json={"name": "ide", "scopes": ["chat"]}, headers=headers)
    key = {"authorization": f"Bearer {made.json()['key']}"}
    async with live(client, "/ws/events", key) as socket:
        assert (await socket.closed())[0] == 4403
    made = await client.post("/api/keys", json={"name": "app", "scopes": ["sessions"]}, headers=headers)
    async with live(client, "/ws/events") as socket:
        await socket.send("auth", token=made.json()["key"])
        assert (await socket.next())["type"] == "hello"


async def test_a_strangers_session_closes_like_one_that_does_not_exist(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await begin(client, ann)
    ends = []
    for name in (session_id, "nothing", "a%00b", "x" * 300, "%F0%9F%91%8D"):
        async with live(client, chat_path(name), bob) as socket:
            ends.append(await socket.closed())
            assert socket.seen == []
    assert ends == [(4404, "there is no such session")] * 5


async def test_the_end_of_a_login_ends_its_sockets_at_once_and_no_others(client: httpx.AsyncClient) -> None:
    one, two = await signed_in(client), await signed_in(client)
    session_id = await begin(client, one)
    async with (
        live(client, chat_path(session_id), one) as chat,
        live(client, "/ws/events", two) as other,
        live(client, "/ws/events") as events,
    ):
        await events.send("auth", token=token_of(one))
        for socket in (chat, events, other):
            await socket.next()
        assert (await client.post("/api/auth/logout", headers=one)).is_success
        assert [(await socket.closed())[0] for socket in (chat, events)] == [4409, 4409]
        await other.send("ping")
        assert (await other.next())["type"] == "pong"
        new = {"current_password": PASSWORD, "new_password": "entirely different words"}
        third = await signed_in(client)
        changed = await client.post("/api/auth/password", json=new, headers=third)
        assert changed.is_success, changed.text
        assert (await other.closed())[0] == 4409


async def test_who_is_removed_from_a_session_hears_no_more_of_it(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id, bob_id = await begin(client, ann), await id_of(client, "bob")
    members = f"/api/sessions/{session_id}/members"
    await let_in(client, ann, session_id, "bob", "writer")
    async with live(client, chat_path(session_id), bob) as his, live(client, chat_path(session_id), ann) as hers:
        assert (await his.next())["role"] == "writer"
        assert (await client.post(members, json={"username": "bob", "role": "reader"}, headers=ann)).is_success
        assert (await his.until("hello"))["role"] == "reader"
        assert (await client.delete(f"{members}/{bob_id}", headers=ann)).is_success
        assert (await his.closed())[0] == 4404
        assert (await client.delete(f"/api/sessions/{session_id}", headers=ann)).is_success
        assert (await hers.closed())[0] == 4404  # told so, or seen when she looks who is left: whichever is sooner


@pytest.mark.parametrize("path", ["/ws/events", "chat"])
async def test_what_is_no_frame_ends_the_line(client: httpx.AsyncClient, path: str) -> None:
    headers = await signed_in(client)
    path = chat_path(await begin(client, headers)) if path == "chat" else path
    bad: list[tuple[str | bytes, int]] = [
        ("{", 4400),
        ("[1]", 4400),
        ('{"type":"nonsense"}', 4400),
        (b"binary", 4400),
        ("x" * (1024 * 1024 + 1), 1009),
    ]
    for message, code in bad:
        async with live(client, path, headers) as socket:
            await socket.next()
            await socket.connection.send(message)
            assert (await socket.closed())[0] == code, message[:20]
    async with live(client, path, headers) as socket:
        await socket.next()
        await socket.send("typing", is_typing="perhaps")
        error = await socket.until("error")
        assert (error["error"]["param"], error["error"]["code"]) == ("is_typing", "invalid_value")
        await socket.send("ping")
        await socket.until("pong")  # a slip of the pen ends nothing
        for _ in range(100):
            await socket.send("ping")
        assert (await socket.closed())[0] == 4400


async def test_the_servers_end_says_come_back() -> None:
    async with over_http() as client:
        headers = await signed_in(client)
        async with live(client, "/ws/events", headers) as socket:
            await socket.next()
            await app_of(client).bus.aclose()
            assert (await socket.closed())[0] == 1012


async def test_pings_are_for_pages_and_need_no_answer() -> None:
    async with over_http(live_timing=Timing(ping_interval_s=0.01)) as client:
        headers = await signed_in(client)
        async with live(client, "/ws/events", headers) as socket, asyncio.timeout(PATIENCE_S):
            frames = [json.loads(await socket.connection.recv())["type"] for _ in range(4)]
            assert frames == ["hello", "ping", "ping", "ping"]


def test_no_user_has_all_the_sockets() -> None:
    lines = OpenSockets()
    opened = [lines.another("ann") for _ in range(MAX_LINES)]
    for connection in opened:
        connection.__enter__()
    with pytest.raises(SocketClosed) as refused, lines.another("ann"):
        pass
    assert refused.value.code == 4429
    with lines.another("bob"):
        opened[0].__exit__(None, None, None)
    with lines.another("ann"):
        pass
