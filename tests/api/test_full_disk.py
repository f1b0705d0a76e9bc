"""A full disk over HTTP: 507 where something would be kept, never 500, and deleting works."""

import errno
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bdchat.api.http.errors import error_reply, is_expected
from bdchat.settings import Settings
from tests.api.people import log_in
from tests.api.serving import PASSWORD, in_process, signed_in
from tests.api.talking import begin, say
from tests.small_disk import MIB, fill, small_disk

pytestmark = pytest.mark.anyio

LONG = " ".join(f"word{number}" for number in range(20_000))


@pytest.fixture
def disk(tmp_path: Path) -> Any:
    with small_disk(tmp_path / "disk", num_bytes=16 * MIB) as folder:
        yield folder


@pytest.fixture
async def client(disk: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process(settings=Settings(data_dir=disk)) as client:
        yield client


def code_of(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"]["code"] if answer.status_code >= 400 else None


FULL = (507, "storage_full")


async def test_deleting_works_on_a_full_disk_and_all_else_says_so(client: httpx.AsyncClient, disk: Path) -> None:
    admin = await signed_in(client, "root", admin=True)
    ids = [await begin(client, admin, title=f"chat {number}") for number in range(6)]
    for session_id in ids:
        await say(client, admin, session_id, LONG[:20_000])
    filler = fill(disk)
    body = {"content": LONG}
    assert code_of(await client.post(f"/api/sessions/{ids[0]}/messages", json=body, headers=admin)) == FULL
    chats = b'{"format": "bdchat"' + b" " * 3 * MIB
    assert code_of(await client.post("/api/import", content=chats, headers=admin)) == FULL
    assert code_of(await client.post("/api/admin/backups", headers=admin)) == FULL
    assert (await log_in(client, "root", PASSWORD)).status_code == 200
    assert (await client.get("/api/sessions", headers=admin)).status_code == 200
    assert (await client.delete(f"/api/sessions/{ids[1]}", headers=admin)).status_code == 204
    for session_id in ids[1:5]:
        answer = await client.delete(f"/api/sessions/{session_id}?permanently=true", headers=admin)
        assert answer.status_code == 204, answer.text
    filler.unlink()
    await say(client, admin, ids[0], LONG)
    found = (await client.get("/api/sessions", headers=admin)).json()["data"]
    assert {session["session_id"] for session in found} == {ids[0], ids[5]}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_whatever_file_cannot_be_written_for_want_of_room_is_507(number: int) -> None:
    reply = error_reply(OSError(number, "No space left on device", "/home/kim/secret"))
    code = "storage_read_only" if number == errno.EROFS else "storage_full"
    assert (reply.status, reply.code) == (507, code)
    assert b"secret" not in reply.body
    assert is_expected(OSError(number, "full"))
    assert error_reply(OSError(errno.EIO, "broken")).status == 500


async def test_no_half_of_an_import_stays_on_a_full_disk(client: httpx.AsyncClient, disk: Path) -> None:
    admin = await signed_in(client, "root", admin=True)
    fill(disk, but_bytes=MIB)
    before = sorted(path.name for path in listed(disk))
    assert code_of(await client.post("/api/import", content=b"[" * 6 * MIB, headers=admin)) == FULL
    assert sorted(path.name for path in listed(disk)) == before
    answer = await client.post("/api/import", content=b"{}", headers=admin)  # another is not in its way
    assert answer.status_code == 200, answer.text


async def test_an_import_leaves_room_on_the_disk_for_others(client: httpx.AsyncClient, disk: Path) -> None:
    admin = await signed_in(client, "root", admin=True)
    filler = fill(disk, but_bytes=2 * MIB)
    body = b'{"format": "bdchat"' + b" " * (7 * MIB // 4) + b"}"  # it would fit
    assert code_of(await client.post("/api/import", content=body, headers=admin)) == FULL
    filler.unlink()
    assert (await client.post("/api/import", content=body, headers=admin)).status_code == 200


def listed(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if "reserve" not in path.name]
