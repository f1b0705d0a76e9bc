"""The child's sending side: whole frames, in order, from any thread, without making the step loop wait.

A writer thread puts frames into the socket. It gets the GIL when the step loop is inside llama_decode, and that is the
point: a write wakes the parent, and on a machine whose cores are all busy the parent takes the core of whoever woke
it. Between two steps that would be the step loop's own, with every other thread of the team waiting for it. Only a
parent that is megabytes behind holds the loop up: its answers would merely pile up here.
"""

import contextlib
import socket
import threading
from collections import deque

from bdchat.engine.wire import Report, encode

_MAX_BACKLOG_BYTES = 16 * 1024 * 1024


class Outbox:
    """Any thread may send. Once the parent is gone, frames are dropped; the reading side notices the end."""

    def __init__(self, sock: socket.socket, *, max_backlog_bytes: int = _MAX_BACKLOG_BYTES) -> None:
        self._sock = sock
        self._max_backlog_bytes = max_backlog_bytes
        self._changed = threading.Condition()
        self._backlog: deque[bytes] = deque()  # the first one may be on its way
        self._num_backlog_bytes = 0
        self._is_closed = False
        self._writer: threading.Thread | None = None

    def send(self, report: Report) -> None:
        data = encode(report)
        with self._changed:
            while self._num_backlog_bytes > self._max_backlog_bytes and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return
            self._backlog.append(data)
            self._num_backlog_bytes += len(data)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="outbox", daemon=True)
                self._writer.start()
            self._changed.notify_all()

    def close(self, timeout_s: float = 1.0) -> None:
        """Waits until what was sent is in the socket, or for timeout_s."""
        with self._changed:
            self._changed.wait_for(lambda: not self._backlog or self._is_closed, timeout_s)
            self._end()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._backlog or self._is_closed)
                if self._is_closed:
                    return
                data = self._backlog[0]
            try:
                self._sock.sendall(data)
            except OSError:
                with self._changed:
                    self._end()
                return
            with self._changed:
                with contextlib.suppress(IndexError):  # closed meanwhile
                    self._backlog.popleft()
                self._num_backlog_bytes -= len(data)
                self._changed.notify_all()

    def _end(self) -> None:
        self._is_closed = True
        self._backlog.clear()
        self._changed.notify_all()
