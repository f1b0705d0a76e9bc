"""Open connections: limits in all and per address, and which idle one is closed when the limit is reached.

Event loop only. Knows addresses and what each connection waits for, never bytes. A full house does not turn everybody
away: a connection that waits for its client (it has not said what it wants, or rests between two requests, or has not
sent all of one) is closed in favour of the new one, the longest silent first. Only where all of them are being answered
is a new one refused. So a thousand silent ones cost those who speak nothing.

Invariant: a connection counts from `admit` to `leave`, and is among the waiting of its address or is being answered.
"""

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

log = logging.getLogger(__name__)

LOCAL = "this machine"
LOCAL_SHARE = 3 / 4  # of all connections: many programs and people share the loopback's address
_REPORT_EVERY_S = 60.0


class WaitReason(IntEnum):
    """What for; in the order in which they give way."""

    FIRST_REQUEST = 0
    NEXT_REQUEST = 1
    REST_OF_REQUEST = 2


class Connection(Protocol):
    def give_way(self) -> None:
        """Closes at once. `leave` may follow, or not."""


@dataclass(slots=True)
class _OpenConnection:
    address: str
    waiting: WaitReason | None = None  # None: it is being answered


@dataclass(slots=True)
class _Address:
    num_connections: int = 0
    # in the order of their last word
    waiting: tuple[dict[Connection, None], ...] = field(default_factory=lambda: tuple({} for _ in WaitReason))

    @property
    def num_waiting(self) -> int:
        return sum(len(those) for those in self.waiting)

    def longest_silent(self) -> Connection | None:
        return next((next(iter(those)) for those in self.waiting if those), None)


class OpenConnections:
    """`max_per_address` holds for other machines; a proxy of ours speaks for many people and has no bound but
    `max_connections`."""

    def __init__(
        self,
        *,
        max_connections: int,
        max_per_address: int,
        trusted_proxies: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._proxies = tuple(ipaddress.ip_network(name, strict=False) for name in trusted_proxies)
        self._clock = clock
        self._places: dict[Connection, _OpenConnection] = {}
        self._addresses: dict[str, _Address] = {}
        self._reported_at: float | None = None

    def __len__(self) -> int:
        return len(self._places)

    def admit(self, connection: Connection, host: str | None) -> bool:
        """Counted and waiting for its first request. False: there is no room and nobody waits; it is not counted."""
        name, bound = self._name_and_bound(host)
        address = self._addresses.get(name)
        if address is not None and address.num_connections >= bound and not self._make_room(address, name):
            return False
        if len(self._places) >= self._max_connections and not self._make_room(self._fullest(), "all addresses"):
            return False
        place = _OpenConnection(name)
        self._places[connection] = place
        self._addresses.setdefault(name, _Address()).num_connections += 1
        self._put(connection, place, WaitReason.FIRST_REQUEST)
        return True

    def wait(self, connection: Connection, what: WaitReason) -> None:
        """It has just said something, or got its answer; now its client is to speak."""
        place = self._places.get(connection)
        if place is not None:
            self._take(connection, place)
            self._put(connection, place, what)

    def answer(self, connection: Connection) -> None:
        """It is being answered: it does not give way."""
        place = self._places.get(connection)
        if place is not None:
            self._take(connection, place)

    def leave(self, connection: Connection) -> None:
        """Again: nothing."""
        place = self._places.pop(connection, None)
        if place is None:
            return
        self._take(connection, place)
        address = self._addresses[place.address]
        address.num_connections -= 1
        if not address.num_connections:
            del self._addresses[place.address]

    def _put(self, connection: Connection, place: _OpenConnection, what: WaitReason) -> None:
        place.waiting = what
        self._addresses[place.address].waiting[what][connection] = None

    def _take(self, connection: Connection, place: _OpenConnection) -> None:
        if place.waiting is not None:
            del self._addresses[place.address].waiting[place.waiting][connection]
            place.waiting = None

    def _fullest(self) -> _Address:
        """Of those who wait, most are its."""
        return max(self._addresses.values(), key=lambda address: address.num_waiting)

    def _make_room(self, address: _Address, where: str) -> bool:
        silent = address.longest_silent()
        self._report(where, len(self._places), refused=silent is None)
        if silent is None:
            return False
        self.leave(silent)
        silent.give_way()
        return True

    def _report(self, where: str, num_connections: int, *, refused: bool) -> None:
        """A flood must not fill the log."""
        now = self._clock()
        if self._reported_at is None or now - self._reported_at >= _REPORT_EVERY_S:
            self._reported_at = now
            outcome = "a new one was refused" if refused else "silent ones are closed for new ones"
            log.warning("too many connections from %s (%d in all): %s", where, num_connections, outcome)

    def is_proxy(self, host: str | None) -> bool:
        address = _address_of(host)
        return address is not None and any(address in network for network in self._proxies)

    def _name_and_bound(self, host: str | None) -> tuple[str, int]:
        """Whose connections count together, and how many they may be."""
        local_bound = max(1, int(self._max_connections * LOCAL_SHARE))
        address = _address_of(host)
        if address is None:  # a Unix socket
            return LOCAL, local_bound
        if self.is_proxy(host):
            return str(address), self._max_connections
        if address.is_loopback:
            return LOCAL, local_bound
        if address.version == 6:  # one customer's network
            return str(ipaddress.ip_network((address, 64), strict=False)), self._max_per_address
        return str(address), self._max_per_address


def _address_of(host: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """IPv4 inside IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
