"""Runs a long step, or some beside each other, and shows that they are alive; a failed step becomes one
`BootstrapError` with its remedy.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

PLAIN_INTERVAL_S = 15.0  # where standard error is a file: one line this often, so that a watcher sees life
TERMINAL_INTERVAL_S = 0.25
CALL_OFF_INTERVAL_S = 0.25  # how long a step goes on after the one beside it has failed
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
T = TypeVar("T")


class BootstrapError(Exception):
    """What went wrong, in one line, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class CalledOff(Exception):
    """A step was ended because the one beside it failed, which is what is told."""


class Board:
    """Where the steps of a setup show how far they are: beside each other on one line of a terminal, in lines of their
    own elsewhere. Any thread."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.is_called_off = threading.Event()
        self._out = out or sys.stderr
        self._is_terminal = self._out.isatty()
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}  # title → what its step shows

    @property
    def interval_s(self) -> float:
        return TERMINAL_INTERVAL_S if self._is_terminal else PLAIN_INTERVAL_S

    def begin(self, title: str) -> None:
        if not self._is_terminal:
            self._print(f"{title} …")

    def show(self, title: str, text: str) -> None:
        with self._lock:
            self._under_way[title] = f"{title} · {text}"
            if self._is_terminal:
                width = (shutil.get_terminal_size().columns - 9) // len(self._under_way) - 3
                line = " | ".join(each[:width] for each in self._under_way.values())
                print(f"\r\x1b[Kbdchat: {line}", end="", file=self._out, flush=True)
            else:
                self._print(self._under_way[title][:160])

    def finish(self, title: str, text: str | None = None) -> None:
        """Without a text it leaves no line."""
        with self._lock:
            self._under_way.pop(title, None)
            if self._is_terminal:
                print("\r\x1b[K", end="", file=self._out, flush=True)
            if text is not None:
                self._print(f"{title} · {text}")

    def _print(self, text: str) -> None:
        print(f"bdchat: {text}", file=self._out, flush=True)


@contextmanager
def beside(work: Callable[[], T], board: Board) -> Iterator[Future[T]]:
    """Does `work` in a thread while the block runs. A block that fails, or is interrupted, calls it off."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            yield pool.submit(work)
        except BaseException:
            board.is_called_off.set()
            raise


def say(text: str) -> None:
    print(f"bdchat: {text}", file=sys.stderr, flush=True)  # noqa: T201  # the console is this module's trade


def as_told(error: BootstrapError | OSError) -> BootstrapError:
    """What the machine refuses (a permission, a full disk, a missing folder) is told as everything else is."""
    if isinstance(error, BootstrapError):
        return error
    problem = f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    return BootstrapError(problem, "let this user write there, or name other folders: --data-dir, BDCHAT_CACHE_DIR")


def run(
    title: str, command: Command, *, log: Path, env: dict[str, str] | None = None, board: Board | None = None
) -> None:
    """Runs `command` with its output in `log`; steps beside each other share a `board`. Raises BootstrapError with the
    log's last lines and a remedy, or CalledOff."""
    board = board or Board()
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # an index's address in it may hold a password
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
        tail: deque[str] = deque(maxlen=4000)  # one file may warn in hundreds of lines
        reader = threading.Thread(target=_copy, args=(child, sink, tail), daemon=True)
        reader.start()
        with _ended_with_us(child):
            _watch(title, child, tail, board)
        reader.join()
    if child.returncode != 0:
        for line in list(tail)[-NUM_TAIL_LINES:]:
            print(f"  | {line[:200]}", file=sys.stderr)  # noqa: T201
        raise BootstrapError(
            f"{title} failed ({_outcome(child.returncode)}); all of it is in {log}", remedy_for("\n".join(tail))
        )


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


def _watch(title: str, child: "subprocess.Popen[str]", tail: deque[str], board: Board) -> None:
    board.begin(title)
    started = shown = time.monotonic()
    try:
        while True:
            try:
                child.wait(CALL_OFF_INTERVAL_S)
            except subprocess.TimeoutExpired:
                if board.is_called_off.is_set():
                    raise CalledOff(title) from None
                if (now := time.monotonic()) - shown >= board.interval_s:
                    shown = now
                    board.show(title, f"{duration(now - started)} · {last_step(tuple(tail))}")
            else:
                break
    except BaseException:
        board.finish(title)
        raise
    board.finish(title, f"done in {duration(time.monotonic() - started)}" if child.returncode == 0 else None)


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
