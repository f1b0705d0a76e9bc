"""Runs a client in a process from which no other machine can be reached; for that it must be the first to be imported.

    python -m tests.clients.inside NAME_client REAL_URL CLEVER_URL

Telemetry, price lists and tokenizers that a package would fetch: the attempt fails and is told on standard error. The
hook lasts as long as its process, so the tests themselves never import this.
"""

import runpy
import sys
from typing import Any

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
OUTSIDE = "outside: "  # begins a line that tells of an attempt


def keep_inside(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = str(address[0]) if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = str(arguments[0] or "")
    else:
        return
    if host and host not in LOOPBACK:
        sys.stderr.write(f"{OUTSIDE}{event} {host}\n")
        raise ConnectionRefusedError(host)


if __name__ == "__main__":
    sys.addaudithook(keep_inside)
    del sys.argv[0]
    runpy.run_module(f"tests.clients.{sys.argv[0]}", run_name="__main__")
