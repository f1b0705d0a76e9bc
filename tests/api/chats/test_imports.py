"""Files of chats over the API: what becomes of each, and the report on it."""

import asyncio
import io
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest

from bdchat.api.chats.import_run import MAX_LINES, ImportRun, Report
from bdchat.api.schemas.transfer import FileLine, ProgressLine, SummaryLine, explained
from bdchat.settings import LimitSettings, Settings
from bdchat.store.accounting import storage
from bdchat.store.accounts import users
from bdchat.store.errors import StoreFull
from bdchat.store.transfer.reasons import because
from tests.api.serving import app_of, error_of, in_process, over_http, signed_in
from tests.api.talking import got, heard_by, id_of
from tests.patience import until
from tests.store.transfer.programs.exports import file
from tests.store.transferable import as_document, conversation, node, random_session, told, zipped

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


def chat(number: int = 0, *, answer: str = "네") -> dict[str, Any]:
    return conversation(
        node("u", None, "user", f"환불은? {number}"),
        node("a", "u", "assistant", answer),
        title=f"t{number}",
        conversation_id=f"c{number}",
    )


def many(count: int) -> bytes:
    return json.dumps([chat(number) for number in range(count)]).encode()


async def post(client: httpx.AsyncClient, headers: dict[str, str], content: object, **more: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await client.post("/api/import", content=body, headers={**headers, **more})


async def report(client: httpx.AsyncClient, headers: dict[str, str], content: object) -> list[dict[str, Any]]:
    """Without progress. The last line is the summary, and no other is."""
    response = await post(client, headers, content)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
    return lines_of(response.text)


def lines_of(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["type"] for line in lines].index("summary") == len(lines) - 1
    return [line for line in lines if line["type"] != "progress"]


def outcome(line: dict[str, Any]) -> tuple[str, str, str | None]:
    return line["title"], line["status"], line["reason"]


async def titles(client: httpx.AsyncClient, headers: dict[str, str]) -> list[str]:
    return sorted(item["title"] for item in (await got(client, "/api/sessions", headers, limit=100))["data"])


# --- the report -------------------------------------------------------------------------------------------------------


async def test_each_chat_has_a_line_and_the_end_a_summary(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    empty = {"title": "nothing", "mapping": {}}
    good, failed, other, summary = await report(client, ann, [chat(), empty, {"hello": 1}])
    session_id = good.pop("session_id")
    assert good == {
        "type": "chat",
        "title": "t0",
        "status": "imported",
        "reason": None,
        "reason_code": None,
        "reason_values": {},
        "num_messages": 2,
        "num_branches": 1,
        "file": "",
        "not_kept": {},
    }
    assert outcome(failed) == ("nothing", "failed", "It has no messages.")
    named = {"reason": "1 of its entries are no chats.", "reason_code": "other_entries", "reason_values": {"num": 1}}
    assert other == {"type": "file", "file": "", "status": "skipped", **named}
    assert summary == {
        "type": "summary",
        "status": "finished",
        "reason": None,
        "reason_code": None,
        "reason_values": {},
        "num_imported": 1,
        "num_skipped": 0,
        "num_failed": 1,
        "num_messages": 2,
        "num_documents": 0,
    }
    session = await got(client, f"/api/sessions/{session_id}", ann)
    assert (session["created_at_ms"], session["updated_at_ms"]) == (1_700_000_000_000, 1_700_000_060_250)
    page = await got(client, f"/api/sessions/{session_id}/messages", ann)
    assert [item["content"] for item in page["data"]] == ["환불은? 0", "네"]
    assert page["data"][1]["metadata"]["model"] == "gpt-5"
    assert [hit["session_id"] for hit in (await got(client, "/api/search", ann, q="환불"))["data"]] == [session_id]


async def test_the_report_says_what_is_not_kept_and_what_is_of_nobody_known(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    strange = {"title": "Strange", "turns": [{"speaker": "a", "text": "hi"}]}
    claude, failed, _ = await report(client, ann, [*json.loads(file("claude.json")), strange])
    assert (claude["status"], claude["not_kept"]) == ("imported", {"files": 1, "details": 1})
    assert (failed["title"], failed["reason_code"], failed["not_kept"]) == ("Strange", "unknown_program", {})
    page = await got(client, f"/api/sessions/{claude['session_id']}/messages", ann)
    assert [item["role"] for item in page["data"]] == ["user", "assistant"]
    response = await post(client, ann, file("llamacpp.jsonl"), **{"content-type": "application/jsonl"})
    assert [line["status"] for line in lines_of(response.text)] == ["imported", "finished"]


async def test_a_second_time_nothing_is_doubled_and_what_changed_comes_beside(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    first, _ = await report(client, ann, [chat()])
    again, changed, summary = await report(client, ann, [chat(), chat(answer="아니오")])
    assert outcome(again) == ("t0", "skipped", "It is there already, unchanged.")
    assert again["session_id"] == first["session_id"]
    assert changed["status"] == "imported"
    assert "has changed since" in changed["reason"]
    assert (summary["num_imported"], summary["num_skipped"]) == (1, 1)
    twice, same, _ = await report(client, ann, [chat(7), chat(7)])
    assert (twice["status"], same["status"], same["session_id"]) == ("imported", "skipped", twice["session_id"])
    await client.delete(f"/api/sessions/{first['session_id']}", headers=ann)
    anew, _ = await report(client, ann, [chat()])
    assert anew["status"] == "imported"
    assert anew["session_id"] != first["session_id"]


async def test_an_export_goes_to_another_account_and_is_known_in_its_own(client: httpx.AsyncClient) -> None:
    ann, bob = await signed_in(client), await signed_in(client, "bob")
    config = {"model": "fake", "temperature": 0.5, "stop": ["\n"], "seed": 7}
    session = {**random_session(random.Random(3)), "config": {**config, "context_overflow": "error"}}
    await report(client, ann, as_document(session))
    content = (await client.get("/api/export", headers=ann)).content
    own, summary = await report(client, ann, content)
    assert (own["status"], summary["num_skipped"]) == ("skipped", 1)
    copy, _ = await report(client, bob, content)
    assert copy["status"] == "imported"
    theirs = json.loads((await client.get("/api/export", headers=bob)).content)
    assert [told(each) for each in theirs["sessions"]] == [told(each) for each in json.loads(content)["sessions"]]
    error_of(await client.get(f"/api/sessions/{copy['session_id']}", headers=ann), 404)


async def test_settings_that_no_session_may_have_fail_their_chat(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    session = random_session(random.Random(3))
    bad = [{**session, "title": name, "config": {name: 99}} for name in ("temperature", "surprise")]
    *failed, _ = await report(client, ann, as_document(*bad))
    assert [line["status"] for line in failed] == ["failed", "failed"]
    assert failed[0]["reason"].startswith("config.temperature: ")
    assert failed[1]["reason"].startswith("config.surprise: ")
    assert await titles(client, ann) == []


async def test_a_zip_of_many_files_is_read_whatever_it_is_called(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    files = {f"conversations-{n:03}.json": json.dumps([chat(n)]).encode() for n in range(3)} | {"user.json": b"{}"}
    for media_type in ("application/zip", "application/octet-stream", "application/json"):
        response = await post(client, ann, zipped(files), **{"content-type": media_type})
        *chats, user, _ = lines_of(response.text)
        assert [line["file"] for line in chats] == list(files)[:3]
        assert user["status"] == "skipped"
    assert await titles(client, ann) == ["t0", "t1", "t2"]


async def test_a_file_that_breaks_off_says_so_and_keeps_what_came(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    good, broken, summary = await report(client, ann, json.dumps([chat()]).encode()[:-1] + b', {"a"')
    assert (good["status"], broken["type"], broken["status"]) == ("imported", "file", "failed")
    assert summary["status"] == "incomplete"
    nothing, summary = await report(client, ann, b"{}")
    assert (nothing["reason"], summary["status"]) == ("It holds no chats.", "empty")


async def test_other_windows_hear_of_new_chats(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    async with heard_by(client, "ann") as heard:
        line, _ = await report(client, ann, [chat()])
    assert heard == [{"type": "session.changed_many", "session_ids": [line["session_id"]], "is_deleted": False}]


# --- bounds -----------------------------------------------------------------------------------------------------------


async def test_what_is_no_file_of_chats_is_refused_before_anything_is_read(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    assert error_of(await post(client, ann, b""), 400)["code"] == "file_empty"
    assert error_of(await post(client, ann, b"<html>"), 400)["code"] == "file_unknown"
    error_of(await post(client, ann, b"[]", **{"content-type": "text/plain"}), 415)
    error_of(await client.post("/api/import", content=b"[]"), 401)


async def test_an_import_may_be_larger_than_any_other_body_and_has_its_own_bound() -> None:
    limits = LimitSettings(body_bytes=1000, import_bytes=10_000)
    async with in_process(settings=Settings(limits=limits)) as client:
        ann = await signed_in(client)
        assert (await report(client, ann, many(8)))[-1]["num_imported"] == 8
        assert error_of(await post(client, ann, many(30)), 413)["code"] == "request_too_large"

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b" " * 500

        error_of(await client.post("/api/import", content=pieces(), headers=ann), 413)
        error_of(await client.post("/api/sessions", content=many(8), headers=ann), 413)


async def test_what_does_not_fit_into_the_account_fails_and_smaller_chats_come_in() -> None:
    async with in_process() as client:
        ann = await signed_in(client)
        database, user_id = app_of(client).database, await id_of(client, "ann")

        async def kept() -> int:
            return await database.read(lambda db: storage.account_bytes(db, user_id))

        before = await kept()
        await report(client, ann, [chat(9)])
        one_chat = await kept() - before
        most = await kept() + one_chat + 500
        await database.write(lambda db: users.change(db, user_id, quota_bytes=most))
        large = chat(1, answer="x" * 1000)
        *chats, summary = await report(client, ann, [large, chat(2), chat(3)])
        assert [line["status"] for line in chats] == ["failed", "imported", "failed"]
        assert "does not fit" in chats[0]["reason"]
        assert (summary["status"], summary["num_failed"]) == ("finished", 2)
        assert (await report(client, ann, [chat(4)]))[0]["status"] == "failed"
        assert await kept() <= most


class FullDatabase:
    """Writes nothing from the second write on."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._num_writes = 0

    async def read(self, work: Any) -> Any:
        return await self._real.read(work)

    async def write_slice(self, work: Any, *, num_bytes: int) -> Any:
        self._num_writes += 1
        if self._num_writes > 1:
            raise StoreFull("no room")
        return await self._real.write_slice(work, num_bytes=num_bytes)


async def test_a_full_disk_ends_the_import_and_is_reported(client: httpx.AsyncClient) -> None:
    ann = await signed_in(client)
    app = app_of(client)
    user_id = (await got(client, "/api/auth/me", ann))["user"]["user_id"]
    run = ImportRun(
        user_id,
        io.BytesIO(many(20)),
        database=FullDatabase(app.database),  # type: ignore[arg-type]
        writes=app.writes,
        max_bytes=10**9,
        cpu_s=10**6,
        quota_bytes=10**9,
        document_bytes=10**9,
        most_documents=10,
        check_config=dict,
    )
    await run.run()
    lines = lines_of(b"".join([chunk async for chunk in run.report.lines()]).decode())
    assert (lines[-1]["status"], lines[-1]["reason_code"]) == ("failed", "disk_full")
    assert lines[-1]["num_imported"] == 1
    assert await titles(client, ann) == ["t0"]


# --- clients that wait, leave or come twice ---------------------------------------------------------------------------


async def test_a_client_that_leaves_stops_its_import_after_what_is_being_written() -> None:
    async with over_http() as client:
        ann = await signed_in(client)
        async with client.stream("POST", "/api/import", content=many(2000), headers=ann) as response:
            async for part in response.aiter_bytes():
                if b'"imported"' in part:
                    break
        app = app_of(client)
        await until(lambda: not app.imports._tasks)
        there = (await got(client, "/api/export", ann))["sessions"]
        assert 0 < len(there) < 2000
        assert all(len(session["messages"]) == 2 for session in there)  # whole ones
        *_, summary = await report(client, ann, many(len(there) + 1))
        assert (summary["num_imported"], summary["num_skipped"]) == (1, len(there))


async def test_other_peoples_writes_come_in_between() -> None:
    async with over_http() as client:
        ann, bob = await signed_in(client), await signed_in(client, "bob")
        async with client.stream("POST", "/api/import", content=many(2000), headers=ann) as response:
            await anext(response.aiter_bytes())
            assert (await client.post("/api/sessions", json={"title": "mine"}, headers=bob)).status_code == 201
            assert await titles(client, bob) == ["mine"]


async def test_a_client_that_does_not_read_yet_finds_the_whole_report() -> None:
    async with over_http() as client:
        ann = await signed_in(client)
        async with client.stream("POST", "/api/import", content=many(100), headers=ann) as response:
            app = app_of(client)
            await until(lambda: not app.imports._tasks)
            *chats, summary = lines_of((await response.aread()).decode())
        assert len(chats) == summary["num_imported"] == 100


async def test_one_import_at_a_time_and_its_place_is_free_after_any_end() -> None:
    async with over_http() as client:
        ann = await signed_in(client)
        go_on = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b"["
            await go_on.wait()
            yield many(1)[1:]

        first = asyncio.create_task(client.post("/api/import", content=slowly(), headers=ann))
        await until(lambda: app_of(client).imports._busy)
        assert error_of(await post(client, ann, many(1)), 409)["code"] == "import_running"
        bob = await signed_in(client, "bob")
        assert (await report(client, bob, many(1)))[-1]["num_imported"] == 1
        go_on.set()
        assert lines_of((await first).text)[-1]["num_imported"] == 1
        error_of(await post(client, ann, b"nothing"), 400)
        assert (await report(client, ann, many(1)))[-1]["num_skipped"] == 1


async def test_the_end_of_the_server_stops_imports() -> None:
    async with over_http() as client:
        ann = await signed_in(client)
        async with client.stream("POST", "/api/import", content=many(2000), headers=ann) as response:
            content = response.aiter_bytes()
            start = await anext(content)
            await app_of(client).imports.aclose()
            text = (start + b"".join([chunk async for chunk in content])).decode()
        assert lines_of(text)[-1]["status"] == "stopped"


async def test_a_report_that_nobody_reads_keeps_its_size_and_its_end() -> None:
    kept = Report()
    for number in range(MAX_LINES + 5):
        kept.add(FileLine(file=str(number), status="skipped", **explained(because("no_chats"))))
    kept.add(ProgressLine(num_read_bytes=1, num_bytes=2, num_chats=3))
    kept.close(
        SummaryLine(
            status="empty",
            **explained(None),
            num_imported=0,
            num_skipped=0,
            num_failed=0,
            num_messages=0,
            num_documents=0,
        )
    )
    lines = [json.loads(line) for line in b"".join([chunk async for chunk in kept.lines()]).splitlines()]
    assert len(lines) == MAX_LINES + 2
    assert lines[-2] == {"type": "omitted", "num_lines": 6}
    assert lines[-1]["type"] == "summary"
