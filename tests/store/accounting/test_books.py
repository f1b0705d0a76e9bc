"""The books are the sum of the rows, whatever was written, undone or deleted, by whichever way; on both databases."""

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, text, update
from sqlmodel import Session, col, select

from bdchat.settings import StoreSettings
from bdchat.store import retention
from bdchat.store.accounting import books, storage
from bdchat.store.accounts import invitations, keys, users
from bdchat.store.chats import answers, configs, forks, generations, sessions, sharing
from bdchat.store.chats.generations import Ending
from bdchat.store.errors import StoreError
from bdchat.store.ids import new_id, now_ms
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.engines import postgres_engine, sqlite_writer
from bdchat.store.sql.schema import MIGRATIONS
from bdchat.store.tables import (
    ApiKey,
    ChatSession,
    Generation,
    GenerationEvent,
    Message,
    MessageMetadata,
    ShareLink,
    StorageBook,
    User,
)
from tests.store.chat_rows import make_user, say, talk
from tests.store.chats.test_answers import new_answer
from tests.store.transferable import as_document, put_chat, random_session, read

pytestmark = pytest.mark.anyio
OLD_ROWS = (
    """INSERT INTO "user" (user_id, username, username_key, display_name, password_hash, role, is_disabled, locale,
    created_at_ms) VALUES ('u', 'kim', 'kim', 'Kim', '', 'user', false, '', 1)""",
    """INSERT INTO chat_session (session_id, user_id, title, title_source, folder, is_pinned, is_archived,
    created_at_ms, updated_at_ms, source_id) VALUES ('s', 'u', 'title', '', '', false, false, 1, 1, 'chatgpt:1')""",
    """INSERT INTO message (message_id, session_id, role, content, status, created_at_ms)
    VALUES ('m', 's', 'user', '환불', 'complete', 1)""",
    """INSERT INTO generation (generation_id, user_id, model, state, request, tokens, created_at_ms, lease_owner)
    VALUES ('g', '', '', 'complete', CAST('abcd' AS BLOB), CAST('' AS BLOB), 1, '')""",
)
WORDS = ("환불", "a", "🙂\n", "x" * 700, "", '"\\')


async def books_of(database: Database) -> tuple[dict[str, int], dict[str, int]]:
    """What the books say, and what a count of all rows says."""

    def read_both(db: Session) -> tuple[dict[str, int], dict[str, int]]:
        kept: dict[str, int] = {}
        for row in db.exec(select(StorageBook)):
            kept[row.owner_id] = kept.get(row.owner_id, 0) + row.num_bytes
        return {owner: total for owner, total in kept.items() if total}, books.recount(db.connection())

    return await database.read(read_both)


