"""Files over HTTP, with the process that reads them: uploaded, read, told of, opened, deleted."""

import hashlib
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.settings import Settings
from bdchat.settings.documents import DocumentSettings
from tests.api.serving import error_of, over_http, signed_in
from tests.api.sockets import live
from tests.patience import eventually

pytestmark = pytest.mark.anyio
KOREAN = "# 환불 규정\n\n구매한 날부터 14일 안에 환불을 신청할 수 있습니다. 배송비는 구매자가 부담합니다.\n".encode()


async def uploaded(
    client: httpx.AsyncClient, headers: dict[str, str], data: bytes = KOREAN, name: str = "규정.md"
) -> dict[str, Any]:
    answer = await client.post(
        "/api/documents",
        params={"name": name},
        content=data,
        headers=headers | {"content-type": "application/octet-stream"},
    )
    assert answer.is_success, answer.text
    view: dict[str, Any] = answer.json()
    return view | {"http_status": answer.status_code}


async def read_to_its_end(client: httpx.AsyncClient, headers: dict[str, str], document_id: str) -> dict[str, Any]:
    async def is_over() -> dict[str, Any] | None:
        view: dict[str, Any] = (await client.get(f"/api/documents/{document_id}", headers=headers)).json()
        return view if view["status"] in {"ready", "failed"} else None

    return await eventually(is_over)


async def test_a_file_is_read_told_of_and_opened() -> None:
    async with over_http() as client:
        ann = await signed_in(client)
        async with live(client, "/ws/events", ann) as socket:
            await socket.until("hello")
            view = await uploaded(client, ann)
            assert (view["http_status"], view["status"], view["num_bytes"]) == (201, "waiting", len(KOREAN))
            told = await socket.until("document.changed")
            while told["document"]["status"] != "ready":
                told = await socket.until("document.changed")
            assert told["document"]["num_passages"] > 0
        view = await read_to_its_end(client, ann, view["document_id"])
        assert (view["status"], view["format"], view["num_pages"], view["error"]) == ("ready", "markdown", 1, None)
        base = f"/api/documents/{view['document_id']}"
        page = (await client.get(f"{base}/pages/1", headers=ann)).json()
        assert "14일 안에 환불" in page["text"]
        content = await client.get(f"{base}/content", headers=ann)
        assert hashlib.sha256(content.content).digest() == hashlib.sha256(KOREAN).digest()
        assert content.headers["content-disposition"].startswith("attachment; ")
        assert content.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in content.headers["content-security-policy"]
        again = await uploaded(client, ann, name="other.md")
        assert (again["http_status"], again["document_id"]) == (200, view["document_id"])
        question = {"query": "환불은 언제까지 되나요?", "document_ids": [view["document_id"]]}
        found = (await client.post("/api/documents/search", json=question, headers=ann)).json()
        assert (found["searched"], found["notes"]) == ("words", ["no_embedder"])
        hit = found["hits"][0]
        passage = (await client.get(f"{base}/passages/{hit['passage_id']}", headers=ann)).json()
        assert passage["text"] == hit["text"] == page["text"][hit["start"] : hit["end"]]
        assert (await client.delete(base, params={"purge": True}, headers=ann)).status_code == 204
        error_of(await client.get(base, headers=ann), 404)
        error_of(await client.post(f"{base}/restore", headers=ann), 404)


async def test_what_is_no_file_is_refused_and_leaves_nothing() -> None:
    """Too large, told before or found while it comes; nothing at all; of no format."""
    settings = Settings(documents=DocumentSettings(file_bytes=3000))
    async with over_http(settings=settings) as client:
        ann = await signed_in(client)
        large = {"name": "a.txt"}

        async def slowly() -> AsyncGenerator[bytes]:
            for _ in range(4):
                yield b"x" * 1000

        told = await client.post("/api/documents", params=large, content=b"x" * 3001, headers=ann)
        assert error_of(told, 413)["code"] == "request_too_large"
        found = await client.post("/api/documents", params=large, content=slowly(), headers=ann)
        assert error_of(found, 413)["code"] == "request_too_large"
        empty = await client.post("/api/documents", params=large, content=b"", headers=ann)
        assert error_of(empty, 400)["code"] == "file_empty"
        assert (await client.get("/api/documents", headers=ann)).json()["data"] == []
        unknown = await uploaded(client, ann, bytes(range(256)) * 4, "b.txt")
        view = await read_to_its_end(client, ann, unknown["document_id"])
        assert view["status"] == "failed"
        assert view["error"]["code"] == "unknown_format"
        assert "Save it as" in view["error"]["message"]
