"""A GGUF on disk → a loaded model that serves. Engine process, step loop's thread.

The order is the point: the file's header is checked in Python before native code sees it, and the library itself is
tried in a process of its own before this one trusts it.
"""

import gc
from collections.abc import Callable
from pathlib import Path

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf import read_header
from bdchat.engine.kv_plan import safe_plan
from bdchat.engine.llama_model import LlamaModel
from bdchat.engine.llama_runner import LlamaRunner
from bdchat.engine.llama_tokenizer import LlamaTokenizer
from bdchat.engine.prompt import make_prompt_builder
from bdchat.engine.wire import Load
from bdchat.engine.worker import LoadedModel
from bdchat.settings import EngineSettings


class LlamaLoader:
    """Fulfils ModelLoader."""

    def load(self, load: Load, report_progress: Callable[[str, float | None], None]) -> LoadedModel:
        """Raises GGUFError, TemplateError, ModelLoadFailed."""
        path = Path(load.model_path)
        settings = EngineSettings.model_validate(load.settings)
        report_progress("checking the file", None)
        header = read_header(path)
        if header.is_embedding:
            raise ModelLoadFailed(load.model_id, "this model makes vectors, it does not write")
        report_progress("reading the model", None)
        model = LlamaModel.open(path, settings)
        try:
            tokenizer = LlamaTokenizer(model.handle)
            prompts = make_prompt_builder(tokenizer, tokenizer.chat_template, tokenizer.bos_text, tokenizer.eos_text)
            runner = LlamaRunner(
                model, load.model_id, settings, safe_plan(settings, on_gpu=model.on_gpu), owns_model=True
            )
        except BaseException:
            model.close()
            raise
        gc.freeze()  # what was loaded stays for the process's life; the collector need not look through it in a step
        return LoadedModel(runner, prompts)
