"""Which Origins server.cors_origins names: exact ones and patterns. Pure.

`*` stands for a whole host, for its first labels or for the port: "vscode-webview://*", "https://*.example.com",
"http://localhost:*". A scheme alone, "vscode-webview:", is every origin of it, `*` every origin.
"""

import re
from collections.abc import Iterable

from bdchat.api.http.security import UnsafeBind
from bdchat.settings import AuthSettings, ServerSettings

PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*):(?://(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>[0-9]+|\*))?)?", re.IGNORECASE
)


def check_origins(server: ServerSettings, auth: AuthSettings) -> None:
    """Raises UnsafeBind: every page of the web would use the model without a key."""
    if server.api_key is None and auth.local_guest:
        for listed in server.cors_origins:
            if _is_any_page(listed):
                raise UnsafeBind(
                    f"server.cors_origins names {listed!r}, which any web page can be, and on this machine no key is"
                    " needed: name the pages' hosts, set BDCHAT_API_KEY, or set auth.local_guest=false"
                )


def _is_any_page(listed: str) -> bool:
    """Whoever makes a web page can make one that has this origin; "null" is what a frame in a sandbox says."""
    found = PARTS.fullmatch(listed)
    return found is None or (found["scheme"].lower() in {"http", "https"} and found["host"] in {None, "", "*"})


class ListedOrigins:
    """Origins as settings.Origin lets them in."""

    def __init__(self, listed: Iterable[str]) -> None:
        patterns = [_pattern(origin) for origin in listed]
        self._any = re.compile("|".join(patterns).encode(), re.IGNORECASE) if patterns else None

    def __bool__(self) -> bool:
        return self._any is not None

    def __contains__(self, origin: bytes) -> bool:
        return self._any is not None and self._any.fullmatch(origin) is not None


def _pattern(listed: str) -> str:
    found = PARTS.fullmatch(listed)
    if found is None:
        return r"[^\s,]+" if listed == "*" else re.escape(listed)  # "null"
    scheme, host, port = found["scheme"], found["host"] or "*", found["port"]
    if host == "*":
        host_pattern = r"[^\s,/:\[\]]+|\[[0-9a-f:.]+\]" if port else r"[^\s,/]*"
    elif host.startswith("*."):
        host_pattern = r"[^\s,/:\[\]]+\." + re.escape(host[2:])
    else:
        host_pattern = re.escape(host)
    port_pattern = r"(?::[0-9]+)?" if port == "*" else f":{port}" if port else ""
    return f"{re.escape(scheme)}://(?:{host_pattern}){port_pattern}"
