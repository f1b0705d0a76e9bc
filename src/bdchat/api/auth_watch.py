"""What ends with a login. Event loop only.

A stream or socket outlives the request that was let in: when its login, its key or its user's rights end, so does it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
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


async def until_signed_out(bus: Bus, identity: Identity, items: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
    """`items`, and no more of them once the identity has ended. Closes `items`. Raises BusUnavailable at its beginning.

    For a stream: `async with aclosing(until_signed_out(bus, identity, batches)) as batches: async for …`"""
    if identity.is_guest:
        async with aclosing(items):
            async for item in items:
                yield item
        return
    async with bus.subscribe(user_topic(identity.user_id)) as heard, aclosing(items):
        ended = asyncio.create_task(_ended(heard, identity), name="auth watch")
        coming: asyncio.Task[Item] | None = None
        try:
            while not ended.done():
                coming = asyncio.create_task(anext(items))
                await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    return
                try:
                    item = coming.result()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            for task in (ended, coming):
                if task is not None and not task.done():
                    task.cancel()
                    await asyncio.wait({task})  # `items` cannot be closed while it runs


async def _ended(heard: Subscription, identity: Identity) -> None:
    with contextlib.suppress(BusClosed, SlowReader):  # a watch that hears nothing any more is none
        async for _, message in heard:
            if ends(message, identity):
                return
