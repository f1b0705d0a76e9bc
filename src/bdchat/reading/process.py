"""The server's side of reading a file: a process of its own reads it, and ends with who asked. Event loop only."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncGenerator

from bdchat.lifeline import python_environment, tied
from bdchat.reading.bounds import ReadingLimits
from bdchat.reading.pieces import FileFinished, FileRefused, Frame, PageRead
from bdchat.reading.wire import (
    LENGTH_BYTES,
    Fault,
    PageTooLarge,
    ReadOrder,
    Told,
    decode_frame,
    encode_order,
    length_of,
)
from bdchat.settings.documents import DocumentSettings

log = logging.getLogger(__name__)

# The limits are of CPU time. A process that waits behind a busy engine gets less of it; one that gets less than this
# share hangs.
LEAST_CPU_SHARE = 1 / 20
_TOO_SLOW = {-signal.SIGPROF, -signal.SIGXCPU}  # page and file; see main.py


class _Silent(Exception):
    """Nothing came for too long."""


async def read(fd: int, name: str, settings: DocumentSettings, *, first_page: int = 1) -> AsyncGenerator[Frame]:
    """`fd`: of a regular file; its position is moved. The last frame is a FileFinished or a FileRefused, whatever
    happens. Leave it with `aclosing`: that ends the process."""
    order = ReadOrder(
        fd=fd,
        name=name.encode("utf-8", "replace").decode("utf-8"),  # lone surrogates
        limits=ReadingLimits(settings.num_pages, settings.unpacked_bytes, settings.text_bytes),
        memory_bytes=settings.reader_memory_bytes,
        page_cpu_s=settings.page_timeout_s,
        file_cpu_s=settings.file_timeout_s,
        first_page=first_page,
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *tied([sys.executable, "-P", "-m", "bdchat.reading.main"]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a file must not write the server's log
            pass_fds=(fd,),
            env=python_environment(),
        )
    except OSError as error:
        log.exception("no process could be started to read a file")
        yield FileRefused("reader_died", error.strerror or "")
        return
    page = 0
    try:
        _send(process, order)
        while True:
            told = await _next(process, settings.page_timeout_s / LEAST_CPU_SHARE)
            if isinstance(told, Fault):
                log.error("a file could not be read:\n%s", told.trace)
                continue
            if isinstance(told, PageRead):
                page = told.page.number
            yield told
            if isinstance(told, FileFinished | FileRefused):
                return
    except _Silent:
        yield FileRefused("too_slow", page=page + 1)
    except (ConnectionError, asyncio.IncompleteReadError):
        yield _refusal(await process.wait(), page + 1)
    except PageTooLarge:
        yield FileRefused("too_much_text", page=page + 1)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _send(process: asyncio.subprocess.Process, order: ReadOrder) -> None:
    assert process.stdin is not None
    process.stdin.write(encode_order(order))
    process.stdin.close()


async def _next(process: asyncio.subprocess.Process, timeout_s: float) -> Told:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout_s):
            prefix = await process.stdout.readexactly(LENGTH_BYTES)
            return decode_frame(await process.stdout.readexactly(length_of(prefix)))
    except TimeoutError:
        raise _Silent from None


def _refusal(status: int, page: int) -> FileRefused:
    """Of a process that ended before it had told the end."""
    if status in _TOO_SLOW:
        return FileRefused("too_slow", page=page)
    detail = signal.Signals(-status).name if status < 0 else f"status {status}"
    log.error("the process that read a file ended at its page %d: %s", page, detail)
    return FileRefused("reader_died", detail, page)
