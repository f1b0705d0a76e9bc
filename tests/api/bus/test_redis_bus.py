"""The bus over a real redis-server: test_interface.py's laws between two processes' buses, and a Redis that is away."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest

from bdchat.api.app import make_bus
from bdchat.api.bus.interface import GAP, QUEUE_LIMIT, BusUnavailable, Message, SlowReader, Subscription
from bdchat.api.bus.redis_bus import RedisBus
from bdchat.settings import RedisSettings
from tests.patience import PATIENCE_S, until
from tests.redis_server import RedisServer, redis_binary

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(redis_binary() is None, reason="redis-server is not installed"),
]
TOPIC = "session:a"


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def buses(redis_server: RedisServer) -> AsyncGenerator[tuple[RedisBus, RedisBus]]:
    """As two server processes have them."""
    pair = RedisBus(redis_server.url), RedisBus(redis_server.url)
    for bus in pair:
        await bus.start()
    yield pair
    for bus in pair:
        await bus.aclose()


def numbered(number: int) -> Message:
    return {"type": "test", "number": number}


async def numbers(subscription: Subscription, count: int) -> list[int]:
    """The next `count` messages' numbers; notices of a gap are passed over."""
    found: list[int] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            _, message = await anext(subscription)
            if message["type"] != GAP:
                found.append(message["number"])
    return found


async def test_what_one_process_publishes_all_hear_in_one_order(buses: tuple[RedisBus, RedisBus]) -> None:
    one, other = buses
    async with one.subscribe(TOPIC) as here, other.subscribe(TOPIC) as there:
        for number in range(100):
            await (one if number % 3 else other).publish(TOPIC, numbered(number))
        heard = await numbers(here, 100)
        assert heard == await numbers(there, 100)
        assert sorted(heard) == list(range(100))
        assert [number for number in heard if number % 3] == [number for number in range(100) if number % 3]


async def test_a_reader_hears_nothing_from_before_its_entering(buses: tuple[RedisBus, RedisBus]) -> None:
    one, other = buses
    async with other.subscribe(TOPIC) as early:
        await one.publish(TOPIC, numbered(1))
        assert await numbers(early, 1) == [1]
        async with other.subscribe(TOPIC, "user:u") as late:
            await one.publish(TOPIC, numbered(2))
            await one.publish("user:u", numbered(3))
            assert await numbers(late, 2) == [2, 3]
        assert await numbers(early, 1) == [2]


async def test_readers_that_come_while_messages_flow_miss_none_and_hear_none_twice(
    buses: tuple[RedisBus, RedisBus],
) -> None:
    one, other = buses
    is_over = asyncio.Event()

    async def publish() -> None:
        for number in range(600):
            await one.publish(TOPIC, numbered(number))
            if number % 7 == 0:
                await asyncio.sleep(0.001)
        is_over.set()

    async def follow() -> list[int]:
        async with other.subscribe(TOPIC) as subscription:
            found = await numbers(subscription, 1)
            while found[-1] < 599:
                found += await numbers(subscription, 1)
        return found

    async with other.subscribe(TOPIC) as first, asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        heard_by_first = tasks.create_task(numbers(first, 600))
        latecomers = []
        for _ in range(10):
            await asyncio.sleep(0.004)
            latecomers.append(tasks.create_task(follow()))
    assert heard_by_first.result() == list(range(600))
    for follower in latecomers:
        heard = follower.result()
        assert heard == list(range(heard[0], 600))


async def test_a_redis_that_goes_away_delays_and_loses_nothing(redis_server: RedisServer) -> None:
    one, other = RedisBus(redis_server.url), RedisBus(redis_server.url)
    await one.start()
    await other.start()
    async with other.subscribe(TOPIC) as subscription:
        await one.publish(TOPIC, numbered(0))
        assert await numbers(subscription, 1) == [0]
        redis_server.stop()
        for number in range(1, 50):
            await one.publish(TOPIC, numbered(number))
        with pytest.raises(BusUnavailable):
            await other.subscribe(TOPIC).__aenter__()
        redis_server.start()
        assert await numbers(subscription, 49) == list(range(1, 50))
    await one.aclose()
    await other.aclose()


async def test_the_end_of_a_login_does_not_wait_for_redis(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    await bus.start()
    async with bus.subscribe("user:u") as subscription:
        redis_server.stop()
        try:
            ended = {"type": "auth.ended", "login_id": "l", "key_id": None}
            await bus.publish("user:u", ended)
            hearing = asyncio.create_task(anext(subscription))
            await until(hearing.done, 1.0)
            assert await hearing == ("user:u", ended)
        finally:
            redis_server.start()
    await bus.aclose()


async def test_a_slow_reader_is_cut_off(buses: tuple[RedisBus, RedisBus]) -> None:
    one, other = buses
    async with other.subscribe(TOPIC) as slow, other.subscribe(TOPIC) as quick:
        for number in range(QUEUE_LIMIT + 1):
            await one.publish(TOPIC, numbered(number))
        assert await numbers(quick, QUEUE_LIMIT + 1) == list(range(QUEUE_LIMIT + 1))
        with pytest.raises(SlowReader):
            await anext(slow)


async def test_members_of_a_place_are_seen_by_all_until_they_leave_or_are_silent_too_long(
    buses: tuple[RedisBus, RedisBus],
) -> None:
    one, other = buses
    await one.join("here", "a", 60)
    await other.join("here", "b", 60)
    await other.join("here", "c", -1)
    assert await one.members("here") == await other.members("here") == {"a", "b"}
    await one.leave("here", "a")
    assert await other.members("here") == {"b"}


async def test_a_redis_url_makes_this_bus(redis_server: RedisServer) -> None:
    bus = make_bus(RedisSettings.model_validate({"url": redis_server.url}))
    assert isinstance(bus, RedisBus)
    await bus.aclose()
