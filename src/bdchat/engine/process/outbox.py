"""The child's sending side: whole frames, in order, from any thread, without making the step loop wait.

A writer thread puts frames into the socket. It gets the GIL when the step loop is inside llama_decode, and that is the
point: a write wakes the parent, and on a machine whose cores are all busy the parent takes the core of whoever woke
it. Between two steps that would be the step loop's own, with every other thread of the team waiting for it. Only a
parent that is megabytes behind holds the loop up: its answers would merely pile up here.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable

from bdchat.engine.wire import Report, encode

_MAX_BACKLOG_BYTES = 16 * 1024 * 1024


class Outbox:
    """Any thread may send. Once the parent is gone, frames are dropped; the reading side notices the end."""

    def __init__(self, sock: socket.socket, *, max_backlog_bytes: int = _MAX_BACKLOG_BYTES) -> None:
        self._sock = sock
        self._max_backlog_bytes = max_backlog_bytes
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # a put is one call into C; None: the end
        self._lock = threading.Lock()
        self._num_backlog_bytes = 0  # of frames that are not in the socket yet
        self._is_closed = False
        self._has_moved = threading.Event()  # for who waits: a frame is in the socket, or nothing will be any more
        self._writer: threading.Thread | None = None

    def send(self, report: Report) -> None:
        data = encode(report)
        while self._num_backlog_bytes > self._max_backlog_bytes and not self._is_closed:
            self._wait_for_move(lambda: self._num_backlog_bytes <= self._max_backlog_bytes)
        with self._lock:
            if self._is_closed:
                return
            self._num_backlog_bytes += len(data)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="outbox", daemon=True)
                self._writer.start()
            self._frames.put(data)

    def close(self, timeout_s: float = 1.0) -> None:
        """Waits until what was sent is in the socket, or for timeout_s."""
        deadline = time.monotonic() + timeout_s
        while self._num_backlog_bytes and not self._is_closed and time.monotonic() < deadline:
            self._wait_for_move(lambda: not self._num_backlog_bytes, deadline - time.monotonic())
        self._end()

    def _wait_for_move(self, is_done: Callable[[], bool], timeout_s: float | None = None) -> None:
        self._has_moved.clear()
        if not is_done() and not self._is_closed:  # else it moved before the event was cleared
            self._has_moved.wait(timeout_s)

    def _write(self) -> None:
        while (data := self._frames.get()) is not None and not self._is_closed:
            try:
                self._sock.sendall(data)
            except OSError:
                self._end()
                return
            with self._lock:
                self._num_backlog_bytes -= len(data)
            if not self._has_moved.is_set():
                self._has_moved.set()

    def _end(self) -> None:
        with self._lock:
            self._is_closed = True
            self._frames.put(None)
        self._has_moved.set()
