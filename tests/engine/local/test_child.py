"""The server's end of an engine process."""

import asyncio
import socket
from dataclasses import dataclass

import pytest

from bdchat.engine.local.child import EngineChild
from bdchat.engine.wire import MemoryEnded, Report, encode

pytestmark = pytest.mark.anyio
WORDS = MemoryEnded(reason="no room for the batch")


@dataclass
class Gone:
    """A process that has ended; what it said lies in the socket."""

    pid: int = 1

    async def wait(self) -> int:
        return 0

    def kill(self) -> None: ...

    async def last_words(self) -> str:
        return ""


async def test_its_last_words_are_heard_though_its_end_is_noticed_first() -> None:
    """An engine whose memory had ended was taken for one that just stopped, and began again with the same plan."""
    heard: list[Report] = []

    async def spawn(sock: socket.socket, name: str) -> Gone:
        theirs = sock.dup()

        def speak() -> None:
            theirs.sendall(encode(WORDS))
            theirs.close()

        asyncio.get_running_loop().call_later(0.02, speak)  # after its end was noticed
        return Gone()

    child = await EngineChild.start(spawn, "m", heard.append)
    death = await child.ended()
    assert death.returncode == 0
    assert heard == [WORDS]
