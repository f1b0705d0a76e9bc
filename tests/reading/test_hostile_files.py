"""Files that are broken or mean harm: each ends with one of its reasons, within its limits, and hurts nobody."""

import asyncio
from collections.abc import Callable, Iterable

import pytest

from bdchat.reading.pieces import FileFinished, FileRefused
from tests.reading.files import frames_of
from tests.reading.hostile_pdfs import hostile_pdfs
from tests.reading.hostile_texts import hostile_texts

Files = Callable[[], Iterable[tuple[str, bytes, set[str]]]]  # name, content, codes or "read"
NUM_AT_ONCE = 4
LIMITS = {
    "num_pages": 5000,
    "text_bytes": 1 << 20,
    "page_timeout_s": 5,
    "file_timeout_s": 10,
    "reader_memory_bytes": 192 << 20,
}


@pytest.mark.anyio
@pytest.mark.parametrize("files", [hostile_pdfs, hostile_texts])
async def test_each_ends_with_its_reason(files: Files) -> None:
    gate = asyncio.Semaphore(NUM_AT_ONCE)
    wrong: list[tuple[str, str]] = []

    async def look(name: str, content: bytes, may_end: set[str]) -> None:
        async with gate:
            last = (await frames_of(content, name, **LIMITS))[-1]
        assert isinstance(last, FileFinished | FileRefused)
        code = "read" if isinstance(last, FileFinished) else last.code
        if code not in may_end:
            wrong.append((name[:80], code))

    await asyncio.gather(*(look(*each) for each in files()))
    assert wrong == []
