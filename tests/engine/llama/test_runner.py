"""The runner against real llama.cpp, on tiny random models of every memory class, and once on the default model."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import DecodeFailed, KVLayout, MemoryClass, NoKVSlot, Slice
from bdchat.engine.request import SamplingParams
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_hybrid, write_tiny_llama, write_tiny_mamba, write_tiny_swa

N_SWA = 64
TOLERANCE = 0.05  # kernels differ by batch shape; the random models' logits spread over several units
LAYOUTS = [KVLayout.UNIFIED, KVLayout.STREAMS]
OpenRunner = Callable[..., LlamaRunner]


@pytest.fixture(scope="module")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "dense": write_tiny_llama(folder / "llama.gguf"),
        "swa": write_tiny_swa(folder / "swa.gguf", n_swa=N_SWA),
        "recurrent": write_tiny_mamba(folder / "mamba.gguf"),
        "hybrid": write_tiny_hybrid(folder / "hybrid.gguf"),
    }


@pytest.fixture
def open_runner(tiny_models: dict[str, Path]) -> Iterator[OpenRunner]:
    opened: list[LlamaRunner] = []

    def open_one(
        model: str = "dense", layout: KVLayout = KVLayout.UNIFIED, *, flash_attention: bool = False, **settings: object
    ) -> LlamaRunner:
        values = {"n_ctx": 256, "max_sequences": 4, "n_batch": 128, "n_threads": 1, **settings}
        plan = KVPlan(layout, "f16", flash_attention)
        runner = LlamaRunner.open(tiny_models[model], model, EngineSettings.model_validate(values), plan=plan)
        opened.append(runner)
        return runner

    yield open_one
    for runner in opened:
        runner.close()


def text(seed: int, num_tokens: int) -> list[int]:
    return [int(i) for i in np.random.default_rng(seed).integers(0, 256, num_tokens)]


def last_logits(runner: LlamaRunner, seq_id: int, start: int, tokens: list[int]) -> npt.NDArray[np.float32]:
    return runner.decode([Slice(seq_id, start, tokens, 1)]).copy()[0, :]


def clear(runner: LlamaRunner) -> None:
    for seq_id in range(runner.num_sequences):
        assert runner.truncate(seq_id, 0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", ["dense", "swa", "recurrent"])
def test_mixed_prefill_and_decode_give_each_slice_its_own_logits_in_slice_order(
    open_runner: OpenRunner, model: str, layout: KVLayout
) -> None:
    runner = open_runner(model, layout)
    prompts = [text(seed, 20 + 7 * seed) for seed in range(4)]
    alone = []
    for prompt in prompts:
        alone.append(last_logits(runner, 0, 0, prompt))
        clear(runner)
    for seq_id in (0, 2):
        runner.decode([Slice(seq_id, 0, prompts[seq_id][:-1], 0)])
    order = [3, 0, 2, 1]  # two prefills around two decodes, neither sorted nor adjacent
    starts = [len(prompts[seq_id]) - 1 if seq_id in {0, 2} else 0 for seq_id in order]
    slices = [Slice(seq_id, start, prompts[seq_id][start:], 1) for seq_id, start in zip(order, starts, strict=True)]
    together = runner.decode(slices)
    for row, seq_id in enumerate(order):
        np.testing.assert_allclose(together[row], alone[seq_id], atol=TOLERANCE)
    assert [runner.num_resident(seq_id) for seq_id in range(4)] == [len(prompt) for prompt in prompts]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_outputs_of_one_slice_are_its_last_positions(open_runner: OpenRunner, layout: KVLayout) -> None:
    runner = open_runner("dense", layout)
    prompt = text(1, 12)
    alone = []
    for length in (10, 11, 12):
        alone.append(last_logits(runner, 0, 0, prompt[:length]))
        clear(runner)
    logits = runner.decode([Slice(2, 0, text(2, 5), 0), Slice(1, 0, prompt, 3)])
    assert logits.shape == (3, runner.info.n_vocab)
    np.testing.assert_allclose(logits, np.array(alone), atol=TOLERANCE)


def test_a_slice_without_outputs_gives_no_rows(open_runner: OpenRunner) -> None:
    runner = open_runner()
    assert runner.decode([Slice(0, 0, text(1, 3), 0)]).shape == (0, runner.info.n_vocab)


@pytest.mark.parametrize("flash_attention", [False, True])
@pytest.mark.parametrize(("model", "layout"), [("dense", LAYOUTS[0]), ("dense", LAYOUTS[1]), ("swa", LAYOUTS[0])])
def test_a_copied_prefix_goes_on_as_if_it_had_been_computed(
    open_runner: OpenRunner, model: str, layout: KVLayout, flash_attention: bool
) -> None:
    runner = open_runner(model, layout, flash_attention=flash_attention)
    prefix, tail, other = text(1, 40), text(2, 9), text(3, 30)
    expected = last_logits(runner, 0, 0, prefix + tail)
    clear(runner)
    runner.decode([Slice(0, 0, prefix + other, 0)])  # the source is already further on
    assert runner.copy_prefix(0, 3, len(prefix))
    assert runner.num_resident(3) == len(prefix)
    assert runner.num_resident(0) == len(prefix) + len(other)
    np.testing.assert_allclose(last_logits(runner, 3, len(prefix), tail), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_copy_outlives_its_source(open_runner: OpenRunner, layout: KVLayout) -> None:
    runner = open_runner("dense", layout)
    prefix, tail = text(1, 40), text(2, 5)
    expected = last_logits(runner, 0, 0, prefix + tail)
    runner.truncate(0, len(prefix))
    assert runner.copy_prefix(0, 1, len(prefix))
    assert runner.truncate(0, 0)
    np.testing.assert_allclose(last_logits(runner, 1, len(prefix), tail), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_prefix_longer_than_the_source_is_refused(open_runner: OpenRunner, layout: KVLayout) -> None:
    runner = open_runner("dense", layout)
    runner.decode([Slice(0, 0, text(1, 10), 0)])
    assert not runner.copy_prefix(0, 1, 11)
    assert runner.num_resident(1) == 0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", ["dense", "swa"])
def test_a_truncated_sequence_takes_another_way(open_runner: OpenRunner, model: str, layout: KVLayout) -> None:
    runner = open_runner(model, layout)
    prefix, tail = text(1, 30), text(2, 9)
    expected = last_logits(runner, 1, 0, prefix + tail)
    clear(runner)
    runner.decode([Slice(0, 0, prefix + text(3, 20), 0)])
    assert runner.truncate(0, len(prefix))
    np.testing.assert_allclose(last_logits(runner, 0, len(prefix), tail), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_window_that_has_moved_on_is_neither_cut_nor_copied(open_runner: OpenRunner, layout: KVLayout) -> None:
    """llama.cpp copies such a prefix as an empty sequence and decodes on top of it without a word."""
    runner = open_runner("swa", layout, n_ctx=1024, n_batch=256, max_sequences=2, swa_full=False)
    assert runner.memory_class is MemoryClass.SWA
    for start in range(0, 1000, 250):
        runner.decode([Slice(0, start, text(start, 250), 0)])
    assert not runner.copy_prefix(0, 1, 100)
    assert runner.num_resident(1) == 0
    assert not runner.truncate(0, 100)
    assert runner.num_resident(0) == 0


def test_between_streams_a_sliding_window_cannot_be_copied_once_it_has_moved(open_runner: OpenRunner) -> None:
    """A saved state holds the window only; that is why a sliding-window model gets a unified cache."""
    runner = open_runner("swa", KVLayout.STREAMS)
    runner.decode([Slice(0, 0, text(1, N_SWA + 6), 0)])
    assert not runner.copy_prefix(0, 1, 40)
    assert runner.num_resident(1) == 0
    assert runner.num_resident(0) == N_SWA + 6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recurrent_state_is_copied_whole_or_not_at_all(open_runner: OpenRunner, layout: KVLayout) -> None:
    runner = open_runner("recurrent", layout)
    assert runner.memory_class is MemoryClass.RECURRENT
    prefix, tail = text(1, 30), text(2, 5)
    expected = last_logits(runner, 0, 0, prefix + tail)
    clear(runner)
    runner.decode([Slice(0, 0, prefix, 0)])
    assert not runner.copy_prefix(0, 1, len(prefix) - 1)
    assert runner.copy_prefix(0, 1, len(prefix))
    np.testing.assert_allclose(last_logits(runner, 1, len(prefix), tail), expected, atol=TOLERANCE)
    assert runner.num_resident(0) == len(prefix)
    assert not runner.truncate(1, len(prefix))
    assert runner.num_resident(1) == 0


@pytest.mark.parametrize(
    ("model", "layout"),
    [("swa", LAYOUTS[0]), *((model, layout) for model in ("recurrent", "hybrid") for layout in LAYOUTS)],
)
def test_a_sequence_goes_back_to_its_checkpoint_and_so_does_its_copy(
    open_runner: OpenRunner, model: str, layout: KVLayout
) -> None:
    """What was computed behind it had moved the window on, or the state: neither can be cut."""
    runner = open_runner(model, layout, n_ctx=1024, max_sequences=2, swa_full=False)
    assert runner.needs_checkpoints
    prefix, tail, more = text(1, 100), text(2, 5), text(3, 100)
    runner.decode([Slice(0, 0, prefix, 0)])
    state = runner.checkpoint(0)
    expected = last_logits(runner, 0, len(prefix), tail)
    for start in range(0, 900, 100):
        runner.decode([Slice(0, len(prefix) + len(tail) + start, more, 0)])
    length = len(prefix) + len(tail) + 900
    assert not runner.can_cut(0, len(prefix))
    assert runner.copy_prefix(0, 1, length)
    assert runner.roll_back(1, len(prefix), state)
    assert [runner.num_resident(seq_id) for seq_id in (0, 1)] == [length, len(prefix)]
    np.testing.assert_allclose(last_logits(runner, 1, len(prefix), tail), expected, atol=TOLERANCE)
    assert runner.roll_back(0, len(prefix), state)
    np.testing.assert_allclose(last_logits(runner, 0, len(prefix), tail), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recurrent_checkpoint_is_the_whole_sequence_and_damaged_ones_are_refused(
    open_runner: OpenRunner, layout: KVLayout
) -> None:
    runner = open_runner("recurrent", layout)
    assert runner.checkpoints_stand_alone
    prefix, tail = text(1, 30), text(2, 5)
    runner.decode([Slice(0, 0, prefix, 0)])
    state = runner.checkpoint(0)
    assert len(state) == len(runner.save(0))
    expected = last_logits(runner, 0, len(prefix), tail)
    assert runner.roll_back(1, len(prefix), state)
    np.testing.assert_allclose(last_logits(runner, 1, len(prefix), tail), expected, atol=TOLERANCE)
    for wrong in (state[:-1], b"", bytes(len(state))):
        assert not runner.roll_back(2, len(prefix), wrong)
        assert runner.num_resident(2) == 0
    assert not runner.roll_back(2, len(prefix) - 1, state)  # of other tokens than it says
    assert runner.num_resident(2) == 0


def test_a_model_that_can_be_cut_anywhere_needs_no_checkpoints(open_runner: OpenRunner) -> None:
    assert not open_runner("dense").needs_checkpoints
    assert not open_runner("swa").needs_checkpoints  # all its cells are kept
    hybrid = open_runner("hybrid")
    assert (hybrid.needs_checkpoints, hybrid.checkpoints_stand_alone) == (True, False)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", ["dense", "swa", "recurrent", "hybrid"])
def test_a_saved_state_comes_back_in_another_sequence(open_runner: OpenRunner, model: str, layout: KVLayout) -> None:
    runner = open_runner(model, layout)
    prefix, tail = text(1, 30), text(2, 5)
    runner.decode([Slice(1, 0, prefix, 0)])
    state = runner.save(1)
    expected = last_logits(runner, 1, len(prefix), tail)
    clear(runner)
    assert runner.load(2, state)
    assert runner.num_resident(2) == len(prefix)
    np.testing.assert_allclose(last_logits(runner, 2, len(prefix), tail), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cut", [0, 7, 1000])
def test_a_damaged_state_is_refused_and_leaves_nothing(open_runner: OpenRunner, layout: KVLayout, cut: int) -> None:
    runner = open_runner("dense", layout)
    runner.decode([Slice(0, 0, text(1, 30), 0)])
    assert not runner.load(1, runner.save(0)[:cut])
    assert runner.num_resident(1) == 0
    assert runner.num_resident(0) == 30


def test_a_step_that_does_not_fit_loses_nothing(open_runner: OpenRunner) -> None:
    bytes_per_cell = 2 * 2 * (16 + 16) * 2  # layers × KV heads × (key + value) × f16
    runner = open_runner("dense", KVLayout.UNIFIED, kv_memory_bytes=256 * bytes_per_cell)
    assert runner.num_cells == 256
    runner.decode([Slice(0, 0, text(1, 120), 0)])
    runner.decode([Slice(1, 0, text(2, 120), 0)])
    with pytest.raises(NoKVSlot):
        runner.decode([Slice(0, 120, [5], 1), Slice(1, 120, [5], 1), Slice(2, 0, text(3, 60), 1)])
    assert [runner.num_resident(seq_id) for seq_id in range(3)] == [120, 120, 0]
    assert runner.decode([Slice(0, 120, [5], 1)]).shape[0] == 1


def test_a_gap_in_positions_is_refused(open_runner: OpenRunner) -> None:
    runner = open_runner()
    runner.decode([Slice(0, 0, text(1, 10), 0)])
    with pytest.raises(DecodeFailed):
        runner.decode([Slice(0, 15, [5], 1)])


def test_what_llama_cpp_would_abort_on_never_reaches_it(open_runner: OpenRunner) -> None:
    runner = open_runner()
    too_much = Slice(0, 0, text(1, runner.n_batch + 1), 0)
    for bad in (
        too_much,
        Slice(4, 0, [5], 1),
        Slice(0, 0, text(1, runner.n_outputs_max + 1), runner.n_outputs_max + 1),
    ):
        with pytest.raises(AssertionError):
            runner.decode([bad])


def test_the_fingerprint_names_what_may_change_text(open_runner: OpenRunner) -> None:
    one, same = open_runner().info.fingerprint, open_runner().info.fingerprint
    others = {open_runner(layout=KVLayout.STREAMS).info.fingerprint, open_runner(flash_attention=True).info.fingerprint}
    assert one == same
    assert len({one, *others}) == 3


def test_a_file_that_is_no_model_fails_to_load(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelLoadFailed):
        LlamaRunner.open(path, "bad", EngineSettings())


def test_control_tokens_have_no_bytes_and_end_generation(open_runner: OpenRunner) -> None:
    runner = open_runner()
    assert runner.token_bytes(65) != b""
    ends = [i for i in range(runner.info.n_vocab) if runner.is_end_of_generation(i)]
    assert ends
    assert all(runner.token_bytes(i) == b"" for i in ends)


@pytest.mark.gguf
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_default_model_describes_itself_and_prefers_the_same_token(
    default_model_path: Path, layout: KVLayout
) -> None:
    settings = EngineSettings(n_ctx=512, max_sequences=3, n_threads=1)
    prompt = [1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198]  # "capital of France?"
    with LlamaRunner.open(default_model_path, "m", settings, plan=KVPlan(layout, "f16", False)) as runner:
        assert runner.info.architecture == "llama"
        assert runner.info.n_ctx == 512
        assert runner.info.has_chat_template
        alone = last_logits(runner, 0, 0, prompt)
        assert runner.copy_prefix(0, 2, 10)
        shared = last_logits(runner, 2, 10, prompt[10:])
        sampler = runner.make_sampler(SamplingParams(temperature=0.0), prompt, 1)
        assert sampler.sample(shared) == sampler.sample(alone)
        assert np.abs(shared - alone).max() < 2.0
