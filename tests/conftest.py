"""Fixtures that every room's tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bdchat.settings import default_data_dir
from tests.postgres import Postgres, postgres_binaries

DEFAULT_MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def default_model_path() -> Path:
    """The embedded default model, put in place by scripts/test. Its absence is a failure, not a skip."""
    named = os.environ.get("BDCHAT_TEST_MODEL")
    path = Path(named) if named else default_data_dir() / "models" / DEFAULT_MODEL_FILE
    if not path.is_file():
        pytest.fail(f"the default model is not at {path}; run scripts/test, or set BDCHAT_TEST_MODEL")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of the tests' own; scripts/test installs PostgreSQL where it may."""
    if postgres_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with Postgres() as server:
        yield server
