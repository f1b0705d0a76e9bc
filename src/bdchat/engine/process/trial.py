"""Tries a stranger's grammar in a process of its own before the engine compiles it.

llguidance bounds most of what it does, not all: a chain of 5,000 references takes its whole stack, an intersection of
thirty patterns never ends. The process is started before this one is confined and may start no more; it forks a
throwaway child for each grammar (trial_process.py). Any thread.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Self

import msgspec

from bdchat.engine.errors import EngineUnavailable, InvalidRequest
from bdchat.engine.sampling.compiler import Tried, untried
from bdchat.engine.sampling.order import GrammarOrder
from bdchat.engine.sampling.token_table import TokenTable
from bdchat.lifeline import tied

_PROGRAM = "bdchat.engine.process.trial_process"
VOCABULARY, ORDER = b"v", b"o"  # what is asked, with two pipes: one to read it from, one for the answer


class TrialAnswer(msgspec.Struct):
    """One of both."""

    tried: Tried | None = None
    refusal: tuple[str, str, str] | None = None  # param, reason and code of an InvalidRequest


class GrammarTrial:
    """Fulfils OrderTrial. Its process ends with ours."""

    def __init__(self, sock: socket.socket, child: "subprocess.Popen[bytes]") -> None:
        self._sock = sock
        self._child = child  # kept: who forgets a child leaves a zombie
        self._lock = threading.Lock()
        self._read_table: Callable[[], TokenTable] | None = None

    @classmethod
    def start(cls, environment: dict[str, str]) -> Self:
        """On a thread that lives as long as this process: the child's end is tied to it."""
        ours, theirs = socket.socketpair()
        with theirs:
            child = subprocess.Popen(  # noqa: S603
                tied([sys.executable, "-m", _PROGRAM, str(theirs.fileno())]),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        return cls(ours, child)

    def serve(self, read_table: Callable[[], TokenTable]) -> None:
        """What its grammars are over; read at the first one."""
        self._read_table = read_table

    def run(self, order: GrammarOrder) -> Tried:
        """Bounded by the child's own limits, in CPU time, in wall time and in memory."""
        with self._lock:
            if self._read_table is not None:
                table = self._read_table()
                self._ask(VOCABULARY, msgspec.msgpack.encode((list(table.tokens), table.end_ids)))
                self._read_table = None
        said = self._ask(ORDER, msgspec.msgpack.encode(order))
        if not said:
            return untried(order, "takes too long or too much memory to compile, or is nested too deeply")
        answer = msgspec.msgpack.decode(said, type=TrialAnswer)
        if answer.refusal is not None:
            param, reason, code = answer.refusal
            raise InvalidRequest(param, reason, code=code)
        assert answer.tried is not None
        return answer.tried

    def close(self) -> None:
        self._sock.close()
        self._child.wait()

    def _ask(self, what: bytes, body: bytes) -> bytes:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        with os.fdopen(ours_in, "rb") as answers, os.fdopen(ours_out, "wb") as asked:
            try:
                socket.send_fds(self._sock, [what], [theirs_in, theirs_out])
            except OSError as error:
                raise EngineUnavailable("the process that tries grammars is gone", 60.0) from error
            finally:
                os.close(theirs_in)
                os.close(theirs_out)
            try:
                asked.write(body)
                asked.close()
            except BrokenPipeError:  # it has died of what it read so far
                return b""
            return answers.read()
