"""Bytes to a server and bytes back."""

import asyncio

from tests.patience import PATIENCE_S


async def talk(port: int | None, *pieces: bytes) -> bytes:
    """Everything that comes back until the server closes, or until the first answer's body is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(4096), PATIENCE_S)
    finally:
        writer.close()
