"""Runs a command, and ends it with all that it started once whoever asked for it is gone.

    python3 bootstrap_guard.py COMMAND …        standard input: a pipe from the asker, whose end is the sign

A compiler is a tree of processes: pip starts cmake, cmake ninja, ninja the compilers. Only their group reaches them
all, and only a process that is still there after kill -9 can end it. Standard library only, as the bootstrap.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence


def main(command: Sequence[str]) -> int:
    """The command's exit code; its own group must have been made for it."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  # our own argument lists
    threading.Thread(target=_end_with_the_asker, args=(child,), daemon=True).start()
    returncode = child.wait()
    if returncode < 0:  # as if it had been the command itself
        os.kill(os.getpid(), -returncode)
    return returncode


def _end_with_the_asker(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):  # the asker writes nothing
        pass
    if child.poll() is None:
        os.killpg(0, signal.SIGKILL)  # this process too


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
