"""What the optimizer decides, with a real quantiser and real comparisons of a tiny model, and made-up speeds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.llama.encoding.kernels import Matrix
from bdchat.engine.llama.encoding.requantize import type_id_of
from bdchat.engine.llama.encoding.steps import StepTimes
from bdchat.engine.llama.probe import ProbeResult
from bdchat.engine.process import optimizer
from bdchat.engine.process.optimizer import Optimizer
from bdchat.engine.process.weights_choice import choose_weights, without_encoding
from bdchat.engine.weights.cache import verdicts
from bdchat.engine.weights.job import OptimizerJob
from bdchat.engine.weights.verdict import Verdict
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_bert, write_tiny_llama

Speeds = dict[tuple[bool, bool], float]  # (encoded, uses_extra_bufts) → a step's milliseconds


class MadeUpKernels:
    """Q8_0 and F32 take what they are told to."""

    def __init__(self, plain: dict[str, float], extra: dict[str, float]) -> None:
        self.plain, self.extra = plain, extra

    def times_us(self, matrix: Matrix, *, uses_extra_bufts: bool) -> tuple[float, ...] | None:
        known = self.extra if uses_extra_bufts else self.plain
        time = next((us for name, us in known.items() if type_id_of(name) == matrix.type_id), None)
        if time is None:
            return None if uses_extra_bufts else (100.0, 100.0, 100.0)
        return (time, time, time)

    def close(self) -> None:
        pass


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_llama(tmp_path / "tiny.gguf")


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Verdict]:
    def run(
        path: Path,
        *,
        plain: dict[str, float] | None = None,
        extra: dict[str, float] | None = None,
        steps: Speeds | None = None,
        **settings: object,
    ) -> Verdict:
        kernels = MadeUpKernels(plain or {}, extra or {})
        monkeypatch.setattr(optimizer, "Kernels", lambda n_threads: kernels)
        monkeypatch.setattr(optimizer, "busy_share", lambda _: 0.0)
        monkeypatch.setattr(optimizer, "probe", lambda *_, **__: ProbeResult(use_extra_bufts=True))
        monkeypatch.setattr(
            Optimizer,
            "_speed",
            lambda _, of, *, uses_extra_bufts: measured((steps or {}).get((of != path, uses_extra_bufts), 10.0)),
        )
        job = OptimizerJob(
            model_path=str(path),
            model_id="tiny",
            cache_dir=str(tmp_path / "cache"),
            settings=settings_of(**settings).model_dump(mode="json"),
        )
        return Optimizer(job, lambda *_: None).run()

    return run


def settings_of(**fields: object) -> EngineSettings:
    return EngineSettings(n_threads=1, confine=False, **fields)  # type: ignore[arg-type]


def measured(step_ms: float) -> StepTimes:
    return StepTimes(prompt=step_ms / 10, alone=step_ms, streams=step_ms)


def loaded(tmp_path: Path, path: Path) -> tuple[Path, bool, bool | None]:
    """What an engine would load now, with the CPU's own order or not, and whether it still asks."""
    choice = choose_weights(tmp_path / "cache", read_header(path), settings_of(), use_extra_bufts=True, on_gpu=False)
    return choice.path, choice.use_extra_bufts, choice.info.is_open


def test_a_faster_encoding_that_is_near_is_made_and_loaded(
    tiny: Path, tmp_path: Path, find: Callable[..., Verdict]
) -> None:
    assert loaded(tmp_path, tiny) == (tiny, True, True)
    verdict = find(tiny, plain={"BF16": 50.0}, steps={(True, True): 5.0, (True, False): 5.0})
    assert verdict.is_encoded
    assert verdict.encodings == {"F32 → BF16": 14, "F16 → BF16": 1}
    assert verdict.fidelity is not None
    assert verdict.fidelity.mean_kl < 0.006
    path, _, is_open = loaded(tmp_path, tiny)
    assert (path.name, is_open) == ("weights.gguf", False)
    header = read_header(path)
    assert header.weight_bytes < read_header(tiny).weight_bytes
    assert sorted(p.name for p in path.parent.iterdir()) == ["verdict.json", "weights.gguf"]  # nothing is left over
    assert verdicts(tmp_path / "cache") == [verdict]


