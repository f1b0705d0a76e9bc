"""Fixtures of the API room's tests."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
