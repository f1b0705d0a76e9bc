"""The client's address and scheme, whether it is on this machine, and by which host and port it knows us. Pure.

What is forwarded is believed from trusted proxies alone, from the right: what stands further left was written by
strangers.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Scope

from bdchat.api.http.forwarding import Forwarding, said_by, was_forwarded
from bdchat.api.http.security import HOST, LOOPBACK_NAMES, headers_named

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Authority = tuple[str, int | None]  # name in lower case, and the port, None for the scheme's own
THIS_MACHINE = "loopback"
HTTPS = frozenset({"https", "wss"})
ORIGIN = re.compile(rb"(https?)://(.+)", re.IGNORECASE)
DEFAULT_PORTS = {b"http": 80, b"https": 443}


@dataclass(frozen=True, slots=True)
class Peer:
    address: str  # "" when it has none (a Unix socket)
    is_https: bool  # as the browser sees it
    is_local: bool  # a program of this machine that asked us by a loopback name, and no proxy in between
    authorities: tuple[Authority, ...] = ()  # what it may have asked for; the first is the likeliest

    @property
    def limited_as(self) -> str:
        """What attempts are counted by: a home's IPv6 network has 2^64 addresses, this machine 2^24 for itself."""
        address = _parse(self.address)
        if address is not None and address.is_loopback:
            return THIS_MACHINE
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, 64), strict=False))
        return self.address

    @property
    def asked_host(self) -> str | None:
        """The name that it asked for; None when it named none, or what cannot be one."""
        return self.authorities[0][0] if self.authorities else None

    def owns(self, origin: bytes) -> bool:
        """The page of that Origin came from this server itself. Its scheme is not looked at: only a proxy knows it,
        and not every one says so."""
        found = ORIGIN.fullmatch(origin)
        authority = authority_of(found[2]) if found else None
        if found is None or authority is None:
            return False
        default = DEFAULT_PORTS[found[1].lower()]
        name, port = authority[0], authority[1] or default
        return any(name == own_name and port == (own_port or default) for own_name, own_port in self.authorities)


class Proxies:
    """Addresses or networks whose word is taken. Raises ValueError for what is neither."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(name, strict=False) for name in trusted)

    def peer(self, scope: Scope) -> Peer:
        address = _parse((scope.get("client") or ("",))[0])
        is_https = scope.get("scheme") in HTTPS
        asked = _authorities(headers_named(scope, b"host"))
        if not self.trusts(address):
            is_local = address is not None and address.is_loopback and asked[:1] and asked[0][0] in LOOPBACK_NAMES
            return Peer(str(address or ""), is_https, bool(is_local) and not was_forwarded(scope), asked)
        forwarding = Forwarding.of(scope)
        num_trusted = 1
        for word in reversed(forwarding.addresses):
            forwarded = _parse(word)
            if forwarded is None:
                break  # nothing beyond it can be believed
            address = forwarded
            if not self.trusts(forwarded):
                break
            num_trusted += 1
        scheme = said_by(forwarding.schemes, num_trusted)
        return Peer(
            str(address),
            is_https or (scheme is not None and scheme.lower() in HTTPS),
            is_local=False,
            authorities=_forwarded_authorities(forwarding, num_trusted, asked),
        )

    def trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def authority_of(text: bytes) -> Authority | None:
    """Of a Host header or the end of an Origin; None when it is no such thing."""
    found = HOST.fullmatch(text)
    return (found[1].decode().lower(), int(found[2]) if found[2] else None) if found else None


def _authorities(headers: list[bytes]) -> tuple[Authority, ...]:
    found = authority_of(headers[0]) if len(headers) == 1 else None
    return (found,) if found else ()


def _forwarded_authorities(
    forwarding: Forwarding, num_trusted: int, asked: tuple[Authority, ...]
) -> tuple[Authority, ...]:
    """A proxy may pass on the host with the port, or either of them, or as the one of two headers."""
    host = said_by(forwarding.hosts, num_trusted)
    if host is not None:
        said = authority_of(host.encode("latin-1"))
        if said is None:
            return ()
        asked = (said, *(each for each in asked if each[0] == said[0]))
    port = said_by(forwarding.ports, num_trusted)
    if asked and port is not None and port.isdecimal() and len(port) <= 5:
        asked = (*asked, (asked[0][0], int(port)))
    return asked


def _parse(text: str) -> Address | None:
    """Also "[::1]:80" and "1.2.3.4:80", as some proxies write; IPv4 inside IPv6 is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
