"""What the server and the process that reads a file say to each other: length-prefixed msgpack. No pickles.

The server writes one ReadOrder to its standard input and ends it. It answers with frames: 4 bytes of length
(big-endian), then a Frame or a Fault. A file's name is nowhere on a command line, which everybody may see.
"""

from io import BufferedIOBase

import msgspec

from bdchat.reading.bounds import ReadingLimits
from bdchat.reading.pieces import FileFinished, FileOpened, FileRefused, Frame, PageRead

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 256 * 1024 * 1024  # a page of 32 MiB of text with its spans


class ReadOrder(msgspec.Struct, frozen=True):
    """`fd`: of the file, which the process has inherited. `first_page`: those before it are not told again.
    `page_cpu_s`, `file_cpu_s`: then the process ends."""

    fd: int
    name: str
    limits: ReadingLimits
    memory_bytes: int
    page_cpu_s: float
    file_cpu_s: float
    first_page: int = 1


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """A traceback for the server's log, before the FileRefused that it led to."""

    trace: str


Told = FileOpened | PageRead | FileFinished | FileRefused | Fault
_decoder: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)
_encoder = msgspec.msgpack.Encoder()


class PageTooLarge(Exception):
    pass


def write_frame(stream: BufferedIOBase, frame: Frame | Fault) -> None:
    body = _encoder.encode(frame)
    stream.write(len(body).to_bytes(LENGTH_BYTES, "big"))
    stream.write(body)
    stream.flush()


def length_of(prefix: bytes) -> int:
    """Of the body that follows. Raises PageTooLarge."""
    num_bytes = int.from_bytes(prefix, "big")
    if num_bytes > MAX_FRAME_BYTES:
        raise PageTooLarge(num_bytes)
    return num_bytes


def decode_frame(body: bytes) -> Told:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(body)


def encode_order(order: ReadOrder) -> bytes:
    return _encoder.encode(order)


def decode_order(body: bytes) -> ReadOrder:
    return msgspec.msgpack.decode(body, type=ReadOrder)
