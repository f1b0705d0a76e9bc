"""The bus of one process. Event loop only."""

from bdchat.api.bus.interface import BusClosed, Message, Subscribers, Subscription


class LocalBus:
    """For one process. Messages are handed over as they are: neither side may change them."""

    def __init__(self) -> None:
        self._subscribers = Subscribers()
        self._members: dict[str, set[str]] = {}

    async def publish(self, topic: str, message: Message) -> None:
        for subscription in self._subscribers.of(topic):
            subscription.deliver(topic, message)

    def is_heard(self, topic: str) -> bool:
        return self._subscribers.has(topic)

    def subscribe(self, *topics: str) -> Subscription:
        return Subscription(self, topics)

    async def start(self) -> None:
        pass

    async def aclose(self) -> None:
        for subscription in self._subscribers:
            subscription.end(BusClosed())

    async def join(self, place: str, member: str, ttl_s: float) -> None:  # who crashes takes us along
        self._members.setdefault(place, set()).add(member)

    async def leave(self, place: str, member: str) -> None:
        here = self._members.get(place, set())
        here.discard(member)
        if not here:
            self._members.pop(place, None)

    async def members(self, place: str) -> frozenset[str]:
        return frozenset(self._members.get(place, ()))

    async def attach(self, subscription: Subscription) -> None:
        self._subscribers.add(subscription)

    def detach(self, subscription: Subscription) -> None:
        self._subscribers.discard(subscription)
