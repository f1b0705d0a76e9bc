"""Every test of the store runs on both databases: `database` is an open one, empty but for its schema."""

import functools
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bdchat.settings import StoreSettings
from bdchat.store.sql.database import FILE_NAME, Database
from bdchat.store.sql.engines import postgres_engine
from bdchat.store.sql.schema import upgrade
from tests.api.serving import migrated_database
from tests.postgres import Postgres
from tests.scratch import scratch_root


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Pytest's, but in memory where it can be: each commit would wait for the disk."""
    with tempfile.TemporaryDirectory(prefix="bdchat-store-", dir=scratch_root()) as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def unfounded(request: pytest.FixtureRequest) -> StoreSettings:
    """Of a database without a schema."""
    if request.param == "sqlite":
        return StoreSettings()
    server: Postgres = request.getfixturevalue("postgres")
    return StoreSettings(url=SecretStr(server.new_database()))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """Of a database with today's schema, in `tmp_path`. Migrating each test's own would cost the suite a minute."""
    if request.param == "sqlite":
        shutil.copyfile(migrated_database(), tmp_path / FILE_NAME)
        return StoreSettings()
    server: Postgres = request.getfixturevalue("postgres")
    return StoreSettings(url=SecretStr(server.new_database(like=migrated_in(server))))


@functools.cache
def migrated_in(server: Postgres) -> str:
    """Its URL. Nobody may be connected to it while it is copied."""
    url = server.new_database()
    engine = postgres_engine(url, pool_size=1)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
async def database(store_settings: StoreSettings, tmp_path: Path) -> AsyncGenerator[Database]:
    async with Database(store_settings, tmp_path) as opened:
        yield opened
