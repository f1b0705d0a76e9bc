"""The frames between a server and a process that reads an import: length-prefixed msgpack. No pickles.

Asked with a line, BATCH or SLICE, it answers with a frame: 4 bytes of length (big-endian), then an ImportBatch, or a
ChatSlice or nil. The end of its input ends it; SIGTERM stops the reading, so that the next batch is empty.
"""

from typing import Self

import msgspec

from bdchat.store.importing.batches import ReadyChat
from bdchat.store.transfer.reading import Problem
from bdchat.store.transfer.writing import ChatSlice

BATCH = b"batch\n"
SLICE = b"slice\n"
LENGTH_BYTES = 4
MAX_FRAME_BYTES = 64 * 1024 * 1024  # a message of 8 MiB with as many bytes of terms, four times over


class ImportBatch(msgspec.Struct, frozen=True, array_like=True):
    """Each entry is one of both; the order is the file's."""

    entries: list[tuple[ReadyChat | None, Problem | None]]

    @classmethod
    def of(cls, batch: list[ReadyChat | Problem]) -> Self:
        return cls([(None, entry) if isinstance(entry, Problem) else (entry, None) for entry in batch])


class FrameTooLarge(Exception):
    pass


def encode_batch(batch: list[ReadyChat | Problem]) -> bytes:
    return framed(msgspec.msgpack.encode(ImportBatch.of(batch)))


def encode_slice(some: ChatSlice | None) -> bytes:
    return framed(msgspec.msgpack.encode(some))


def decode_batch(body: bytes) -> list[ReadyChat | Problem]:
    """Raises msgspec.DecodeError."""
    pairs = msgspec.msgpack.decode(body, type=ImportBatch).entries
    return [entry for pair in pairs for entry in pair if entry is not None]


def decode_slice(body: bytes) -> ChatSlice | None:
    """Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(body, type=ChatSlice | None)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def length_of(prefix: bytes) -> int:
    """Of the body that follows. Raises FrameTooLarge."""
    num_bytes = int.from_bytes(prefix, "big")
    if num_bytes > MAX_FRAME_BYTES:
        raise FrameTooLarge(num_bytes)
    return num_bytes
