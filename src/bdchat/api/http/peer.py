"""The client's address and scheme, and whether it is on this machine. Pure.

X-Forwarded-For and -Proto are believed from trusted proxies alone, from the right: what stands further left was
written by strangers.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Scope

from bdchat.api.http.security import LOOPBACK_NAMES, headers_named, host_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
THIS_MACHINE = "loopback"
FORWARDING = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip")


@dataclass(frozen=True, slots=True)
class Peer:
    address: str  # "" when it has none (a Unix socket)
    is_https: bool  # as the browser sees it
    is_local: bool  # a program of this machine that asked us by a loopback name, and no proxy in between

    @property
    def limited_as(self) -> str:
        """What attempts are counted by: a home's IPv6 network has 2^64 addresses, this machine 2^24 for itself."""
        address = _parse(self.address)
        if address is not None and address.is_loopback:
            return THIS_MACHINE
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, 64), strict=False))
        return self.address


class Proxies:
    """Addresses or networks whose word is taken. Raises ValueError for what is neither."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(name, strict=False) for name in trusted)

    def peer(self, scope: Scope) -> Peer:
        address = _parse((scope.get("client") or ("",))[0])
        is_https = scope.get("scheme") in {"https", "wss"}
        if not self._trusts(address):
            is_local = address is not None and address.is_loopback and _asks_for_loopback(scope)
            is_direct = not any(headers_named(scope, name) for name in FORWARDING)
            return Peer(str(address or ""), is_https, is_local and is_direct)
        for word in reversed(_words(scope, b"x-forwarded-for")):
            forwarded = _parse(word)
            if forwarded is None:
                break  # nothing beyond it can be believed
            address = forwarded
            if not self._trusts(forwarded):
                break
        schemes = _words(scope, b"x-forwarded-proto")
        return Peer(str(address), is_https or (bool(schemes) and schemes[-1].lower() == "https"), is_local=False)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _asks_for_loopback(scope: Scope) -> bool:
    hosts = headers_named(scope, b"host")
    return len(hosts) == 1 and host_of(hosts[0]) in LOOPBACK_NAMES


def _words(scope: Scope, name: bytes) -> list[str]:
    joined = b",".join(headers_named(scope, name)).decode("latin-1")
    return [word.strip() for word in joined.split(",") if word.strip()]


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
