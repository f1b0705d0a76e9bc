"""Limits of an engine process: an address space for its plan, no network, no other programs.

A C parser reads a stranger's file there, and a stranger's template runs. `renounce` is for the first line of such a
process, `confine` for the moment before the file is opened by native code, when all libraries are loaded and all
children have been started. Linux; elsewhere, and on a GPU, whose driver reserves terabytes of addresses and talks to
services of its own, there is only the isolation of a process.
"""

import ctypes
import logging
import os
import resource
import sys
from pathlib import Path

from bdchat.engine.gguf.header import GGUFHeader
from bdchat.engine.host import default_num_threads, free_memory_bytes, total_memory_bytes
from bdchat.engine.kv.plan import kv_budget_bytes, padded, ram_cache_bytes
from bdchat.private_files import close_umask
from bdchat.settings import EngineSettings
from bdchat.syscall_filter import FilterRefused, install

log = logging.getLogger(__name__)

_PR_SET_NO_NEW_PRIVS = 38
_GIB = 1024**3
# Beyond the plan: what requests, templates and frames take, an architecture's buffers of its own, measuring. A runaway
# gets so much before it gets an error.
HEADROOM_BYTES = 4 * _GIB
_THREAD_BYTES = 144 * 1024**2  # a stack of 8 MiB, and an arena of 64 MiB that is cut out of 128
_NUM_OTHER_THREADS = 8
_LAST = 19  # nice


def renounce() -> None:
    """No core file (it is the weights and everybody's text), no privileges by exec, no files that others can read."""
    close_umask()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0)


def stand_back() -> None:
    """Computes when nobody else would: a process that answers gets the processor at once. For good, children too."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.nice(_LAST)


def confine(header: GGUFHeader, settings: EngineSettings, *, on_gpu: bool, draft: GGUFHeader | None = None) -> None:
    """For good. `draft`: of a second model beside it. What cannot be had is said in the log; it stops nobody."""
    if on_gpu:
        log.info("the engine process is not confined: its model is on a GPU")
        return
    memory = {"free_bytes": free_memory_bytes(), "total_bytes": total_memory_bytes()}
    confine_within(sum(plan_bytes(each, settings, **memory) for each in (header, draft) if each is not None), settings)


def confine_within(num_bytes: int, settings: EngineSettings) -> None:
    """The same for a process that may map so much more than now."""
    if not settings.confine:
        log.info("the engine process is not confined: engine.confine")
        return
    if sys.platform == "linux":
        limit_address_space(num_bytes)
    try:
        install()
    except FilterRefused as error:
        log.warning("%s; the engine process could reach the network", error)


def plan_bytes(header: GGUFHeader, settings: EngineSettings, *, free_bytes: int, total_bytes: int) -> int:
    """More than the model needs beside what is mapped already; whatever its header claims, no more than there is."""
    bytes_per_cell = max(1, header.kv_bytes_per_token())
    cells = kv_budget_bytes(
        settings, bytes_per_cell=bytes_per_cell, n_ctx_train=header.n_ctx_train, free_bytes=free_bytes
    )
    n_ctx = padded(settings.n_ctx or header.n_ctx_train)
    num_cells = min(int(cells / bytes_per_cell) + 1, n_ctx * settings.max_sequences)
    n_batch = settings.n_batch + settings.max_sequences
    compute = header.memory_need(num_cells, n_batch=n_batch).compute
    logits = 4 * header.n_vocab * n_batch
    num_threads = (settings.n_threads or default_num_threads()) + _NUM_OTHER_THREADS
    planned = (
        2 * cells  # states on their way to and from the disk too
        + ram_cache_bytes(settings, total_bytes=total_bytes)
        + compute
        + logits
        + num_threads * _THREAD_BYTES
        + HEADROOM_BYTES
    )
    weights = 2 * header.model_bytes  # the file mapped, and its tensors once more in the CPU's own order
    return weights + min(planned, max(free_bytes, HEADROOM_BYTES))


def limit_address_space(num_bytes: int) -> None:
    """So much more than now; an allocation beyond it fails, whoever asks."""
    limit = mapped_bytes() + num_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    log.debug("the engine process may map %d bytes", limit)


def mapped_bytes() -> int:
    """Of this process, now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
