"""What the bootstrap runs is a tree of processes, and all of it ends with the bootstrap."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bootstrap_console import BootstrapError, run
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
TREE = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])"
BOOTSTRAP = f"""
import sys
from pathlib import Path
from bootstrap_console import run
run("compiling", [sys.executable, "-c", {TREE!r}], log=Path(sys.argv[1]) / "log")
"""


def descendants(parent: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Guard, command and what the command started."""
    found: list[psutil.Process] = []
    while len(found) < 3:
        assert parent.poll() is None, "it ended by itself"
        found = psutil.Process(parent.pid).children(recursive=True)
    return found


def is_over(process: psutil.Process) -> bool:
    try:
        process.wait(PATIENCE_S)
    except psutil.TimeoutExpired:
        process.kill()
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_compiler_outlives_the_bootstrap(tmp_path: Path, number: signal.Signals) -> None:
    """After kill -9 llama.cpp was compiled on, for up to a quarter of an hour."""
    command = [sys.executable, "-c", BOOTSTRAP, str(tmp_path)]
    parent = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    family = descendants(parent)
    parent.send_signal(number)
    parent.wait()
    assert [is_over(process) for process in family] == [True] * len(family)


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    ],
)
def test_a_failed_command_fails_as_itself(tmp_path: Path, program: str, outcome: str) -> None:
    with pytest.raises(BootstrapError, match=outcome):
        run("trying", [sys.executable, "-c", program], log=tmp_path / "log")


def test_what_it_writes_is_its_owners_alone(tmp_path: Path) -> None:
    """An index's address may hold a password."""
    former = os.umask(0)
    try:
        run("saying", [sys.executable, "-c", "print('hello')"], log=tmp_path / "logs" / "one.log")
    finally:
        os.umask(former)
    log = tmp_path / "logs" / "one.log"
    assert log.read_text() == "hello\n"
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)
