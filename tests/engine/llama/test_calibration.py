"""Decisions from measurements, and the measuring itself on a tiny model."""

from pathlib import Path

import msgspec
import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.host import machine_identity
from bdchat.engine.kv.plan import KVType
from bdchat.engine.llama.calibration import (
    Candidate,
    Measurement,
    candidates,
    choose,
    finalists,
    is_worth_measuring,
    undisturbed,
)
from bdchat.engine.llama.measurement import CachedCalibration, calibrated_plan, measure
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.models.speed import Speeds
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_llama, write_tiny_mamba, write_tiny_swa

STREAMS, UNIFIED = KVLayout.STREAMS, KVLayout.UNIFIED


def measured(
    layout: KVLayout, kv_type: KVType, flash: bool, step: float, streams_step: float, prefill: float = 1.0
) -> Measurement:
    return Measurement(
        candidate=Candidate(layout, kv_type, flash),
        step_ms=step,
        streams_step_ms=streams_step,
        prefill_ms_per_token=prefill,
        streams_prefill_ms_per_token=prefill,
    )


def test_the_fastest_is_chosen_with_its_own_step_cost() -> None:
    slow = measured(STREAMS, "f16", True, 12.0, 60.0)
    fast = measured(STREAMS, "f16", False, 8.0, 36.0, 0.5)
    plan = choose([slow, fast])
    assert (plan.layout, plan.flash_attention) == (STREAMS, False)
    assert (plan.base_ms, plan.ms_per_decode, plan.ms_per_prefill_token) == (8.0, 4.0, 0.5)
    assert plan.is_measured


@pytest.mark.parametrize(("gain", "expected"), [(1.08, "f16"), (1.25, "q8_0")])
def test_a_type_that_changes_text_must_win_clearly(gain: float, expected: str) -> None:
    usual = measured(STREAMS, "f16", False, 10.0, 50.0)
    other = measured(STREAMS, "q8_0", True, 10.0 / gain, 50.0 / gain, 1.0 / gain)
    assert choose([usual, other]).kv_type == expected


@pytest.mark.parametrize(("gain", "expected"), [(1.0, STREAMS), (1.1, UNIFIED)])
def test_streams_unless_unified_is_faster(gain: float, expected: KVLayout) -> None:
    streams = measured(STREAMS, "f16", True, 10.0, 50.0)
    unified = measured(UNIFIED, "f16", True, 10.0 / gain, 50.0 / gain, 1.0 / gain)
    assert choose([streams, unified]).layout is expected


def test_slow_prefill_among_full_cells_counts_against_unified() -> None:
    """Measured alone a unified cache looked as fast; with sixteen sequences in it a prompt took a third longer."""
    streams = measured(STREAMS, "f16", True, 10.0, 50.0)
    unified = msgspec.structs.replace(measured(UNIFIED, "f16", True, 9.5, 47.0, 0.95), streams_prefill_ms_per_token=1.4)
    assert choose([streams, unified]).layout is STREAMS


def test_unified_is_measured_only_for_the_leading_type_and_attention() -> None:
    seen = [measured(STREAMS, "f16", False, 8.0, 40.0), measured(STREAMS, "f16", True, 12.0, 60.0)]
    assert is_worth_measuring(Candidate(UNIFIED, "f16", False), seen)
    assert not is_worth_measuring(Candidate(UNIFIED, "f16", True), seen)
    assert is_worth_measuring(Candidate(STREAMS, "q8_0", True), seen)


def test_the_best_two_are_measured_again_when_they_are_near_to_each_other() -> None:
    best = measured(STREAMS, "f16", True, 10.0, 50.0)
    near = measured(STREAMS, "f16", False, 10.4, 51.0)
    third = measured(STREAMS, "q8_0", True, 9.8, 49.0)
    far = measured(STREAMS, "f16", False, 14.0, 80.0, 1.5)
    assert finalists([far, near, third, best]) == [near, best]
    assert finalists([best, far]) == finalists([best]) == finalists([]) == []


def test_of_two_measurements_the_undisturbed_figures_count() -> None:
    first = measured(STREAMS, "f16", True, 10.0, 90.0, 1.0)
    second = measured(STREAMS, "f16", True, 30.0, 50.0, 1.1)
    assert undisturbed(first, second) == measured(STREAMS, "f16", True, 10.0, 50.0, 1.0)


