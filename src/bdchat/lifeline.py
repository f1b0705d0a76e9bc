"""Children of ours: tied to their parent's life, and told what they may know of its environment.

`tied(command)` is started instead of `command`. Linux sends a signal to a process when the thread that started it ends,
if the process has asked for it; the wish outlives exec, so this file, run as a program, asks and becomes the command.
It takes 20 ms, and needs nothing of bdchat or of the command: pip is tied as well as our own. Elsewhere than on Linux
it only looks whether the parent is still there. Who starts a child waits for it on the same thread, or starts it on one
that does not end.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
# libgomp's and glibc's own switches; a user's are kept.
_NATIVE_SWITCHES = {
    # Threads wait for each other at every node of the graph. By default they spin for milliseconds first, and with a
    # second busy process on the machine each spins away the time slice that the other needs: steps take 100 times as
    # long. A millisecond outlasts what the server does between two tokens.
    "GOMP_SPINCOUNT": "50000",
    # Huge pages for what is allocated in large blocks, weights in the CPU's own order above all.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def tied(command: Sequence[str]) -> list[str]:
    """For a child of this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def end_with(parent_pid: int) -> None:
    """From here on this process ends when the thread that started it does; at once if it has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent_pid:  # it ended before the line above
        os._exit(0)


def child_environment() -> dict[str, str]:
    """What an engine process may know of our environment: it runs a C parser on untrusted files, so no secrets."""
    return _NATIVE_SWITCHES | {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BDCHAT_") and not any(word in name.upper() for word in _SECRET_WORDS)
    }


def python_environment() -> dict[str, str]:
    """The same for a child that is a Python of ours: it finds the modules that we find."""
    return child_environment() | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def main(arguments: Sequence[str]) -> None:
    parent_pid, *command = arguments
    end_with(int(parent_pid))
    try:
        os.execvp(command[0], command)  # noqa: S606  # our own argument lists
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
