"""Chats as files over the API."""

import json
import zipfile
from collections.abc import AsyncGenerator
from datetime import datetime
from io import BytesIO

import httpx
import jsonschema
import pytest

from bdchat.api.chats.exports import attachment
from bdchat.store.accounts.zoned_days import today, zone_of
from bdchat.store.transfer.rendering import safe_name
from tests.api.serving import error_of, in_process, signed_in
from tests.api.talking import let_in

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def written(client: httpx.AsyncClient, headers: dict[str, str], title: str = "환불: 언제?") -> str:
    """A session with a question and an answer."""
    body = {"title": title, "folder": "일", "config": {"system_prompt": "짧게", "top_k": 5}}
    session_id = str((await client.post("/api/sessions", json=body, headers=headers)).json()["session_id"])
    for role, content in (("user", "환불은?"), ("assistant", "내일")):
        said = {"role": role, "content": content}
        assert (await client.post(f"/api/sessions/{session_id}/messages", json=said, headers=headers)).is_success
    return session_id


async def get(client: httpx.AsyncClient, path: str, headers: dict[str, str], **query: str) -> httpx.Response:
    response = await client.get(path, params=query, headers=headers)
    assert response.status_code == 200, response.text
    return response


async def test_a_session_goes_out_in_every_format_under_its_title(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    path = f"/api/sessions/{await written(client, ann)}/export"
    name = "UTF-8''%ED%99%98%EB%B6%88%20%EC%96%B8%EC%A0%9C"
    kinds = {"bdchat": (".json", "application/json"), "jsonl": (".jsonl", "application/x-ndjson")}
    kinds["markdown"] = (".md", "text/markdown; charset=utf-8")
    for format_, (suffix, media_type) in kinds.items():
        response = await get(client, path, ann, format=format_)
        assert response.headers["content-type"] == media_type
        assert response.headers["content-disposition"].endswith(f"filename*={name}{suffix}")
    whole = (await get(client, path, ann)).json()
    (session,) = whole["sessions"]
    assert (session["folder"], session["config"]["top_k"]) == ("일", 5)
    assert [message["content"] for message in session["messages"]] == ["환불은?", "내일"]
    example = json.loads((await get(client, path, ann, format="jsonl")).content)
    assert [message["role"] for message in example["messages"]] == ["system", "user", "assistant"]
    assert "## Assistant\n\n내일\n" in (await get(client, path, ann, format="markdown")).text
    edit = {"content": "모레", "answers": False}
    edited = await client.post(f"/api/messages/{session['messages'][1]['message_id']}/edit", json=edit, headers=ann)
    assert edited.status_code == 202, edited.text
    assert "## Assistant (edited)\n\n모레\n" in (await get(client, path, ann, format="markdown")).text
    assert [m["finish_reason"] for m in (await get(client, path, ann)).json()["sessions"][0]["messages"]][
        -1
    ] == "edited"


async def test_the_schema_is_served_and_exports_keep_to_it(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    await written(client, ann)
    schema = (await get(client, "/api/export/schema", ann)).json()
    jsonschema.Draft202012Validator(schema).validate((await get(client, "/api/export", ann)).json())


async def test_everything_is_one_file(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    ids = {await written(client, ann, title) for title in ("하나", "둘", "../../둘")}
    whole = (await get(client, "/api/export", ann)).json()
    assert {session["session_id"] for session in whole["sessions"]} == ids
    assert (await get(client, "/api/export", ann, format="jsonl")).text.count("\n") == 3
    packed = await get(client, "/api/export", ann, format="markdown")
    assert packed.headers["content-type"] == "application/zip"
    assert packed.headers["content-disposition"].endswith(".zip")
    with zipfile.ZipFile(BytesIO(packed.content)) as archive:
        assert sorted(name.rpartition(" ")[0] for name in archive.namelist()) == ["일/둘", "일/둘", "일/하나"]


async def test_files_have_the_dates_of_the_zone(client: httpx.AsyncClient) -> None:
    """A file's name said yesterday until nine in Seoul. Kiritimati and the last zone west never share a day."""
    ann = await signed_in(client)
    session_id = await written(client, ann)
    at_ms = (await get(client, f"/api/sessions/{session_id}", ann)).json()["updated_at_ms"]
    for name, text in (("Pacific/Kiritimati", "UTC+14:00"), ("Etc/GMT+12", "UTC-12:00"), ("UTC", "UTC")):
        at = datetime.fromtimestamp(at_ms / 1000, zone_of(name))
        one = await get(client, f"/api/sessions/{session_id}/export", ann, format="markdown", time_zone=name)
        assert one.text.splitlines()[2] == f"{at:%Y-%m-%d %H:%M} {text} · 2 messages"
        packed = await get(client, "/api/export", ann, format="markdown", time_zone=name)
        assert f'filename="bdchat {today(zone_of(name))}.zip"' in packed.headers["content-disposition"]
        with zipfile.ZipFile(BytesIO(packed.content)) as archive:
            assert archive.infolist()[0].date_time[:5] == at.timetuple()[:5]
    refused = await client.get("/api/export", params={"time_zone": "Asia/Nowhere"}, headers=ann)
    assert error_of(refused, 400)["param"] == "time_zone"


async def test_a_file_for_readers_has_their_words(client: httpx.AsyncClient) -> None:
    """Headings were English in every language."""
    ann = await signed_in(client)
    path = f"/api/sessions/{await written(client, ann)}/export"
    korean = (await get(client, path, ann, format="markdown", language="ko", time_zone="Asia/Seoul")).text
    assert "## 사용자\n\n" in korean
    assert "## 답변\n\n내일\n" in korean
    assert korean.splitlines()[2].endswith("UTC+09:00 · 메시지 2개")
    refused = await client.get(path, params={"language": "fr"}, headers=ann)
    assert error_of(refused, 400)["param"] == "language"


async def test_a_head_request_reads_nothing(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    response = await client.head(f"/api/sessions/{await written(client, ann)}/export", headers=ann)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-disposition"].startswith("attachment")


async def test_strangers_find_nothing_and_guests_must_sign_in(client: httpx.AsyncClient) -> None:
    path = f"/api/sessions/{await written(client, await signed_in(client))}/export"
    bob = await signed_in(client, "bob")
    for format_ in ("bdchat", "markdown", "jsonl"):
        error_of(await client.get(path, params={"format": format_}, headers=bob), 404)
    assert (await get(client, "/api/export", bob)).json()["sessions"] == []
    for each in (path, "/api/export"):
        error_of(await client.get(each), 401)
    assert error_of(await client.get(path, params={"format": "pdf"}, headers=bob), 400)["param"] == "format"


async def test_a_reader_exports_what_he_may_read_and_not_where_the_owner_keeps_it(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    session_id = await written(client, ann)
    await let_in(client, ann, session_id, "bob")
    (session,) = (await get(client, f"/api/sessions/{session_id}/export", bob)).json()["sessions"]
    assert (session["title"], session["folder"]) == ("환불: 언제?", "")
    assert (await get(client, "/api/export", bob)).json()["sessions"] == []  # it is not his


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("환불 안내", "환불 안내"),
        ("../../etc/passwd", "etc passwd"),
        ('a/b\\c:d*e?f"g<h>i|j', "a b c d e f g h i j"),
        ("\r\nSet-Cookie: x=1", "Set-Cookie x=1"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        (" .hidden. ", "hidden"),
        ("", "chat"),
        ("\x00\u200b", "chat"),
        ("가" * 300, "가" * 60),
        ("e\u0301", "é"),
    ],
)
def test_a_title_becomes_a_safe_name_on_any_system(title: str, name: str) -> None:
    assert safe_name(title) == name
    header = attachment(f"{name}.json")
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


async def test_documents_go_out_with_the_chats_as_far_as_an_import_takes_them(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    sent = await client.post("/api/documents", params={"name": "규정.txt"}, content="7일".encode(), headers=ann)
    assert sent.status_code == 201, sent.text
    await written(client, ann)
    response = await get(client, "/api/export", ann, files="true")
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(response.content)) as archive:
        chats, file = archive.namelist()
        assert (chats, file.rpartition("/")[2]) == ("bdchat.json", "규정.txt")
        assert archive.read(file) == "7일".encode()
    bob = await signed_in(client, "bob")
    report = await client.post("/api/import", content=response.content, headers=bob)
    summary = json.loads(report.text.splitlines()[-1])
    assert (summary["status"], summary["num_imported"], summary["num_documents"]) == ("finished", 1, 1)
    listed = (await client.get("/api/documents", headers=bob)).json()
    assert [each["name"] for each in listed["data"]] == ["규정.txt"]
    refused = await client.get("/api/export", params={"format": "markdown", "files": "true"}, headers=ann)
    assert error_of(refused, 400)["param"] == "files"
