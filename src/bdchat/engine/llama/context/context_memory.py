"""Memory of a llama.cpp context that is there only where it was written, and can be given back. Engine thread only.

llama.cpp takes a context's cells as one block and writes zeroes into all of it: gigabytes, from the first minute on, of
which most are never used. Pages that come fresh from the system are zeroes without that. So while a context is made,
its blocks are mapped here and the zeroing is left out: a page is taken when something is first written to it, and goes
back when nobody's cells are on it, after which it reads as zeroes again, like a cell that was never used.

The way in is ggml's table of what a kind of buffer can do (ggml-backend-impl.h). Its shape is compared with what the
library itself says before anything in it is touched; where that differs, llama.cpp allocates as it always does. Linux
alone gives zeroes for pages that were given back.
"""

import ctypes
import logging
import mmap
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as bindings

from bdchat.engine.kv.cell_layout import Span

logger = logging.getLogger(__name__)

MIN_BLOCK_BYTES = 1024**2  # smaller ones are llama.cpp's own affair
PAGE = mmap.PAGESIZE
_PAGEMAP_IN_MEMORY = np.uint64(1 << 63)  # Documentation/admin-guide/mm/pagemap.rst
_PAGEMAP_OUR_OWN = np.uint64(1 << 56)  # not the one page of zeroes that everything unwritten is read from
_PAGES_AT_A_TIME = 512  # of pagemap: a page of it

_Pointer = ctypes.c_void_p
_Allocate = ctypes.CFUNCTYPE(_Pointer, _Pointer, ctypes.c_size_t)
_Free = ctypes.CFUNCTYPE(None, _Pointer)
_Clear = ctypes.CFUNCTYPE(None, _Pointer, ctypes.c_uint8)
# struct ggml_backend_buffer_type: get_name, alloc_buffer, get_alignment, get_max_size, get_alloc_size, is_host
_TYPE_WORDS, _ALLOCATE = 6, 1
# struct ggml_backend_buffer: eleven functions, then buft, context, size
_BUFFER_WORDS, _FREE, _CLEAR, _TYPE, _DATA, _SIZE = 14, 0, 9, 11, 12, 13


class _Seam(NamedTuple):
    buffer_type: int  # ggml's "CPU"
    words: Any  # its table
    wrap: Any  # ggml_backend_cpu_buffer_from_ptr


