"""A running engine process, seen from its parent: start it, speak with it, notice and describe its end.

Event loop only. Knows frames and processes, never requests: what a report means is its owner's affair.
"""

import asyncio
import collections
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self, cast

import msgspec

from bdchat.engine.local.restarts import Death, OOMWitness
from bdchat.engine.wire import Command, FrameSplitter, FrameTooLong, Report, Shutdown, decode_report, encode
from bdchat.lifeline import python_environment, tied

log = logging.getLogger(__name__)

_LAST_WORDS_S = 1.0  # a process of its own may hold the socket open
_EXIT_GRACE_S = 1.0  # between the end of its socket and the end of its process
_STDERR_GRACE_S = 0.2  # for its last words to arrive
_NUM_LAST_LINES = 40
_MAX_LINE_CHARS = 500


class Handle(Protocol):
    """Something that runs an engine on the other end of a socket."""

    pid: int

    async def wait(self) -> int:
        """Until it has ended; its exit status, -signal when a signal ended it. Any number of times."""

    def kill(self) -> None: ...

    async def last_words(self) -> str:
        """The end of its stderr. After wait()."""


class Spawn(Protocol):
    async def __call__(self, sock: socket.socket, name: str) -> Handle:
        """Starts an engine that owns `sock`'s other use; the caller closes its own copy. Raises OSError."""


class ProcessSpawn:
    """Starts real processes. `loader` names the class that loads models; tests name a fake one. `switches`: of its
    libraries, by environment, instead of the usual ones. `in_background`: whatever else runs comes first."""

    def __init__(
        self, loader: str | None = None, *, switches: Mapping[str, str] | None = None, in_background: bool = False
    ) -> None:
        self._options = [*(["--loader", loader] if loader else []), *(["--background"] if in_background else [])]
        self._switches = dict(switches or {})

    async def __call__(self, sock: socket.socket, name: str) -> Handle:
        read_fd, write_fd = os.pipe()
        try:
            options = ("--fd", str(sock.fileno()), "--parent", str(os.getpid()), *self._options)
            process = await asyncio.create_subprocess_exec(
                # -P: the current folder must not shadow a module
                *tied([sys.executable, "-P", "-m", "bdchat.engine.process.main", *options]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=write_fd,
                pass_fds=(sock.fileno(),),
                env=python_environment() | self._switches,
            )
        except BaseException:
            os.close(read_fd)
            raise
        finally:
            os.close(write_fd)
        stderr = _Stderr(name)
        await asyncio.get_running_loop().connect_read_pipe(lambda: stderr, os.fdopen(read_fd, "rb", 0))
        return _Process(process, stderr)


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, stderr: "_Stderr") -> None:
        self.pid = process.pid
        self._process = process
        self._stderr = stderr

    async def wait(self) -> int:
        return await self._process.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def last_words(self) -> str:
        return await self._stderr.finish()


class _Stderr(asyncio.Protocol):
    """Forwards lines to the log and keeps the last ones."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: collections.deque[str] = collections.deque(maxlen=_NUM_LAST_LINES)
        self._partial = b""
        self._transport: asyncio.BaseTransport | None = None
        self._ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._keep(line)
        if len(self._partial) > _MAX_LINE_CHARS:
            self._keep(self._partial)
            self._partial = b""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._partial:
            self._keep(self._partial)
        if not self._ended.done():
            self._ended.set_result(None)

    def _keep(self, line: bytes) -> None:
        text = "".join(c if c.isprintable() else " " for c in line.decode("utf-8", "replace"))[:_MAX_LINE_CHARS].strip()
        if not text:
            return
        level = logging.getLevelNamesMapping().get(text.partition(" ")[0])  # None: not the engine's own logging
        if level is None or level >= logging.WARNING:
            self._lines.append(text)
        log.log(level or logging.DEBUG, "%s: %s", self._name, text, extra={"model_id": self._name})

    async def finish(self) -> str:
        with contextlib.suppress(TimeoutError):  # a grandchild may still hold the pipe
            await asyncio.wait_for(asyncio.shield(self._ended), _STDERR_GRACE_S)
        if self._transport is not None:
            self._transport.close()
        return "\n".join(self._lines)


class _Link(asyncio.Protocol):
    """Bytes ↔ frames. Ends itself at the first frame that cannot be read."""

    def __init__(self, on_report: Callable[[Report], None]) -> None:
        self._on_report = on_report
        self._frames = FrameSplitter()
        self._transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.nonsense = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not subclasses

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._frames.feed(data):
                self._on_report(decode_report(body))
        except (msgspec.DecodeError, FrameTooLong, IndexError) as error:
            self.nonsense = f"it sent a frame that cannot be read ({error})"
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class EngineChild:
    """One life. `ended()` must be awaited in the end: it reaps."""

    def __init__(self, handle: Handle, link: _Link, oom_witness: OOMWitness) -> None:
        self._handle = handle
        self._link = link
        self._oom_witness = oom_witness
        self._killed_because = ""

    @classmethod
    async def start(cls, spawn: Spawn, name: str, on_report: Callable[[Report], None]) -> Self:
        """Raises OSError."""
        ours, theirs = socket.socketpair()
        oom_witness = OOMWitness()
        with theirs:
            try:
                handle = await spawn(theirs, name)
            except BaseException:
                ours.close()
                raise
        link = _Link(on_report)
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
        return cls(handle, link, oom_witness)

    @property
    def pid(self) -> int:
        return self._handle.pid

    @property
    def is_connected(self) -> bool:
        return not self._link.lost.done()

    def send(self, command: Command) -> None:
        self._link.write(encode(command))

    def send_frame(self, frame: bytes) -> None:
        self._link.write(frame)

    def kill(self, because: str) -> None:
        self._killed_because = because
        self._handle.kill()

    async def ended(self) -> Death:
        """Until the process is gone, however it came."""
        exit_status = asyncio.ensure_future(self._handle.wait())
        try:
            either: list[asyncio.Future[Any]] = [self._link.lost, exit_status]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._link.nonsense:
                self.kill(self._link.nonsense)
            else:
                await asyncio.wait([exit_status], timeout=_EXIT_GRACE_S)
            if not exit_status.done():
                self.kill(self._killed_because or "it closed its connection")
            returncode = await exit_status
            # What it said last may lie in the socket still: its end stands behind that.
            await asyncio.wait([self._link.lost], timeout=_LAST_WORDS_S)
        finally:
            exit_status.cancel()
            self._link.close()
        was_oom = returncode == -9 and not self._killed_because and self._oom_witness.saw_a_kill()
        last_words = await self._handle.last_words()
        return Death(returncode, killed_because=self._killed_because, was_oom=was_oom, last_words=last_words)

    async def shut_down(self, *, timeout_s: float) -> None:
        """Asks, then insists. ended() reaps."""
        self.send(Shutdown())
        try:
            await asyncio.wait_for(self._handle.wait(), timeout_s)
        except TimeoutError:
            self._handle.kill()
