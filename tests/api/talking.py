"""Chats over the API, as a user's program makes them; and what a request costs the database."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlmodel import Session, select

from bdchat.api.bus.interface import Message, user_topic
from bdchat.store.accounting import storage
from bdchat.store.accounts import users
from bdchat.store.tables import User
from tests.api.serving import app_of, signed_in

Headers = dict[str, str]
NUM_LOGIN_STATEMENTS = 2  # BEGIN and SELECT


async def begin(client: httpx.AsyncClient, headers: Headers, **body: Any) -> str:
    """A new session's id."""
    answer = await client.post("/api/sessions", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["session_id"])


async def say(client: httpx.AsyncClient, headers: Headers, session_id: str, content: str, **more: Any) -> str:
    """A new message's id."""
    body = {"content": content, **more}
    answer = await client.post(f"/api/sessions/{session_id}/messages", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["message_id"])


async def talk(client: httpx.AsyncClient, headers: Headers, *contents: str) -> tuple[str, list[str]]:
    """A new session that says `contents`, by user and assistant in turn: its id and theirs."""
    session_id = await begin(client, headers)
    roles = ("user", "assistant")
    ids = [await say(client, headers, session_id, text, role=roles[n % 2]) for n, text in enumerate(contents)]
    return session_id, ids


async def got(client: httpx.AsyncClient, path: str, headers: Headers, **params: Any) -> dict[str, Any]:
    answer = await client.get(path, params=params or None, headers=headers)  # {} would take a query away
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def cost_of(client: httpx.AsyncClient, request: Awaitable[httpx.Response]) -> int:
    """SQL statements of an account's request that succeeds, BEGIN and savepoints included, but for those that find out
    whose it is: these are remembered for some seconds, so they would count now and then."""
    app = app_of(client)
    app.authenticator.forget_all()
    before = app.database.num_statements
    answer = await request
    assert answer.is_success, answer.text
    return app.database.num_statements - before - NUM_LOGIN_STATEMENTS


async def id_of(client: httpx.AsyncClient, username: str) -> str:
    def find(db: Session) -> str:
        return db.exec(select(User.user_id).where(User.username == username)).one()

    return await app_of(client).database.read(find)


async def fill_up(client: httpx.AsyncClient, username: str) -> None:
    """Leaves the account no room for anything more."""
    user_id = await id_of(client, username)

    def bound(db: Session) -> None:
        users.change(db, user_id, quota_bytes=storage.account_bytes(db, user_id))

    await app_of(client).database.write(bound)


@asynccontextmanager
async def heard_by(client: httpx.AsyncClient, username: str) -> AsyncGenerator[list[Message]]:
    """What the user's sockets would be told inside the block; complete after it."""
    heard: list[Message] = []
    bus = app_of(client).bus
    topic = user_topic(await id_of(client, username))
    async with bus.subscribe(topic) as subscription:
        yield heard
        await bus.publish(topic, {"type": "the end"})
        async for _, message in subscription:
            if message["type"] == "the end":
                break
            heard.append(message)


async def invite(
    client: httpx.AsyncClient, owner: Headers, session_id: str, username: str, role: str = "reader"
) -> httpx.Response:
    """Only asks, or changes the role of who is there."""
    body = {"username": username, "role": role}
    answer = await client.post(f"/api/sessions/{session_id}/members", json=body, headers=owner)
    assert answer.is_success, answer.text
    return answer


async def let_in(
    client: httpx.AsyncClient, owner: Headers, session_id: str, username: str, role: str = "reader"
) -> None:
    """Asks, and the asked accepts at once."""
    answer = await invite(client, owner, session_id, username, role)
    if answer.status_code == 202:
        invited = await signed_in(client, username.casefold())
        path = f"/api/invitations/{answer.json()['invitation_id']}/accept"
        accepted = await client.post(path, headers=invited)
        assert accepted.status_code == 200, accepted.text
