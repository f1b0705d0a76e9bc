"""The books of one engine's life, kept a second time in the plainest way: cells after every step, sums at its end."""

from collections.abc import Sequence

from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import Event, Finished, FinishReason
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.sequence import Sequence as Answer
from tests.engine.scheduling.laws.callers import Caller, LawBroken, hold
from tests.engine.scheduling.laws.machinery import MachineRunner

_ROUNDING_MS = 1e-6


class Books:
    def __init__(self, scheduler: Scheduler, runner: MachineRunner) -> None:
        self._scheduler = scheduler
        self._runner = runner
        self._finished: list[Finished] = []
        self._num_resumed_tokens = 0
        self._has_lost = False  # not all that it said was heard: its sums are nobody's
        self.num_requests = 0
        self.num_cancelled = 0

    def arrive(self, caller: Caller) -> None:
        self.num_requests += caller.num_lives == 1
        self._num_resumed_tokens += sum(
            num for num, choice in zip(caller.num_resumed, caller.choices, strict=True) if choice.finished is None
        )

    def lose(self, events: list[Event]) -> None:
        self._has_lost = self._has_lost or bool(events)

    def end(self, event: Finished, caller: Caller, *, since: float, now: float) -> None:
        self._finished.append(event)
        timings = event.timings
        parts = (timings.queue_ms, timings.prefill_ms, timings.decode_ms, timings.swapped_ms)
        hold("no time is negative", min(parts) >= -_ROUNDING_MS, timings)
        spent_ms = sum(parts)
        least_ms, most_ms = 1000 * (since - caller.arrived_at), 1000 * (now - caller.arrived_at)
        is_within = least_ms - _ROUNDING_MS <= spent_ms <= most_ms + _ROUNDING_MS
        hold("timings add up", is_within, (timings, least_ms, most_ms))

    def check(self, running: Sequence[Answer], waiting: Sequence[Answer]) -> None:
        """Between two steps: the ledger is what the cells hold."""
        kv_cache, runner = self._scheduler.kv_cache, self._runner
        hold("the ledger counts the cells", kv_cache.num_cells == runner.num_used_cells, kv_cache.num_cells)
        lengths = [kv_cache.length(seq_id) for seq_id in range(runner.num_sequences)]
        hold("the ledger knows each sequence", lengths == runner.lengths, lengths)
        hold("nobody runs without a place", len(running) <= runner.info.num_sequences, running)
        for sequence in running:
            assert sequence.seq_id is not None
            if not runner.holds(sequence.seq_id, sequence.tokens, sequence.num_computed_tokens):
                raise LawBroken("what runs is in its cells", sequence.request.request_id)
        hold("who waits has no place", not any(sequence.seq_id is not None for sequence in waiting), waiting)
        if runner.layout is KVLayout.UNIFIED:
            hold("cells are within their bound", kv_cache.num_cells <= runner.num_cells, kv_cache.num_cells)
        snapshots = kv_cache.snapshots
        hold("RAM is within its bound", snapshots.num_bytes <= snapshots.max_bytes, snapshots.num_bytes)
        if kv_cache.disk is not None:
            hold("the disk is within its bound", kv_cache.num_disk_bytes <= kv_cache.disk.max_bytes)

    def close(self, callers: list[Caller]) -> None:
        """At the life's end: totals are the sums of what requests were told, and of those that it leaves open."""
        metrics = self._scheduler.metrics()
        hold("requests are counted", metrics.num_requests == self.num_requests, metrics)
        hold("cancelled ones are counted", metrics.num_cancelled == self.num_cancelled, metrics)
        if self._has_lost:
            return
        num_failed = sum(event.reason is FinishReason.ERROR for event in self._finished)
        hold("failed ones are counted", metrics.num_failed == num_failed, (metrics.num_failed, num_failed))
        self._compare(metrics)

    def _compare(self, metrics: EngineMetrics) -> None:
        running, waiting = self._scheduler.sequences()
        open_ones = [*running, *waiting]
        usages = [event.usage for event in self._finished]
        num_computed = sum(usage.num_computed_tokens for usage in usages)
        num_computed += sum(sequence.num_prompt_tokens_computed for sequence in open_ones)
        is_same = metrics.prompt_tokens_computed == num_computed
        hold("prompt tokens computed are a sum", is_same, (metrics.prompt_tokens_computed, num_computed))
        num_cached = sum(usage.num_cached_tokens for usage in usages)
        num_cached += sum(sequence.num_cached_tokens or 0 for sequence in open_ones)
        hold("prompt tokens cached are a sum", metrics.prompt_tokens_cached == num_cached, (metrics, num_cached))
        num_generated = sum(usage.num_completion_tokens for usage in usages)
        num_generated += sum(sequence.num_sampled for sequence in open_ones) - self._num_resumed_tokens
        is_same = metrics.tokens_generated == num_generated
        hold("tokens generated are a sum", is_same, (metrics.tokens_generated, num_generated))
