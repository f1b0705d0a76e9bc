"""GET /metrics: counters of the engines and of this process in Prometheus' text format. Event loop; collected at each
scrape.

Nothing is counted here: the collector reads the engines' snapshots, the latency meter and the refusals.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from bdchat.api.generation.latency import Histogram, LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.api.http.envelope import Refusals
from bdchat.api.http.identity import require_operator
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.router import Router

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAG_INTERVAL_S = 0.5

Reading = Callable[[EngineMetrics], float]
GAUGES: tuple[tuple[str, str, Reading], ...] = (
    ("requests_waiting", "Requests in the queue", lambda m: m.num_waiting),
    ("sequences_paused", "Of those that wait: gave way to others", lambda m: m.num_paused),
    ("sequences_running", "Sequences in the batch", lambda m: m.num_running),
    ("kv_cells", "KV cells in use, idle ones included", lambda m: m.num_cells),
    ("kv_idle_cells", "KV cells kept as cache only", lambda m: m.num_idle_cells),
    ("kv_cells_total", "KV cells there are", lambda m: m.num_cells_total),
    ("kv_resident_bytes", "Memory that the KV cells take", lambda m: m.kv_resident_bytes),
    ("ram_cache_bytes", "Idle sequences kept in memory", lambda m: m.ram_cache_bytes),
    ("disk_cache_bytes", "Stored conversations' sequences kept on disk", lambda m: m.disk_cache_bytes),
)
COUNTERS: tuple[tuple[str, str, Reading], ...] = (
    ("prompt_tokens_computed", "Prompt tokens evaluated", lambda m: m.prompt_tokens_computed),
    ("generated_tokens", "Tokens sampled", lambda m: m.tokens_generated),
    ("steps", "Calls of llama_decode", lambda m: m.num_steps),
    ("batched_tokens", "Tokens over all steps", lambda m: m.num_batched_tokens),
    ("evictions", "Sequences whose cells were given up", lambda m: m.num_evictions),
    ("preemptions", "Running sequences set back", lambda m: m.num_preemptions),
    ("requests", "Requests submitted", lambda m: m.num_requests),
    ("requests_cancelled", "Requests cancelled", lambda m: m.num_cancelled),
    ("requests_failed", "Requests failed", lambda m: m.num_failed),
)


class MetricsCollector(Collector):
    def __init__(self, router: Router, generations: GenerationService, meter: LatencyMeter, refusals: Refusals) -> None:
        self._router = router
        self._generations = generations
        self._meter = meter
        self._refusals = refusals

    def collect(self) -> Iterable[Metric]:
        yield from self._of_engines()
        yield _histogram("bdchat_ttft_seconds", "Request to first text", self._meter.ttft)
        yield _histogram("bdchat_inter_token_seconds", "Between two pieces of text", self._meter.inter_token)
        yield _histogram("bdchat_loop_lag_seconds", "How late the event loop was", self._meter.loop_lag)
        yield _histogram(
            "bdchat_eta_ratio", "The time to the first text that was told first, by the real one", self._meter.foretold
        )
        yield self._queue_wait()
        yield _counter("bdchat_saved_seconds", "Reading of prompts that the cache saved", self._meter.saved_s)
        yield _counter("bdchat_paused_seconds", "Answers that stood still for others", self._meter.paused_s)
        running = GaugeMetricFamily("bdchat_generations_running", "Generations of this process")
        running.add_metric([], self._generations.num_running)
        yield running
        finished = CounterMetricFamily("bdchat_choices_finished", "Choices by finish reason", labels=["reason"])
        for reason, count in self._meter.num_finished.items():
            finished.add_metric([reason], count)
        yield finished
        refused = CounterMetricFamily("bdchat_requests_refused", "Error answers by code", labels=["code"])
        for code, count in self._refusals.num_by_code.items():
            refused.add_metric([code], count)
        yield refused

    def _queue_wait(self) -> Metric:
        family = HistogramMetricFamily(
            "bdchat_queue_wait_seconds", "Arrival to first place, by priority", labels=["priority"]
        )
        for priority, histogram in self._meter.queue_wait.items():
            family.add_metric([priority.value], list(histogram.cumulative()), histogram.total)
        return family

    def _of_engines(self) -> Iterator[Metric]:
        snapshots = {model: engine.metrics() for model, engine in self._router.engines.items()}
        for name, text, read in GAUGES:
            gauge = GaugeMetricFamily(f"bdchat_{name}", text, labels=["model"])
            for model, snapshot in snapshots.items():
                gauge.add_metric([model], read(snapshot))
            yield gauge
        for name, text, read in COUNTERS:
            counter = CounterMetricFamily(f"bdchat_{name}", text, labels=["model"])
            for model, snapshot in snapshots.items():
                counter.add_metric([model], read(snapshot))
            yield counter
        yield from self._labelled(snapshots)

    def _labelled(self, snapshots: dict[str, EngineMetrics]) -> Iterator[Metric]:
        cached = CounterMetricFamily(
            "bdchat_prompt_tokens_cached", "Prompt tokens not evaluated, by where they were", labels=["model", "tier"]
        )
        seconds = CounterMetricFamily(
            "bdchat_step_seconds", "Time inside llama_decode and around it", labels=["model", "part"]
        )
        drafted = CounterMetricFamily(
            "bdchat_draft_tokens",
            "Guessed tokens that a step checked, by where they came from",
            labels=["model", "source", "result"],
        )
        restarts = CounterMetricFamily("bdchat_engine_restarts", "Engine processes replaced", labels=["model"])
        swaps = CounterMetricFamily(
            "bdchat_swaps",
            "States of answers that gave way: to where they went, and how they came back",
            labels=["model", "direction", "tier"],
        )
        swapping = CounterMetricFamily("bdchat_swap_seconds", "Copying them", labels=["model"])
        ready = GaugeMetricFamily("bdchat_engine_ready", "1 when the model answers", labels=["model"])
        for model, snapshot in snapshots.items():
            from_ram, from_disk = snapshot.prompt_tokens_from_ram, snapshot.prompt_tokens_from_disk
            cached.add_metric([model, "resident"], snapshot.prompt_tokens_cached - from_ram - from_disk)
            cached.add_metric([model, "ram"], from_ram)
            cached.add_metric([model, "disk"], from_disk)
            seconds.add_metric([model, "decode"], snapshot.decode_seconds)
            seconds.add_metric([model, "outside"], snapshot.outside_seconds)
            for source, num_drafted, num_accepted in _drafts(snapshot):
                drafted.add_metric([model, source, "accepted"], num_accepted)
                drafted.add_metric([model, source, "rejected"], num_drafted - num_accepted)
            engine = self._router.engines[model]
            restarts.add_metric([model], engine.num_restarts)
            to_disk, recomputed = snapshot.num_swaps_out_to_disk, snapshot.num_swaps_recomputed
            swaps.add_metric([model, "out", "ram"], snapshot.num_swaps_out - to_disk)
            swaps.add_metric([model, "out", "disk"], to_disk)
            swaps.add_metric([model, "in", "kept"], snapshot.num_swaps_in)
            swaps.add_metric([model, "in", "recomputed"], recomputed)
            swapping.add_metric([model], snapshot.swap_seconds)
            ready.add_metric([model], engine.state == "ready")
        yield from (cached, seconds, drafted, restarts, ready, swaps, swapping)


def _drafts(snapshot: EngineMetrics) -> Iterator[tuple[str, int, int]]:
    """Where guesses came from, how many, how many of them were right."""
    recent = snapshot.num_recent_tokens_drafted, snapshot.num_recent_tokens_accepted
    by_model = snapshot.num_model_tokens_drafted, snapshot.num_model_tokens_accepted
    num_drafted = snapshot.num_tokens_drafted - recent[0] - by_model[0]
    yield "text", num_drafted, snapshot.num_tokens_accepted - recent[1] - by_model[1]
    yield "recent", *recent
    yield "model", *by_model


def _histogram(name: str, text: str, histogram: Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text)
    family.add_metric([], list(histogram.cumulative()), histogram.total)
    return family


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text)
    family.add_metric([], value)
    return family


class Metrics:
    def __init__(self, collector: MetricsCollector) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)

    async def show(self, request: Request) -> Response:
        require_operator(request)
        return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE})


async def watch_loop_lag(meter: LatencyMeter) -> None:
    """Runs for the server's life: how much later than asked the loop wakes a sleeper."""
    while True:
        due = time.perf_counter() + LAG_INTERVAL_S
        await asyncio.sleep(LAG_INTERVAL_S)
        meter.loop_lag.observe(max(0.0, time.perf_counter() - due))
