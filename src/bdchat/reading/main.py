"""The main of a process that reads one file: `python -m bdchat.reading.main`; see wire.py.

Whatever a file does to a parser, it does to this process alone. Before the parser sees it the process can open no file
and no socket, start no program, and take no more memory and CPU time than it was given; where a kernel has no filter
for system calls the limits on descriptors remain. A second file gets a second process.
"""

import math
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO

from bdchat.private_files import close_umask
from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.passages.cutting import passages
from bdchat.reading.passages.headings import HeadingPath
from bdchat.reading.pieces import FileFinished, FileOpened, FileRefused, Frame, PageRead, PageText
from bdchat.reading.sniffing import sniff
from bdchat.reading.table import ReadPages, reader_of
from bdchat.reading.wire import Fault, ReadOrder, decode_order, write_frame
from bdchat.syscall_filter import FilterRefused, install

NICENESS = 10
# What the standard library and parsers import when they need it: later no file can be opened.
_NEEDED_LATER = (
    *("_strptime", "base64", "bisect", "bz2", "calendar", "copy", "decimal", "difflib", "encodings.idna", "fractions"),
    *("heapq", "html.entities", "inspect", "linecache", "locale", "lzma", "quopri", "random", "statistics", "string"),
    *("stringprep", "tempfile", "textwrap", "tokenize", "unicodedata", "warnings", "xml.sax.saxutils"),
)
MAX_LABEL_CHARACTERS = 200
# What a database or a frame cannot hold; one for one, so that spans stay right.
_UNSTORABLE = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def main() -> None:
    order = decode_order(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not break a frame
    _bound(order)
    with os.fdopen(order.fd, "rb") as data:
        try:
            for frame in _frames(data, order):
                write_frame(answers, frame)
        except BrokenPipeError:  # nobody waits for it any more
            os._exit(0)


def _frames(data: IO[bytes], order: ReadOrder) -> Iterator[Frame | Fault]:
    page = 0  # where it is
    try:
        for frame in _read(data, order):
            page = frame.page.number + 1 if isinstance(frame, PageRead) else 1
            if not (isinstance(frame, PageRead) and frame.page.number < order.first_page):
                yield frame
    except Unreadable as error:
        yield FileRefused(error.code, error.detail, page)
    except MemoryError:
        yield FileRefused("out_of_memory", page=page)
    except Exception as error:  # the border: a parser's surprise is its file's damage
        yield from _surprise(error, page)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a Rust parser's surprise
            raise
        yield from _surprise(error, page)


def _surprise(error: BaseException, page: int) -> Iterator[Frame | Fault]:
    yield Fault("".join(traceback.format_exception(error, limit=-20))[-20_000:])
    yield FileRefused("damaged", type(error).__name__, page)


def _read(data: IO[bytes], order: ReadOrder) -> Iterator[Frame]:
    kind = sniff(data, order.name)
    yield FileOpened(kind.format, kind.media_type)
    read_pages = reader_of(kind.format)
    if read_pages is None:
        raise Unreadable("unknown_format", kind.detail)
    _confine()
    bounds = Bounds(order.limits)
    data.seek(0)
    num_pages = num_scanned = num_characters = 0
    headings = HeadingPath()
    for page in _timed(read_pages, data, bounds, order.page_cpu_s):
        if num_pages == 0 and bounds.num_expected_pages is not None:
            yield FileOpened(kind.format, kind.media_type, bounds.num_expected_pages)
        num_pages += 1
        num_scanned += page.is_scanned
        num_characters += len(page.text) - page.text.count(" ") - page.text.count("\n")
        yield PageRead(page, tuple(passages(page, headings)))
    bounds.note("pages_scanned", num_scanned)
    if num_characters == 0:
        is_drawn = num_scanned or bounds.notes["pages_without_characters"]
        raise Unreadable("no_text" if is_drawn else "empty")
    yield FileFinished(num_pages, dict(bounds.notes))


def _timed(read_pages: ReadPages, data: IO[bytes], bounds: Bounds, page_cpu_s: float) -> Iterator[PageText]:
    """Counted and storable. The clock runs over the page's passages too."""
    _start_clock(page_cpu_s)
    for page in read_pages(data, bounds):
        bounds.page(page)
        yield _storable(page)
        _start_clock(page_cpu_s)


def _storable(page: PageText) -> PageText:
    text, label = (each.translate(_UNSTORABLE) for each in (page.text, page.label[:MAX_LABEL_CHARACTERS]))
    if text == page.text and label == page.label:
        return page
    return PageText(
        page.number, text, label, page.blocks, page.width, page.height, page.boxes, is_scanned=page.is_scanned
    )


# --- limits -----------------------------------------------------------------------------------------------------------


def _bound(order: ReadOrder) -> None:
    close_umask()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _lower(resource.RLIMIT_CPU, math.ceil(order.file_cpu_s), grace=1)  # SIGXCPU, then SIGKILL
    if sys.platform == "linux":
        mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _lower(resource.RLIMIT_AS, mapped + order.memory_bytes)
    _start_clock(order.page_cpu_s)


def _confine() -> None:
    """For good: what a format needs is imported by now."""
    for name in _NEEDED_LATER:
        import_module(name)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # those that are open stay so; no other can be opened
    try:
        install()
    except FilterRefused:
        return  # without files and sockets there is little left to filter


def _start_clock(cpu_s: float) -> None:
    """SIGPROF ends the process then, in native code too."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)


def _lower(limit: int, number: int, *, grace: int = 0) -> None:
    _, hard = resource.getrlimit(limit)
    if hard == resource.RLIM_INFINITY or hard > number + grace:
        resource.setrlimit(limit, (number, number + grace))


if __name__ == "__main__":
    main()
