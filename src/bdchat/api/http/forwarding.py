"""What proxies say of the request that reached them: X-Forwarded-For, -Proto, -Host and -Port, or RFC 7239's Forwarded.
Pure; believes nothing: whose word counts is peer.Proxies' matter.

Each proxy adds on the right, or writes anew. Forwarded is read only where there is no X-Forwarded header: a proxy that
sets those passes a stranger's Forwarded through, as it knows nothing of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from starlette.types import Scope

from bdchat.api.http.security import headers_named

# Of these says any that the request came through somebody.
FORWARDING = frozenset({b"forwarded", b"via", b"x-real-ip"})
FORWARDING_PREFIX = b"x-forwarded-"
PAIR = re.compile(r"""\s*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w:\[\]-]+))\s*""", re.ASCII)
ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A word per proxy that said one, the nearest proxy's last."""

    addresses: Sequence[str] = ()
    schemes: Sequence[str] = ()
    hosts: Sequence[str] = ()
    ports: Sequence[str] = ()

    @classmethod
    def of(cls, scope: Scope) -> Self:
        names = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port")
        found = [_words(headers_named(scope, name)) for name in names]
        if any(found):
            return cls(*found)
        hops = _hops(headers_named(scope, b"forwarded"))
        return cls(*([hop[key] for hop in hops if key in hop] for key in ("for", "proto", "host")))


def was_forwarded(scope: Scope) -> bool:
    return any(name in FORWARDING or name.startswith(FORWARDING_PREFIX) for name, _ in scope["headers"])


def said_by(words: Sequence[str], num_trusted: int) -> str | None:
    """What the outermost of `num_trusted` proxies said, who are counted from us; None: nothing. Fewer words than
    proxies: the inner ones wrote over what they got."""
    return words[max(0, len(words) - num_trusted)] if words else None


def _words(headers: list[bytes]) -> list[str]:
    joined = b",".join(headers).decode("latin-1")
    return [word.strip() for word in joined.split(",") if word.strip()]


def _hops(headers: list[bytes]) -> list[dict[str, str]]:
    """The elements of Forwarded, names in lower case: of the last headers, as far as they are well formed. A stranger's
    open quote swallows what a proxy has added after it; then nothing was said."""
    found: list[dict[str, str]] = []
    for header in reversed(headers):
        hops = _elements(header.decode("latin-1"))
        if hops is None:
            break
        found = hops + found
    return found


def _elements(text: str) -> list[dict[str, str]] | None:
    hops: list[dict[str, str]] = []
    hop: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = PAIR.match(text, at)
        if pair is None:
            return None
        hop[pair[1].lower()] = pair[3] if pair[2] is None else ESCAPED.sub(r"\1", pair[2])
        at = pair.end()
        separator = text[at : at + 1]
        if separator not in {"", ",", ";"}:
            return None
        if separator != ";":
            hops.append(hop)
            hop = {}
        at += 1
    return hops
