"""A change is told once, in order, when it is on the disk; what was undone is not told; who leaves silences nothing."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from bdchat.api.bus.interface import RIGHTS_TOPIC, Message, session_topic, user_topic
from bdchat.api.bus.local_bus import LocalBus
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.settings import Settings
from bdchat.store.accounts import users
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from tests.api.serving import fresh_data_dir
from tests.patience import PATIENCE_S
from tests.store.chat_rows import make_user

pytestmark = pytest.mark.anyio


class Stage(LocalBus):
    """A bus that notes what is published and what the store shows to others at that moment."""

    def __init__(self, database: Database, user_id: str) -> None:
        super().__init__()
        self.database = database
        self.user_id = user_id
        self.happened: list[tuple[str, str, str]] = []  # (topic, type, the user's committed name)
        self.writes = Writes(database, self, forget_rights=lambda _: self.happened.append(("", "forgotten", "")))

    async def publish(self, topic: str, message: Message) -> None:
        name = await self.database.read(lambda db: users.get(db, self.user_id).display_name)
        self.happened.append((topic, message["type"], name))

    def rename(self, db: Db, news: News, *, name: str = "new") -> str:
        news.link_revoked("l")  # before the change: what is told is told after it all the same
        users.change(db, self.user_id, display_name=name)
        news.session_deleted("s", [self.user_id])
        return name


@asynccontextmanager
async def staged() -> AsyncGenerator[Stage]:
    async with Database(Settings().store, fresh_data_dir()) as database:
        yield Stage(database, await database.write(make_user))


async def test_a_change_is_told_once_in_order_after_its_commit() -> None:
    async with staged() as stage:
        assert await stage.writes.run(stage.rename) == "new"
        told = [
            (RIGHTS_TOPIC, "right.ended"),
            (RIGHTS_TOPIC, "right.ended"),
            (session_topic("s"), "session.deleted"),
            (user_topic(stage.user_id), "session.deleted"),
        ]
        assert stage.happened == [(*each, "new") for each in told]


async def test_a_change_that_was_undone_is_not_told() -> None:
    async with staged() as stage:

        def fail(db: Db, news: News) -> None:
            stage.rename(db, news)
            raise NotFound("session", "s")

        with pytest.raises(NotFound):
            await stage.writes.run(fail, then=lambda _: stage.happened.append(("", "then", "")))
        assert stage.happened == []


async def test_who_stops_waiting_silences_nothing() -> None:
    """A handler that was cancelled while its write was on the way left a change that nobody heard of."""
    async with staged() as stage:
        has_begun, may_end = threading.Event(), threading.Event()

        def change(db: Db, news: News) -> None:
            has_begun.set()
            assert may_end.wait(PATIENCE_S)
            stage.rename(db, news)

        waiting = asyncio.create_task(stage.writes.run(change))
        assert await asyncio.to_thread(has_begun.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        may_end.set()
        await stage.writes.aclose()
        assert stage.happened[-1] == (user_topic(stage.user_id), "session.deleted", "new")


async def test_what_the_process_must_know_it_knows_before_anybody_hears() -> None:
    async with staged() as stage:

        def change(db: Db, news: News) -> None:
            news.rights_ended(stage.user_id, key_id="k")

        await stage.writes.run(change, then=lambda _: stage.happened.append(("", "then", "")))
        assert [kind for _, kind, _ in stage.happened] == ["then", "forgotten", "auth.ended", "right.ended"]


async def test_a_long_job_is_told_when_its_last_part_is_on_the_disk() -> None:
    async with staged() as stage:

        async def job(*, fails: bool) -> str:
            for name in ("first", "last"):
                await stage.database.write(partial(stage.rename, news=News(), name=name))
            if fails:
                raise NotFound("session", "s")
            return "s"

        def tell(session_id: str, news: News) -> None:
            news.session_deleted(session_id)

        with pytest.raises(NotFound):
            await stage.writes.run_job(job(fails=True), tell)
        assert stage.happened == []
        assert await stage.writes.run_job(job(fails=False), tell) == "s"
        assert stage.happened[-1] == (session_topic("s"), "session.deleted", "last")
