"""Fixtures of the API room's tests."""

import shutil
from collections.abc import Iterator

import pytest

from tests.api.serving import data_dirs


@pytest.fixture(autouse=True)
def _leaves_no_data_dir() -> Iterator[None]:
    """Each holds 32 MiB of the disk for deleting, and there are thousands of tests. What a module made for all of its
    tests was there before."""
    before = data_dirs()
    yield
    for folder in data_dirs() - before:
        shutil.rmtree(folder)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
