"""ggml's quantiser and kernels by our bindings, on a tiny model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.header import read_header
from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.encoding.kernels import BATCHES, Kernels, Matrix
from bdchat.engine.llama.encoding.requantize import requantize, type_id_of
from bdchat.engine.llama.encoding.scoring import probe_passages, score
from bdchat.engine.llama.encoding.steps import StepTimes, measure_steps
from bdchat.engine.llama.library import start_library
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.weights.fidelity import Comparison, Distance
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_llama

TEXTS = ("A river finds the lowest ground.", "점심 무렵부터 하늘이 맑아졌다.")
SETTINGS = EngineSettings(n_threads=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    start_library()
    return write_tiny_llama(tmp_path_factory.mktemp("encoding") / "tiny.gguf")


def encoded(path: Path, target: Path, type_name: str) -> Path:
    header = read_header(path)
    matrices = [t.name for t in header.tables[0] if t.name.startswith(b"blk.") and len(t.shape) == 2]
    requantize(path, target, header.tables[0], dict.fromkeys(matrices, type_name))
    return target


def test_only_the_named_matrices_change(tiny: Path, tmp_path: Path) -> None:
    before = {t.name: t for t in read_header(tiny).tables[0]}
    after = {t.name: t for t in read_header(encoded(tiny, tmp_path / "q8.gguf", "Q8_0")).tables[0]}
    assert before.keys() == after.keys()
    for name, tensor in after.items():
        is_matrix = name.startswith(b"blk.") and len(tensor.shape) == 2
        assert tensor.type_name == ("Q8_0" if is_matrix else before[name].type_name)
        assert tensor.shape == before[name].shape
    old, new = read_header(tiny), read_header(tmp_path / "q8.gguf")
    assert (new.n_vocab, new.chat_template, new.num_layers) == (old.n_vocab, old.chat_template, old.num_layers)


def test_fewer_bits_are_farther_from_the_file(tiny: Path, tmp_path: Path) -> None:
    with LlamaModel.open(tiny, SETTINGS) as model:
        probes = probe_passages(model, TEXTS)
        exact = list(score(model, probes))
    assert [rows.shape for rows in exact] == [(len(probe.places), model.n_vocab) for probe in probes]
    assert all(np.allclose(np.exp(rows).sum(axis=1), 1, atol=1e-4) for rows in exact)
    distances = {}
    for name in ("F32", "BF16", "Q8_0", "Q4_0"):
        with LlamaModel.open(encoded(tiny, tmp_path / f"{name}.gguf", name), SETTINGS) as model:
            distances[name] = _distance(exact, list(score(model, probes)), probes)
    assert distances["F32"].mean_kl < 1e-6
    assert distances["F32"].mean_kl < distances["BF16"].mean_kl < distances["Q4_0"].mean_kl
    assert distances["Q8_0"].mean_kl < distances["Q4_0"].mean_kl


def _distance(exact: list[np.ndarray], rows: list[np.ndarray], probes: list) -> Distance:  # type: ignore[type-arg]
    comparison = Comparison()
    for probe, wanted, found in zip(probes, exact, rows, strict=True):
        comparison.add(wanted, found, [probe.tokens[place + 1] for place in probe.places])
    return comparison.result()


def test_a_file_that_cannot_be_read_is_a_reason(tmp_path: Path) -> None:
    start_library()
    (tmp_path / "no.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelLoadFailed, match="could not be encoded anew"):
        requantize(tmp_path / "no.gguf", tmp_path / "out.gguf", [], {})


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    start_library()
    found = Kernels(n_threads=1)
    yield found
    found.close()


@pytest.mark.parametrize("type_name", ["F32", "F16", "BF16", "Q4_1", "Q8_0"])
def test_a_product_has_a_time_at_each_batch(kernels: Kernels, type_name: str) -> None:
    times = kernels.times_us(Matrix(64, 64, type_id_of(type_name)), uses_extra_bufts=False)
    assert times is not None
    assert len(times) == len(BATCHES)
    assert all(time > 0 for time in times)


def test_a_kind_that_no_order_of_the_cpu_takes_has_no_time_there(kernels: Kernels) -> None:
    assert kernels.times_us(Matrix(64, 64, type_id_of("F32")), uses_extra_bufts=True) is None


def test_times_grow_with_the_rows_beyond_those_measured(kernels: Kernels) -> None:
    few, many = (
        kernels.times_us(Matrix(4096, rows, type_id_of("F16")), uses_extra_bufts=False) for rows in (512, 51_200)
    )
    assert few is not None
    assert many is not None
    assert many[0] > 10 * few[0]


def test_whole_steps_have_times(tiny: Path) -> None:
    with LlamaModel.open(tiny, SETTINGS) as model:
        steps = measure_steps(model, SETTINGS, KVPlan(KVLayout.STREAMS, "f16", flash_attention=False))
    assert 0 < steps.alone < steps.streams
    assert steps.prompt > 0
    slower = StepTimes(prompt=steps.prompt, alone=2 * steps.alone, streams=steps.streams)
    assert steps.typical < slower.typical < 2 * steps.typical