class _Block:
    """One mapping."""

    def __init__(self, num_bytes: int) -> None:
        """Raises OSError."""
        self._map = mmap.mmap(-1, -(-num_bytes // PAGE) * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        first = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(first)
        self.num_bytes = num_bytes
        self.holds_cells = False

    def hold_cells(self) -> None:
        """A page of 2 MiB for a cell of 400 bytes would be what is to be saved."""
        self.holds_cells = True
        self._map.madvise(mmap.MADV_NOHUGEPAGE)

    def give_back(self, span: Span | None = None) -> None:
        """Whole pages only."""
        start, end = span or (0, len(self._map))
        start, end = -(-start // PAGE) * PAGE, end // PAGE * PAGE
        if start < end:
            self._map.madvise(mmap.MADV_DONTNEED, start, end - start)

    def view(self) -> npt.NDArray[np.uint8]:
        """Lets the block not be closed while it lives."""
        return np.frombuffer(self._map, np.uint8, self.num_bytes)

    def close(self) -> None:
        self._map.close()


class ContextMemory:
    """The blocks of one context. It must outlive the context, whose end gives them back."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}  # by ggml's buffer
        self._calls = (_Allocate(self._allocate), _Free(self._free), _Clear(self._clear))
        self._seam: _Seam | None = None
        self._usual_allocate: Any = None

    @property
    def is_elastic(self) -> bool:
        return any(block.holds_cells for block in self._blocks.values())

    @contextmanager
    def provided(self) -> Iterator[None]:
        """What is allocated inside the block lies here."""
        self._seam = seam = _find_seam()
        if seam is None:
            yield
            return
        usual = seam.words[_ALLOCATE]
        self._usual_allocate = _Allocate(usual)
        seam.words[_ALLOCATE] = _address(self._calls[0])
        try:
            yield
        finally:
            seam.words[_ALLOCATE] = usual

    def cells(self) -> npt.NDArray[np.uint8]:
        """A view of the largest block of cells; drop it before the context ends."""
        return self._largest.view()

    def give_back(self, spans: Iterable[Span]) -> None:
        """Of what `cells` shows."""
        for span in spans:
            self._largest.give_back(span)

    def give_back_all(self) -> None:
        """No sequence holds a cell, and nobody reads the last step's results; the context may go on."""
        for block in self._blocks.values():
            block.give_back()

    @property
    def _largest(self) -> _Block:
        return max((block for block in self._blocks.values() if block.holds_cells), key=lambda block: block.num_bytes)

    def resident_cell_bytes(self) -> int | None:
        """Of the cells' blocks, in memory now. None: not known."""
        if not self.is_elastic:
            return None
        try:
            return sum(_resident_bytes(block) for block in self._blocks.values() if block.holds_cells)
        except OSError:
            return None

    def _allocate(self, buffer_type: int, num_bytes: int) -> int | None:
        """ggml asks for a buffer. None: there is no memory."""
        assert self._seam is not None
        if num_bytes < MIN_BLOCK_BYTES:
            buffer: int | None = self._usual_allocate(buffer_type, num_bytes)
            return buffer
        try:
            block = _Block(num_bytes)
        except OSError:
            return None
        buffer = int(self._seam.wrap(block.address, num_bytes))
        words = _buffer_words(buffer)
        words[_FREE], words[_CLEAR], words[_TYPE] = _address(self._calls[1]), _address(self._calls[2]), buffer_type
        self._blocks[buffer] = block
        return buffer

    def _free(self, buffer: int) -> None:
        self._blocks.pop(buffer).close()

    def _clear(self, buffer: int, value: int) -> None:
        """ggml wants the same byte everywhere. It asks for cells alone, and for what is handed out."""
        block = self._blocks[buffer]
        if value == 0:
            block.hold_cells()
            block.give_back()
        else:
            ctypes.memset(block.address, value, block.num_bytes)


@cache
def _find_seam() -> _Seam | None:
    """None: the library is not what this module knows, or the system does not give zeroes."""
    if sys.platform != "linux":
        return None
    try:
        library = bindings._lib
        library.ggml_backend_cpu_buffer_type.restype = _Pointer
        library.ggml_backend_buffer_get_type.restype = _Pointer
        library.ggml_backend_buffer_get_type.argtypes = [_Pointer]
        library.ggml_backend_buffer_free.argtypes = [_Pointer]
        library.ggml_backend_buffer_free.restype = None
        wrap = library.ggml_backend_cpu_buffer_from_ptr
    except AttributeError:
        logger.info("llama.cpp's buffers cannot be mapped here: its cells are held whole")
        return None
    wrap.restype, wrap.argtypes = _Pointer, [_Pointer, ctypes.c_size_t]
    sample = mmap.mmap(-1, PAGE)
    first = ctypes.c_char.from_buffer(sample)
    buffer = wrap(ctypes.addressof(first), PAGE)
    usual_type = library.ggml_backend_cpu_buffer_type()
    mapped_type = library.ggml_backend_buffer_get_type(buffer)
    words, usual, mapped = _buffer_words(buffer), _type_words(usual_type), _type_words(mapped_type)
    as_known = (words[_FREE], words[_TYPE], words[_DATA], words[_SIZE]) == (
        None,
        mapped_type,
        ctypes.addressof(first),
        PAGE,
    ) and all(words[place] for place in (1, 3, 4, 5, _CLEAR))
    # Both kinds of memory differ in their name and share all else.
    as_known &= usual[0] != mapped[0] and [*usual[1:]] == [*mapped[1:]]
    as_known &= [bool(word) for word in usual] == [True, True, True, False, False, True]
    library.ggml_backend_buffer_free(buffer)
    del first
    if not as_known:
        logger.info("llama.cpp's buffers are not as known here: its cells are held whole")
        return None
    return _Seam(usual_type, usual, wrap)


def _resident_bytes(block: _Block) -> int:
    """Pages that were written and not given back, as /proc/self/pagemap has them: mincore(2) counts the page of zeroes
    wherever a cell was only read."""
    first, num_pages = block.address // PAGE, -(-block.num_bytes // PAGE)
    present = np.zeros(num_pages, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    start, length = ctypes.c_void_p(first * PAGE), ctypes.c_size_t(num_pages * PAGE)
    if libc.mincore(start, length, present.ctypes.data_as(_Pointer)) != 0:
        raise OSError(ctypes.get_errno(), "mincore")
    runs = np.flatnonzero(np.add.reduceat(present, np.arange(0, num_pages, _PAGES_AT_A_TIME), dtype=np.uint32))
    total = 0
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
        for run in runs:
            at = int(run) * _PAGES_AT_A_TIME
            data = os.pread(pagemap.fileno(), 8 * min(_PAGES_AT_A_TIME, num_pages - at), 8 * (first + at))
            entries = np.frombuffer(data, np.uint64)
            wanted = _PAGEMAP_IN_MEMORY | _PAGEMAP_OUR_OWN
            total += int(np.count_nonzero((entries & wanted) == wanted))
    return total * PAGE


def _type_words(address: int) -> Any:
    return (_Pointer * _TYPE_WORDS).from_address(address)


def _buffer_words(address: int) -> Any:
    return (_Pointer * _BUFFER_WORDS).from_address(address)


def _address(call: Any) -> int:
    return ctypes.cast(call, _Pointer).value or 0
