"""One warm server for all of these tests, and a caller of it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.acceptance.caller import Caller
from tests.e2e.server_process import server_process


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
async def server_url(default_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    # One thread: the other core has other tests. Streams: where memory is short, auto shares the cells.
    settings = ("engine.calibrate=false", "engine.n_threads=1", "engine.kv_layout=streams")
    options = ("--model", str(default_model_path), *(word for each in settings for word in ("--set", each)))
    async with server_process(tmp_path_factory.mktemp("data"), *options) as running:
        yield running.url


@pytest.fixture(scope="package")
async def caller(server_url: str) -> AsyncGenerator[Caller]:
    async with Caller(server_url) as caller:
        yield caller
