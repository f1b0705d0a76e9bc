"""What is kept and how much room it takes; backups that can be taken away."""

import sqlite3
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from bdchat.api.admin.backups import Backups
from bdchat.store.accounting.books import ROW_BYTES
from bdchat.store.accounts import users
from bdchat.store.chats import generations, messages, sessions
from bdchat.store.errors import Conflict
from bdchat.store.tables import Generation
from tests.api.people import audited
from tests.api.serving import app_of, error_of, in_process, signed_in

pytestmark = pytest.mark.anyio
BACKUPS = "/api/admin/backups"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


def write_chat(db: object, username: str, num_messages: int) -> None:
    user = users.by_name(db, username)  # type: ignore[arg-type]
    assert user is not None
    session = sessions.create(db, user.user_id, title="x")  # type: ignore[arg-type]
    for _ in range(num_messages):
        messages.append(db, session, parent_id=None, role="user", content="한" * 1000, author_id=user.user_id)  # type: ignore[arg-type]


async def test_storage_tells_of_every_place_and_the_largest_accounts(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    await signed_in(client, "ann")
    app = app_of(client)
    await app.database.write(lambda db: write_chat(db, "root", 1))
    await app.database.write(lambda db: write_chat(db, "ann", 3))
    await app.database.write(lambda db: _set_quota(db, "ann", 20_000))
    for folder, size in (("models", 100), ("models/.partial", 30), ("cache", 7)):
        _put(app.settings.data_dir / folder, size)
    seen = (await client.get("/api/admin/storage", headers=admin)).json()
    assert (seen["model_bytes"], seen["partial_bytes"], seen["cache_bytes"], seen["backup_bytes"]) == (100, 30, 7, 0)
    assert seen["database_bytes"] > 0
    assert seen["wal_bytes"] > 0
    assert seen["num_rows"]["message"] == 4
    largest = [(row["username"], row["quota_bytes"]) for row in seen["largest_accounts"]]
    assert largest == [("ann", 20_000), ("root", seen["quota_bytes"])]
    anns, roots = (row["num_bytes"] for row in seen["largest_accounts"])
    assert roots > 3000 + 5 * ROW_BYTES  # the account, the chat, its title and message, and what finds both
    assert anns > roots + 2 * (3000 + 2 * ROW_BYTES)
    assert seen["charged_bytes"] == sum(row["num_bytes"] for row in seen["largest_accounts"])


async def test_what_is_kept_for_nobodys_account_is_seen_too(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    before = (await client.get("/api/admin/storage", headers=admin)).json()
    assert before["guest"] == {"num_bytes": 0, "quota_bytes": 64 << 20, "num_completions": 0}

    def store(db: object) -> None:
        row = Generation(generation_id="g", request=b"x" * 1000, created_at_ms=1)
        generations.create(db, row, {})  # type: ignore[arg-type]

    await app_of(client).database.write(store)
    seen = (await client.get("/api/admin/storage", headers=admin)).json()
    assert seen["guest"]["num_completions"] == 1
    assert seen["guest"]["num_bytes"] > 1000 + 2 * ROW_BYTES
    assert seen["charged_bytes"] == before["charged_bytes"] + seen["guest"]["num_bytes"]


def _set_quota(db: object, username: str, quota_bytes: int) -> None:
    user = users.by_name(db, username)  # type: ignore[arg-type]
    assert user is not None
    users.change(db, user.user_id, quota_bytes=quota_bytes)  # type: ignore[arg-type]


def _put(folder: Path, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_bytes(b"x" * size)


async def test_free_room_goes_back_to_the_disk(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    await signed_in(client, "ann")
    app = app_of(client)
    await app.database.write(lambda db: write_chat(db, "ann", 600))
    user = await app.database.read(lambda db: users.by_name(db, "ann"))
    assert user is not None
    await client.delete(f"/api/admin/users/{user.user_id}", headers=admin)
    before = (await client.get("/api/admin/storage", headers=admin)).json()
    given = (await client.post("/api/admin/storage/compact", headers=admin)).json()["num_bytes_given_back"]
    after = (await client.get("/api/admin/storage", headers=admin)).json()
    assert given > 1_000_000
    assert after["database_bytes"] <= before["database_bytes"] - given
    assert after["database_free_bytes"] < before["database_free_bytes"]


async def test_a_backup_is_made_listed_taken_away_and_deleted(client: httpx.AsyncClient, tmp_path: Path) -> None:
    admin = await signed_in(client, "root", admin=True)
    made = [(await client.post(BACKUPS, headers=admin)) for _ in range(2)]
    assert [each.status_code for each in made] == [201, 201]
    names = [each.json()["name"] for each in made]
    assert len(set(names)) == 2  # within one second too
    listed = (await client.get(BACKUPS, headers=admin)).json()["data"]
    assert sorted(each["name"] for each in listed) == sorted(names)
    taken = await client.get(f"{BACKUPS}/{names[0]}", headers=admin)
    assert taken.headers["content-disposition"] == f'attachment; filename="{names[0]}"'
    assert len(taken.content) == listed[0]["num_bytes"]
    _check_backup(tmp_path / "taken.db", taken.content)
    folder = app_of(client).settings.data_dir / "backups"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (await client.delete(f"{BACKUPS}/{names[0]}", headers=admin)).status_code == 200
    error_of(await client.get(f"{BACKUPS}/{names[0]}", headers=admin), 404)
    actions = [(action, target) for action, _, target in await audited(client) if action.startswith("backup")]
    assert actions == [
        ("backup.create", ""),
        ("backup.create", ""),
        ("backup.download", names[0]),
        ("backup.delete", names[0]),
    ]


def _check_backup(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT username FROM user").fetchall() == [("root",)]
    connection.close()


@pytest.mark.parametrize("name", ["bdchat.db", "..%2Fbdchat.db", "%2e%2e", "nothing.db", "server.lock"])
async def test_only_backups_are_taken_away(client: httpx.AsyncClient, name: str) -> None:
    admin = await signed_in(client, "root", admin=True)
    await client.post(BACKUPS, headers=admin)
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"{BACKUPS}/{name}", headers=admin)
        assert answer.status_code in {404, 405}
    assert app_of(client).database.path is not None
    assert (await client.get("/api/admin/storage", headers=admin)).status_code == 200


def test_postgresql_makes_its_own_backups(tmp_path: Path) -> None:
    backups = Backups(None, tmp_path)
    with pytest.raises(Conflict, match="pg_dump"):
        backups.make()
    assert backups.list() == ()
