"""Runs one long step and shows that it is alive; a failed step becomes one `BootstrapError` with its remedy.

Standard library only: it runs before anything is installed. Writes to standard error alone, so that what a command
prints stays its own.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PLAIN_INTERVAL_S = 15.0  # where standard error is a file: one line this often, so that a watcher sees life
TERMINAL_INTERVAL_S = 0.25
NUM_TAIL_LINES = 20

_NINJA_STEP = re.compile(r"\[\d+/\d+\]")
_REMEDIES = (  # what the log says → what to do; first match wins
    (r"No space left on device|Disk quota exceeded", "free some disk space (3 GiB are enough) and start again"),
    (
        r"THESE PACKAGES DO NOT MATCH THE HASHES",
        "a download differs from the lock: do not trust it; check your mirror or proxy, then start again",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "a proxy shows its own certificate: point PIP_CERT and SSL_CERT_FILE at its CA file",
    ),
    (
        r"name resolution|Name or service not known|Max retries|ConnectTimeout|Read timed out|Connection refused"
        r"|ConnectError|Network is unreachable|No matching distribution found",
        "the package registry cannot be reached: check the network, HTTPS_PROXY and PIP_INDEX_URL, and start again",
    ),
    (
        r"fatal error: Killed|Killed signal|virtual memory exhausted|std::bad_alloc|Cannot allocate memory",
        "the compiler ran out of memory: start again with CMAKE_BUILD_PARALLEL_LEVEL=1",
    ),
    (
        r"CMAKE_C(XX)?_COMPILER|No such file or directory: 'c\+\+'",
        "no working C++ compiler: apt-get install g++ (Debian, Ubuntu), or set CC and CXX",
    ),
)


GUARD = Path(__file__).with_name("bootstrap_guard.py")
Command = Sequence[str | Path]


class BootstrapError(Exception):
    """What went wrong, in one line, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def say(text: str) -> None:
    print(f"bdchat: {text}", file=sys.stderr, flush=True)  # noqa: T201  # the console is this module's trade


def as_told(error: BootstrapError | OSError) -> BootstrapError:
    """What the machine refuses (a permission, a full disk, a missing folder) is told as everything else is."""
    if isinstance(error, BootstrapError):
        return error
    problem = f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    return BootstrapError(problem, "let this user write there, or name other folders: --data-dir, BDCHAT_CACHE_DIR")


def run(title: str, command: Command, *, log: Path, env: dict[str, str] | None = None) -> None:
    """Runs `command` with its output in `log`. Raises BootstrapError with the log's last lines and a remedy."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # an index's address in it may hold a password
    started = time.monotonic()
    with open(log, "w", encoding="utf-8", errors="replace", opener=_private) as sink:
        child = subprocess.Popen(  # noqa: S603  # our own argument lists, never a shell
            [sys.executable, "-I", "-S", str(GUARD), *(str(part) for part in command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,  # open for as long as we are: the guard ends the compilers after it
            env=env,
            text=True,
            errors="replace",
            start_new_session=True,  # so that Ctrl-C ends the compilers too
        )
        tail: deque[str] = deque(maxlen=400)
        reader = threading.Thread(target=_copy, args=(child, sink, tail), daemon=True)
        reader.start()
        with _ended_with_us(child):
            _watch(title, child, tail, started)
        reader.join()
    if child.returncode != 0:
        for line in list(tail)[-NUM_TAIL_LINES:]:
            print(f"  | {line[:200]}", file=sys.stderr)  # noqa: T201
        raise BootstrapError(
            f"{title} failed ({_outcome(child.returncode)}); all of it is in {log}", remedy_for("\n".join(tail))
        )
    say(f"{title} · done in {duration(time.monotonic() - started)}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def remedy_for(output: str) -> str:
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, output):
            return remedy
    return "read the lines above; start again when the cause is gone (what is done is kept)"


def last_step(lines: Sequence[str]) -> str:
    """The line that says how far the step is: ninja's counter if there is one, else the last that is not blank."""
    for line in reversed(lines):
        counter = _NINJA_STEP.search(line)
        if counter:
            return counter.group()
    return next((line.strip() for line in reversed(lines) if line.strip() and "━" not in line), "")  # pip draws bars


def duration(seconds: float) -> str:
    whole = int(seconds)
    return f"{seconds:.1f} s" if whole < 10 else f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _copy(child: "subprocess.Popen[str]", sink: TextIO, tail: deque[str]) -> None:
    assert child.stdout is not None
    with child.stdout:
        for line in child.stdout:
            sink.write(line)
            tail.append(line.rstrip("\n"))


def _watch(title: str, child: "subprocess.Popen[str]", tail: deque[str], started: float) -> None:
    terminal = sys.stderr.isatty()
    interval = TERMINAL_INTERVAL_S if terminal else PLAIN_INTERVAL_S
    if not terminal:
        say(f"{title} …")
    while True:
        try:
            child.wait(interval)
            break
        except subprocess.TimeoutExpired:
            text = f"{title} · {duration(time.monotonic() - started)} · {last_step(tuple(tail))}"
            if terminal:
                width = shutil.get_terminal_size().columns - 9
                print(f"\r\x1b[Kbdchat: {text[:width]}", end="", file=sys.stderr, flush=True)  # noqa: T201
            else:
                say(text[:160])
    if terminal:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _ended_with_us(child: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
        if child.stdin is not None:
            child.stdin.close()


def _outcome(returncode: int) -> str:
    return f"exit code {returncode}" if returncode > 0 else f"killed by {signal.Signals(-returncode).name}"
