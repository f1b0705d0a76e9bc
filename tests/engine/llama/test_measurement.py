"""How far a speed that is told from measurements of other models is from the measured one."""

import os
from pathlib import Path

import gguf
import numpy as np
import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.llama.calibration import choose
from bdchat.engine.llama.measurement import measure
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.models.speed import MeasuredStep, Speeds
from bdchat.settings import EngineSettings

Q8_0 = gguf.GGMLQuantizationType.Q8_0
HEAD_SIZE = 64
N_VOCAB = 512


def write_made_llama(path: Path, *, n_embd: int, num_layers: int) -> Path:
    """A llama of some size in Q8_0: what its weights are does not matter to how long they take to be read."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(path.stem)
    writer.add_context_length(2048)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(num_layers)
    writer.add_feed_forward_length(3 * n_embd)
    writer.add_head_count(n_embd // HEAD_SIZE)
    writer.add_head_count_kv(n_embd // HEAD_SIZE)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HEAD_SIZE)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{number}" for number in range(N_VOCAB)])
    writer.add_token_types([int(gguf.TokenType.NORMAL)] * N_VOCAB)
    writer.add_token_merges(["t 0"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    random = np.random.default_rng(7)

    def add(name: str, rows: int, columns: int) -> None:
        block = gguf.quants.quantize(random.normal(0, 0.02, (1, columns)).astype(np.float32), Q8_0)
        writer.add_tensor(name, np.repeat(block, rows, axis=0), raw_dtype=Q8_0)

    add("token_embd.weight", N_VOCAB, n_embd)
    writer.add_tensor("output_norm.weight", np.ones(n_embd, np.float32))
    for layer in range(num_layers):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(n_embd, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", n_embd, n_embd)
        for name, rows, columns in (
            ("ffn_gate", 3 * n_embd, n_embd),
            ("ffn_up", 3 * n_embd, n_embd),
            ("ffn_down", n_embd, 3 * n_embd),
        ):
            add(f"blk.{layer}.{name}.weight", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def measured_step(path: Path) -> MeasuredStep:
    """As the first start of a model measures it; the faster of two, since others only ever add time."""
    settings = EngineSettings()
    with LlamaModel.open(path, settings) as model:
        step_ms = min(choose(measure(model, path.stem, settings)).base_ms for _ in range(2))
    return MeasuredStep(machine="here", step_bytes=read_header(path).step_bytes, step_ms=step_ms)


@pytest.mark.slow  # three models of up to 300 MB, each measured twice for some seconds
@pytest.mark.skipif("BDCHAT_FIGURES" not in os.environ, reason="BDCHAT_FIGURES=1 measures it, on a quiet machine")
def test_a_speed_is_told_within_a_third_from_other_sizes(tmp_path: Path) -> None:
    """Each of three sizes from the two others, and from one that is smaller: what is measured first is the small model
    that everybody begins with. On small machines the clock is the thread's own; others still take caches and bandwidth
    from it. From one eleven times as large the small one was told 36 % too fast (2026-11-30): half of it stays in the
    CPU's caches."""
    sizes = {"small": (512, 8), "middle": (1024, 10), "large": (1536, 10)}
    steps = [
        measured_step(write_made_llama(tmp_path / f"{name}.gguf", n_embd=n_embd, num_layers=num_layers))
        for name, (n_embd, num_layers) in sizes.items()
    ]
    errors: dict[str, float] = {}
    for position, step in enumerate(steps):
        others = [each for each in steps if each is not step]
        for known in (others, *([each] for each in steps[:position])):
            told = Speeds(known).tokens_per_s(step.step_bytes)
            assert told is not None
            of = "+".join(f"{each.step_bytes / 1e6:.0f} MB" for each in known)
            errors[f"{step.step_bytes / 1e6:.0f} MB from {of}"] = told * step.step_ms / 1000 - 1
    assert all(abs(error) <= 0.3 for error in errors.values()), errors
