"""Deals the suite to several processes: `python -m pytest -p tests.parallel -n 2`, as scripts/test does.

The tests against real processes (tests/e2e) begin first and follow each other in one process: they wait for much of
their time, and some measure it. Those of tests/acceptance share a server and so a process. Each other module is one
process's, as its fixtures are; PostgreSQL is started once in each process.

At the end it tells which modules cost most: time, and processor time with that of the processes that ended meanwhile.
"""

import os
from collections import defaultdict
from collections.abc import Generator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

REAL_PROCESSES = "tests/e2e/"
FOLDERS = (REAL_PROCESSES, "tests/acceptance/")  # that are one process's
NUM_MODULES = 40  # that are told
CPU_S = "cpu_s"  # a property of a test's report
BEGAN_AT = pytest.StashKey[float]()


class ModuleScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A scope stays together; the queue of scopes is in collection order."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in FOLDERS if nodeid.startswith(folder)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ModuleScheduling:
    config.option.loadscopereorder = False  # most tests first: those are quick seeds
    return ModuleScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_PROCESSES))  # stable


def cpu_s() -> float:
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[BEGAN_AT] = cpu_s()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "teardown":
        report.user_properties.append((CPU_S, cpu_s() - item.stash[BEGAN_AT]))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    clock: dict[str, float] = defaultdict(float)
    cpu: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                module = report.nodeid.partition("::")[0]
                clock[module] += report.duration
                cpu[module] += sum(float(str(value)) for name, value in report.user_properties if name == CPU_S)
    terminalreporter.section("most costly modules: seconds, of the processor")
    for module in sorted(clock, key=clock.__getitem__, reverse=True)[:NUM_MODULES]:
        terminalreporter.write_line(f"{clock[module]:7.1f} {cpu[module]:7.1f}  {module}")
    terminalreporter.write_line(f"{sum(clock.values()):7.1f} {sum(cpu.values()):7.1f}  all {len(clock)}")