def test_settings_restrict_the_candidates() -> None:
    settings = EngineSettings(kv_layout="unified", kv_type="q8_0", flash_attention="on")
    assert candidates(settings, MemoryClass.DENSE, on_gpu=False) == [Candidate(UNIFIED, "q8_0", True)]
    for candidate in candidates(EngineSettings(flash_attention="off"), MemoryClass.DENSE, on_gpu=False):
        assert not candidate.flash_attention
    assert all(c.flash_attention for c in candidates(EngineSettings(), MemoryClass.DENSE, on_gpu=True))


@pytest.mark.parametrize("layout", ["auto", "unified", "streams"])
@pytest.mark.parametrize("kv_type", ["auto", "f16", "bf16", "q8_0"])
@pytest.mark.parametrize("flash_attention", ["auto", "on", "off"])
@pytest.mark.parametrize("memory_class", list(MemoryClass))
@pytest.mark.parametrize("on_gpu", [False, True])
def test_every_legal_combination_of_settings_leaves_a_candidate(
    layout: str, kv_type: str, flash_attention: str, memory_class: MemoryClass, on_gpu: bool
) -> None:
    """A quantised V cache without flash attention is the one that llama.cpp refuses."""
    settings = EngineSettings.model_validate(
        {"kv_layout": layout, "kv_type": kv_type, "flash_attention": flash_attention}
    )
    found = candidates(settings, memory_class, on_gpu=on_gpu)
    assert bool(found) == ((kv_type, flash_attention) != ("q8_0", "off"))


def test_a_model_that_must_share_cells_gets_a_unified_cache() -> None:
    found = candidates(EngineSettings(), MemoryClass.SWA, on_gpu=False, shares_cells=True)
    assert found
    assert all(candidate.layout is UNIFIED for candidate in found)


@pytest.mark.parametrize("write", [write_tiny_llama, write_tiny_swa, write_tiny_mamba])
def test_measuring_gives_positive_figures_for_every_memory_class(write: object, tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")  # type: ignore[operator]
    settings = EngineSettings(n_threads=1)
    with LlamaModel.open(path, settings) as model:
        measurements = measure(model, "tiny", settings, budget_s=0.5)
    assert measurements
    for found in measurements:
        assert min(found.step_ms, found.streams_step_ms, found.prefill_ms_per_token) > 0


def test_a_measurement_is_kept_and_a_stale_or_damaged_one_is_not_used(tmp_path: Path) -> None:
    path, cache = write_tiny_llama(tmp_path / "tiny.gguf"), tmp_path / "cache"
    settings = EngineSettings(n_threads=1, kv_type="f16", flash_attention="off")
    with LlamaModel.open(path, settings) as model:
        first = calibrated_plan(model, "tiny", settings, cache)
        (kept,) = cache.iterdir()
        cached = msgspec.json.decode(kept.read_bytes(), type=CachedCalibration)
        assert cached.step_bytes == read_header(path).step_bytes
        speeds = Speeds.of(cache, machine_identity(settings.n_threads, settings.n_gpu_layers))
        assert speeds.tokens_per_s(cached.step_bytes) == pytest.approx(1000 / first.base_ms)
        slow = msgspec.structs.replace(cached.measurements[0], step_ms=77.0)
        marked = msgspec.structs.replace(cached, measurements=(slow,))
        kept.write_bytes(msgspec.json.encode(marked))
        assert calibrated_plan(model, "tiny", settings, cache).base_ms == 77.0
        kept.write_bytes(msgspec.json.encode(msgspec.structs.replace(marked, key="other")))
        assert calibrated_plan(model, "tiny", settings, cache).base_ms < 77.0
        kept.write_bytes(b"{")
        assert calibrated_plan(model, "tiny", settings, cache).base_ms < 77.0
    assert first.is_measured


def test_without_calibration_the_safe_plan_is_taken_and_nothing_is_kept(tmp_path: Path) -> None:
    path, cache = write_tiny_llama(tmp_path / "tiny.gguf"), tmp_path / "cache"
    settings = EngineSettings(n_threads=1, calibrate=False)
    with LlamaModel.open(path, settings) as model:
        plan = calibrated_plan(model, "tiny", settings, cache)
    assert (plan.layout, plan.kv_type, plan.flash_attention) == (STREAMS, "f16", False)
    assert not plan.is_measured
    assert not cache.exists()
