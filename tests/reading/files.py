"""Files for the reading room's tests, and reading them with and without its process."""

import tempfile
from contextlib import aclosing
from io import BytesIO
from typing import IO

from bdchat.reading.bounds import Bounds, ReadingLimits
from bdchat.reading.pieces import FileRefused, Frame, PageRead, PageText
from bdchat.reading.process import read
from bdchat.reading.sniffing import sniff
from bdchat.reading.table import reader_of
from bdchat.settings.documents import DocumentSettings

LIMITS = ReadingLimits(num_pages=1000, unpacked_bytes=1 << 24, text_bytes=1 << 22)


def read_here(content: bytes, name: str = "file", limits: ReadingLimits = LIMITS) -> tuple[list[PageText], Bounds]:
    """In this process, by the format that it is sniffed to be."""
    bounds = Bounds(limits)
    data = BytesIO(content)
    reader = reader_of(sniff(data, name).format)
    assert reader is not None
    data.seek(0)
    found = []
    for page in reader(data, bounds):
        bounds.page(page)
        found.append(page)
    return found, bounds


def told_blocks(page: PageText) -> list[tuple[str, str]]:
    return [(block.kind, page.text[block.start : block.end]) for block in page.blocks]


async def frames_of(
    content: bytes | IO[bytes], name: str = "file", *, first_page: int = 1, **settings: float
) -> list[Frame]:
    """By the process, to the end."""
    with tempfile.TemporaryFile() as kept:
        if isinstance(content, bytes):
            kept.write(content)
            kept.flush()
        fd = kept.fileno() if isinstance(content, bytes) else content.fileno()
        frames = read(fd, name, DocumentSettings.model_validate(settings), first_page=first_page)
        async with aclosing(frames) as told:
            return [frame async for frame in told]


def refusal(frames: list[Frame]) -> FileRefused:
    last = frames[-1]
    assert isinstance(last, FileRefused), last
    return last


def pages_told(frames: list[Frame]) -> list[PageText]:
    return [frame.page for frame in frames if isinstance(frame, PageRead)]
