"""/v1/files and /v1/vector_stores as OpenAI's own client uses them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from bdchat.settings import AuthSettings, Settings
from tests.api.document_rows import put_document
from tests.api.serving import app_of, over_http, signed_in
from tests.api.talking import id_of
from tests.patience import eventually

pytestmark = pytest.mark.anyio
REFUND = "구매한 날부터 14일 안에 환불을 신청할 수 있습니다."
SHIPPING = "배송은 결제한 다음 날 시작됩니다."


@asynccontextmanager
async def sdk() -> AsyncGenerator[tuple[httpx.AsyncClient, AsyncOpenAI]]:
    async with over_http() as client:
        key = (await signed_in(client))["authorization"].removeprefix("Bearer ")
        async with AsyncOpenAI(base_url=f"{client.base_url}/v1", api_key=key, max_retries=0) as openai_client:
            yield client, openai_client


async def test_a_file_is_uploaded_searched_and_deleted() -> None:
    async with sdk() as (_, client):
        made = await client.files.create(file=("환불 규정.md", f"# 환불\n\n{REFUND}\n".encode()), purpose="user_data")
        assert (made.filename, made.object, made.bytes) == (
            "환불 규정.md",
            "file",
            len(f"# 환불\n\n{REFUND}\n".encode()),
        )
        store = await client.vector_stores.create(name="규정", file_ids=[made.id])
        file = await eventually(lambda: _completed(client, store.id, made.id))
        assert (file.status, file.last_error) == ("completed", None)
        assert (await client.files.retrieve(made.id)).status == "processed"
        assert (await client.files.content(made.id)).content == f"# 환불\n\n{REFUND}\n".encode()
        store = await client.vector_stores.retrieve(store.id)
        assert (store.file_counts.completed, store.file_counts.total, store.status) == (1, 1, "completed")
        assert store.usage_bytes == made.bytes
        found = await client.vector_stores.search(store.id, query=["환불 기간은?", "며칠 안에"], max_num_results=3)
        assert (found.data[0].file_id, found.data[0].score) == (made.id, 1.0)
        assert REFUND in found.data[0].content[0].text
        assert (await client.vector_stores.update(store.id, name="다른 이름")).name == "다른 이름"
        assert (await client.vector_stores.files.delete(made.id, vector_store_id=store.id)).deleted
        assert [each.id async for each in client.vector_stores.files.list(store.id)] == []
        assert (await client.vector_stores.delete(store.id)).deleted
        assert (await client.files.delete(made.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(made.id)


async def _completed(client: AsyncOpenAI, store_id: str, file_id: str):  # type: ignore[no-untyped-def]
    file = await client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
    return file if file.status != "in_progress" else None


async def test_lists_are_read_on_either_way_round() -> None:
    async with sdk() as (http, client):
        user_id = await id_of(http, "ann")
        ids = []
        for number in range(5):
            put = partial(put_document, user_id=user_id, name=f"{number}.txt", texts=[f"text {number}"])
            ids.append(await app_of(http).database.write(put))
        assert [each.id async for each in client.files.list(limit=2)] == ids[::-1]
        assert [each.id async for each in client.files.list(limit=2, order="asc")] == ids
        assert [each.id async for each in client.files.list(purpose="batch")] == []
        store = await client.vector_stores.create(file_ids=ids)
        assert [each.id async for each in client.vector_stores.files.list(store.id, limit=2)] == ids[::-1]
        assert [each.id async for each in client.vector_stores.files.list(store.id, filter="failed")] == []
        second = await client.vector_stores.create(name="b")
        assert [each.id async for each in client.vector_stores.list(limit=1)] == [second.id, store.id]


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "/v1/vector_stores", {"expires_after": {"anchor": "last_active_at", "days": 1}}, "expires_after"),
        ("POST", "/v1/vector_stores", {"metadata": {"a": "b"}}, "metadata"),
        ("POST", "/v1/vector_stores/x/search", {"query": "x", "filters": {"type": "eq"}}, "filters"),
        ("POST", "/v1/vector_stores/x/search", {"query": "x", "rewrite_query": True}, "rewrite_query"),
        ("POST", "/v1/vector_stores/x/files", {"file_id": "x", "attributes": {"a": 1}}, "attributes"),
        ("GET", "/v1/vector_stores?before=x", None, "before"),
    ],
)
async def test_what_is_not_honoured_is_refused_by_name(
    method: str, path: str, body: dict[str, object] | None, param: str
) -> None:
    async with sdk() as (http, client):
        headers = {"authorization": f"Bearer {client.api_key}"}
        answer = await http.request(method, path, json=body, headers=headers)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "unsupported_parameter", param)


async def test_what_is_wrong_with_a_form_is_told_by_its_field() -> None:
    async with sdk() as (http, client):
        headers = {"authorization": f"Bearer {client.api_key}"}
        file = {"file": ("a.txt", b"text")}
        for data, files, param in (
            ({"purpose": "fine-tune"}, file, "purpose"),
            ({}, file, "purpose"),
            ({"purpose": "assistants", "expires_after[anchor]": "created_at"}, file, "expires_after[anchor]"),
            ({"purpose": "assistants"}, {"document": ("a.txt", b"text")}, "document"),
            ({"purpose": "x" * 20_000}, file, "purpose"),
        ):
            answer = await http.post("/v1/files", data=data, files=files, headers=headers)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
        cut = {"content-type": "multipart/form-data; boundary=b"}
        answer = await http.post("/v1/files", content=b"--b\r\n", headers=headers | cut)
        assert answer.status_code == 400
        answer = await http.post("/v1/files", json={}, headers=headers)
        assert answer.status_code == 415
        assert [each.id async for each in client.files.list()] == []


async def test_who_has_no_account_is_told_to_make_a_key() -> None:
    async with over_http(settings=Settings(auth=AuthSettings(local_guest=True))) as http:
        for path in ("/v1/files", "/v1/vector_stores"):
            answer = await http.get(path)
            assert answer.status_code == 401
            assert "make an API key" in answer.json()["error"]["message"]
