"""An HTTP proxy that lets nobody through and remembers where they wanted to go."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class RefusingProxy:
    """`wanted`: "host:port" of each tunnel that was asked for, the address of each plain request."""

    url: str = ""
    wanted: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Of a program that is to go through it wherever it goes but on this machine."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
        here = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        return dict.fromkeys(names, self.url) | here

    async def refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readline()).split()
        self.wanted.append(asked[1].decode("ascii", "replace") if len(asked) > 1 else "?")
        writer.write(REFUSAL)
        writer.close()


@asynccontextmanager
async def refusing_proxy() -> AsyncGenerator[RefusingProxy]:
    proxy = RefusingProxy()
    async with await asyncio.start_server(proxy.refuse, "127.0.0.1", 0) as server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy
