"""The limit on file descriptors of this process, and the share of it that clients may use. Any thread.

A server without descriptors cannot open its database, write a backup or start an engine: some are kept for that,
whatever comes from outside.
"""

import contextlib
import resource
from typing import NamedTuple

WANTED = 16_384  # more than connections may take (limits.connections) and everything else together
RESERVED = 128  # database readers and their files, logs, engines, imports, downloads
MAX_BACKLOG = 512
MIN_CONNECTIONS = 16


class Room(NamedTuple):
    num_connections: int
    backlog: int  # connections that the kernel takes before we do


def raise_limit() -> int:
    """Descriptors that this process may have from now on: shells give 1,024 where the system allows far more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has a bound of its own that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return WANTED if soft == resource.RLIM_INFINITY else soft


def room_for_connections(num_descriptors: int, *, wanted: int) -> Room:
    """The loop takes all that knock at once, up to the backlog, before one of them can be closed, and closes a turn
    later: so many more than `num_connections` are open for a moment, twice."""
    backlog = max(1, min(MAX_BACKLOG, num_descriptors // 8))
    return Room(max(MIN_CONNECTIONS, min(wanted, num_descriptors - RESERVED - 2 * backlog)), backlog)
