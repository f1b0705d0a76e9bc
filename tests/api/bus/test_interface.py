"""The laws of a bus, for the one in process; test_redis_bus.py holds the other to the same."""

import asyncio

import pytest

from bdchat.api.app import make_bus
from bdchat.api.bus.interface import QUEUE_LIMIT, BusClosed, SlowReader
from bdchat.api.bus.local_bus import LocalBus
from bdchat.settings import RedisSettings

pytestmark = pytest.mark.anyio


def numbered(number: int) -> dict[str, object]:
    return {"type": "test", "number": number}


async def test_every_reader_hears_its_topics_in_the_order_of_publishing() -> None:
    bus = LocalBus()
    async with bus.subscribe("session:a", "user:u") as both, bus.subscribe("session:a") as one:
        for number, topic in enumerate(("session:a", "session:b", "user:u", "session:a")):
            await bus.publish(topic, numbered(number))
        heard = [await anext(both) for _ in range(3)]
        assert heard == [("session:a", numbered(0)), ("user:u", numbered(2)), ("session:a", numbered(3))]
        assert [await anext(one) for _ in range(2)] == [("session:a", numbered(0)), ("session:a", numbered(3))]


async def test_a_reader_hears_nothing_from_before_its_entering_or_after_its_leaving() -> None:
    bus = LocalBus()
    subscription = bus.subscribe("session:a")
    await bus.publish("session:a", numbered(1))
    async with subscription:
        await bus.publish("session:a", numbered(2))
        assert await anext(subscription) == ("session:a", numbered(2))
    await bus.publish("session:a", numbered(3))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(subscription)


async def test_a_reader_that_waits_is_woken() -> None:
    bus = LocalBus()
    async with bus.subscribe("session:a") as subscription, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(subscription.__anext__())
        await asyncio.sleep(0)
        await bus.publish("session:a", numbered(1))
    assert waiting.result() == ("session:a", numbered(1))


async def test_a_slow_reader_is_cut_off_and_delays_nobody() -> None:
    bus = LocalBus()
    async with bus.subscribe("session:a") as slow, bus.subscribe("session:a") as quick:
        for number in range(QUEUE_LIMIT + 1):
            await bus.publish("session:a", numbered(number))
            assert await anext(quick) == ("session:a", numbered(number))
        with pytest.raises(SlowReader):
            await anext(slow)
        with pytest.raises(SlowReader):
            await anext(slow)


async def test_a_reader_may_be_as_far_behind_as_its_queue_is_long() -> None:
    bus = LocalBus()
    async with bus.subscribe("session:a") as subscription:
        for number in range(QUEUE_LIMIT):
            await bus.publish("session:a", numbered(number))
        assert [message["number"] for _, message in [await anext(subscription) for _ in range(QUEUE_LIMIT)]] == list(
            range(QUEUE_LIMIT)
        )


async def test_closing_the_bus_ends_its_readers_after_what_they_have() -> None:
    bus = LocalBus()
    async with bus.subscribe("session:a", "user:u") as subscription:
        await bus.publish("user:u", numbered(1))
        await bus.aclose()
        assert await anext(subscription) == ("user:u", numbered(1))
        with pytest.raises(BusClosed):
            await anext(subscription)


def test_without_a_redis_url_everything_stays_in_process() -> None:
    assert isinstance(make_bus(RedisSettings()), LocalBus)
