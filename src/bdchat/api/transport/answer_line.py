"""What uvicorn's cycle of a request writes to, bent where uvicorn has no seam. Event loop; one per request.

HTTP/1.0 knows no chunks: an answer of unknown length goes as it comes, and the connection's end is its end. And the
connection does not end while its client still sends: see drain.py.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class AnswerLine(asyncio.Transport):
    """The line itself, but its end is `close`'s matter."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._close = close

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._close()


def without_chunks(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """The application of one request, whose answer has a length or none. uvicorn chunks what is not said to be neither,
    and counts by the length that was said: here each piece is as long as it is."""
    cycle.waiting_for_100_continue = False  # HTTP/1.0 has no 100 either

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        has_length = True

        async def send_plain(message: Message) -> None:
            nonlocal has_length
            if message["type"] == "http.response.start":
                has_length = any(name.lower() == b"content-length" for name, _ in message["headers"])
                cycle.chunked_encoding = None if has_length else False
            elif not has_length:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return answer
