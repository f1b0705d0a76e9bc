"""Requests that never run out: so many at once, each followed by the next as soon as it has ended. One event loop."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from ..client import Client, ClientError, Exchange, Reply

LOOK_S = 0.05
FIRST_TEXT = 3  # events of an exchange: the role, then text, of which the first may be empty


class Ask(NamedTuple):
    messages: list[dict[str, str]]
    max_tokens: int


@dataclass(slots=True)
class StandingLoad:
    """Use as `async with`: when it is left, what runs is given up. `ask` makes the next request of a place; `fields` go
    into each."""

    client: Client
    width: int
    ask: Callable[[int], Ask]  # of the place
    fields: dict[str, Any]
    exchanges: list[Exchange] = field(default_factory=list)
    _places: list["asyncio.Task[None]"] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._places = [asyncio.create_task(self._keep_busy(place)) for place in range(self.width)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for place in self._places:
            place.cancel()
        ended = await asyncio.gather(*self._places, return_exceptions=True)
        for exchange in self.exchanges:
            exchange.abort()
        failed = next((each for each in ended if isinstance(each, Exception)), None)
        if failed is not None and error is None:
            raise failed

    async def until_busy(self) -> None:
        """Every place has its first text, or one has ended: then the server holds all that it takes at once."""
        while len(self._served()) < self.width and not any(exchange.is_done for exchange in self.exchanges):
            await self._look()

    async def until_served(self) -> None:
        """One of them has its first text."""
        while not self._served():
            await self._look()

    async def until_ended(self, num_requests: int) -> None:
        while sum(exchange.is_done for exchange in self.exchanges) < num_requests:
            await self._look()

    def _served(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if len(exchange.events) >= FIRST_TEXT]

    async def _look(self) -> None:
        for task in self._places:
            if task.done():
                task.result()  # raises what went wrong
        await asyncio.sleep(LOOK_S)

    def replies(self) -> list[Reply]:
        """Of all requests, as far as they have been answered."""
        return seen(self.exchanges)

    async def _keep_busy(self, place: int) -> None:
        while True:
            asked = self.ask(place)
            exchange = await self.client.start(asked.messages, asked.max_tokens, **self.fields)
            self.exchanges.append(exchange)
            await exchange.closed
            if not exchange.is_done:
                detail = bytes(exchange.body[:300]).decode("utf-8", "replace")
                raise ClientError(exchange.status, detail or "a stream broke off before [DONE]")


def seen(exchanges: Iterable[Exchange]) -> list[Reply]:
    return [Reply(each.started, each.finished, each.events, each.is_done) for each in exchanges]


def tokens_between(replies: Iterable[Reply], start: float, end: float) -> float:
    """Generated tokens whose text came in that time. A server may send two in one delta: each delta counts as many as
    the reply's usage says of one, where it says so."""
    total = 0.0
    for reply in replies:
        if reply.deltas:
            per_delta = reply.num_completion_tokens / len(reply.deltas)
            total += per_delta * sum(start <= delta.at < end for delta in reply.deltas)
    return total
