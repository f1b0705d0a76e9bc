"""How fast a model will be, from those that were measured here."""

from pathlib import Path

import msgspec
import pytest

from bdchat.engine.models.speed import MeasuredStep, Speeds


def step(step_bytes: int, step_ms: float, machine: str = "m") -> MeasuredStep:
    return MeasuredStep(machine=machine, step_bytes=step_bytes, step_ms=step_ms)


def test_nobody_knows_before_a_model_was_measured() -> None:
    assert Speeds().tokens_per_s(1_000_000) is None
    assert Speeds([step(100, 0.0)]).tokens_per_s(1_000_000) is None


def test_of_one_measured_size_others_are_in_proportion() -> None:
    speeds = Speeds([step(100, 10.0), step(100, 12.0)])  # another measurement was disturbed
    assert speeds.tokens_per_s(100) == pytest.approx(100)
    assert speeds.tokens_per_s(400) == pytest.approx(25)


def test_between_two_sizes_the_rate_goes_over_from_one_to_the_other() -> None:
    speeds = Speeds([step(100, 10.0), step(10_000, 500.0)])  # 10 and 20 bytes a millisecond
    assert speeds.tokens_per_s(1000) == pytest.approx(1000 / (1000 / 15))
    assert speeds.tokens_per_s(10) == pytest.approx(1000 / (10 / 10))  # beyond them: as the nearest
    assert speeds.tokens_per_s(100_000) == pytest.approx(1000 / (100_000 / 20))
    assert speeds.tokens_per_s(10_000) == pytest.approx(2)


def test_only_this_machines_files_count(tmp_path: Path) -> None:
    whole = {"step_bytes": 100, "step_ms": 10.0, "key": "k", "measurements": []}
    for name, machine in (("a", "m"), ("b", "other")):
        (tmp_path / f"calibration-{name}.json").write_bytes(msgspec.json.encode({**whole, "machine": machine}))
    (tmp_path / "calibration-c.json").write_text('{"key": "of an earlier version", "measurements": []}')
    assert Speeds.of(tmp_path, "m").tokens_per_s(200) == pytest.approx(50)
    assert Speeds.of(tmp_path, "nobody's").tokens_per_s(200) is None
