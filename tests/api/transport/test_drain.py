"""How long a client is heard out that still sends when its answer is there."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from bdchat.api.transport.drain import SILENCE_S, Drain


class FakeLoop:
    """A clock, and one timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: tuple[float, Callable[[], None]] | None = None

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> "FakeLoop":
        self.due = (self.now + delay_s, call)
        return self

    def cancel(self) -> None:
        self.due = None

    def go(self, seconds: float) -> None:
        self.now += seconds
        if self.due is not None and self.due[0] <= self.now:
            call, self.due = self.due[1], None
            call()


def running(loop: FakeLoop, **bounds: Any) -> tuple[Drain, list[str]]:
    ended: list[str] = []
    drain = Drain(cast(asyncio.AbstractEventLoop, loop), lambda: ended.append("ended"), **bounds)
    drain.start()
    drain.start()
    return drain, ended


def test_it_ends_at_the_first_silence() -> None:
    loop = FakeLoop()
    drain, ended = running(loop, max_bytes=100, max_s=30)
    drain.take(1)
    loop.go(SILENCE_S)
    assert drain.is_running
    loop.go(SILENCE_S)
    assert (drain.is_running, ended) == (False, ["ended"])


def test_it_ends_with_a_byte_too_many() -> None:
    drain, ended = running(FakeLoop(), max_bytes=100, max_s=30)
    drain.take(100)
    assert not ended
    drain.take(1)
    assert (drain.is_running, ended) == (False, ["ended"])


def test_it_ends_in_time_whatever_comes() -> None:
    loop = FakeLoop()
    drain, ended = running(loop, max_bytes=100, max_s=12)
    for seconds in (5, 5, 2):
        assert not ended
        drain.take(1)
        loop.go(seconds)
    assert ended == ["ended"]


def test_it_is_stopped_when_all_has_come_and_may_start_anew() -> None:
    loop = FakeLoop()
    drain, ended = running(loop, max_bytes=100, max_s=30)
    drain.take(100)
    drain.stop()
    assert loop.due is None
    drain.start()
    drain.take(100)
    assert not ended
