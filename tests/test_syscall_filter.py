"""What a process gives up for good, tried in children: no network, no other program, no other process."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from bdchat.syscall_filter import _DENIED, ARCHITECTURES, FilterRefused, install, program
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def filtered(code: str, *, before: str = "") -> subprocess.CompletedProcess[str]:
    script = f"import errno, os\n{before}\nfrom bdchat.syscall_filter import install\ninstall()\n"
    command = [sys.executable, "-c", script + textwrap.dedent(code)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_UNIX)",
        "os.execv('/bin/true', ['true'])",
        "os.fork()",
        "import subprocess; subprocess.run(['/bin/true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.kill(os.getppid(), 0)",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
        "os.pidfd_open(os.getppid())",
        "os.chroot('/tmp')",
    ],
)
def test_it_is_refused_with_eperm(attempt: str) -> None:
    script = (
        f"try:\n    {attempt}\nexcept OSError as error:\n    print(errno.errorcode[error.errno])\n"
        "except ValueError as error:\n    print('EPERM' if 'not allowed' in str(error) else error)"  # resource's words
    )
    shown = filtered(script)
    assert (shown.stdout, shown.returncode) == ("EPERM\n", 0), shown.stderr


def test_a_thread_that_was_there_before_is_bound_too() -> None:
    before = """
import queue, socket, threading
asked, told = queue.SimpleQueue(), queue.SimpleQueue()
def wait():
    asked.get()
    try: told.put(socket.socket())
    except OSError as error: told.put(errno.errorcode[error.errno])
threading.Thread(target=wait, daemon=True).start()"""
    assert filtered("asked.put(1); print(told.get())", before=before).stdout == "EPERM\n"


def test_what_an_engine_does_goes_on() -> None:
    """Threads, files, memory, its own socket, asking for its limits, and aborting."""
    before = "import socket; ours, theirs = socket.socketpair()"
    shown = filtered(
        """
        import mmap, resource, tempfile, threading
        thread = threading.Thread(target=lambda: theirs.sendall(b"from a thread"))
        thread.start(); thread.join()
        assert ours.recv(100) == b"from a thread"
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 4096); file.flush()
            assert mmap.mmap(file.fileno(), 4096)[0] == ord("x")
        assert resource.getrlimit(resource.RLIMIT_AS)
        print("went on", flush=True)
        os.abort()
        """,
        before=before,
    )
    assert (shown.stdout, shown.returncode) == ("went on\n", -signal.SIGABRT), shown.stderr


def test_installing_it_twice_is_no_error() -> None:
    assert filtered("install(); print('twice')").stdout == "twice\n"


def test_an_unknown_machine_is_a_reason() -> None:
    with pytest.raises(FilterRefused, match="riscv64"):
        install("riscv64")


def test_a_kernel_that_refuses_is_a_reason() -> None:
    """As in a container whose own filter forbids filters; here: a call number that is none."""
    shown = filtered(
        """
        import bdchat.syscall_filter as room
        here = room.ARCHITECTURES[os.uname().machine]
        room.ARCHITECTURES["strange"] = here._replace(seccomp=9999)
        try: install("strange")
        except room.FilterRefused as error: print(error)
        """
    )
    assert shown.stdout.startswith("the kernel refuses a system-call filter: "), shown.stderr


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_every_jump_of_the_program_stays_in_it_and_every_call_has_a_number(machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    instructions = [program(architecture, 1)[at : at + 8] for at in range(0, len(program(architecture, 1)), 8)]
    assert len(instructions) < 4096  # the kernel's bound
    for index, instruction in enumerate(instructions):
        if instruction[0] in {0x15, 0x45}:
            assert index + 1 + max(instruction[2], instruction[3]) < len(instructions)
    assert instructions[-1][0] == 0x06
    numbers = [pair[architecture.column] for pair in _DENIED.values()]
    known = [number for number in numbers if number is not None]
    assert len(known) == len(set(known))
    assert {name for name, pair in _DENIED.items() if pair[0] is None} == set()


def test_the_numbers_are_those_of_this_kernels_headers() -> None:
    """libc knows a few by name; the rest are compared where the headers lie."""
    header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
    if not os.path.exists(header):
        pytest.skip("no kernel headers here")
    with open(header, encoding="ascii") as file:
        words = [line.split() for line in file if line.startswith("#define __NR_")]
    theirs = {word[1].removeprefix("__NR_"): int(word[2]) for word in words}
    ours = {name: numbers[0] for name, numbers in _DENIED.items()}
    assert {name: number for name, number in ours.items() if theirs.get(name, number) != number} == {}
