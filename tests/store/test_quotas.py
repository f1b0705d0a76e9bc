"""How much text an account may keep: what is over is refused and changes nothing, what was deleted gives room."""

from pathlib import Path

import pytest
from sqlmodel import Session

from bdchat.settings import StoreSettings
from bdchat.store import sessions, users
from bdchat.store.database import Database
from bdchat.store.errors import QuotaExceeded
from bdchat.store.quotas import INFO_KEY, RECOUNT_FULL_MS, RECOUNT_MS, Quotas
from tests.store.chats import make_user, say

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(store_settings: StoreSettings, tmp_path: Path) -> object:
    async with Database(store_settings.model_copy(update={"user_quota_bytes": 100}), tmp_path) as opened:
        yield opened


async def chat_of(database: Database, name: str = "ada") -> tuple[str, str]:
    def make(db: Session) -> tuple[str, str]:
        user_id = make_user(db, name)
        return user_id, sessions.create(db, user_id, title="", folder="").session_id

    return await database.write(make)


async def write(database: Database, user_id: str, session_id: str, content: str, **more: object) -> None:
    def work(db: Session) -> None:
        say(db, sessions.get_writable(db, user_id, session_id), content, under=None, **more)  # type: ignore[arg-type]

    await database.write(work)


async def test_what_is_over_is_refused_and_changes_nothing(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    await write(database, user_id, session_id, "x" * 60)
    with pytest.raises(QuotaExceeded) as refused:
        await write(database, user_id, session_id, "한" * 14)  # 42 bytes
    assert refused.value.quota_bytes == 100
    await write(database, user_id, session_id, "한" * 13)
    session = await database.read(lambda db: sessions.get_writable(db, user_id, session_id))
    assert session.num_messages == 2


async def test_one_accounts_text_is_not_anothers(database: Database) -> None:
    for name in ("ada", "bob"):
        user_id, session_id = await chat_of(database, name)
        await write(database, user_id, session_id, "x" * 90)


async def test_an_account_may_have_a_quota_of_its_own(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    await database.write(lambda db: users.change(db, user_id, quota_bytes=1000))
    await write(database, user_id, session_id, "x" * 900)
    with pytest.raises(QuotaExceeded):
        await write(database, user_id, session_id, "x" * 200)


async def test_the_same_message_again_costs_nothing(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    for _ in range(5):
        await write(database, user_id, session_id, "x" * 90, client_id="once")


async def test_what_was_deleted_gives_room_after_a_while(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    await write(database, user_id, session_id, "x" * 90)
    now = [0]
    quotas = Quotas(100, clock_ms=lambda: now[0])

    async def charge(num_bytes: int) -> None:
        await database.read(lambda db: quotas.charge(db, user_id, num_bytes))

    with pytest.raises(QuotaExceeded):
        await charge(50)
    await database.write(lambda db: sessions.purge(db, sessions.get_owned(db, user_id, session_id)))
    with pytest.raises(QuotaExceeded):
        await charge(50)
    now[0] = RECOUNT_FULL_MS
    await charge(50)
    await charge(50)
    with pytest.raises(QuotaExceeded):
        await charge(1)
    now[0] += RECOUNT_MS  # what was charged came to nothing
    await charge(100)


async def test_other_transactions_count_nothing(database: Database) -> None:
    def look(db: Session) -> None:
        assert INFO_KEY not in db.info

    await database.read(look)
