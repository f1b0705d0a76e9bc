"""Who is in a shared session, and who writes there."""

import asyncio

import pytest

from bdchat.api.bus.interface import Message, Subscription, session_topic
from bdchat.api.bus.local_bus import LocalBus
from bdchat.api.http.identity import Identity
from bdchat.api.live.presence import Presence, TypingSign
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
ANN = Identity("u-ann", "ann", "user", frozenset({"sessions"}))
BOB = Identity("u-bob", "bob", "user", frozenset({"sessions"}))
ANN_AS_A = (ANN, "Ann \x1f A.")  # a name may hold anything
TOPIC = session_topic("s")


async def said(heard: Subscription) -> list[Message]:
    """Everything until now."""
    await heard_bus(heard).publish(TOPIC, {"type": "now"})
    found: list[Message] = []
    async for _, message in heard:
        if message["type"] == "now":
            return found
        found.append(message)
    return found


def heard_bus(heard: Subscription) -> LocalBus:
    bus = heard._source
    assert isinstance(bus, LocalBus)
    return bus


def names(message: Message) -> list[str]:
    return [user["username"] for user in message["users"]]


async def test_a_user_is_counted_once_however_many_tabs() -> None:
    bus = LocalBus()
    presence = Presence(bus)
    async with bus.subscribe(TOPIC) as heard:
        first, second, other = (presence.entry("s", *each) for each in (ANN_AS_A, ANN_AS_A, (BOB, "bob")))
        for entry in (first, second, other):
            await entry.renew()
        assert await presence.users("s") == [
            {"user_id": "u-ann", "username": "ann", "name": "Ann \x1f A."},
            {"user_id": "u-bob", "username": "bob", "name": "bob"},
        ]
        assert [names(message) for message in await said(heard)] == [["ann"], ["ann", "bob"]]
        await first.leave()
        assert await said(heard) == []
        await second.leave()
        assert [names(message) for message in await said(heard)] == [["bob"]]


async def test_renewing_says_nothing_unless_somebody_has_gone_silently() -> None:
    bus = LocalBus()
    here, elsewhere = Presence(bus), Presence(bus)  # two servers
    entry, lost = here.entry("s", ANN, "ann"), elsewhere.entry("s", BOB, "bob")
    await entry.renew()
    await lost.renew()
    async with bus.subscribe(TOPIC) as heard:
        await entry.renew()
        assert [names(message) for message in await said(heard)] == [["ann", "bob"]]
        await entry.renew()
        assert await said(heard) == []
        for member in await bus.members("s"):
            if "bob" in member:
                await bus.leave("s", member)  # its time is over
        await entry.renew()
        assert [names(message) for message in await said(heard)] == [["ann"]]


async def test_a_seat_that_was_never_taken_can_be_left() -> None:
    bus = LocalBus()
    presence = Presence(bus)
    await presence.entry("s", ANN, "ann").leave()
    assert await presence.users("s") == []


async def test_typing_is_said_once_and_its_end_once() -> None:
    bus = LocalBus()
    sign = TypingSign(bus, "s", ANN, timeout_s=60)
    async with bus.subscribe(TOPIC) as heard:
        await sign.hide()
        await sign.show()
        await sign.show()
        await sign.hide()
        await sign.hide()
        assert [message["is_typing"] for message in await said(heard)] == [True, False]


async def test_typing_ends_by_itself() -> None:
    bus = LocalBus()
    sign = TypingSign(bus, "s", ANN, timeout_s=0)
    async with bus.subscribe(TOPIC) as heard, asyncio.timeout(PATIENCE_S):
        await sign.show()
        assert [(await anext(heard))[1]["is_typing"] for _ in range(2)] == [True, False]
        await sign.hide()
        await sign.show()
        assert (await anext(heard))[1]["is_typing"] is True
        await sign.hide()
