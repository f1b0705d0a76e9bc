"""GET /metrics is what Prometheus can read, and counts what happened."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bdchat.api.generation.latency import Histogram, LatencyMeter
from tests.api.serving import USER, in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


async def test_the_text_parses_and_counts() -> None:
    async with in_process(FakeEngine(), FakeEngine("other")) as client:
        await client.post("/v1/chat/completions", json={"messages": USER})
        await client.get("/nope")
        text = (await client.get("/metrics")).text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["bdchat_requests_total", "fake"] == 1
    assert samples["bdchat_requests_total", "other"] == 0
    assert samples["bdchat_requests_refused_total", "unknown_url"] == 1
    assert samples["bdchat_choices_finished_total", "stop"] == 1
    assert samples["bdchat_ttft_seconds_count",] == 1
    assert samples["bdchat_inter_token_seconds_count",] == 2
    assert samples["bdchat_engine_ready", "fake"] == 1
    assert samples["bdchat_queue_wait_seconds_count", "interactive"] == 1
    assert samples["bdchat_queue_wait_seconds_sum", "interactive"] == pytest.approx(0.001)
    assert samples["bdchat_queue_wait_seconds_count", "batch"] == 0
    assert samples["bdchat_eta_ratio_count",] == 0
    assert ("bdchat_saved_seconds_total",) in samples
    assert samples["bdchat_swaps_total", "out", "fake", "disk"] == 0  # labels by name
    assert samples["bdchat_sequences_paused", "fake"] == 0
    assert ("bdchat_prompt_tokens_cached_total", "fake", "ram") in samples
    assert ("bdchat_draft_tokens_total", "fake", "accepted", "recent") in samples


def test_short_waits_are_not_held_against_what_was_foretold() -> None:
    meter = LatencyMeter()
    meter.came_true(foretold_s=3.0, real_s=0.1)
    meter.came_true(foretold_s=3.0, real_s=2.0)
    assert (meter.foretold.total, list(meter.foretold.cumulative())[-1]) == (1.5, ("+Inf", 1))


def test_a_value_on_a_bound_counts_as_up_to_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 3.0):
        histogram.observe(value)
    assert list(histogram.cumulative()) == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
    assert histogram.total == 6.0