class Load:
    """Somebody, one after the other and at random, does everything that writes."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._num = 0

    async def step(self, database: Database) -> None:
        if self._rng.random() < 0.12:
            await self._rng.choice((self._import, self._fork))(database)
        else:
            await database.write(self._rng.choice(self._deeds()))

    def _deeds(self) -> list[Callable[[Session], Any]]:
        often = [self._talk, self._begin, self._log, self._end, self._outside]
        return [
            *often,
            *often,
            self._user,
            self._change_user,
            self._chat,
            self._rename,
            self._configure,
            self._share,
            self._key,
            self._invite,
            self._change_metadata,
            self._forget_events,
            self._forget_completion,
            self._delete_messages,
            self._purge,
            self._erase_by_cascade,
            self._fail,
        ]

    # --- what there is ------------------------------------------------------------------------------------------------

    def _text(self) -> str:
        return "".join(self._rng.choices(WORDS, k=self._rng.randrange(4)))

    def _name(self) -> str:
        self._num += 1
        return f"n{self._num}"

    def _some(self, db: Session, kind: Any) -> Any:
        """None: there is none."""
        rows = list(db.exec(select(kind)))
        return self._rng.choice(sorted(rows, key=lambda row: str(row.model_dump()))) if rows else None

    def _user_id(self, db: Session) -> str:
        found = self._some(db, User)
        return str(found.user_id) if found is not None else make_user(db, self._name())

    def _session(self, db: Session) -> ChatSession:
        found = self._some(db, ChatSession)
        return found if found is not None else sessions.create(db, self._user_id(db))

    # --- what is done -------------------------------------------------------------------------------------------------

    def _user(self, db: Session) -> None:
        make_user(db, self._name())

    def _change_user(self, db: Session) -> None:
        fields = {"display_name": self._text(), "preferences": {"presets": [self._text()]}}
        users.change(db, self._user_id(db), **fields)

    def _chat(self, db: Session) -> None:
        sessions.create(db, self._user_id(db), title=self._text(), folder=self._text())

    def _talk(self, db: Session) -> None:
        session = self._session(db)
        under = session.head_message_id if self._rng.random() < 0.8 else None
        if under is not None and db.get(Message, under) is None:
            under = None
        say(db, session, self._text(), under=under, client_id=self._name() if self._rng.random() < 0.5 else None)

    def _rename(self, db: Session) -> None:
        sessions.change(db, self._session(db), {"title": self._text(), "folder": self._text()})

    def _configure(self, db: Session) -> None:
        values = {"system_prompt": self._text(), "params": {"stop": [self._text()]}}
        configs.put(db, self._session(db).session_id, values)

    def _share(self, db: Session) -> None:
        session = self._session(db)
        sharing.create_link(db, session.session_id, token_hash=self._name(), expires_at_ms=None)
        sharing.put_member(db, session, users.get(db, make_user(db, self._name())), "writer")

    def _key(self, db: Session) -> None:
        keys.create(db, self._user_id(db), key_hash=self._name(), prefix="bd-", name=self._text())
        key = self._some(db, ApiKey)
        if key is not None and key.revoked_at_ms is None:
            keys.rename(db, key.user_id, key.key_id, self._text())

    def _invite(self, db: Session) -> None:
        invitations.create(db, self._user_id(db), code_hash=self._name(), lifetime_ms=1, note=self._text())

    def _begin(self, db: Session) -> None:
        session = self._session(db)
        if session.deleted_at_ms is None:
            answers.begin(db, new_answer(session.user_id, session.session_id, None, self._text(), prefix=self._text()))

    def _outside(self, db: Session) -> None:
        owner_id = self._user_id(db) if self._rng.random() < 0.5 else ""
        row = Generation(
            generation_id=new_id(),
            user_id=owner_id,
            request=self._text().encode(),
            wire={"metadata": {"a": self._text()}},
            lease_owner="a",
            created_at_ms=now_ms(),
        )
        generations.create(db, row, {"prefix": self._text()})

    def _log(self, db: Session) -> None:
        found = self._some(db, Generation)
        if found is not None:
            data = {"first": 2, "deltas": [{"text": self._text()}]}
            row = {"generation_id": found.generation_id, "seq": 2, "kind": "deltas", "data": data}
            for _ in range(2):  # the second time it is there already
                generations.append_events(db, "a", [row])

    def _end(self, db: Session) -> None:
        found = self._some(db, Generation)
        if found is None:
            return
        ending = Ending(
            state="complete",
            content=self._text(),
            tokens=b"1234" * self._rng.randrange(9),
            finish_reason="stop",
            last_seq=9,
            usage={"prompt_tokens": 1},
        )
        metadata = MessageMetadata(message_id="", model="m", model_params={"stop": [self._text()]})
        whole = answers.AnswerEnd(ending=ending, metadata=metadata, counts={"num_requests": 1}, num_tokens=3)
        answers.end(db, "a", found.generation_id, whole, [])

    async def _import(self, database: Database) -> None:
        session = {**random_session(self._rng), "config": None}
        for found in read(as_document(session)):
            user_id = await database.write(self._user_id)
            await put_chat(database, found.chat, user_id)  # type: ignore[union-attr]

    async def _fork(self, database: Database) -> None:
        source = await database.write(self._session)
        await forks.fork(database, source.user_id, source.session_id, None)

    def _change_metadata(self, db: Session) -> None:
        found = self._some(db, Generation)
        if found is not None:
            found.wire = {**found.wire, "metadata": {"b": self._text()}}
            db.add(found)

    def _forget_events(self, db: Session) -> None:
        found = self._some(db, GenerationEvent)
        if found is not None:
            db.exec(delete(GenerationEvent).where(col(GenerationEvent.generation_id) == found.generation_id))

    def _forget_completion(self, db: Session) -> None:
        found = self._some(db, Generation)
        if found is not None:
            generations.remove(db, found)

    def _delete_messages(self, db: Session) -> None:
        found = self._some(db, Message)
        if found is not None:
            ids = [message.message_id for message in db.exec(select(Message)) if message.parent_id == found.message_id]
            db.exec(update(Message).where(col(Message.parent_id).in_(ids)).values(parent_id=None))
            db.exec(delete(Message).where(col(Message.message_id).in_(ids)))

    def _purge(self, db: Session) -> None:
        """With all that is in it still there."""
        db.exec(delete(ChatSession).where(col(ChatSession.session_id) == self._session(db).session_id))

    def _erase_by_cascade(self, db: Session) -> None:
        if self._rng.random() < 0.3:
            user_id = self._user_id(db)
            db.exec(delete(Generation).where(col(Generation.user_id) == user_id, col(Generation.session_id).is_(None)))
            db.exec(delete(User).where(col(User.user_id) == user_id))

    def _fail(self, db: Session) -> None:
        self._talk(db)
        self._outside(db)
        db.flush()
        raise StoreError("on purpose")


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_load_the_books_are_the_sum_of_the_rows(database: Database, seed: int) -> None:
    load = Load(seed)
    for number in range(200):
        with contextlib.suppress(StoreError):
            await load.step(database)
        if number % 40 == 39:
            said, counted = await books_of(database)
            assert said == counted, number
    assert any(owner and total > 20 * books.ROW_BYTES for owner, total in said.items())


async def test_forgetting_takes_out_of_the_books(database: Database) -> None:
    user_id = await database.write(make_user)
    session_id, _ = await database.write(lambda db: talk(db, user_id, "one", "two", "three"))
    new = new_answer(user_id, session_id, None, "how")
    await database.write(lambda db: answers.begin(db, new))
    await database.write(lambda db: sessions.delete(db, sessions.get_owned(db, user_id, session_id)))
    await retention.erase_chat(database, session_id)
    assert await database.read(lambda db: storage.account_bytes(db, user_id)) == books.ROW_BYTES + len("adaAda{}")
    await retention.erase_user(database, user_id)
    said, counted = await books_of(database)
    assert said == counted == {}


async def test_a_row_counts_what_it_is_charged_for(database: Database) -> None:
    """What Python reckons before a write is what the trigger counts at it."""
    values: dict[str, Any] = {"title": "환불", "folder": '"', "source_id": "chatgpt:1#2"}
    user_id = await database.write(make_user)
    before = await database.read(lambda db: storage.account_bytes(db, user_id))
    row = ChatSession(session_id="s", user_id=user_id, created_at_ms=1, updated_at_ms=1, **values)
    await database.write(lambda db: db.add(row))
    grown = await database.read(lambda db: storage.account_bytes(db, user_id)) - before
    assert grown == books.num_bytes(ChatSession, values) == books.ROW_BYTES + 6 + 1 + 11
    params = {"stop": ["환불", "\n"]}
    await database.write(lambda db: configs.put(db, "s", {"params": params}))
    config = await database.read(lambda db: storage.account_bytes(db, user_id)) - before - grown
    assert config == books.ROW_BYTES + books.value_bytes(params)


async def test_a_table_of_text_is_in_the_books_or_says_why_not(database: Database) -> None:
    """A new table must be put into books.COUNTED, or here."""
    not_counted = {
        "login_token": "a number per account",
        "audit_entry": "bounded by age and number",
        "usage_bucket": "a row per quarter of an hour, user and model; per day after a year",
        "known_device": "a number per account",
        "server_state": "the server's own",
        "storage_book": "the books",
        "pinned_prompt": "a number of bounded texts, by admins",
    }
    counted = {each.table for each in books.COUNTED}
    assert counted | not_counted.keys() == set(User.metadata.tables)
    assert not counted & not_counted.keys()


async def test_an_older_database_gets_its_books_at_the_upgrade(unfounded: StoreSettings, tmp_path: Path) -> None:
    url = unfounded.url
    engine = (
        sqlite_writer(tmp_path / FILE_NAME) if url is None else postgres_engine(url.get_secret_value(), pool_size=1)
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in OLD_ROWS:
            connection.execute(text(statement if url is None else statement.replace("BLOB", "bytea")))
    engine.dispose()
    async with Database(unfounded, tmp_path) as database:
        said, counted = await books_of(database)
        texts = len("kimKim{}") + len("title") + len("환불".encode()) + len("chatgpt:1")
        assert said == counted == {"u": 3 * books.ROW_BYTES + texts, "": books.ROW_BYTES + len("abcd{}{}{}")}
        await database.write(lambda db: say(db, sessions.get_owned(db, "u", "s"), "more", under="m"))
        said_then, counted_then = await books_of(database)
        assert said_then == counted_then
        assert said_then["u"] > said["u"] + 2 * books.ROW_BYTES + 4 * len("more")


async def test_links_are_counted_as_their_chats(database: Database) -> None:
    user_id = await database.write(make_user)
    session_id, _ = await database.write(lambda db: talk(db, user_id))
    before = await database.read(lambda db: storage.account_bytes(db, user_id))
    row = ShareLink(link_id="l", token_hash="h", session_id=session_id, created_at_ms=1)
    await database.write(lambda db: db.add(row))
    assert await database.read(lambda db: storage.account_bytes(db, user_id)) == before + books.ROW_BYTES
