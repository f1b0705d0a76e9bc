"""Who reads an import for the event loop: a thread, or for a large file a process. Event loop only.

Python runs one thread at a time: parsing a large file and finding its search terms in a thread would make everybody's
requests wait for milliseconds at each of their steps. A process of its own costs its start, half a second.
"""

import asyncio
import contextlib
import sys
from typing import IO, Protocol

from bdchat.lifeline import python_environment, tied
from bdchat.settings import MIB
from bdchat.store.importing.batches import Batches, ImportBounds, ReadyChat
from bdchat.store.importing.wire import BATCH, LENGTH_BYTES, SLICE, decode_batch, decode_slice, length_of
from bdchat.store.transfer.reading import Problem
from bdchat.store.transfer.writing import ChatSlice

PROCESS_FROM_BYTES = MIB  # a second of a thread's work
END_GRACE_S = 2.0


class ReaderEnded(Exception):
    """The process that read an import is gone; the chats before are good."""


class ImportReader(Protocol):
    """One question at a time. `aclose` must come in the end."""

    async def next_batch(self) -> list[ReadyChat | Problem]:
        """Empty: that was all, or it was stopped. Raises ReaderEnded."""

    async def next_slice(self) -> ChatSlice | None:
        """Of the last batch's last chat; None: it is whole. Raises ReaderEnded."""

    def stop(self) -> None:
        """Reading; slices are still given."""

    async def aclose(self) -> None: ...


class OpenReader(Protocol):
    async def __call__(self, source: IO[bytes], user_id: str, bounds: ImportBounds) -> ImportReader:
        """Raises OSError."""


async def open_reader(source: IO[bytes], user_id: str, bounds: ImportBounds) -> ImportReader:
    kind = ProcessReader if bounds.num_bytes >= PROCESS_FROM_BYTES else ThreadReader
    return await kind.open(source, user_id, bounds)


class ThreadReader:
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    @classmethod
    async def open(cls, source: IO[bytes], user_id: str, bounds: ImportBounds) -> "ThreadReader":
        return cls(Batches(source, user_id, bounds))

    async def next_batch(self) -> list[ReadyChat | Problem]:
        return await asyncio.to_thread(self._batches.next_batch)

    async def next_slice(self) -> ChatSlice | None:
        return await asyncio.to_thread(self._batches.next_slice)

    def stop(self) -> None:
        self._batches.stop()

    async def aclose(self) -> None:
        await asyncio.to_thread(self._batches.close)


class ProcessReader:
    """Ends with its server."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._is_stopped = False

    @classmethod
    async def open(cls, source: IO[bytes], user_id: str, bounds: ImportBounds) -> "ProcessReader":
        """`source` has a descriptor. Raises OSError."""
        options = {
            "fd": source.fileno(),
            "user-id": user_id,
            "num-bytes": bounds.num_bytes,
            "max-bytes": bounds.max_bytes,
            "cpu-s": bounds.cpu_s,
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        process = await asyncio.create_subprocess_exec(
            *tied([sys.executable, "-P", "-m", "bdchat.store.importing.main", *words]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(source.fileno(),),
            env=python_environment(),
        )
        return cls(process)

    async def next_batch(self) -> list[ReadyChat | Problem]:
        try:
            return decode_batch(await self._answer(BATCH))
        except ReaderEnded:
            if self._is_stopped:  # before it was ready to be told so
                return []
            raise

    async def next_slice(self) -> ChatSlice | None:
        return decode_slice(await self._answer(SLICE))

    def stop(self) -> None:
        self._is_stopped = True
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    async def aclose(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_GRACE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):  # it has ended at that moment
                self._process.kill()
            await self._process.wait()

    async def _answer(self, question: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(question)
            await stdin.drain()
            return await stdout.readexactly(length_of(await stdout.readexactly(LENGTH_BYTES)))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise ReaderEnded(f"the import's reader ended with status {await self._process.wait()}") from error
