"""A process reads an import as a thread does; its end is one import's matter."""

import json
import os
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psutil
import pytest

from bdchat.store.importing.batches import ImportBounds, ReadyChat
from bdchat.store.importing.readers import (
    PROCESS_FROM_BYTES,
    ImportReader,
    OpenReader,
    ProcessReader,
    ReaderEnded,
    ThreadReader,
    open_reader,
)
from bdchat.store.transfer.reading import Problem
from bdchat.store.transfer.writing import ChatSlice
from tests.store.transferable import conversation, node

pytestmark = pytest.mark.anyio
GENEROUS = ImportBounds(num_bytes=10**6, max_bytes=10**9, cpu_s=10**6)
MADE_HERE = {"session_id", "message_id", "parent_id", "head_message_id", "updated_at_ms", "terms"}  # new ids each time


def export() -> bytes:
    """Small chats, one in many slices in their midst, one that cannot be a chat, and a broken end."""
    long = [node(f"m{n}", f"m{n - 1}" if n else None, "user", f"환불{n} " + "x" * 20_000) for n in range(20)]
    small = conversation(node("u", None, "user", "안녕"), node("a", "u", "assistant", "네"))
    empty = conversation(node("u", None, None, ""))
    return json.dumps([small, small, conversation(*long), empty, small]).encode()[:-1] + b", nonsense"


@asynccontextmanager
async def opened(kind: OpenReader, data: bytes) -> AsyncGenerator[ImportReader]:
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.flush()
        reader = await kind(source, "ann", GENEROUS)
        try:
            yield reader
        finally:
            await reader.aclose()


def reading_process() -> psutil.Process:
    (child,) = (each for each in psutil.Process().children() if "importing" in " ".join(each.cmdline()))
    return child


async def everything(reader: ImportReader) -> list[tuple[ReadyChat | Problem, list[ChatSlice]]]:
    found: list[tuple[ReadyChat | Problem, list[ChatSlice]]] = []
    while batch := await reader.next_batch():
        found += [(entry, []) for entry in batch]
        while (some := await reader.next_slice()) is not None:
            found[-1][1].append(some)
    return found


def told(entry: ReadyChat | Problem, rest: list[ChatSlice]) -> object:
    """What does not depend on when it was read."""
    if isinstance(entry, Problem):
        return entry
    prepared = entry.prepared
    slices = [prepared.first, *rest]
    rows = [
        [{name: value for name, value in row.items() if name not in MADE_HERE} for row in some.messages + some.entries]
        for some in slices
    ]
    return prepared.source_id, prepared.num_bytes, prepared.num_branches, prepared.is_whole, entry.file, rows


async def test_a_process_reads_what_a_thread_reads() -> None:
    async with opened(ThreadReader.open, export()) as reader:
        in_a_thread = await everything(reader)
    async with opened(ProcessReader.open, export()) as reader:
        in_a_process = await everything(reader)
    assert [told(*each) for each in in_a_process] == [told(*each) for each in in_a_thread]
    assert [len(rest) > 2 for _, rest in in_a_thread].count(True) == 1
    assert [type(entry) for entry, _ in in_a_thread].count(Problem) == 2


async def test_a_large_file_is_read_in_a_process() -> None:
    def source(num_bytes: int) -> ImportBounds:
        return ImportBounds(num_bytes=num_bytes, max_bytes=10**9, cpu_s=10**6)

    async def kind_of(num_bytes: int) -> type:
        with tempfile.TemporaryFile() as file:
            reader = await open_reader(file, "ann", source(num_bytes))
            await reader.aclose()
            return type(reader)

    assert await kind_of(PROCESS_FROM_BYTES - 1) is ThreadReader
    assert await kind_of(PROCESS_FROM_BYTES) is ProcessReader


@pytest.mark.parametrize("kind", [ThreadReader.open, ProcessReader.open])
async def test_one_that_is_stopped_still_gives_the_rest_of_its_chat(kind: OpenReader) -> None:
    long = [node(f"m{n}", f"m{n - 1}" if n else None, "user", "x" * 20_000) for n in range(20)]
    small = conversation(node("u", None, "user", "hi"))
    async with opened(kind, json.dumps([conversation(*long), *[small] * 20_000]).encode()) as reader:
        assert len(await reader.next_batch()) == 1
        reader.stop()
        num_slices = 0
        while await reader.next_slice() is not None:
            num_slices += 1
        assert num_slices > 2
        num_chats = 0
        while batch := await reader.next_batch():
            num_chats += len(batch)
        assert num_chats < 20_000  # of what was read ahead at most


async def test_one_that_is_stopped_before_it_has_begun_is_at_its_end() -> None:
    async with opened(ProcessReader.open, export()) as reader:
        reader.stop()
        assert await reader.next_batch() == []


async def test_the_end_of_its_process_is_an_error_here_and_leaves_no_process() -> None:
    async with opened(ProcessReader.open, export()) as reader:
        assert await reader.next_batch()
        child = reading_process()
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ReaderEnded, match="-9"):
            await reader.next_batch()
    assert not child.is_running()


async def test_a_process_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDCHAT_API_KEY", "secret-of-the-operator")
    async with opened(ProcessReader.open, export()) as reader:
        assert await reader.next_batch()
        child = reading_process()
        assert "secret-of-the-operator" not in child.environ().values()
