"""The llama.cpp shared library as this process uses it: start-up, log routing, fast bindings, identity.

Everything here is process-wide in llama.cpp itself. Call `start_library` once, before the first model, on the
thread that will own the model.
"""

import ctypes
import hashlib
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp import llama_cpp as bindings

logger = logging.getLogger("bdchat.llama")

# ggml.h, enum ggml_log_level. INFO is what llama.cpp says on every load: debug to us.
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _route_log(level: int, text: bytes, _user_data: object) -> None:
    """Called from llama.cpp's own threads. Progress dots and continued lines carry nothing worth a record."""
    python_level = _LEVELS.get(level)
    if python_level is not None and logger.isEnabledFor(python_level):
        line = text.decode("utf-8", errors="replace").strip()
        if line:
            logger.log(python_level, "%s", line)


def start_library() -> None:
    """Idempotent. llama.cpp's abort() would fork a debugger for its backtrace: off."""
    os.putenv("GGML_NO_BACKTRACE", "1")  # read by C at abort time; nothing in Python depends on it
    llama_cpp.llama_log_set(_route_log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


@contextmanager
def recorded_errors() -> Generator[list[str]]:
    """Collects what llama.cpp logs as an error inside the block: the only reason it gives for a NULL."""
    lines: list[str] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    recorder = Recorder(level=logging.ERROR)
    logger.addHandler(recorder)
    try:
        yield lines
    finally:
        logger.removeHandler(recorder)


def library_files() -> tuple[Path, ...]:
    """The shared objects that compute, in a fixed order."""
    folder = Path(bindings._lib._name).parent
    return tuple(sorted(path for path in folder.iterdir() if ".so" in path.name or path.suffix == ".dylib"))


def library_identity() -> str:
    """Changes when the library is rebuilt: version, sizes and times of its files."""
    digest = hashlib.sha256(llama_cpp.__version__.encode())
    for path in library_files():
        stat = path.stat()
        digest.update(f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def library_version() -> str:
    return str(llama_cpp.__version__)


def system_info() -> str:
    """llama.cpp's own line of CPU features it was built with and found."""
    return bytes(llama_cpp.llama_print_system_info()).decode("utf-8", errors="replace").strip()


def supports_gpu_offload() -> bool:
    return bool(llama_cpp.llama_supports_gpu_offload())


class FastCalls:
    """The calls that take microseconds, bound without giving up the GIL.

    ctypes.CDLL releases the GIL around each call; getting it back under a busy interpreter can take milliseconds.
    Only calls that compute next to nothing belong here: the interpreter stands still meanwhile."""

    def __init__(self) -> None:
        library = ctypes.PyDLL(bindings._lib._name)
        pointer, int32 = ctypes.c_void_p, ctypes.c_int32
        self.get_logits = self._bind(library, "llama_get_logits", [pointer], pointer)
        self.seq_pos_min = self._bind(library, "llama_memory_seq_pos_min", [pointer, int32], int32)
        self.seq_pos_max = self._bind(library, "llama_memory_seq_pos_max", [pointer, int32], int32)
        self.seq_rm = self._bind(library, "llama_memory_seq_rm", [pointer, int32, int32, int32], ctypes.c_bool)
        self.seq_cp = self._bind(library, "llama_memory_seq_cp", [pointer, int32, int32, int32, int32], None)
        self.is_eog = self._bind(library, "llama_vocab_is_eog", [pointer, int32], ctypes.c_bool)

    @staticmethod
    def _bind(library: ctypes.PyDLL, name: str, argtypes: list[Any], restype: Any) -> Any:
        function = getattr(library, name)
        function.argtypes = argtypes
        function.restype = restype
        return function