@pytest.mark.parametrize("damage", [b"GGUF" + bytes(60), None], ids=["header", "numbers"])
def test_a_damaged_encoding_is_given_up_and_the_file_is_loaded(
    tiny: Path, tmp_path: Path, find: Callable[..., Verdict], damage: bytes | None
) -> None:
    verdict = find(tiny, plain={"BF16": 50.0}, steps={(True, True): 5.0, (True, False): 5.0})
    weights = tmp_path / "cache" / "weights" / verdict.key / "weights.gguf"
    content = weights.read_bytes()
    weights.write_bytes(damage + content[len(damage) :] if damage else content)
    if damage is not None:
        assert loaded(tmp_path, tiny) == (tiny, True, True)
    else:
        choice = choose_weights(
            tmp_path / "cache", read_header(tiny), settings_of(), use_extra_bufts=True, on_gpu=False
        )
        given_up = without_encoding(choice)
        assert (given_up.path, given_up.info.is_open) == (tiny, False)
    assert not weights.exists()
    assert loaded(tmp_path, tiny) == (tiny, True, True)  # the next start finds another


def test_what_changes_answers_too_much_stays_as_it_is(tiny: Path, tmp_path: Path, find: Callable[..., Verdict]) -> None:
    verdict = find(tiny, plain={"Q8_0": 50.0}, steps={(True, True): 5.0, (True, False): 5.0}, weights_max_kl=0.0)
    assert not verdict.is_encoded
    assert "changes answers too much" in verdict.reason
    assert [p.name for p in (tmp_path / "cache" / "weights" / verdict.key).iterdir()] == ["verdict.json"]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({}, "No encoding is clearly faster"),
        ({"plain": {"BF16": 50.0}}, "not in whole steps"),
        ({"plain": {"BF16": 50.0}, "weights_cache_bytes": 1000}, "engine.weights_cache_bytes"),
    ],
)
def test_a_reason_says_why_nothing_was_made(
    tiny: Path, tmp_path: Path, find: Callable[..., Verdict], how: dict[str, object], reason: str
) -> None:
    verdict = find(tiny, **how)
    assert not verdict.is_encoded
    assert reason in verdict.reason
    assert loaded(tmp_path, tiny) == (tiny, True, False)  # it is not asked again at each start


def test_the_files_own_order_is_taken_where_it_is_faster(
    tiny: Path, tmp_path: Path, find: Callable[..., Verdict]
) -> None:
    verdict = find(tiny, extra={"F32": 400.0}, steps={(False, False): 5.0})
    assert (verdict.is_encoded, verdict.uses_extra_bufts) == (False, False)
    assert loaded(tmp_path, tiny) == (tiny, False, False)


def test_models_of_vectors_are_left_alone(tmp_path: Path, find: Callable[..., Verdict]) -> None:
    path = write_tiny_bert(tmp_path / "bert.gguf")
    assert "write texts" in find(path).reason


def test_weights_of_the_file_are_asked_for_by_a_setting(tiny: Path, tmp_path: Path) -> None:
    header = read_header(tiny)
    for fields in ({"weights": "file"}, {"calibrate": False}):
        choice = choose_weights(tmp_path, header, settings_of(**fields), use_extra_bufts=True, on_gpu=False)
        assert (choice.path, choice.info.is_open) == (tiny, False)
    assert not choose_weights(tmp_path, header, settings_of(), use_extra_bufts=True, on_gpu=True).info.is_open


def test_it_waits_for_a_calm_machine_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = [0.9, 0.5, 0.1, 0.9]
    monkeypatch.setattr(optimizer, "busy_share", lambda _: shares.pop(0))
    told: list[str] = []
    optimizer.until_calm(lambda stage, _: told.append(stage))
    assert (told, shares) == (["waiting for a calm machine"] * 2, [0.9])
    monkeypatch.setattr(optimizer, "busy_share", lambda _: 1.0)
    optimizer.until_calm(lambda stage, _: told.append(stage))
    assert len(told) == 2 + optimizer.MAX_WAIT_S / optimizer.LOOK_S


def test_a_gain_is_more_than_two_measurements_differ_by() -> None:
    assert optimizer._is_faster(measured(10.0), measured(9.0), 1.05)
    assert not optimizer._is_faster(measured(10.0), measured(9.8), 1.05)
