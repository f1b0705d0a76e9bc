"""Ends Python code that exceeds its time. Any thread: the code runs in the caller's.

One C call that takes long cannot be ended this way.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class _TimeLimitReached(BaseException):
    """Raised inside the running code; a BaseException so that no `except Exception` within keeps it."""


def call_with_time_limit(function: Callable[[], Result], limit_s: float) -> Result:
    """Calls here and now; after limit_s the running Python code is interrupted. Raises TimeoutError."""
    thread_id = threading.get_ident()
    lock = threading.Lock()
    is_over = is_late = False

    def interrupt() -> None:
        nonlocal is_late
        with lock:
            if not is_over:
                is_late = True
                _set_async_exception(thread_id, _TimeLimitReached)

    timer = threading.Timer(limit_s, interrupt)
    timer.daemon = True
    try:
        try:
            timer.start()
            return function()
        finally:
            timer.cancel()
            with lock:
                is_over = True
                if is_late:  # it may be still on its way; it must not reach the caller's next lines
                    _set_async_exception(thread_id, None)
    except _TimeLimitReached:
        raise TimeoutError(f"it ran longer than {limit_s:g} s") from None


def _set_async_exception(thread_id: int, kind: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(kind) if kind else None)
