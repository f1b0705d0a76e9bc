"""Every test of the store runs on both databases: `database` is an open one, empty but for its schema."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bdchat.settings import StoreSettings
from bdchat.store.database import Database
from tests.postgres import Postgres, postgres_binaries


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of the tests' own; scripts/test installs PostgreSQL where it may."""
    if postgres_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


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
