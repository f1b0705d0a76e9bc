"""The bus over Redis streams, for several server processes. Event loop only.

One stream per topic. Publishing puts a message into an outbox that one task empties, so that a Redis that is away
delays messages and never an answer; one other task reads all topics that somebody here subscribes to, from where it
stopped. Both come back by themselves. A message that was sent twice because an acknowledgement was lost is told by its
publisher's number and delivered once. After a reconnect subscribers get a GAP notice: Redis may have forgotten.
"""

import asyncio
import contextlib
import itertools
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bdchat.api.bus.interface import GAP, BusClosed, BusUnavailable, Message, Subscribers, Subscription

log = logging.getLogger(__name__)

MAX_LENGTH = 4096  # entries kept per topic, about
TTL_S = 600  # a topic nobody publishes to is forgotten
BLOCK_MS = 5000
REPLY_TIMEOUT_S = 5.0
READ_COUNT = 64  # per topic and reply: less than a subscription's queue, so that a reader can keep up
BATCH = 256  # entries per round trip when publishing
OUTBOX_LIMIT = 16_384  # while Redis is away; then the oldest go
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
CLOSE_TIMEOUT_S = 2.0
PREFIX = "bdchat:"
AT_ONCE = frozenset({"auth.ended"})  # delivered here without Redis too: a logout waits for nobody

Fields = dict[Any, Any]  # of a stream's entry; as wide as the driver's own type
Position = tuple[int, int]  # a stream id: milliseconds, number
START: Position = (0, 0)
Result = TypeVar("Result")


@dataclass(slots=True)
class _Attached:
    """How far one subscription has read each topic."""

    positions: dict[str, Position]
    numbers: dict[tuple[str, bytes], int] = field(default_factory=dict)  # newest of (topic, publisher)


@dataclass(frozen=True, slots=True)
class _Entry:
    position: Position
    publisher: bytes
    number: int
    message: Message


