"""Deals the suite to several processes: `python -m pytest -p tests.parallel -n 2`, as scripts/test does.

The tests against real processes (tests/e2e) begin first and follow each other in one process: they wait for much of
their time, and some measure it. Each other module is one process's, as its fixtures are; PostgreSQL is started once in
each process.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

REAL_PROCESSES = "tests/e2e/"


class ModuleScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A scope stays together; the queue of scopes is in collection order."""

    def _split_scope(self, nodeid: str) -> str:
        return REAL_PROCESSES if nodeid.startswith(REAL_PROCESSES) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ModuleScheduling:
    config.option.loadscopereorder = False  # most tests first: those are quick seeds
    return ModuleScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_PROCESSES))  # stable
