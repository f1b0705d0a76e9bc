"""Laws of forgetting: what is over goes, what is not stays, and no transaction is long."""

from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import Session, SQLModel, select

from bdchat.settings import AuthSettings, GenerationSettings, StoreSettings
from bdchat.store import tables
from bdchat.store.accounts import audit
from bdchat.store.chats import sessions
from bdchat.store.ids import now_ms
from bdchat.store.retention import DAY_MS, Limits, Swept, erase_user, sweep
from bdchat.store.sql.database import Database
from tests.store.chat_rows import make_user, talk

pytestmark = pytest.mark.anyio


def limits() -> Limits:
    return Limits.at(now_ms(), AuthSettings(), GenerationSettings(), StoreSettings())


def login(db: Session, user_id: str, login_id: str, *, used_days_ago: int, expires_in_days: int) -> None:
    now = now_ms()
    db.add(
        tables.LoginToken(
            login_id=login_id,
            token_hash=login_id,
            user_id=user_id,
            created_at_ms=now,
            last_used_at_ms=now - used_days_ago * DAY_MS,
            expires_at_ms=now + expires_in_days * DAY_MS,
        )
    )


def answer(db: Session, user_id: str, generation_id: str, *, finished_s_ago: int | None) -> None:
    at_ms = None if finished_s_ago is None else now_ms() - finished_s_ago * 1000
    state = "running" if at_ms is None else "complete"
    row = tables.Generation(
        generation_id=generation_id, user_id=user_id, state=state, request=b"", created_at_ms=1, finished_at_ms=at_ms
    )
    db.add(row)
    db.flush()
    db.add(tables.GenerationEvent(generation_id=generation_id, seq=1, kind="delta"))


def deleted_chat(db: Session, user_id: str, *, days_ago: int, num_messages: int) -> str:
    session_id, _ = talk(db, user_id, *(f"message {number}" for number in range(num_messages)))
    sessions.get_owned(db, user_id, session_id).deleted_at_ms = now_ms() - days_ago * DAY_MS
    return session_id


async def rows_of(database: Database, kind: type[SQLModel], column: str) -> list[str]:
    return sorted(await database.read(lambda db: [getattr(row, column) for row in db.exec(select(kind))]))


async def test_only_what_is_over_is_forgotten(database: Database) -> None:
    def fill(db: Session) -> tuple[str, str]:
        user_id = make_user(db)
        login(db, user_id, "good", used_days_ago=1, expires_in_days=1)
        login(db, user_id, "expired", used_days_ago=1, expires_in_days=-1)
        login(db, user_id, "unused", used_days_ago=8, expires_in_days=1)
        answer(db, user_id, "running", finished_s_ago=None)
        answer(db, user_id, "fresh", finished_s_ago=60)
        answer(db, user_id, "old", finished_s_ago=7200)
        deleted_chat(db, user_id, days_ago=31, num_messages=210)
        recent = deleted_chat(db, user_id, days_ago=29, num_messages=2)
        return recent, talk(db, user_id, "hello")[0]

    kept = await database.write(fill)
    assert await sweep(database, limits()) == Swept(
        num_logins=2, num_logs=1, num_chats=1, num_completions=0, num_records=0, num_documents=0
    )
    assert await rows_of(database, tables.LoginToken, "login_id") == ["good"]
    assert await rows_of(database, tables.GenerationEvent, "generation_id") == ["fresh", "running"]
    assert await rows_of(database, tables.Generation, "generation_id") == ["fresh", "old", "running"]
    assert await rows_of(database, tables.ChatSession, "session_id") == sorted(kept)
    assert len(await rows_of(database, tables.Message, "message_id")) == 3
    assert set(await rows_of(database, tables.SearchEntry, "session_id")) <= set(kept)
    assert await sweep(database, limits()) == Swept(0, 0, 0, 0, 0, 0)


async def test_a_deletion_can_be_undone_whatever_the_setting_says(database: Database) -> None:
    """With undo_days = 0 the chat was gone at the next sweep, while the page still offered to undo."""
    user_id = await database.write(make_user)
    session_id = await database.write(lambda db: deleted_chat(db, user_id, days_ago=0, num_messages=1))
    at_once = StoreSettings(undo_days=0)
    soon, later = (Limits.at(now_ms() + ms, AuthSettings(), GenerationSettings(), at_once) for ms in (60_000, 660_000))
    assert (await sweep(database, soon)).num_chats == 0
    assert await rows_of(database, tables.ChatSession, "session_id") == [session_id]
    assert (await sweep(database, later)).num_chats == 1


