"""What ends with a login. Event loop only.

A stream or socket outlives the request that was let in: when its login, its key or its user's rights end, so does it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from bdchat.api.bus import Bus, BusClosed, Message, SlowReader, Subscription, user_topic
from bdchat.api.identity import Identity

Item = TypeVar("Item")


def ends(message: Message, identity: Identity) -> bool:
    """Is it an "auth.ended" that means this identity? One that names neither login nor key means all of the user's."""
    if message.get("type") != "auth.ended":
        return False
    login_id, key_id = message.get("login_id"), message.get("key_id")
    if login_id is None and key_id is None:
        return True
    return (login_id is not None and login_id == identity.login_id) or (
        key_id is not None and key_id == identity.key_id
    )


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


async def until_signed_out(bus: Bus, identity: Identity, items: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
    """`items`, and no more of them once the identity has ended. Closes `items`. Raises BusUnavailable at its beginning.

    For a stream: `async with aclosing(until_signed_out(bus, identity, batches)) as batches: async for …`"""
    if identity.is_guest:
        async with aclosing(items):
            async for item in items:
                yield item
        return
    async with bus.subscribe(user_topic(identity.user_id)) as heard:
        handed: asyncio.Queue[Item | _End] = asyncio.Queue(1)
        # The task that reads `items` closes it: a response that is cancelled (by anyio, at every await) could not.
        reading = asyncio.create_task(_hand_over(items, handed), name="watched stream")
        watching = asyncio.create_task(_watch(heard, identity, reading, handed), name="auth watch")
        try:
            while not isinstance(found := await handed.get(), _End):
                yield found
            if found.error is not None:
                raise found.error
        finally:
            watching.cancel()
            reading.cancel()


async def _hand_over(items: AsyncGenerator[Item], handed: "asyncio.Queue[Item | _End]") -> None:
    try:
        async with aclosing(items):
            async for item in items:
                await handed.put(item)
    except Exception as error:
        await handed.put(_End(error))
    else:
        await handed.put(_End())


async def _watch(
    heard: Subscription, identity: Identity, reading: "asyncio.Task[None]", handed: "asyncio.Queue[Item | _End]"
) -> None:
    await _ended(heard, identity)
    reading.cancel()
    while not handed.empty():
        handed.get_nowait()
    handed.put_nowait(_End())


async def _ended(heard: Subscription, identity: Identity) -> None:
    """Also when nothing can be heard any more: a watch that is deaf is none."""
    with contextlib.suppress(BusClosed, SlowReader):
        async for _, message in heard:
            if ends(message, identity):
                return
