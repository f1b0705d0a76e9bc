"""What tests of accounts share: signing up and in over the API, and reading the audit log."""

from typing import Any

import httpx

from tests.api.serving import PASSWORD, opened

FAR_AWAY = "192.0.2.7"


def credentials(username: str = "ann", password: str = PASSWORD, **more: object) -> dict[str, object]:
    return {"username": username, "password": password, **more}


async def register(client: httpx.AsyncClient, username: str = "ann", **more: object) -> httpx.Response:
    """Forgets the cookie that comes of it."""
    await opened(client)
    response = await client.post("/api/auth/register", json=credentials(username, **more))  # type: ignore[arg-type]
    client.cookies.clear()
    return response


async def log_in(client: httpx.AsyncClient, username: str = "ann", password: str = PASSWORD) -> httpx.Response:
    """Without a cookie."""
    await opened(client)
    return await client.post("/api/auth/login", json=credentials(username, password, cookie=False))


async def bearer(client: httpx.AsyncClient, username: str = "ann", password: str = PASSWORD) -> dict[str, str]:
    response = await log_in(client, username, password)
    assert response.status_code == 200, response.text
    return {"authorization": f"Bearer {response.json()['token']}"}


async def audited(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """(action, who, target), the oldest first."""
    from bdchat.store.accounts import audit

    app = await opened(client)
    entries = await app.database.read(lambda db: audit.page(db, limit=100))
    return [(entry.action, entry.actor_name, entry.target) for entry in reversed(entries)]


async def alter(client: httpx.AsyncClient, table: Any, *, where: Any = True, **values: object) -> None:
    """Sets columns of the rows of a table, of every one by default: a test's way through time."""
    from sqlmodel import true, update

    app = await opened(client)
    condition = true() if where is True else where
    await app.database.write(lambda db: db.exec(update(table).where(condition).values(**values)))
