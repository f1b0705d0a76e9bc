"""What an account may keep: what is over is refused and changes nothing; what was deleted for good gives room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from bdchat.settings import StoreSettings
from bdchat.store.accounting import storage
from bdchat.store.accounting.books import ROW_BYTES
from bdchat.store.accounting.quotas import INFO_KEY
from bdchat.store.accounts import invitations, keys, users
from bdchat.store.chats import answers, configs, forks, generations, messages, sessions, sharing
from bdchat.store.errors import QuotaExceeded
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, Generation, Message, MessageMetadata
from tests.store.chat_rows import make_user, say, talk
from tests.store.chats.test_answers import end, end_of, new_answer
from tests.store.transferable import conversation, node, only_chat, put_chat

pytestmark = pytest.mark.anyio
QUOTA = 200_000
GUEST_QUOTA = 20_000
HALF = "x" * (QUOTA // 12)  # with what finds it


@pytest.fixture
async def database(store_settings: StoreSettings, tmp_path: Path) -> object:
    limits = {"user_quota_bytes": QUOTA, "guest_quota_bytes": GUEST_QUOTA}
    async with Database(store_settings.model_copy(update=limits), tmp_path) as opened:
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


async def kept(database: Database, user_id: str) -> int:
    return await database.read(lambda db: storage.account_bytes(db, user_id))


async def set_room(database: Database, user_id: str, num_bytes: int) -> None:
    """How much more the account may keep from here."""
    most = await kept(database, user_id) + num_bytes
    await database.write(lambda db: users.change(db, user_id, quota_bytes=most))


async def test_what_is_over_is_refused_and_changes_nothing(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    await set_room(database, user_id, 3000)
    most = await kept(database, user_id) + 3000
    await write(database, user_id, session_id, "x" * 60)
    before = await kept(database, user_id)
    with pytest.raises(QuotaExceeded) as refused:
        await write(database, user_id, session_id, "한" * 200)  # 600 bytes
    assert refused.value.quota_bytes == most
    assert await kept(database, user_id) == before
    await write(database, user_id, session_id, "한" * 10)
    session = await database.read(lambda db: sessions.get_writable(db, user_id, session_id))
    assert session.num_messages == 2


async def test_one_accounts_text_is_not_anothers(database: Database) -> None:
    for name in ("ada", "bob"):
        user_id, session_id = await chat_of(database, name)
        await write(database, user_id, session_id, HALF)


async def test_an_account_may_have_a_quota_of_its_own(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    await database.write(lambda db: users.change(db, user_id, quota_bytes=10 * QUOTA))
    await write(database, user_id, session_id, "x" * QUOTA)
    with pytest.raises(QuotaExceeded):
        await write(database, user_id, session_id, "x" * 2 * QUOTA)


async def test_the_same_message_again_costs_nothing(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    for _ in range(5):
        await write(database, user_id, session_id, HALF, client_id="once")


async def test_what_was_deleted_for_good_gives_room_at_once(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    before = await kept(database, user_id)
    await write(database, user_id, session_id, HALF)
    await database.write(lambda db: sessions.delete(db, sessions.get_owned(db, user_id, session_id)))
    assert await kept(database, user_id) > before + len(HALF)  # it can be restored still

    def purge(db: Session) -> None:
        sessions.purge(db, sessions.get_owned(db, user_id, session_id, is_deleted=True))

    await database.write(purge)
    assert await kept(database, user_id) == before - ROW_BYTES
    again = await database.write(lambda db: sessions.create(db, user_id).session_id)
    await write(database, user_id, again, HALF)


async def test_many_small_rows_are_bounded_too(database: Database) -> None:
    """A chat without a word, a link or an invitation took room for nothing."""
    user_id, session_id = await chat_of(database)
    await set_room(database, user_id, 5 * ROW_BYTES)
    for _ in range(5):
        await database.write(lambda db: sessions.create(db, user_id))
    with pytest.raises(QuotaExceeded):
        await database.write(lambda db: sessions.create(db, user_id))
    found = await database.read(lambda db: sessions.ids_of(db, user_id))
    assert len(found) == 1 + 5
    assert session_id in found


def _doors(user_id: str, session_id: str, message_id: str) -> dict[str, Callable[[Session], Any]]:
    """Everything by which an account makes the store keep something, each with more than there is room for."""
    large = "x" * 3000

    def change_chat(db: Session) -> None:
        sessions.change(db, sessions.get_owned(db, user_id, session_id), {"title": large})

    def invite(db: Session) -> None:
        other = make_user(db, "guest")
        sharing.put_member(db, sessions.get_owned(db, user_id, session_id), users.get(db, other), "reader")

    def outside(db: Session) -> None:
        row = Generation(generation_id="g", user_id=user_id, request=large.encode(), created_at_ms=1)
        generations.create(db, row, {})

    def metadata(db: Session) -> None:
        db.add(MessageMetadata(message_id=message_id, extra={"imported": large}))
        db.flush()

    return {
        "a message": lambda db: say(db, sessions.get_writable(db, user_id, session_id), large, under=None),
        "a chat": lambda db: sessions.create(db, user_id, title=large),
        "a title": change_chat,
        "a folder of many": lambda db: sessions.change_many(db, user_id, [session_id], {"folder": large}),
        "settings": lambda db: configs.put(db, session_id, {"system_prompt": large}),
        "imported fields": metadata,
        "an answer": lambda db: answers.begin(db, new_answer(user_id, session_id, None, large)),
        "a stored completion": outside,
        "presets": lambda db: users.change(db, user_id, preferences={"presets": [large]}),
        "a display name": lambda db: users.change(db, user_id, display_name=large),
        "a key": lambda db: keys.create(db, user_id, key_hash="h", prefix="bd-", name=large),
        "an invitation": lambda db: invitations.create(db, user_id, code_hash="h", lifetime_ms=1, note=large),
        "a link": lambda db: sharing.create_link(db, session_id, token_hash="h", expires_at_ms=None),
        "a member": invite,
    }


@pytest.mark.parametrize("door", _doors("", "", ""))
async def test_every_door_is_charged_before_it_writes(database: Database, door: str) -> None:
    user_id = await database.write(make_user)
    session_id, ids = await database.write(lambda db: talk(db, user_id, "y" * 3000))
    await set_room(database, user_id, ROW_BYTES - 1)
    before = await kept(database, user_id)
    work = _doors(user_id, session_id, ids[0])[door]
    with pytest.raises(QuotaExceeded):
        await database.write(work)
    assert await kept(database, user_id) == before
    await database.write(lambda db: users.change(db, user_id, quota_bytes=None))
    await database.write(work)
    assert await kept(database, user_id) > before


@pytest.mark.parametrize("num_bytes", [3000, 3_000_000])
@pytest.mark.parametrize("door", ["a fork", "a fork of another's chat", "a chat that comes in"])
async def test_what_comes_in_slices_is_charged_before_the_first(database: Database, door: str, num_bytes: int) -> None:
    large = "y" * (num_bytes // 10)
    user_id, other_id = await database.write(lambda db: (make_user(db), make_user(db, "bob")))
    for each in (user_id, other_id):
        await database.write(lambda db, each=each: users.change(db, each, quota_bytes=10**9))  # type: ignore[misc]
    own, _ = await database.write(lambda db: talk(db, user_id, *[large] * 10))
    others, _ = await database.write(lambda db: talk(db, other_id, *[large] * 10))

    def invite(db: Session) -> None:
        sharing.put_member(db, sessions.get_owned(db, other_id, others), users.get(db, user_id), "reader")

    await database.write(invite)
    nodes = [node(f"m{n}", f"m{n - 1}" if n else None, "user", large) for n in range(10)]

    async def work() -> None:
        if door == "a chat that comes in":
            await put_chat(database, only_chat([conversation(*nodes)]).chat, user_id)
        else:
            await forks.fork(database, user_id, own if door == "a fork" else others, None)

    await set_room(database, user_id, num_bytes)  # not for its rows
    before = await kept(database, user_id)
    with pytest.raises(QuotaExceeded):
        await work()
    assert await kept(database, user_id) == before
    await database.write(lambda db: users.change(db, user_id, quota_bytes=10**9))
    await work()
    assert await kept(database, user_id) > before + num_bytes


async def test_a_writers_words_are_the_owners_to_keep(database: Database) -> None:
    owner_id, session_id = await chat_of(database)
    writer_id = await database.write(lambda db: make_user(db, "bob"))
    await set_room(database, owner_id, 2 * ROW_BYTES)

    def write_as(db: Session) -> None:
        session = db.get(ChatSession, session_id)
        assert session is not None
        messages.append(db, session, parent_id=None, role="user", content="x" * 2000, author_id=writer_id)

    with pytest.raises(QuotaExceeded):
        await database.write(write_as)


async def test_an_answer_is_not_refused_in_the_middle(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    new = new_answer(user_id, session_id, None, "hi")
    await database.write(lambda db: answers.begin(db, new))
    await set_room(database, user_id, 0)
    name = new.generation.generation_id
    event = {"generation_id": name, "seq": 3, "kind": "deltas", "data": {"first": 3, "deltas": [{"text": "x" * 5000}]}}
    assert await database.write(lambda db: generations.append_events(db, "a", [event])) == set()
    before = await kept(database, user_id)
    assert await end(database, name, end_of("x" * 5000)) is not None
    assert await kept(database, user_id) > before + 10_000  # the run's text and the message's
    with pytest.raises(QuotaExceeded):
        await write(database, user_id, session_id, "more")


async def test_shrinking_is_never_refused(database: Database) -> None:
    user_id, session_id = await chat_of(database)
    await database.write(lambda db: configs.put(db, session_id, {"system_prompt": "x" * 900}))
    await database.write(lambda db: users.change(db, user_id, quota_bytes=0))
    await database.write(lambda db: configs.put(db, session_id, {"system_prompt": "x" * 800}))
    await database.write(lambda db: sessions.delete(db, sessions.get_owned(db, user_id, session_id)))


async def test_all_who_come_without_an_account_share_one_total(database: Database) -> None:
    def store(db: Session, number: int) -> None:
        row = Generation(generation_id=f"g{number}", request=b"x" * 1000, created_at_ms=now_ms())
        generations.create(db, row, {})

    for number in range(9):
        await database.write(lambda db, n=number: store(db, n))  # type: ignore[misc]
    with pytest.raises(QuotaExceeded, match="without an account"):
        await database.write(lambda db: store(db, 9))
    assert GUEST_QUOTA - 2500 < await kept(database, "") <= GUEST_QUOTA
    assert len(await database.read(lambda db: list(db.exec(select(Generation))))) == 9


async def test_other_transactions_bound_nothing(database: Database) -> None:
    def look(db: Session) -> None:
        assert INFO_KEY not in db.info

    await database.read(look)
    assert await database.read(lambda db: list(db.exec(select(Message)))) == []
