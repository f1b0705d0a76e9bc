"""Counts over the lives of an engine: each process begins at zero, the server's totals only grow. Pure."""

from typing import Any

import msgspec

from bdchat.engine.metrics import EngineMetrics

GAUGES = frozenset(
    {
        "num_waiting",
        "num_paused",
        "num_running",
        "num_cells",
        "num_idle_cells",
        "num_cells_total",
        "kv_resident_bytes",
        "ram_cache_bytes",
        "disk_cache_bytes",
    }
)


def with_former_lives(former: EngineMetrics, current: EngineMetrics) -> EngineMetrics:
    """Gauges are the current process's, totals are summed."""
    summed: dict[str, Any] = {
        name: getattr(former, name) + getattr(current, name)
        for name in EngineMetrics.__struct_fields__
        if name not in GAUGES
    }
    return msgspec.structs.replace(current, **summed)
