"""The contract of a bus: messages by topic, to every subscriber in the order of publishing. Event loop only.

Topics: "session:{session_id}", "user:{user_id}", "admin", "rights". A message is a JSON object with a "type". In
process by default; over Redis streams (redis_bus.py) when several server processes share the work. The bus forgets:
what must not be lost is in the store, and its readers catch up from there.

Laws: a subscription gets each message published to its topics after it was entered, once, in order. It never makes a
publisher wait: a reader that falls more than QUEUE_LIMIT behind is ended with SlowReader.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol, Self

QUEUE_LIMIT = 256  # messages that one subscription may be behind
GAP = "bus.gap"  # type of a notice of the bus itself: something may have been missed, look into the store
Message = dict[str, Any]


class SlowReader(Exception):
    """A subscription did not keep up and was ended; what it had not read yet is gone for it."""


class BusClosed(Exception):
    """The bus was closed under its subscribers: the server is stopping."""


class BusUnavailable(Exception):
    """Nothing can be subscribed to now: Redis does not answer."""


class Bus(Protocol):
    """Messages, and who is where: a member joins a place for `ttl_s` seconds and joins again before they are over."""

    async def publish(self, topic: str, message: Message) -> None: ...

    def is_heard(self, topic: str) -> bool:
        """False: nobody would get what is published now."""

    def subscribe(self, *topics: str) -> "Subscription": ...

    async def join(self, place: str, member: str, ttl_s: float) -> None: ...

    async def leave(self, place: str, member: str) -> None: ...

    async def members(self, place: str) -> frozenset[str]: ...

    async def start(self) -> None: ...

    async def aclose(self) -> None: ...


class SubscriptionSource(Protocol):
    """The bus, as a subscription sees it."""

    async def attach(self, subscription: "Subscription") -> None: ...

    def detach(self, subscription: "Subscription") -> None: ...


class Subscription:
    """`async with bus.subscribe(*topics) as subscription: async for topic, message in subscription: …`

    Hears what is published from its entering to its leaving. Owned by one task."""

    def __init__(self, source: SubscriptionSource, topics: tuple[str, ...]) -> None:
        self.topics = topics
        self._source = source
        self._waiting: deque[tuple[str, Message]] = deque()
        self._end: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        await self._source.attach(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._source.detach(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, Message]:
        """Raises SlowReader, BusClosed."""
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._waiting.popleft()

    def deliver(self, topic: str, message: Message) -> None:
        """Called by the bus."""
        if self._end is not None:
            return
        if len(self._waiting) >= QUEUE_LIMIT:
            self._waiting.clear()
            self.end(SlowReader())
            return
        self._waiting.append((topic, message))
        self._wake()

    def end(self, reason: Exception) -> None:
        self._end = reason
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Subscribers:
    """Which subscriptions hear a topic, in the order of their coming."""

    def __init__(self) -> None:
        self._by_topic: dict[str, dict[Subscription, None]] = {}

    def __iter__(self) -> Iterator[Subscription]:
        return iter({subscription: None for each in self._by_topic.values() for subscription in each})

    def add(self, subscription: Subscription) -> None:
        for topic in subscription.topics:
            self._by_topic.setdefault(topic, {})[subscription] = None

    def discard(self, subscription: Subscription) -> None:
        for topic in subscription.topics:
            here = self._by_topic.get(topic, {})
            here.pop(subscription, None)
            if not here:
                self._by_topic.pop(topic, None)

    def of(self, topic: str) -> tuple[Subscription, ...]:
        return tuple(self._by_topic.get(topic, ()))

    def topics(self) -> tuple[str, ...]:
        return tuple(self._by_topic)

    def has(self, topic: str) -> bool:
        return topic in self._by_topic


def session_topic(session_id: str) -> str:
    return f"session:{session_id}"


def user_topic(user_id: str) -> str:
    return f"user:{user_id}"


ADMIN_TOPIC = "admin"
RIGHTS_TOPIC = "rights"  # "right.ended": whose (user_id, login_id, key_id), or of what (session_id, link_id)