async def test_answers_outside_chats_are_kept_for_a_time_and_guests_for_less(database: Database) -> None:
    def fill(db: Session) -> None:
        user_id = make_user(db)
        session_id, ids = talk(db, user_id, "hi", "hello")
        for owner_id, name in (("", "guest"), (user_id, "own")):
            for days in (6, 8, 29, 31):
                answer(db, owner_id, f"{name} {days}", finished_s_ago=days * DAY_MS // 1000)
            answer(db, owner_id, f"{name} running", finished_s_ago=None)
        answer(db, user_id, "of a chat", finished_s_ago=99 * DAY_MS // 1000)
        of_a_chat = db.get(tables.Generation, "of a chat")
        assert of_a_chat is not None
        of_a_chat.session_id, of_a_chat.message_id = session_id, ids[1]

    await database.write(fill)
    assert (await sweep(database, limits())).num_completions == 3 + 1
    left = ["guest 6", "guest running", "of a chat", "own 29", "own 6", "own 8", "own running"]
    assert await rows_of(database, tables.Generation, "generation_id") == left


async def test_old_records_go_and_of_a_kind_the_newest_stay(database: Database) -> None:
    """Wrong passwords wrote the audit log full, and a key that was revoked kept its row for ever."""
    over_ms, fresh_ms = now_ms() - 401 * DAY_MS, now_ms() - 399 * DAY_MS

    def fill(db: Session) -> None:
        user_id = make_user(db)
        session_id, _ = talk(db, user_id, "hi")
        for name, at_ms in (("over", over_ms), ("fresh", fresh_ms), ("open", None)):
            own: dict[str, Any] = {"user_id": user_id, "created_at_ms": 1, "revoked_at_ms": at_ms}
            db.add(tables.ApiKey(key_id=name, key_hash=name, prefix="", **own))
            link: dict[str, Any] = {"session_id": session_id, "created_at_ms": 1, "expires_at_ms": at_ms}
            db.add(tables.ShareLink(link_id=name, token_hash=name, **link))
            db.add(act(name, "nobody", "key.create", at_ms=at_ms or now_ms()))
            invited: dict[str, Any] = {"created_by": user_id, "created_at_ms": 1, "expires_at_ms": at_ms or now_ms()}
            db.add(tables.Invitation(invitation_id=name, code_hash=name, **invited))
        db.flush()
        failed = [act(f"failed {number:05}", "", "login.failed") for number in range(audit.MAX_OF_A_KIND + 250)]
        db.connection().execute(insert(tables.AuditEntry), [entry.model_dump() for entry in failed])

    await database.write(fill)
    assert (await sweep(database, limits())).num_records == 4 + 250
    for kind, column in (
        (tables.ApiKey, "key_id"),
        (tables.ShareLink, "link_id"),
        (tables.Invitation, "invitation_id"),
    ):
        assert await rows_of(database, kind, column) == ["fresh", "open"]
    left = await rows_of(database, tables.AuditEntry, "entry_id")
    assert (len(left), left[0]) == (audit.MAX_OF_A_KIND + 2, "failed 00250")
    assert left[-2:] == ["fresh", "open"]


def act(entry_id: str, actor_id: str, action: str, *, at_ms: int | None = None) -> tables.AuditEntry:
    return tables.AuditEntry(entry_id=entry_id, at_ms=at_ms or now_ms(), actor_id=actor_id, action=action)


async def test_an_erased_account_leaves_its_usage_and_nothing_else(database: Database) -> None:
    def fill(db: Session) -> tuple[str, str]:
        user_id, other_id = make_user(db, "kim"), make_user(db, "lee")
        login(db, user_id, "theirs", used_days_ago=0, expires_in_days=1)
        answer(db, user_id, "theirs", finished_s_ago=1)
        answer(db, other_id, "others", finished_s_ago=1)
        talk(db, user_id, *(str(number) for number in range(210)))
        talk(db, other_id, "mine")
        db.add(tables.UsageBucket(user_id=user_id, start_ms=0, model="m", num_requests=1))
        return user_id, other_id

    user_id, other_id = await database.write(fill)
    await erase_user(database, user_id)
    assert await rows_of(database, tables.User, "user_id") == [other_id]
    assert await rows_of(database, tables.ChatSession, "user_id") == [other_id]
    assert await rows_of(database, tables.Message, "content") == ["mine"]
    assert await rows_of(database, tables.Generation, "generation_id") == ["others"]
    assert await rows_of(database, tables.LoginToken, "login_id") == []
    assert await rows_of(database, tables.UsageBucket, "user_id") == [user_id]
    await erase_user(database, user_id)  # again: nothing is left to do
