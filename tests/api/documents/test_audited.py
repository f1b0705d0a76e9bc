"""What is shared, and what is deleted for good, stands in the audit log: who, and what, and none of its text."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlmodel import select

from bdchat.store.tables import AuditEntry
from tests.api.serving import app_of, in_process, signed_in
from tests.api.talking import let_in

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def log_of(client: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    def read(db: Any) -> list[tuple[str, str, dict[str, Any]]]:
        rows = db.exec(select(AuditEntry).order_by(AuditEntry.entry_id))
        return [
            (row.action, row.target, row.detail) for row in rows if row.action.startswith(("document.", "collection."))
        ]

    return await app_of(client).database.read(read)


async def test_sharing_and_purging_are_recorded(client: httpx.AsyncClient) -> None:
    ann, _ = await signed_in(client), await signed_in(client, "bob")
    session = (await client.post("/api/sessions", json={}, headers=ann)).json()
    await let_in(client, ann, session["session_id"], "bob")
    folder = (await client.post("/api/collections", json={"name": "규정"}, headers=ann)).json()["collection_id"]
    member = f"/api/collections/{folder}/members/bob"
    assert (await client.put(member, json={"role": "reader"}, headers=ann)).is_success
    assert (await client.delete(member, headers=ann)).is_success
    sent = await client.post("/api/documents", params={"name": "a.txt"}, content=b"x", headers=ann)
    document_id = sent.json()["document_id"]
    for query in ({}, {"purge": "true"}):
        assert (await client.delete(f"/api/documents/{document_id}", params=query, headers=ann)).is_success
    assert await log_of(client) == [
        ("collection.share", folder, {"username": "bob"}),
        ("collection.unshare", folder, {"username": "bob"}),
        ("document.purge", document_id, {}),
    ]
