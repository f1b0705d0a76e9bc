"""An older server's database is brought up to today's schema, with all that is in it."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel, select

from bdchat.settings import StoreSettings
from bdchat.store.accounts import devices, usage, users
from bdchat.store.accounts.zoned_days import ZonedDays, zone_of
from bdchat.store.chats import sessions
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.engines import postgres_engine, sqlite_writer
from bdchat.store.sql.schema import HEAD, MIGRATIONS, upgrade
from bdchat.store.tables import User

pytestmark = pytest.mark.anyio
FIRST_RELEASE = (
    'INSERT INTO "user" (user_id, username, username_key, display_name, password_hash, role, is_disabled, locale,'
    " preferences, created_at_ms) VALUES ('{0}', '{0}', '{0}', '', 'x', 'user', {1}, '', '{{}}', 1)",
    "INSERT INTO chat_session (session_id, user_id, title, title_source, folder, is_pinned, is_archived, num_messages,"
    " created_at_ms, updated_at_ms) VALUES ('s', 'ann', 'ours', 'user', '', {1}, {1}, 0, 1, 1)",
    "INSERT INTO usage_day (user_id, day, model, num_requests) VALUES ('ann', '2026-11-22', 'm', 7)",
    "INSERT INTO session_member (session_id, user_id, role, created_at_ms) VALUES ('s', 'bob', 'writer', 1)",
)


def of_first_release(engine: Engine) -> None:
    """Ann's chat, with bob in it, and what she has used."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    false = "0" if engine.dialect.name == "sqlite" else "false"
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        user, chat, *others = FIRST_RELEASE
        for statement in (user.format("ann", false), user.format("bob", false), chat.format("", false), *others):
            connection.execute(text(statement))
    engine.dispose()


async def test_the_first_releases_database_is_kept_and_brought_up_to_date(
    unfounded: StoreSettings, tmp_path: Path
) -> None:
    url = unfounded.url
    if url is None:
        of_first_release(sqlite_writer(tmp_path / FILE_NAME))
    else:
        of_first_release(postgres_engine(url.get_secret_value(), pool_size=1))
    async with Database(unfounded, tmp_path) as database:
        names = await database.read(lambda db: list(db.exec(select(User.username).order_by(User.username))))
        assert names == ["ann", "bob"]
        seen = await database.read(lambda db: sessions.see(db, "bob", "s"))
        assert (seen.session.title, seen.role) == ("ours", "writer")
        days = ZonedDays("2026-11-22", "2026-11-22", zone_of("Asia/Seoul"))
        (spent,) = await database.read(lambda db: usage.sums(db, days, by=("day",), user_id="ann"))
        assert (spent.day, spent.counts["num_requests"]) == ("2026-11-22", 7)
        await database.write(lambda db: devices.remember(db, "ann", "d"))
        await database.write(lambda db: db.delete(users.get(db, "ann")))
        assert not await database.read(lambda db: devices.knows(db, "ann", "d", used_after_ms=0))


def revisions() -> list[str]:
    """The oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def test_the_server_asks_for_the_newest_revision() -> None:
    assert revisions()[-1] == HEAD


@pytest.mark.parametrize("revision", revisions()[:-1])
def test_a_database_of_any_revision_gets_every_table(tmp_path: Path, revision: str) -> None:
    engine = sqlite_writer(tmp_path / FILE_NAME)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    upgrade(engine)
    assert set(SQLModel.metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()
