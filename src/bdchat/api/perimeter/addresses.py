"""By which addresses browsers find the page, and which of them a link to somebody else carries.

A link is of use where its reader is: who asks for one by a name of the network hands on that name; who asks on this
machine itself gets an address that other machines have for it, where there is one.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
from starlette.types import Scope

from bdchat.api.http.peer import Peer
from bdchat.api.http.security import WILDCARD_ADDRESSES, headers_named, is_loopback
from bdchat.settings import Settings

DEFAULT_PORTS = {"http": 80, "https": 443}
# Of networks inside this machine: no other device has them.
INSIDE = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "podman", "lxc", "lxd", "bridge1")
NOWHERE = ("192.0.2.1", 9)  # RFC 5737: nothing is sent, the system says by which address it would be


@dataclass(frozen=True, slots=True)
class Addresses:
    """`here`: on this machine. `network`: from other devices, the likeliest first. `public`: what a proxy serves."""

    here: str
    network: tuple[str, ...] = ()
    public: str | None = None

    @property
    def elsewhere(self) -> str | None:
        """The best one for another device; None: there is none."""
        return self.public or next(iter(self.network), None)


@dataclass(frozen=True, slots=True)
class Link:
    address: str
    is_local_only: bool  # of use on this machine alone


def page_addresses(settings: Settings, port: int, own: Callable[[], Sequence[str]] | None = None) -> Addresses:
    """`port`: the one that is listened on. `own`: this machine's addresses in its networks."""
    server = settings.server
    scheme = "https" if server.tls_cert else "http"

    def address(host: str) -> str:
        return _origin(scheme, host, port) + server.base_path

    public = None
    if settings.auth.trusted_proxies and server.allowed_hosts:
        public = f"https://{server.allowed_hosts[0]}{server.base_path}"
    if server.host in WILDCARD_ADDRESSES:
        return Addresses(address("127.0.0.1"), tuple(map(address, (own or network_addresses)())), public)
    return Addresses(address(server.host), () if is_loopback(server.host) else (address(server.host),), public)


def network_addresses() -> list[str]:
    """This machine's IPv4 addresses in networks with other devices; first the one by which it reaches the others."""
    found: list[str] = []
    states = psutil.net_if_stats()
    for name, entries in psutil.net_if_addrs().items():
        if name.startswith(INSIDE) or (name in states and not states[name].isup):
            continue
        found += [entry.address for entry in entries if entry.family == socket.AF_INET and _is_reachable(entry.address)]
    outward = _outward_address()
    return sorted(dict.fromkeys(found), key=lambda each: (each != outward, not ipaddress.ip_address(each).is_private))


def link_to(path: str, scope: Scope, peer: Peer, settings: Settings) -> Link:
    """Of one of the page's own paths ("/register?code=…"), for somebody else than who asks."""
    own = _own_origin(scope, peer)
    if own is not None:
        return Link(f"{own}{settings.server.base_path}{path}", is_local_only=False)
    port = (scope.get("server") or ("", None))[1] or settings.server.port
    addresses = page_addresses(settings, port)
    if (elsewhere := addresses.elsewhere) is not None:
        return Link(elsewhere + path, is_local_only=False)
    return Link(addresses.here + path, is_local_only=True)


def _own_origin(scope: Scope, peer: Peer) -> str | None:
    """By which the asker found us, unless it is this machine's own name for itself. A page says it in Origin, with the
    scheme that only it and the proxy know; of a program it is put together."""
    origins = headers_named(scope, b"origin")
    if len(origins) == 1 and peer.owns(origins[0]):
        origin = origins[0].decode("latin-1")
    elif peer.authorities:
        host, port = peer.authorities[0]
        scheme = "https" if peer.is_https else "http"
        origin = _origin(scheme, host.strip("[]"), port or DEFAULT_PORTS[scheme])
    else:
        return None
    return None if is_loopback(urlsplit(origin).hostname or "localhost") else origin


def _origin(scheme: str, host: str, port: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return f"{scheme}://{named}" + ("" if port == DEFAULT_PORTS[scheme] else f":{port}")


def _is_reachable(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def _outward_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:  # no way out of this machine
            return None
        return str(probe.getsockname()[0])
