"""The process that tries grammars: `python -m bdchat.engine.process.trial_process FD`.

It waits with nothing imported, so that it costs a bare interpreter. The first vocabulary makes it a tokenizer; each
grammar is then compiled by a child of its own, which shares that tokenizer, is confined, has so much time and memory,
and is thrown away whatever becomes of it.
"""

import contextlib
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable

CPU_S = 0.8  # then the engine compiles it again, within the two seconds that a request may take
WALL_S = 10.0  # on a machine that is busy with other things
NUM_BYTES = 512 * 1024**2
STACK_BYTES = 2 * 1024**2  # a quarter of what the engine's threads have: what fits here fits there


def main(arguments: list[str]) -> None:
    sock = socket.socket(fileno=int(arguments[0]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches the whole group
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: they answer by a pipe
    try_one: Callable[[int, int], None] | None = None
    while True:
        what, fds, _, _ = socket.recv_fds(sock, 1, 2)
        if not what:
            return
        if what == b"v":
            try_one = _prepare(fds[0])
        elif try_one is not None and os.fork() == 0:
            _limit()
            threading.stack_size(STACK_BYTES)
            thread = threading.Thread(target=try_one, args=fds)
            thread.start()
            thread.join()
            os._exit(1)
        for fd in fds:
            os.close(fd)


def _limit() -> None:
    """Whatever it does, it ends: the signals' default action is to kill."""
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    if sys.platform == "linux":
        with open("/proc/self/statm", "rb") as statm:
            limit = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + NUM_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _prepare(fd: int) -> Callable[[int, int], None]:
    """Imports what its children need, and makes their tokenizer."""
    import msgspec

    from bdchat.engine.errors import InvalidRequest
    from bdchat.engine.process.trial import TrialAnswer
    from bdchat.engine.sampling.compiler import try_order
    from bdchat.engine.sampling.order import GrammarOrder
    from bdchat.engine.sampling.token_table import TokenTable
    from bdchat.syscall_filter import FilterRefused, install

    with os.fdopen(os.dup(fd), "rb") as asked:
        tokens, end_ids = msgspec.msgpack.decode(asked.read(), type=tuple[list[bytes], list[int]])
    tokenizer = TokenTable(tokens, end_ids).make_tokenizer()

    def try_one(fd_in: int, fd_out: int) -> None:
        with contextlib.suppress(FilterRefused):  # the limits hold all the same
            install()
        with os.fdopen(fd_in, "rb") as asked:
            order = msgspec.msgpack.decode(asked.read(), type=GrammarOrder)
        before = _peak_bytes()
        try:
            tried = try_order(order, tokenizer)
            tried.num_bytes = len(order.key) + _peak_bytes() - before
            answer = TrialAnswer(tried=tried)
        except InvalidRequest as error:
            answer = TrialAnswer(refusal=(error.param, error.reason, error.code))
        with os.fdopen(fd_out, "wb") as out:
            out.write(msgspec.msgpack.encode(answer))
        os._exit(0)

    return try_one


def _peak_bytes() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1:])
