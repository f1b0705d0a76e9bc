"""A model of a real one's shape loads as that model would, and says something finite."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bdchat.engine.gguf.header import read_header
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import Slice
from bdchat.settings import EngineSettings
from benchmark.model_shapes import MISTRAL_7B, shaped_model
from bootstrap_console import BootstrapError

SMALL = replace(MISTRAL_7B, name="small", num_layers=4, n_embd=256, n_ff=512, num_heads=4, num_heads_kv=2)


@pytest.mark.slow
def test_a_shape_is_a_file_that_loads_and_answers_with_finite_logits(tmp_path: Path) -> None:
    path = shaped_model(SMALL, tmp_path, num_layers=2)
    header = read_header(path)
    assert (header.num_layers, header.n_vocab, header.quantization) == (2, 32_768, "Q4_K_M")
    assert [path] == list(tmp_path.iterdir())  # nothing partial beside it
    runner = LlamaRunner.open(path, "small", EngineSettings(n_ctx=64, n_threads=1, max_sequences=1))
    try:
        logits = runner.decode([Slice(seq_id=0, start=0, tokens=(1, 2000, 3000), num_outputs=1)])
        assert np.isfinite(logits).all()
        assert logits.std() > 0.1
    finally:
        runner.close()
    written = path.stat().st_mtime_ns
    assert shaped_model(SMALL, tmp_path, num_layers=2).stat().st_mtime_ns == written


def test_more_layers_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BootstrapError, match="has 32 layers, not 33"):
        shaped_model(MISTRAL_7B, tmp_path, num_layers=33)
