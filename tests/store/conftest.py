"""Every test of the store runs on both databases: `database` is an open one, empty but for its schema."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bdchat.settings import StoreSettings
from bdchat.store.sql.database import Database
from tests.postgres import Postgres


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest) -> StoreSettings:
    if request.param == "sqlite":
        return StoreSettings()
    server: Postgres = request.getfixturevalue("postgres")
    return StoreSettings(url=SecretStr(server.new_database()))


@pytest.fixture
async def database(store_settings: StoreSettings, tmp_path: Path) -> AsyncGenerator[Database]:
    async with Database(store_settings, tmp_path) as opened:
        yield opened