class RedisBus:
    """Made idle; `start` begins, whether Redis answers yet or not."""

    def __init__(self, url: str) -> None:
        no_retry = Retry(NoBackoff(), 0)  # we retry ourselves, and know what was sent
        self._redis = Redis.from_url(url, socket_timeout=REPLY_TIMEOUT_S, retry=no_retry)
        self._blocking = Redis.from_url(url, socket_timeout=BLOCK_MS / 1000 + REPLY_TIMEOUT_S, retry=no_retry)
        self._publisher = uuid.uuid4().hex
        self._wake_key = f"{PREFIX}wake:{self._publisher}"
        self._wake_position = START
        self._numbers = itertools.count(1)
        self._outbox: deque[tuple[str, Fields]] = deque()
        self._is_sending = False
        self._has_work = asyncio.Event()
        self._subscribers = Subscribers()
        self._attached: dict[Subscription, _Attached] = {}
        self._cursors: dict[str, Position] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._write(), name="redis bus: write"),
            asyncio.create_task(self._read(), name="redis bus: read"),
        ]

    async def aclose(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                while self._tasks and (self._outbox or self._is_sending):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for subscription in self._subscribers:
            subscription.end(BusClosed())
        await self._redis.aclose()
        await self._blocking.aclose()

    async def publish(self, topic: str, message: Message) -> None:
        """Never waits for Redis."""
        if message.get("type") in AT_ONCE:
            for subscription in self._subscribers.of(topic):
                subscription.deliver(topic, message)
        if len(self._outbox) >= OUTBOX_LIMIT:
            self._outbox.popleft()
        entry: Fields = {"p": self._publisher, "n": next(self._numbers), "m": msgspec.json.encode(message)}
        self._outbox.append((topic, entry))
        self._has_work.set()

    def is_heard(self, topic: str) -> bool:
        """By another server's readers, who can tell."""
        return True

    def subscribe(self, *topics: str) -> Subscription:
        return Subscription(self, topics)

    async def attach(self, subscription: Subscription) -> None:
        """Raises BusUnavailable: from where to read cannot be known."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for topic in subscription.topics:
                    pipeline.xrevrange(_key(topic), count=1)
                newest = await pipeline.execute()
            positions = {
                topic: _position(entries[0][0]) if entries else START
                for topic, entries in zip(subscription.topics, newest, strict=True)
            }
            self._attached[subscription] = _Attached(positions)
            self._subscribers.add(subscription)
            for topic, position in positions.items():
                self._cursors[topic] = min(position, self._cursors.get(topic, position))
            await self._wake()
        except RedisError as error:
            self.detach(subscription)
            raise BusUnavailable from error

    def detach(self, subscription: Subscription) -> None:
        self._attached.pop(subscription, None)
        self._subscribers.discard(subscription)
        for topic in subscription.topics:
            if not self._subscribers.of(topic):
                self._cursors.pop(topic, None)

    # --- who is where -------------------------------------------------------------------------------------------------

    async def join(self, place: str, member: str, ttl_s: float) -> None:
        now = time.time()
        with self._unless_away("join"):
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(_place(place), {member: now + ttl_s})
                pipeline.zremrangebyscore(_place(place), "-inf", now)
                pipeline.expire(_place(place), TTL_S)
                await pipeline.execute()

    async def leave(self, place: str, member: str) -> None:
        with self._unless_away("leave"):
            await self._redis.zrem(_place(place), member)

    async def members(self, place: str) -> frozenset[str]:
        with self._unless_away("members"):
            found: Any = await self._redis.zrangebyscore(_place(place), time.time(), "+inf")
            return frozenset(member.decode() for member in found)
        return frozenset()

    @contextlib.contextmanager
    def _unless_away(self, what: str) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            log.warning("redis did not answer to %s: %s", what, error)

    # --- the two tasks ------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            while self._outbox:
                self._is_sending = True
                batch = [self._outbox.popleft() for _ in range(min(BATCH, len(self._outbox)))]
                await _until_it_works("publish", lambda batch=batch: self._send(batch))  # type: ignore[misc]
                self._is_sending = False

    async def _send(self, batch: Iterable[tuple[str, Fields]]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for topic, entry in batch:
                pipeline.xadd(_key(topic), entry, maxlen=MAX_LENGTH, approximate=True)
            for topic in {topic for topic, _ in batch}:
                pipeline.expire(_key(topic), TTL_S)
            await pipeline.execute()

    async def _read(self) -> None:
        while True:
            (asked, found), num_failures = await _until_it_works("read", self._ask)
            if num_failures > 0:
                self._announce_gap()
            self._deliver(asked, found)
            await asyncio.sleep(0)  # readers first: what comes next may fill their queues

    async def _ask(self) -> tuple[dict[str, Position], Any]:
        asked = dict(self._cursors)
        keys = {_key(topic): _text(position) for topic, position in asked.items()}
        keys[self._wake_key] = _text(self._wake_position)
        return asked, await self._blocking.xread(keys, count=READ_COUNT, block=BLOCK_MS)  # type: ignore[arg-type]

    def _deliver(self, asked: dict[str, Position], found: Any) -> None:
        for key, entries in found:
            name = key.decode()
            if name == self._wake_key:
                self._wake_position = _position(entries[-1][0])
                continue
            topic = name.removeprefix(f"{PREFIX}bus:")
            if self._cursors.get(topic) != asked[topic]:
                continue  # somebody came meanwhile who must hear earlier ones: read again from there
            for entry in entries:
                self._hand_out(topic, _entry(*entry))
            self._cursors[topic] = _position(entries[-1][0])

    def _hand_out(self, topic: str, entry: _Entry) -> None:
        for subscription in self._subscribers.of(topic):
            have = self._attached[subscription]
            source = (topic, entry.publisher)
            if entry.position > have.positions[topic] and entry.number > have.numbers.get(source, 0):
                have.positions[topic] = entry.position
                have.numbers[source] = entry.number
                subscription.deliver(topic, entry.message)

    def _announce_gap(self) -> None:
        for topic in self._subscribers.topics():
            for subscription in self._subscribers.of(topic):
                subscription.deliver(topic, {"type": GAP})

    async def _wake(self) -> None:
        """Ends the reader's wait, so that it asks for the new topics too."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xadd(self._wake_key, {"w": 1}, maxlen=1)
            pipeline.expire(self._wake_key, TTL_S)
            await pipeline.execute()


async def _until_it_works(what: str, attempt: Callable[[], Awaitable[Result]]) -> tuple[Result, int]:
    """What it gave at last, and how often it had failed before."""
    for num_failures in itertools.count():
        try:
            return await attempt(), num_failures
        except RedisError as error:
            if num_failures == 0:
                log.warning("redis does not answer (%s): %s", what, error)
            await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(num_failures, 16)))
    raise AssertionError


def _key(topic: str) -> str:
    return f"{PREFIX}bus:{topic}"


def _place(place: str) -> str:
    return f"{PREFIX}place:{place}"


def _position(entry_id: bytes) -> Position:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number)


def _text(position: Position) -> str:
    return f"{position[0]}-{position[1]}"


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> _Entry:
    return _Entry(_position(entry_id), fields[b"p"], int(fields[b"n"]), msgspec.json.decode(fields[b"m"]))
