from collections.abc import Callable
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.model_runner import MemoryClass
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_llama, write_tiny_mamba, write_tiny_mistral, write_tiny_swa

CASES: dict[str, tuple[Callable[[Path], Path], MemoryClass]] = {
    "mistral": (write_tiny_mistral, MemoryClass.DENSE),
    "llama": (write_tiny_llama, MemoryClass.DENSE),
    "swa": (write_tiny_swa, MemoryClass.SWA),
    "mamba": (write_tiny_mamba, MemoryClass.RECURRENT),
}


def first_logits(model: LlamaModel, tokens: list[int]) -> np.ndarray:
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_threads = 256, 64, 1
    context = llama_cpp.llama_init_from_model(model.handle, params)
    try:
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(batch, len(tokens))) == 0
        row = llama_cpp.llama_get_logits_ith(context, len(tokens) - 1)
        return np.ctypeslib.as_array(row, (model.n_vocab,)).copy()
    finally:
        llama_cpp.llama_free(context)


@pytest.mark.parametrize("name", CASES)
def test_llama_cpp_loads_and_computes_each(name: str, tmp_path: Path) -> None:
    write, memory_class = CASES[name]
    path = write(tmp_path / f"{name}.gguf")
    assert path.stat().st_size < 8 * 1024 * 1024
    with LlamaModel.open(path, EngineSettings()) as model:
        assert model.memory_class is memory_class
        one, other = first_logits(model, [10, 20, 30]), first_logits(model, [10, 21, 30])
        assert np.isfinite(one).all()
        assert one.std() > 0.1
        assert np.abs(one - other).max() > 1e-3, "the logits must depend on earlier tokens"
