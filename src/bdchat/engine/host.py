"""Cores and memory of this machine, as far as this process may use them. Reads /proc and /sys; any thread."""

import hashlib
import os
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def num_physical_cores() -> int:
    """Physical cores, within this process's CPU set and its cgroup's quota; at least one."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed, _cgroup_cores() or physical))


def default_num_threads() -> int:
    """llama.cpp's team spins; on a larger machine one core stays free for the server and the rest of the system."""
    cores = num_physical_cores()
    return cores - 1 if cores > 4 else cores


def free_memory_bytes() -> int:
    """What can be allocated now without swapping, within the cgroup's limit."""
    free = int(psutil.virtual_memory().available)
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is None or used is None:
        return free
    return max(0, min(free, limit - used + _cached_files_bytes()))


def total_memory_bytes() -> int:
    """What there is, within the cgroup's limit."""
    total = int(psutil.virtual_memory().total)
    limit = _number(_CGROUP / "memory.max")
    return total if limit is None else min(total, limit)


def busy_share(interval_s: float) -> float:
    """Of all cores, how much was computed by anybody in the next so many seconds; 0 to 1. It waits so long."""
    return float(psutil.cpu_percent(interval=interval_s)) / 100


def cpu_name() -> str:
    """Model and features of the CPU: what a measurement or a probe of a library depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    seen: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in wanted:
            seen.setdefault(key.strip(), value.strip())
    return "; ".join(seen[key] for key in wanted if key in seen) or "unknown"


def cpu_features() -> frozenset[str]:
    """As /proc/cpuinfo names them; none where there is no such file."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    named = (line.partition(":") for line in lines)
    return frozenset(next((told.split() for key, _, told in named if key.strip() in {"flags", "Features"}), ()))


def machine_identity(n_threads: int | None, n_gpu_layers: int) -> str:
    """What the speed of a model depends on beside the model: what was measured under one says nothing under another."""
    parts = (cpu_name(), n_threads or default_num_threads(), n_gpu_layers)
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:16]


def _cached_files_bytes() -> int:
    """That the cgroup counts as used although the kernel takes it back at once: files that were read or written and
    that no process has mapped."""
    try:
        lines = (_CGROUP / "memory.stat").read_text("ascii").splitlines()
        counts = {name: int(number) for name, number in (line.split() for line in lines)}
    except (OSError, ValueError):
        return 0
    cached = counts.get("active_file", 0) + counts.get("inactive_file", 0)
    return max(0, cached - counts.get("file_mapped", 0) - counts.get("file_dirty", 0))


def _cgroup_cores() -> int | None:
    try:
        quota, period = (_CGROUP / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, int(quota) // int(period))


def _number(path: Path) -> int | None:
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
