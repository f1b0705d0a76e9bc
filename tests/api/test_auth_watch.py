"""A stream ends with the login that it was opened with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import pytest

from bdchat.api.auth import LOCAL_GUEST
from bdchat.api.auth_watch import ends, until_signed_out
from bdchat.api.bus import LocalBus, user_topic
from bdchat.api.identity import ALL_SCOPES, Identity

pytestmark = pytest.mark.anyio
SIGNED_IN = Identity("ann", "ann", "user", ALL_SCOPES, login_id="l1")
BY_KEY = Identity("ann", "ann", "user", ALL_SCOPES, key_id="k1")
TOPIC = user_topic("ann")


class Source:
    """Numbers, as many as it was told to say. It knows whether it was closed."""

    def __init__(self, num_items: int, error: Exception | None = None) -> None:
        self.num_items = num_items
        self.error = error
        self.is_closed = False
        self.more = asyncio.Event()

    async def items(self) -> AsyncGenerator[int]:
        try:
            for number in range(self.num_items):
                yield number
            if self.error is not None:
                raise self.error
            await self.more.wait()
        finally:
            await asyncio.sleep(0)
            self.is_closed = True


def ended(login_id: str | None = None, key_id: str | None = None) -> dict[str, object]:
    return {"type": "auth.ended", "login_id": login_id, "key_id": key_id}


@pytest.mark.parametrize(
    ("message", "login_ends", "key_ends"),
    [
        (ended(), True, True),
        (ended(login_id="l1"), True, False),
        (ended(login_id="l2"), False, False),
        (ended(key_id="k1"), False, True),
        ({"type": "session.changed", "login_id": None}, False, False),
    ],
)
def test_whom_an_end_means(message: dict[str, object], login_ends: bool, key_ends: bool) -> None:
    assert (ends(message, SIGNED_IN), ends(message, BY_KEY)) == (login_ends, key_ends)


@pytest.mark.parametrize("identity", [SIGNED_IN, LOCAL_GUEST])
async def test_all_items_pass_and_the_end_too(identity: Identity) -> None:
    source = Source(5)
    source.more.set()
    assert [item async for item in until_signed_out(LocalBus(), identity, source.items())] == [0, 1, 2, 3, 4]
    assert source.is_closed


async def test_what_the_source_raises_is_raised_after_its_items() -> None:
    seen: list[int] = []

    async def read() -> None:
        async for item in until_signed_out(LocalBus(), SIGNED_IN, Source(3, ZeroDivisionError()).items()):
            seen.append(item)

    with pytest.raises(ZeroDivisionError):
        await read()
    assert seen == [0, 1, 2]


async def test_nothing_comes_after_the_end_of_the_login() -> None:
    bus, source = LocalBus(), Source(10)
    seen: list[int] = []
    async with asyncio.timeout(5), aclosing(until_signed_out(bus, SIGNED_IN, source.items())) as items:
        async for item in items:
            seen.append(item)
            if item == 3:
                await bus.publish(TOPIC, ended(login_id="other"))
                await bus.publish(TOPIC, ended(login_id="l1"))
                await asyncio.sleep(0.01)
    assert seen == [0, 1, 2, 3]
    assert source.is_closed


async def test_a_stream_that_waits_is_ended_too() -> None:
    bus, source = LocalBus(), Source(1)
    stream = until_signed_out(bus, SIGNED_IN, source.items())
    async with asyncio.timeout(5), aclosing(stream):
        assert await anext(stream) == 0
        waiting = asyncio.create_task(anext(stream, None))
        await asyncio.sleep(0)
        await bus.publish(TOPIC, ended())
        assert await waiting is None


async def test_a_response_that_is_cancelled_leaves_nothing_running() -> None:
    """anyio cancels at every await until the scope is left: closing the source there raised RuntimeError."""
    source = Source(1)
    with anyio.CancelScope() as scope:
        async with aclosing(until_signed_out(LocalBus(), SIGNED_IN, source.items())) as items:
            async for _ in items:
                scope.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.is_closed
    assert [task for task in asyncio.all_tasks() if task.get_name() in {"watched stream", "auth watch"}] == []
