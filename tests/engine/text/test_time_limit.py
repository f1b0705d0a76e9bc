import contextlib
import threading
import time

import pytest

from bdchat.engine.text.time_limit import call_with_time_limit
from tests.patience import PATIENCE_S


def test_a_quick_call_returns_its_result() -> None:
    assert call_with_time_limit(lambda: 42, 5) == 42


def test_an_error_of_the_call_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        call_with_time_limit(lambda: 1 // 0, 5)


def test_an_endless_call_is_interrupted() -> None:
    def spin() -> None:
        while True:
            try:
                sum(range(100))
            except Exception:  # what a stranger's code may do
                continue

    started = time.process_time()
    with pytest.raises(TimeoutError):
        call_with_time_limit(spin, 0.05)
    assert time.process_time() - started < 5


def test_no_interruption_arrives_after_the_call_is_over() -> None:
    """Calls that end just when their time does: the exception must not hit the caller's next lines."""
    for _ in range(50):
        end = time.monotonic() + 0.002

        def until(end: float = end) -> int:
            while time.monotonic() < end:
                pass
            return 1

        with contextlib.suppress(TimeoutError):
            assert call_with_time_limit(until, 0.002) == 1
        sum(range(20_000))


def test_other_threads_are_not_interrupted() -> None:
    stop, ended_well = threading.Event(), []
    other = threading.Thread(target=lambda: ended_well.append(stop.wait(PATIENCE_S)))
    other.start()
    with pytest.raises(TimeoutError):
        call_with_time_limit(lambda: [None for _ in iter(int, 1)], 0.05)
    stop.set()
    other.join()
    assert ended_well == [True]
