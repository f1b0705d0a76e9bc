"""Files made to harm: what an import costs, how it ends, and whom it touches, on both databases."""

import asyncio
import io
import json
import logging
import random
import threading
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bdchat.api.chats.import_run import Config, ImportRun
from bdchat.settings import LimitSettings, Settings, StoreSettings
from bdchat.store.importing.readers import ThreadReader
from tests.api.chats.test_imports import chat, many, report, titles
from tests.api.serving import app_of, in_process, signed_in
from tests.patience import PATIENCE_S
from tests.store.mutations import NUM_CHATS, with_a_changed_chat
from tests.store.transferable import as_document, random_session

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
async def client(request: pytest.FixtureRequest) -> AsyncGenerator[httpx.AsyncClient]:
    store = StoreSettings()
    if request.param == "postgresql":
        store = StoreSettings(url=SecretStr(request.getfixturevalue("postgres").new_database()))
    async with in_process(settings=Settings(store=store)) as client:
        yield client


@pytest.fixture
async def local() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def run_of(client: httpx.AsyncClient, source: io.BytesIO, **changes: Any) -> ImportRun:
    me = (await client.get("/api/auth/me", headers=await signed_in(client))).json()
    app = app_of(client)
    defaults = {"database": app.database, "writes": app.writes, "check_config": dict, "open_reader": ThreadReader.open}
    bounds = {"max_bytes": 10**9, "quota_bytes": 10**9, "cpu_s": 10**6, "document_bytes": 10**6, "most_documents": 9}
    return ImportRun(me["user"]["user_id"], source, **{**defaults, **bounds, **changes})


async def told(run: ImportRun) -> list[dict[str, Any]]:
    await run.run()
    lines = [json.loads(line) for line in b"".join([chunk async for chunk in run.report.lines()]).splitlines()]
    return [line for line in lines if line["type"] != "progress"]


async def test_a_changed_chat_changes_no_other_on_its_way_into_the_store(client: httpx.AsyncClient) -> None:
    """40 of each database; what the reader lets through, every column takes."""
    ann = await signed_in(client)
    rng = random.Random(11)
    for _ in range(40):
        _, _, bad, data = with_a_changed_chat(rng)
        *lines, summary = await report(client, ann, data)
        codes = {line["reason_code"] for line in lines}
        assert not codes & {"server_error", "unreadable", "storage", "no_json"}, bad
        assert summary["status"] == "finished"
        assert summary["num_imported"] + summary["num_skipped"] >= NUM_CHATS - 1, bad


@pytest.mark.parametrize("field", ["title", "folder", "session_id", "content", "finish_reason", "author", "source_id"])
async def test_a_text_of_any_length_fails_its_chat_at_most(client: httpx.AsyncClient, field: str) -> None:
    ann = await signed_in(client)
    session = random_session(random.Random(4))
    assert session["messages"]
    *lines, _ = await report(
        client,
        ann,
        as_document(
            *({**_with(session, field, "가\x00" * length), "title_source": "user"} for length in (1, 99, 10**6))
        ),
    )
    assert len(lines) == 3
    assert not {line["reason_code"] for line in lines} & {"server_error", "unreadable", "storage"}


def _with(session: dict[str, Any], field: str, value: str) -> dict[str, Any]:
    if field in session:
        return {**session, field: value}
    return {**session, "messages": [{**session["messages"][0], "parent_id": None, field: value}]}


async def test_a_fault_of_our_own_is_one_chats_and_is_logged(
    local: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    def check(config: Config) -> Config:
        raise ZeroDivisionError

    bad = {**random_session(random.Random(3)), "session_id": "s1", "title": "bad", "config": {"x": 1}}
    good = {**bad, "session_id": "s2", "title": "good", "config": None}
    run = await run_of(local, io.BytesIO(as_document(bad, good, bad)), check_config=check)
    with caplog.at_level(logging.ERROR):
        first, second, third, summary = await told(run)
    assert [(line["title"], line["reason_code"]) for line in (first, third)] == [("bad", "unreadable")] * 2
    assert (second["status"], summary["status"]) == ("imported", "finished")
    assert [record.message.splitlines()[0] for record in caplog.records] == ["a chat could not be read:"] * 2
    assert all(hasattr(each, "import_id") and "ZeroDivisionError" in each.message for each in caplog.records)


async def test_who_has_used_up_the_time_of_an_import_is_told() -> None:
    async with in_process(settings=Settings(limits=LimitSettings(import_cpu_s=0.0))) as client:
        line, summary = await report(client, await signed_in(client), many(3))
    assert (line["type"], line["reason_code"]) == ("file", "too_much_work")
    assert (summary["status"], summary["num_imported"]) == ("incomplete", 0)


async def test_a_file_without_chats_is_not_read_on_when_its_reader_has_gone(local: httpx.AsyncClient) -> None:
    """It was read to its end, with a thread and the place of an import, and the server's end waited for it."""

    class Noise(io.BytesIO):
        num_reads = 0

        def read(self, num_bytes: int | None = -1, /) -> bytes:
            self.num_reads += 1
            if self.num_reads == 5:
                run.stop()
            return super().read(num_bytes)

    source = Noise(b"[" + b"{}," * 2_000_000 + b"{}]")
    run = await run_of(local, source)
    (summary,) = await told(run)
    assert summary["status"] == "stopped"
    assert source.num_reads <= 6


async def test_progress_is_told_while_a_file_holds_no_chats(local: httpx.AsyncClient) -> None:
    class Slow(io.BytesIO):
        def read(self, num_bytes: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                assert is_told.wait(PATIENCE_S)
            return super().read(num_bytes)

    is_told = threading.Event()
    source = Slow(b"[" + b" " * 200_000 + json.dumps(chat()).encode() + b"]")
    run = await run_of(local, source)
    task = asyncio.create_task(run.run())
    lines = run.report.lines()
    assert json.loads((await anext(lines)).splitlines()[0])["type"] == "progress"
    is_told.set()
    await task
    assert json.loads(b"".join([chunk async for chunk in lines]).splitlines()[-1])["num_imported"] == 1


class Counted:
    """A database that counts what is read of it."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.num_reads = 0

    async def read(self, work: Any) -> Any:
        self.num_reads += 1
        return await self._real.read(work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


async def test_a_chat_here_is_read_once_however_often_a_file_names_it(local: httpx.AsyncClient) -> None:
    """To see whether it says the same: 200,000 small chats that name the largest were days of work."""
    ann = await signed_in(local)
    line, _ = await report(local, ann, [chat()])
    sessions = [
        {**random_session(random.Random(seed)), "session_id": line["session_id"], "title": f"s{seed}", "config": None}
        for seed in range(1, 30)
    ]
    database = Counted(app_of(local).database)
    *lines, _ = await told(await run_of(local, io.BytesIO(as_document(*sessions)), database=database))
    assert len(lines) == 29
    assert database.num_reads == 2  # what is known, and that chat
    assert len(await titles(local, ann)) > 20
